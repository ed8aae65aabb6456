// The MCP server, by the official SDK's client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { keccak256, parseEther, parseUnits, toHex } from "viem";
import { mined } from "../dist/index.js";
import { createBpeMcpServer } from "../dist/mcp.js";
import { createBpeServe } from "../dist/serve.js";
import { directory, pool, sink, streams } from "../dist/generated/actions/index.js";
import { accountAt, clientAt, deployment, mine, mintUsdc, onChain, openTaskType } from "./chain.mjs";
import { account, clientOf, deployment as bookOf } from "./support.mjs";

const flowRate = parseEther("1000") / (30n * 86_400n);
const limits = {
  price: 10n ** 13n,
  perTask: parseEther("1"),
  perHour: parseEther("1"),
  flowRate: 2n * flowRate,
  deposit: parseEther("5"),
  streams: 1,
};

async function connected(options) {
  const server = createBpeMcpServer(options);
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await Promise.all([server.connect(ours), client.connect(theirs)]);
  const call = async (name, args) => {
    const { content, isError } = await client.callTool({ name, arguments: args });
    let said = content[0].text;
    try {
      said = JSON.parse(said);
    } catch {
      // A refusal of the SDK's own.
    }
    return { said, isError: isError ?? false };
  };
  return { client, call };
}

const nowhere = { client: clientOf(() => "0x"), deployment: bookOf(["stakeManager"]), account, limits };

test("tools, with schemas that models can fill in and hints that hosts can show", async () => {
  const { client } = await connected(nowhere);
  const { tools } = await client.listTools();
  const names = [
    "bpe_account",
    "bpe_buy_task",
    "bpe_close_stream",
    "bpe_find",
    "bpe_market",
    "bpe_open_stream",
    "bpe_quote",
  ];
  assert.deepEqual(tools.map((it) => it.name).sort(), names);
  const open = tools.find((it) => it.name === "bpe_open_stream");
  assert.deepEqual(open.inputSchema.required, ["taskTypeId", "flowRate"]);
  assert.equal(open.inputSchema.properties.flowRate.type, "string");
  assert.equal(open.annotations.readOnlyHint, false);
  for (const name of ["bpe_find", "bpe_market", "bpe_quote", "bpe_account"]) {
    assert.equal(tools.find((it) => it.name === name).annotations.readOnlyHint, true);
  }
});

test("what a model gets wrong is an answer, not a crash", async () => {
  const { call } = await connected(nowhere);
  const id = keccak256(toHex("x"));
  for (const [name, args] of [
    ["bpe_find", { name: "" }],
    ["bpe_market", { taskTypeId: "translation" }],
    ["bpe_open_stream", { taskTypeId: id, flowRate: "1e18" }],
    ["bpe_open_stream", { taskTypeId: id, flowRate: "-1" }],
    ["bpe_buy_task", { taskTypeId: id, path: "//evil.example/ x", body: "{}" }],
  ]) {
    assert.equal((await call(name, args)).isError, true, name);
  }
  const missing = await call("bpe_market", { taskTypeId: id });
  assert.deepEqual(missing, {
    said: { error: "MissingContract", contract: "capacityRegistry", chainId: 31337 },
    isError: true,
  });
  const greedy = await call("bpe_open_stream", { taskTypeId: id, flowRate: `${limits.flowRate + 1n}` });
  const expected = {
    error: "SpendingLimit",
    limit: "flowRate",
    most: `${limits.flowRate}`,
    asked: `${limits.flowRate + 1n}`,
  };
  assert.deepEqual(greedy, { said: expected, isError: true });
});

test("a stream is opened, bounded, and closed", onChain, async () => {
  const [owner, seller] = [0, 5].map(clientAt);
  const ids = ["sdk: mcp", "sdk: mcp two"].map((it) => keccak256(toHex(it)));
  await mintUsdc(accountAt(5).address, parseUnits("1000", 6));
  for (const taskTypeId of ids) {
    await openTaskType(owner, taskTypeId);
    await mined(pool.createPool(owner, { deployment, taskTypeId }));
  }
  await sink.becomeSink(seller, {
    deployment,
    taskTypeId: ids[0],
    capacity: 10n ** 10n,
    stake: parseEther("400"),
    wrap: true,
  });
  const [taskTypeId, second] = ids;
  const { call } = await connected({ client: clientAt(1), deployment, limits });
  const named = await directory.createTaskType(seller, { deployment, name: "sdk: mcp", minStake: parseEther("100") });
  const found = await call("bpe_find", { name: "sdk: mcp" });
  const creator = accountAt(5).address;
  assert.deepEqual(found.said, { taskTypes: [{ taskTypeId: named.taskTypeId, creator }] });
  const uri = "https://sink.example";
  await mined(directory.setService(seller, { deployment, taskTypeId, uri }));
  const market = await call("bpe_market", { taskTypeId });
  assert.deepEqual([market.said.paidBy, market.said.sinks.length], ["capacity", 1]);
  assert.deepEqual([market.said.sinks[0].sink, market.said.sinks[0].uri], [creator, uri]);
  const quote = await call("bpe_quote", { taskTypeId, work: "2000000000" });
  const [{ price, cost }] = quote.said.quotes;
  assert.equal(BigInt(cost), 2n * BigInt(price));

  const opened = await call("bpe_open_stream", { taskTypeId, flowRate: `${flowRate}` });
  assert.equal(opened.isError, false, JSON.stringify(opened.said));
  const source = accountAt(1).address;
  assert.ok((await streams.getStream(owner, { deployment, taskTypeId, source })).flowRate > 0n);
  const more = await call("bpe_open_stream", { taskTypeId: second, flowRate: `${flowRate}` });
  assert.deepEqual(more.said, { error: "SpendingLimit", limit: "streams", most: "1", asked: "2" });
  assert.ok(BigInt((await call("bpe_account", { taskTypeId })).said.stream.flowRate) > 0n);
  assert.equal((await call("bpe_close_stream", { taskTypeId })).isError, false);
  assert.equal((await streams.getStream(owner, { deployment, taskTypeId, source })).flowRate, 0n);
});

test("a task is bought, and no more than the limit is spent", onChain, async () => {
  const [owner, seller] = [0, 5].map(clientAt);
  const taskTypeId = keccak256(toHex("sdk: mcp work"));
  const of = { deployment, taskTypeId };
  await openTaskType(owner, taskTypeId);
  await mined(pool.setWeighting(owner, { ...of, weighting: 3 }));
  await mined(pool.createPool(owner, of));
  await sink.becomeSink(seller, { ...of, capacity: 10n ** 9n, stake: parseEther("400"), wrap: true });
  await mine(1, 600);
  const queue = {
    atOnce: 1,
    mostWaiting: 2,
    mostPerSource: 2,
    firstServiceMs: 1,
    firstTrust: parseEther("1"),
    mostTrust: parseEther("1"),
    mostStrangers: parseEther("1"),
  };
  const price = 10n ** 12n;
  const service = async (request) => Response.json({ echoed: await request.json() });
  const serve = createBpeServe({ ...of, client: seller, service, price: () => price, trust: 1n, queue });
  const fetch = (input, init) => serve.fetch(new Request(input, init));
  const sinks = [{ sink: accountAt(5).address, uri: "https://sink.example" }];
  // Two tasks of a work unit each fit into the limit.
  const options = {
    client: clientAt(1),
    deployment,
    sinks,
    fetch,
    wrap: true,
    limits: { ...limits, perHour: 2n * price },
  };
  const { call } = await connected(options);
  const buy = () => call("bpe_buy_task", { taskTypeId, path: "/v1/echo", body: '{"text":"hello"}' });
  for (let task = 0; task < 2; task += 1) {
    const { said } = await buy();
    assert.deepEqual([said.status, JSON.parse(said.body)], [200, { echoed: { text: "hello" } }]);
  }
  const third = await buy();
  assert.equal(third.said.status, 402);
  assert.match(third.said.body, /SpendingLimit\(limit: perHour/);
});
