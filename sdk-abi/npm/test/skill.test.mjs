// The OpenClaw skill, script by script, as an agent runs it: look, stake, serve, sell, settle, leave.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, test } from "node:test";
import { keccak256, parseEther, parseUnits, toHex } from "viem";
import { mined } from "../dist/index.js";
import { pool, sink, source } from "../dist/generated/actions/index.js";
import { accountAt, clientAt, deployment, mine, mintUsdc, onChain, url } from "./chain.mjs";

const skill = fileURLToPath(new URL("../../../examples/openclaw-skill/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bpe-skill-"));
const taskTypeId = keccak256(toHex("sdk: skill"));
const running = [];
after(() => {
  for (const stop of running) stop();
  rmSync(folder, { recursive: true });
});

function set_up() {
  const packages = fileURLToPath(new URL("..", import.meta.url));
  mkdirSync(join(folder, "node_modules/@bpe"), { recursive: true });
  symlinkSync(packages, join(folder, "node_modules/@bpe/stylus"));
  symlinkSync(join(packages, "node_modules/viem"), join(folder, "node_modules/viem"));
  cpSync(join(skill, "scripts"), join(folder, "scripts"), { recursive: true });
  writeFileSync(join(folder, "deployment.json"), JSON.stringify(deployment));
}

/** The environment of an agent with the key of one of the devnet's accounts. */
function environment(index) {
  const key = join(folder, `key-${index}`);
  writeFileSync(key, toHex(accountAt(index).getHdKey().privateKey), { mode: 0o600 });
  const DEPLOYMENT = join(folder, "deployment.json");
  return {
    ...process.env,
    RPC: url,
    DEPLOYMENT,
    TASK_TYPE: taskTypeId,
    AGENT_KEY_FILE: key,
    STATE: join(folder, `state-${index}`),
  };
}

function run(index, script, ...args) {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment(index), timeout: 60_000 };
    execFile(process.execPath, [`scripts/${script}`, ...args], options, (error, stdout, stderr) => {
      assert.ok(stdout, stderr);
      resolve({ ok: !error, said: JSON.parse(stdout) });
    });
  });
}

/** A service that the agent offers. */
async function service() {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    assert.equal(request.headers["bpe-task"], undefined);
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ path: request.url, ...JSON.parse(body) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  running.push(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

async function serving(target) {
  const args = ["scripts/serve.mjs", "--price", "1000000000000", "--service", target, "--port", "0"];
  const child = spawn(process.execPath, args, { cwd: folder, env: environment(5) });
  running.push(() => child.kill());
  const [line] = await once(child.stdout, "data");
  return { uri: JSON.parse(line).serving, stop: async () => (child.kill("SIGTERM"), await once(child, "exit")) };
}

test("what the skill names is there", () => {
  const text = readFileSync(join(skill, "SKILL.md"), "utf8");
  assert.match(text, /^---\nname: bpe\ndescription: .+\n/);
  const named = [...text.matchAll(/scripts\/(\w+\.mjs)/g)].map(([, name]) => name);
  const scripts = readdirSync(join(skill, "scripts"));
  assert.ok(named.length >= 6);
  for (const name of named) assert.ok(scripts.includes(name), name);
});

test("an agent stakes, serves, settles and leaves", onChain, async () => {
  set_up();
  const owner = clientAt(0);
  const of = { deployment, taskTypeId };
  await mined(sink.registerTaskType(owner, { ...of, minStake: parseEther("100") }));
  await mined(pool.setWeighting(owner, { ...of, weighting: 3 }));
  await mined(pool.createPool(owner, of));
  for (const index of [5, 6]) {
    await mintUsdc(accountAt(index).address, parseUnits("500", 6));
    await source.wrapTokens(clientAt(index), { deployment, amount: parseEther("500") });
  }

  const greedy = await run(5, "stake.mjs", "--capacity", "10", "--stake", "100000000");
  assert.deepEqual([greedy.ok, greedy.said.error], [false, "TooFewTokens"]);
  const staked = await run(5, "stake.mjs", "--capacity", "10", "--stake", "400");
  assert.deepEqual([staked.ok, staked.said.registered], [true, true], JSON.stringify(staked.said));
  const again = await run(5, "stake.mjs", "--capacity", "10", "--stake", "400");
  assert.deepEqual(again.said.steps, []);
  await mine(1, 60);

  const { uri, stop } = await serving(await service());
  const address = accountAt(5).address;
  const bought = await run(
    6,
    "buy.mjs",
    "--path",
    "/v1/echo?x=1",
    "--body",
    '{"text":"hello"}',
    "--most",
    "0.01",
    "--sink",
    address,
    "--uri",
    uri,
  );
  const { status, body, faults } = bought.said;
  assert.deepEqual([status, JSON.parse(body), faults], [200, { path: "/v1/echo?x=1", text: "hello" }, []]);
  const [code] = await stop();
  assert.equal(code, 0);

  // The books are on disk: another process is paid.
  const settled = await run(5, "settle.mjs");
  assert.deepEqual([settled.said.redeemed.length, settled.said.rejected], [1, []], JSON.stringify(settled.said));
  assert.equal(settled.said.redeemed[0].value, "1000000000000");
  const looked = await run(5, "look.mjs");
  assert.deepEqual([looked.said.agent, looked.said.quotes.length], [address, 1]);
  const left = await run(5, "leave.mjs");
  assert.ok(left.said.steps.includes("deregister") && left.said.waitUntil, JSON.stringify(left.said));
});
