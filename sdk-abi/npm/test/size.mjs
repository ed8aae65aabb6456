// What one action weighs in a bundle, minified, with viem and without what a page has of viem anyway.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/** What is stated in docs/typescript.md. */
export const wanted = [
  ["getStake", 'export { getStake } from "@bpe/stylus/actions/stake";'],
  ["stake", 'export { stake } from "@bpe/stylus/actions/stake";'],
  ["openStream", 'export { openStream } from "@bpe/stylus/actions/source";'],
  ["bpeActions", 'export { bpeActions } from "@bpe/stylus/actions";'],
];

/** The bytes of a bundle of `source`, and compressed. */
export async function sizeOf(source, external = []) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: new URL("..", import.meta.url).pathname, loader: "js" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    external,
    write: false,
    logLevel: "error",
  });
  const [{ contents }] = outputFiles;
  return { bytes: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const [name, source] of wanted) {
    const own = await sizeOf(source, ["viem", "viem/*"]);
    const all = await sizeOf(source);
    console.log(`${name}: ${own.bytes} bytes (${own.gzip} gzip) of ours, ${all.bytes} (${all.gzip} gzip) with viem`);
  }
}
