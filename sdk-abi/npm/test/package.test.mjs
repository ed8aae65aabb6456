// What the package holds, without any chain.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { getAddress, toFunctionSelector } from "viem";
import * as bpe from "../dist/index.js";
import { withTables } from "../generate/tables.mjs";
import { sizeOf, wanted } from "./size.mjs";

const here = new URL("..", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", here), "utf8"));
const run = (command, ...args) => execFileSync(command, args, { cwd: here, encoding: "utf8", stdio: "pipe" });

test("every ABI can be used by viem", () => {
  const abis = Object.entries(bpe).filter(([name]) => name.endsWith("Abi"));
  assert.ok(abis.length > 20);
  for (const [name, abi] of abis) {
    const functions = abi.filter((item) => item.type === "function");
    assert.ok(functions.length > 0, name);
    for (const item of functions) assert.match(toFunctionSelector(item), /^0x[0-9a-f]{8}$/);
  }
});

test("addresses have their checksums", () => {
  for (const chains of [bpe.addresses, bpe.superfluid]) {
    for (const contracts of Object.values(chains)) {
      for (const address of Object.values(contracts)) assert.equal(getAddress(address), address);
    }
  }
});

test("what is packed is what the exports name, and nothing else", () => {
  const [{ files }] = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts"));
  const packed = files.map((it) => it.path);
  for (const path of packed)
    assert.match(path, /^(dist\/.*\.(js|d\.ts)|abi\/\w+\.json|README\.md|package\.json|dist\/\.built)$/);
  for (const [name, entry] of Object.entries(manifest.exports)) {
    for (const file of typeof entry === "string" ? [entry] : Object.values(entry)) {
      if (!file.includes("*")) assert.ok(packed.includes(file.slice(2)), `${name}: ${file}`);
    }
  }
  assert.ok(packed.includes("dist/generated/actions/stake.d.ts"));
  assert.ok(!packed.some((path) => path.startsWith("src/") || path.startsWith("test/")));
});

test("publint and attw find nothing", () => {
  assert.match(run("node_modules/.bin/publint", "--strict", "--pack", "false"), /All good/);
  // A tarball without running scripts: what was built is what is looked at.
  const [{ filename }] = JSON.parse(run("npm", "pack", "--json", "--ignore-scripts"));
  try {
    run("node_modules/.bin/attw", filename, "--profile", "esm-only", "--format", "ascii");
  } finally {
    run("rm", "-f", filename);
  }
});

test("typedoc finds all that it is to document", () => {
  run("node_modules/.bin/typedoc", "--emit", "none", "--treatWarningsAsErrors", "--logLevel", "Warn");
});

test("sources are formatted: `npm run format`", () => {
  const command = manifest.scripts.format.replace("--write", "--check");
  assert.match(run("sh", "-c", `node_modules/.bin/${command}`), /All matched files use Prettier/);
});

test("nothing but viem is needed at run time", () => {
  assert.equal(manifest.dependencies, undefined);
  assert.deepEqual(Object.keys(manifest.peerDependencies).sort(), ["@modelcontextprotocol/sdk", "viem", "zod"]);
  assert.deepEqual(manifest.peerDependenciesMeta, {
    "@modelcontextprotocol/sdk": { optional: true },
    zod: { optional: true },
  });
  assert.equal(manifest.sideEffects, false);
});

test("one action is small, and docs/typescript.md says how small: `npm run size`", async () => {
  const document = readFileSync(new URL("../../docs/typescript.md", here), "utf8");
  const rows = [...document.matchAll(/^\| .*`(\w+)` \| ([\d.]+) KB \| ([\d.]+) KB \|$/gm)];
  assert.deepEqual(
    rows.map(([, name]) => name),
    wanted.map(([name]) => name),
  );
  const sizes = {};
  for (const [index, [name, source]] of wanted.entries()) {
    const [own, all] = [await sizeOf(source, ["viem", "viem/*"]), await sizeOf(source)];
    const measured = [own, all].map((it) => it.gzip / 1_000);
    rows[index].slice(2).forEach((said, column) => {
      const ratio = measured[column] / Number(said);
      assert.ok(ratio > 0.95 && ratio < 1.05, `${name}: ${measured[column]} KB, and ${said} in docs/typescript.md`);
    });
    sizes[name] = own.gzip;
  }
  assert.ok(sizes.getStake < 8_000 && sizes.stake < 8_000, JSON.stringify(sizes));
  assert.ok(sizes.bpeActions > 3 * sizes.getStake, "an action brings along all others");
});

test("docs/typescript.md lists every module and function as the ABIs have them: `npm run tables`", () => {
  const document = new URL("../../docs/typescript.md", here);
  const text = readFileSync(document, "utf8");
  assert.equal(text, withTables(text));
  assert.match(text, /^\| StakeManager \| .*`unstake`/m);
});

test("the README's modules are those that there are", () => {
  const readme = readFileSync(new URL("README.md", here), "utf8");
  const named = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const built = readdirSync(new URL("dist/generated/actions/", here)).filter((it) => it.endsWith(".d.ts"));
  const modules = built.map((it) => it.replace(".d.ts", "")).filter((it) => it !== "index");
  assert.deepEqual(named.sort(), modules.sort());
});
