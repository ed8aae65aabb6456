// What the README shows, as one program: compiled as it stands there, and run on a chain with the suite.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseEther, parseUnits, toHex } from "viem";
import { directory, sink, stake } from "../dist/generated/actions/index.js";
import { accountAt, clientAt, deployment, mine, mintUsdc, onChain, url } from "./chain.mjs";

const here = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(here, "README.md"), "utf8");
const snippets = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
const folder = mkdtempSync(join(tmpdir(), "bpe-readme-"));
const run = promisify(execFile);
after(() => rmSync(folder, { recursive: true }));

/** What a user would have: the package and its peers, the deployment, and the README's program. */
function setUp() {
  const modules = join(here, "node_modules");
  mkdirSync(join(folder, "node_modules/@bpe"), { recursive: true });
  symlinkSync(here, join(folder, "node_modules/@bpe/stylus"));
  for (const name of readdirSync(modules)) {
    if (!name.startsWith(".")) symlinkSync(join(modules, name), join(folder, "node_modules", name));
  }
  mkdirSync(join(folder, "deployments"));
  writeFileSync(join(folder, "deployments/31337.json"), JSON.stringify(deployment));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const compilerOptions = {
    target: "ES2022",
    lib: ["ES2022", "DOM", "DOM.Iterable"],
    module: "NodeNext",
    types: ["node"],
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    resolveJsonModule: true,
    outDir: "out",
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["readme.ts"] }));
  const ends = ["await tools.close();", "server.closeAllConnections();", "server.close();"];
  writeFileSync(join(folder, "readme.ts"), [...snippets, ...ends].join("\n"));
}

test("ten things are shown, in their order", () => {
  const numbers = [...readme.matchAll(/^\*\*(\d+)\. .+/gm)].map(([, number]) => Number(number));
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(snippets.length, 15);
});

test("the README's program compiles and does what it says", onChain, async () => {
  setUp();
  await run(join(here, "node_modules/.bin/tsc"), ["--project", folder]).catch(({ stdout }) => assert.fail(stdout));

  const [creator, minStake] = [clientAt(4), parseEther("100")];
  for (const index of [4, 5]) await mintUsdc(accountAt(index).address, parseUnits("2000", 6));
  const opened = await directory.createTaskType(creator, { deployment, name: "translation", minStake, wrap: true });
  const of = { deployment, taskTypeId: opened.taskTypeId };
  await sink.becomeSink(creator, { ...of, capacity: 10n ** 10n, stake: parseEther("400"), wrap: true });

  const account = accountAt(5);
  const env = { ...process.env, RPC: url, KEY: toHex(account.getHdKey().privateKey) };
  const blocks = setInterval(() => void mine().catch(() => undefined), 500); // a capacity is revealed some blocks later
  const program = run(process.execPath, ["out/readme.js"], { cwd: folder, env, timeout: 120_000 });
  const { stdout } = await program.finally(() => clearInterval(blocks));
  for (const said of [
    new RegExp(`^${accountAt(4).address} asks for \\d+ wei$`, "m"),
    /^[1-9]\d+ wei per second, [1-9]\d+ wei of deposit$/m,
    /^410{19} wei are staked, for \d+ gas$/m,
    /^10{24} wei are more than the 10{19} that are free$/m,
    /^SinkAlreadyRegistered$/m,
    /^2 have registered$/m,
    /^\[ 6 \] \[ 13 \]$/m,
  ]) {
    assert.match(stdout, said);
  }
  const address = account.address;
  assert.equal(await stake.getStake(creator, { deployment, sink: address }), parseEther("410"));
  assert.equal((await sink.getRawCapacity(creator, { ...of, sink: address })) > 0n, true);
  const services = await directory.getAllServices(creator, of);
  assert.deepEqual(services, [{ sink: address, uri: "https://sink.example" }]);
  const embeddings = { deployment, name: "embeddings", creator: address };
  assert.equal((await directory.findTaskTypes(creator, embeddings)).length, 1);
});
