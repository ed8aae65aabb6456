// What a paying fetch does with hostile and broken sinks, without a chain.
import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { assignmentOf, decodeTask } from "../dist/agent.js";
import { createBpeFetch } from "../dist/fetch.js";
import { account, clientOf, deployment } from "./support.mjs";

const keys = [1, 2, 3].map((it) => privateKeyToAccount(toHex(it, { size: 32 })));
const names = ["workVouchers", "completionTracker", "workReserve", "streamGateway", "capacityRegistry"];
const book = deployment(names);
const taskTypeId = toHex(7, { size: 32 });
const price = 1_000n;
const limits = { price, perTask: 10n ** 9n, perHour: 10n ** 9n, flowRate: 1n, deposit: 1n };
const block = { number: "0x1", timestamp: "0x65000000", baseFeePerGas: "0x1", transactions: [] };
const zeros = `0x${"00".repeat(96)}`;
const client = () => clientOf((method) => (method === "eth_getBlockByNumber" ? block : zeros));
const status = (more = {}) => {
  const own = { taskTypeId, capacity: "1000000000", free: "1", queued: "0", price: `${price}`, ...more };
  return Response.json({ taskTypes: [own], draining: false });
};

/** An honest sink's signature of what it was offered. */
async function accepted(key, init, charged = price) {
  const offer = decodeTask(new Headers(init.headers).get("bpe-task"));
  const signature = await key.signTypedData(assignmentOf(offer));
  return { headers: { "bpe-task-signature": signature, "bpe-price": `${charged}` } };
}

/** A fetch whose sinks are functions of path and request, by host. */
function buyer(sinks, more = {}) {
  const seen = [];
  const faults = [];
  const reach = async (url, init) => {
    const { host, pathname } = new URL(url);
    seen.push({ host, pathname, init });
    return sinks[host](pathname, init);
  };
  const services = Object.keys(sinks).map((host, index) => ({ sink: keys[index].address, uri: `https://${host}` }));
  const options = { client: client(), account, deployment: book, taskTypeId, limits, sinks: services, fetch: reach };
  const scale = { unit: "request", input: 1_000_000_000n, output: 0n };
  const fetch = createBpeFetch({
    ...options,
    scale,
    random: () => 0,
    onFault: (it) => faults.push(it.message),
    ...more,
  });
  return { fetch, seen, faults };
}

const ask = (fetch) =>
  fetch("http://bpe/v1/x?y=1", {
    method: "POST",
    body: "{}",
    headers: { authorization: "Bearer secret", cookie: "a=b" },
  });
const tasks = (seen, host) => seen.filter((it) => it.host === host && it.pathname === "/v1/x");

test("credentials stay here; path and query go there", async () => {
  const sinks = {
    "a.example": async (path, init) =>
      path.startsWith("/bpe") ? status() : new Response("ok", await accepted(keys[0], init)),
  };
  const { fetch, seen } = buyer(sinks);
  assert.equal(await (await ask(fetch)).text(), "ok");
  const [{ init }] = tasks(seen, "a.example");
  assert.deepEqual([...init.headers.keys()].sort(), ["bpe-task", "bpe-task-signature", "content-type"]);
  assert.equal(init.redirect, "error");
});

test("sinks that cheat are left, and the next one serves", async () => {
  for (const [cheat, said] of [
    [async (init) => new Response("x", await accepted(keys[1], init)), /signature is not the sink's/],
    [async (init) => new Response("x", await accepted(keys[0], init, price + 1n)), /charges 1001/],
    [async () => new Response("free!"), /without a signature/],
    [async () => Promise.reject(new TypeError("connection refused")), /connection refused/],
  ]) {
    const { fetch, seen, faults } = buyer({
      "a.example": async (path, init) =>
        path.startsWith("/bpe/v1/status") ? status({ price: `${price - 1n}` }) : cheat(init),
      "b.example": async (path, init) => {
        if (path === "/bpe/v1/status") return status();
        return path.startsWith("/bpe")
          ? new Response("", { status: 500 })
          : new Response("served", await accepted(keys[1], init));
      },
    });
    const answer = await ask(fetch);
    assert.equal(await answer.text(), "served", said);
    await fetch.settled();
    assert.match(faults.join(), said);
    // A second request leaves the cheat alone: it is suspended.
    await (await ask(fetch)).text();
    assert.equal(tasks(seen, "a.example").length, 1);
  }
});

test("busy is not broken: it is left alone for as long as it says, and nothing is paid", async () => {
  let free = false;
  const { fetch, seen, faults } = buyer({
    "a.example": async (path, init) => {
      if (path === "/bpe/v1/status") return status();
      if (path.startsWith("/bpe")) return new Response("", { status: 500 });
      return free
        ? new Response("served", await accepted(keys[0], init))
        : new Response("", { status: 429, headers: { "retry-after": "1" } });
    },
  });
  assert.equal((await ask(fetch)).status, 503);
  free = true;
  assert.equal((await ask(fetch)).status, 503);
  assert.equal(tasks(seen, "a.example").length, 1);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  assert.equal(await (await ask(fetch)).text(), "served");
  await fetch.settled();
  assert.deepEqual(
    faults.filter((it) => !it.includes("voucher")),
    [],
  );
});

test("no sink: 503 at once; too dear, too large, or not reachable counts as none", async () => {
  const endless = () => new Response(new ReadableStream({ pull: (it) => it.enqueue(new Uint8Array(65_536).fill(32)) }));
  for (const sinks of [
    {},
    { "a.example": async () => status({ price: `${price + 1n}` }) },
    { "a.example": async () => endless() },
    { "a.example": async () => Response.json({ taskTypes: "all", draining: false }) },
    { "a.example": async () => Response.json({ taskTypes: [], draining: true }) },
  ]) {
    const started = performance.now();
    const { fetch, seen } = buyer(sinks);
    const answer = await ask(fetch);
    assert.equal(answer.status, 503);
    assert.equal((await answer.json()).error.code, "no_sink");
    assert.equal(tasks(seen, "a.example").length, 0);
    assert.ok(performance.now() - started < 3_000);
  }
});

test("spending limits hold for tasks at once, and what failed gives back", async () => {
  const open = [];
  const { fetch } = buyer(
    {
      "a.example": async (path, init) => {
        if (path === "/bpe/v1/status") return status();
        if (path.startsWith("/bpe")) return new Response("", { status: 500 });
        await new Promise((resolve) => open.push(resolve));
        return new Response("broken", { status: 500, ...(await accepted(keys[0], init)) });
      },
    },
    { limits: { ...limits, perHour: 2n * price } },
  );
  const two = [ask(fetch), ask(fetch)];
  while (open.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const third = await ask(fetch);
  assert.equal(third.status, 402);
  assert.equal((await third.json()).error.code, "spending_limit");
  open.forEach((it) => it());
  for (const answer of await Promise.all(two)) assert.deepEqual([answer.status, await answer.text()], [500, "broken"]);
  const again = ask(fetch);
  while (open.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  open[2]();
  assert.equal((await again).status, 500);
});

test("a body that breaks off is not vouched for, and its reader hears of it", async () => {
  const posted = [];
  const { fetch } = buyer({
    "a.example": async (path, init) => {
      if (path === "/bpe/v1/status") return status();
      if (path === "/bpe/v1/vouchers") return (posted.push(init.body), new Response("", { status: 500 }));
      let part = 0;
      const pull = (it) => (part++ === 0 ? it.enqueue(new TextEncoder().encode("half")) : it.error(new Error("gone")));
      return new Response(new ReadableStream({ pull }), await accepted(keys[0], init));
    },
  });
  await assert.rejects((await ask(fetch)).text());
  const canceled = await ask(fetch);
  await canceled.body.cancel();
  await fetch.settled();
  assert.deepEqual(posted, []);
});

test("a sink that never answers is given up, and so is a caller who stops waiting", async () => {
  const never = { "a.example": async (path) => (path === "/bpe/v1/status" ? status() : new Promise(() => {})) };
  const { fetch, faults } = buyer(never, { firstByte: 50 });
  assert.equal((await ask(fetch)).status, 503);
  assert.match(faults.join(), /TimedOut\(waitingFor: the first byte/);
});

test("a voucher with totals that this account has not signed is not believed", async () => {
  const zero = {
    taskTypeId,
    sink: keys[0].address,
    source: account.address,
    work: "9",
    value: "9",
    tasks: "9",
    timestamp: "1",
  };
  const fake = `0x${"11".repeat(65)}`;
  const { fetch, faults } = buyer({
    "a.example": async (path, init) => {
      if (path === "/bpe/v1/status") return status();
      if (path === "/bpe/v1/vouchers")
        return Response.json({ latest: zero, sinkSignature: fake, sourceSignature: fake }, { status: 409 });
      return new Response("ok", await accepted(keys[0], init));
    },
  });
  await (await ask(fetch)).text();
  await fetch.settled();
  assert.match(faults.join(), /has not signed/);
});
