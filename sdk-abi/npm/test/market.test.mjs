// Buying and selling on a chain with the suite: a sink made of `createBpeServe`, and OpenAI's own client on
// `createBpeFetch`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { embed, generateText, streamText } from "ai";
import OpenAI from "openai";
import { keccak256, parseEther, parseUnits, toHex } from "viem";
import { createBpeFetch, memoryStore } from "../dist/fetch.js";
import { mined } from "../dist/index.js";
import { createBpeServe } from "../dist/serve.js";
import { closeStream } from "../dist/generated/actions/source.js";
import { directory, pool, sink, streams, vouchers, work } from "../dist/generated/actions/index.js";
import { accountAt, clientAt, deployment, mine, mintUsdc, onChain, openTaskType } from "./chain.mjs";

const taskTypeId = keccak256(toHex("sdk: market"));
const uri = "https://sink.example";
const of = { deployment, taskTypeId };
const seller = deployment && clientAt(5);
const buyer = deployment && clientAt(6);
const between = { ...of, source: accountAt(6).address, sink: accountAt(5).address };
const price = 10n ** 12n;
const scale = { unit: "token", input: 10n ** 6n, output: 10n ** 6n };
const settings = { mostWaiting: 8, mostPerSource: 8, firstServiceMs: 5, mostStrangers: parseEther("1") };
const limits = {
  price: 2n * price,
  perTask: parseEther("1"),
  perHour: parseEther("5"),
  flowRate: 10n ** 18n,
  deposit: parseEther("5"),
};

/** An answer of OpenAI's to a chat. */
const completion = (content, usage) => ({
  id: "1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage,
});

/** A small service that answers as OpenAI's does. */
async function service(request) {
  const { stream, input, messages } = await request.json();
  assert.equal(request.headers.get("authorization"), null, "credentials went to a stranger");
  if (input === "fail") return Response.json({ error: { message: "the model is broken" } }, { status: 500 });
  const usage = { prompt_tokens: 200, completion_tokens: 50, total_tokens: 250 };
  if (input)
    return Response.json({
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [0.5, 0.25] }],
      model: "m",
      usage,
    });
  assert.ok(messages.length > 0);
  if (!stream) return Response.json(completion("Zürich", usage));
  const chunk = (content, finish_reason = null) => ({
    id: "1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content }, finish_reason }],
  });
  const events = [chunk("Zür"), chunk("ich 🙂"), chunk("", "stop"), { ...chunk(""), choices: [], usage }].map(
    (it) => `data: ${JSON.stringify(it)}\n\n`,
  );
  const bytes = new TextEncoder().encode([...events, "data: [DONE]\n\n"].join(""));
  // One byte a read: events and characters are split.
  const body = new ReadableStream({
    start: (it) => (bytes.forEach((byte) => it.enqueue(Uint8Array.of(byte))), it.close()),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** A sink with its books, and what a `fetch` reaches it by. */
function sinkWith({ store = memoryStore(), ...rest } = {}, more = {}) {
  const queue = { ...settings, atOnce: 2, firstTrust: parseEther("1"), mostTrust: parseEther("2"), ...rest };
  const serve = createBpeServe({
    ...of,
    client: seller,
    service,
    price: () => price,
    trust: 1n,
    scale,
    store,
    queue,
    ...more,
  });
  const reach = (input, init) => serve.fetch(new Request(input, init));
  return { serve, reach };
}

function buyerOf(reach, more = {}) {
  const faults = [];
  const sinks = [{ sink: accountAt(5).address, uri }];
  const options = {
    ...of,
    client: buyer,
    scale,
    sinks,
    limits,
    wrap: true,
    fetch: reach,
    onFault: (it) => faults.push(it),
    ...more,
  };
  const fetch = createBpeFetch(options);
  const openai = new OpenAI({ apiKey: "a secret", baseURL: "http://bpe.invalid/v1", fetch, maxRetries: 0 });
  return { openai, fetch, faults };
}

test("a task type by work, with a sink", onChain, async () => {
  const owner = clientAt(0);
  await openTaskType(owner, of.taskTypeId);
  await mined(pool.setWeighting(owner, { ...of, weighting: 3 }));
  await mined(pool.createPool(owner, of));
  await mintUsdc(accountAt(5).address, parseUnits("1000", 6));
  await mintUsdc(accountAt(6).address, parseUnits("1000", 6));
  const joined = await sink.becomeSink(seller, { ...of, capacity: 10n ** 10n, stake: parseEther("400"), wrap: true });
  assert.ok(joined.length >= 3);
  await mine(1, 600);
});

test("OpenAI's client buys embeddings: a 402 is paid, a voucher is signed by both, and redeemed", onChain, async () => {
  const { serve, reach } = sinkWith();
  const { openai, fetch, faults } = buyerOf(reach);
  const answer = await openai.embeddings.create({ model: "m", input: "a text", encoding_format: "float" });
  assert.deepEqual(answer.data[0].embedding, [0.5, 0.25]);
  await fetch.settled();
  assert.deepEqual(faults, []);
  const { free } = await work.getBudget(buyer, between);
  assert.ok(free > 0n);

  const redeemed = await mined(serve.redeem());
  const counted = redeemed.events.find((event) => event.eventName === "Redeemed");
  assert.ok(counted, redeemed.events.map((event) => event.eventName).join());
  const totals = await vouchers.getTotals(buyer, between);
  const spent = (250n * 10n ** 6n * price) / 10n ** 9n;
  assert.deepEqual(totals, { work: 250n * 10n ** 6n, value: spent, tasks: 1n });
});

test("a stream of one byte a read arrives whole, and is counted by its usage", onChain, async () => {
  const { serve, reach } = sinkWith();
  const { openai, fetch, faults } = buyerOf(reach);
  const stream = await openai.chat.completions.create({
    model: "m",
    stream: true,
    messages: [{ role: "user", content: "Where?" }],
    max_tokens: 2_000,
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  assert.equal(text, "Zürich 🙂");
  await fetch.settled();
  assert.deepEqual(faults, []);
  assert.deepEqual([serve.queue.running, serve.queue.standing(accountAt(6).address).outstanding], [0, 0n]);
  await mined(serve.redeem());
  assert.equal((await vouchers.getTotals(buyer, between)).tasks, 2n);
});

test(
  "ten at once: two run at the sink, one payment, one voucher for many; a buyer that forgot asks again",
  onChain,
  async () => {
    const store = memoryStore();
    const { serve, reach } = sinkWith({ store, mostWaiting: 20, mostPerSource: 20 });
    const { openai, fetch, faults } = buyerOf(reach);
    const asked = Array.from({ length: 10 }, () =>
      openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" }),
    );
    await Promise.all(asked);
    await fetch.settled();
    assert.deepEqual(faults, []);
    // Another process of the same buyer, without its store: the sink shows it what it has signed.
    const forgetful = buyerOf(reach);
    await forgetful.openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" });
    await forgetful.fetch.settled();
    assert.deepEqual(forgetful.faults, []);
    await mine(1, 600);
    // Another process of the seller, with its store, is paid.
    assert.equal(serve.queue.running, 0);
    await mined(sinkWith({ store }).serve.redeem());
    assert.equal((await vouchers.getTotals(buyer, between)).tasks, 13n);
  },
);

test("trust outlives the process: what was signed counts after a restart", onChain, async () => {
  const store = memoryStore();
  const first = sinkWith({ store });
  const buying = buyerOf(first.reach);
  await buying.openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" });
  await buying.fetch.settled();
  const before = first.serve.queue.standing(accountAt(6).address);
  assert.ok(before.signed > 0n && before.outstanding === 0n);
  const second = sinkWith({ store });
  const again = buyerOf(second.reach);
  await again.openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" });
  await again.fetch.settled();
  assert.deepEqual(again.faults, []);
  const spent = (250n * 10n ** 6n * price) / 10n ** 9n;
  const { signed, outstanding } = second.serve.queue.standing(accountAt(6).address);
  assert.deepEqual([signed, outstanding], [before.signed + spent, 0n]);
});

test("what the service refuses costs nothing, and comes through", onChain, async () => {
  const { serve, reach } = sinkWith();
  const { openai, fetch, faults } = buyerOf(reach);
  await assert.rejects(openai.embeddings.create({ model: "m", input: "fail", encoding_format: "float" }), {
    status: 500,
  });
  await fetch.settled();
  assert.deepEqual(faults, []);
  assert.equal(await serve.redeem(), undefined);
  serve.drain();
  await assert.rejects(openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" }), { status: 503 });
});

const asked = { model: "m", input: "x", encoding_format: "float" };

test(
  "who is slow loses the place: a body that does not come, a service that never answers or ends",
  onChain,
  async () => {
    const { serve, reach } = sinkWith({}, { bodyTimeout: 200 });
    const endless = (input, init) => {
      if (!new Headers(init?.headers).has("bpe-task")) return reach(input, init);
      const body = new ReadableStream({ start: (it) => it.enqueue(new Uint8Array([123])) });
      return reach(input, { ...init, body, duplex: "half" });
    };
    await assert.rejects(buyerOf(endless).openai.embeddings.create(asked), { status: 408 });
    assert.deepEqual([serve.queue.running, serve.queue.waiting], [0, 0]);

    const half = new ReadableStream({ start: (it) => it.enqueue(new Uint8Array([123])) });
    for (const [service, expected] of [
      [() => new Promise(() => {}), /status 504 without a signature/],
      [() => new Response(half, { headers: { "content-type": "application/json" } }), /deadline has passed/],
    ]) {
      const hanging = sinkWith({}, { service, grace: 0 });
      const { openai, fetch } = buyerOf(hanging.reach, { taskSeconds: 2 });
      await assert.rejects(openai.embeddings.create(asked), expected);
      await fetch.settled();
      assert.equal(hanging.serve.queue.running, 0);
      assert.equal(await hanging.serve.redeem(), undefined);
    }
  },
);

test("the same offer twice at once is one task", onChain, async () => {
  const { reach } = sinkWith();
  const answers = [];
  const twice = async (input, init) => {
    if (!new Headers(init?.headers).has("bpe-task")) return reach(input, init);
    const both = await Promise.all([reach(input, init), reach(input, init)]);
    answers.push(both.map((it) => it.status).sort());
    return both.find((it) => it.status !== 409);
  };
  const { openai, fetch, faults } = buyerOf(twice);
  await openai.embeddings.create(asked);
  await fetch.settled();
  assert.deepEqual([answers, faults], [[[200, 409]], []]);
});

test("what is signed and has not counted is set aside, once it is more than the first trust", onChain, async () => {
  const trust = 8n * 10n ** 12n;
  const { reach } = sinkWith({ firstTrust: trust, mostTrust: trust });
  const [client, source] = [clientAt(8), accountAt(8).address];
  await mintUsdc(source, parseUnits("500", 6));
  const { openai, fetch, faults } = buyerOf(reach, { client });
  const earmarked = async () => (await work.getBudget(client, { ...between, source })).earmarked;
  for (let bought = 0; bought < 80 && (await earmarked()) === 0n; bought += 1) {
    await openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" });
    await fetch.settled();
  }
  assert.deepEqual(faults, []);
  assert.ok((await earmarked()) > 0n);
});

test("a source without a signature is served its first trust, however much it sets aside", onChain, async () => {
  const { serve, reach } = sinkWith({ firstTrust: 1n, mostTrust: parseEther("1") });
  const { timestamp } = await buyer.getBlock();
  await mined(
    work.earmark(buyer, { ...between, sink: accountAt(5).address, amount: 10n ** 15n, until: timestamp + 7_200n }),
  );
  const { openai } = buyerOf(reach);
  await assert.rejects(openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" }), { status: 503 });
  assert.equal(serve.queue.standing(accountAt(6).address).outstanding, 0n);
});

test("Vercel's AI SDK buys: an embedding, a text, a streamed text", onChain, async () => {
  const { serve, reach } = sinkWith();
  const { fetch, faults } = buyerOf(reach);
  const before = (await vouchers.getTotals(buyer, between)).tasks;
  const provider = createOpenAI({ apiKey: "a secret", baseURL: "http://bpe.invalid/v1", fetch });
  const { embedding, usage } = await embed({ model: provider.embedding("m"), value: "a text", maxRetries: 0 });
  assert.deepEqual([embedding, usage.tokens], [[0.5, 0.25], 200]);
  const asked = { model: provider.chat("m"), prompt: "Where?", maxOutputTokens: 2_000, maxRetries: 0 };
  const { text, totalUsage } = await generateText(asked);
  assert.deepEqual([text, totalUsage.totalTokens], ["Zürich", 250]);
  const streamed = [];
  for await (const part of streamText(asked).textStream) streamed.push(part);
  assert.equal(streamed.join(""), "Zürich 🙂");
  await fetch.settled();
  assert.deepEqual(faults, []);
  await mine(1, 600);
  await mined(serve.redeem());
  assert.ok((await vouchers.getTotals(buyer, between)).tasks >= before + 3n);
});

test("sinks are found in the directory, and nobody in one's own network is", onChain, async () => {
  const { reach } = sinkWith();
  const seen = [];
  const watched = (input, init) => (seen.push(new URL(input).host), reach(input, init));
  const { openai, fetch, faults } = buyerOf(watched, { sinks: undefined });
  for (const address of [
    "http://sink.example",
    "https://127.0.0.1",
    "https://[::1]:8080",
    "https://node.internal",
    "x",
  ]) {
    await mined(directory.setService(seller, { ...of, uri: address }));
    await assert.rejects(openai.embeddings.create(asked), { status: 503 });
  }
  assert.deepEqual(seen, []);
  await mined(directory.setService(seller, { ...of, uri }));
  await openai.embeddings.create(asked);
  await fetch.settled();
  assert.deepEqual([faults, [...new Set(seen)]], [[], ["sink.example"]]);
});

test("by stream: opened when a sink asks for money, wrapped for, and what flowed pays", onChain, async () => {
  const { serve, reach } = sinkWith({ firstTrust: parseEther("100"), mostTrust: parseEther("100") });
  const [streamer, source] = [clientAt(7), accountAt(7).address];
  await mintUsdc(source, parseUnits("500", 6));
  const more = {
    client: streamer,
    funding: "stream",
    limits: { ...limits, flowRate: 10n ** 16n, deposit: 10n ** 17n },
  };
  const { openai, fetch, faults } = buyerOf(reach, more);
  const asked = { model: "m", input: "x", encoding_format: "float", dimensions: 2 };
  assert.equal((await streams.getStream(streamer, { ...of, source })).flowRate, 0n);
  assert.deepEqual((await openai.embeddings.create(asked)).data[0].embedding, [0.5, 0.25]);
  await fetch.settled();
  const { flowRate } = await streams.getStream(streamer, { ...of, source });
  assert.ok(flowRate > 0n && flowRate <= more.limits.flowRate, `${flowRate}`);
  const { free } = await work.getBudget(streamer, { ...of, source, sink: accountAt(5).address });
  assert.ok(free > 0n);
  await openai.embeddings.create(asked); // what flows covers it: no other transaction
  await fetch.settled();
  assert.deepEqual(faults, []);
  await mine(1, 600);
  await mined(serve.redeem());
  const totals = await vouchers.getTotals(streamer, { ...between, source });
  assert.deepEqual([totals.tasks, totals.value], [2n, (2n * 250n * 10n ** 6n * price) / 10n ** 9n]);
  await mined(closeStream(streamer, of));
  assert.equal((await streams.getStream(streamer, { ...of, source })).flowRate, 0n);
});

test("by stream: not at a rate above the limit", onChain, async () => {
  const { reach } = sinkWith({
    firstTrust: parseEther("100"),
    mostTrust: parseEther("100"),
    mostStrangers: parseEther("100"),
  });
  const costly = { ...scale, output: 10n ** 15n };
  const stingy = buyerOf(reach, { scale: costly, funding: "stream", limits: { ...limits, flowRate: 1n } });
  await assert.rejects(stingy.openai.embeddings.create({ model: "m", input: "x", encoding_format: "float" }), {
    status: 402,
  });
});
