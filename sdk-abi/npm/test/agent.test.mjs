// The examples in tests/fixtures/agent/, which the Rust crate `bpe-agent` reads too: inputs, and what has to come out.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hashTypedData } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import * as agent from "../dist/agent.js";
import { completionReceiptTypes, completionTrackerDomain, workLedgerDomain, workVoucherTypes } from "../dist/index.js";
import { toJson } from "../dist/agent/wire.js";

const folder = new URL("../../../tests/fixtures/agent/", import.meta.url);
const fixture = (name) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
const plain = (value) => JSON.parse(toJson(value));
const big = (record) => Object.fromEntries(Object.entries(record).map(([name, it]) => [name, BigInt(it)]));

/** Every element of an array that has to be there. */
function each(document, key, look) {
  assert.ok(document[key].length > 0, key);
  document[key].forEach((it, index) => look(it, `${key}[${index}]`));
}

test("capacity: the same readings", () => {
  const document = fixture("capacity.json");
  each(document, "cases", ({ name, settings, steps }) => {
    const computer = new agent.CapacityComputer({ ...settings, initial: BigInt(settings.initial) });
    steps.forEach(({ window, reading }, step) => {
      assert.deepEqual(plain(computer.observe(window)), reading, `${name}, step ${step}`);
    });
  });
  each(document, "publishers", ({ deltaBps, renewAfter, steps }) => {
    const publisher = new agent.Publisher({ deltaBps: BigInt(deltaBps), renewAfter: BigInt(renewAfter) });
    steps.forEach(({ capacity, now, told }, step) => {
      const due = publisher.due(BigInt(capacity), BigInt(now));
      assert.equal(due, told, `step ${step}`);
      if (due) publisher.told(BigInt(capacity), BigInt(now));
    });
  });
});

function happen(book, event) {
  switch (event.op) {
    case "admit": {
      const { value, earmarked, counted } = event.request;
      const funds = { earmarked: BigInt(earmarked), counted: BigInt(counted) };
      const admission = book.admit({ ...event.request, value: BigInt(value), ...funds }, event.nowMs);
      if (admission.refused) {
        const { reason, ...rest } = admission.refused;
        return { refused: { [reason]: plain(rest) } };
      }
      const { id, runs, expectedMs } = admission;
      return runs ? { runs: { id } } : { waits: { id, expectedMs } };
    }
    case "done":
      return book.end(event.id, { done: BigInt(event.value) }, event.nowMs);
    case "failed":
      return book.end(event.id, "failed", event.nowMs);
    case "vouchered":
      book.vouchered(event.source, BigInt(event.value), BigInt(event.settled ?? event.value));
      return null;
    case "atOnce":
      return book.setAtOnce(event.atOnce, event.nowMs);
    case "standing": {
      const { running, waiting, meanMs } = book;
      const rest = { trust: book.trust(event.source), running, waiting, meanMs, expectedWaitMs: book.expectedWaitMs() };
      const { lastMs, ...standing } = book.standing(event.source);
      return plain({ ...standing, ...rest });
    }
    default:
      return assert.fail(event.op);
  }
}

test("streams: the same rates", () => {
  each(fixture("streams.json"), "rates", ({ settings, inputs, rate }, place) => {
    assert.equal(String(agent.nextRate(big(settings), big(inputs))), rate, place);
  });
});

test("queue: the same decisions", () => {
  each(fixture("queue.json"), "cases", ({ name, settings, events }) => {
    const { firstTrust, mostTrust, mostStrangers } = big({
      firstTrust: settings.firstTrust,
      mostTrust: settings.mostTrust,
      mostStrangers: settings.mostStrangers,
    });
    const book = new agent.Book({ ...settings, firstTrust, mostTrust, mostStrangers });
    events.forEach((event, index) => assert.deepEqual(happen(book, event), event.result, `${name}, event ${index}`));
  });
});

test("vouchers: the same values, totals and signatures", async () => {
  const document = fixture("vouchers.json");
  each(document, "values", ({ work, price, value }, place) => {
    assert.equal(agent.valueOf(BigInt(work), BigInt(price))?.toString() ?? null, value, place);
  });
  each(document, "prices", ({ work, value, price }, place) => {
    assert.equal(agent.priceOf(BigInt(work), BigInt(value)).toString(), price, place);
  });
  each(document, "sums", ({ totals, more, sum }, place) => {
    let found;
    try {
      found = plain(agent.plus(big(totals), big(more)));
    } catch (error) {
      found = { tooLarge: { name: error.args.argument, most: error.args.expected.replace("at most ", "") } };
    }
    assert.deepEqual(found, sum, place);
  });
  each(document, "orders", ({ there, offered, order }, place) => {
    assert.equal(agent.order(big(there), big(offered)), order, place);
  });
  for (const it of document.signed) await checkSigned(it);
  assert.ok(document.signed.length > 0);
});

const numbers = ["chainId", "work", "value", "tasks", "timestamp", "deadline"];
const revive = (message) =>
  Object.fromEntries(Object.entries(message).map(([name, it]) => [name, numbers.includes(name) ? BigInt(it) : it]));

async function checkSigned({ primaryType, key, chainId, verifyingContract, message, signer, digest, signature }) {
  const data = {
    WorkVoucher: () => ({ domain: workLedgerDomain(Number(chainId), verifyingContract), types: workVoucherTypes }),
    CompletionReceipt: () => ({
      domain: completionTrackerDomain(Number(chainId), verifyingContract),
      types: completionReceiptTypes,
    }),
    WorkAssignment: () => agent.assignmentOf(revive(message)),
  }[primaryType]();
  const signed = { primaryType, message: revive(message), ...data };
  const account = privateKeyToAccount(key);
  assert.equal(account.address, signer);
  assert.equal(hashTypedData(signed), digest);
  assert.equal(await account.signTypedData(signed), signature);
  if (primaryType === "WorkAssignment") {
    assert.equal(await agent.signerOfTask(revive(message), signature), signer);
    await assert.rejects(agent.signerOfTask(revive(message), signature.slice(0, -2)), { problem: "NoSignature" });
  }
}

function counted({ scale, requestBytes, contentType, body }, split) {
  const counter = new agent.Counter(
    { unit: scale.unit, ...big({ input: scale.input, output: scale.output }) },
    requestBytes,
    contentType,
  );
  const bytes = new TextEncoder().encode(body);
  for (let at = 0; at < bytes.length; at += split) counter.feed(bytes.subarray(at, at + split));
  const { streams, complete, failed, usage, work } = counter;
  return plain({ streams, complete, failed, usage, work });
}

test("formats: the same texts, refusals and counts", () => {
  const document = fixture("formats.json");
  each(document, "tasks", ({ offer, header, price }, place) => {
    assert.equal(agent.encodeTask(revive(offer)), header, place);
    assert.deepEqual(plain(agent.decodeTask(header)), offer, place);
    assert.equal(agent.priceOfTask(revive(offer)).toString(), price, place);
  });
  each(document, "badTasks", ({ header, error }, place) => {
    assert.throws(() => agent.decodeTask(header), { name: "TaskError", problem: error }, place);
  });
  const { header, body } = document.payment;
  assert.deepEqual(plain(agent.decodePaymentRequired(header)), body);
  assert.equal(agent.encodePaymentRequired(agent.decodePaymentRequired(header)), header);
  assert.equal(agent.streamOption(agent.decodePaymentRequired(header), 31337).scheme, "bpe-stream");
  assert.equal(agent.streamOption(agent.decodePaymentRequired(header), 1), undefined);
  for (const [parse, key] of [
    [agent.parseStatus, "status"],
    [agent.parseSubmission, "voucherSubmission"],
    [agent.parseVoucherAnswer, "voucherAnswer"],
    [agent.parseLatestVoucher, "latestVoucher"],
  ]) {
    assert.deepEqual(plain(parse(JSON.stringify(document[key]))), document[key], key);
    assert.throws(() => parse(JSON.stringify(document[key]).slice(1)), { name: "MalformedError" });
  }
  each(document, "scales", ({ metadata, scale }, place) => {
    let found;
    try {
      found = plain(agent.scaleOf(metadata));
    } catch (error) {
      found = { error: error.message };
    }
    assert.deepEqual(found, scale, place);
  });
  each(document, "answers", (it, place) => {
    for (const split of [1, 7, 1 << 20]) assert.deepEqual(counted(it, split), it.result, `${place}, by ${split} bytes`);
  });
});

test("offers that a sink does not expect", () => {
  const offer = revive(fixture("formats.json").tasks[0].offer);
  const { chainId, verifyingContract, sink, timestamp } = offer;
  const expected = { chainId, verifyingContract, sink, now: timestamp };
  agent.checkTask(offer, expected);
  for (const [change, problem] of [
    [{ chainId: 1n }, "Chain"],
    [{ verifyingContract: offer.source }, "Contract"],
    [{ sink: offer.source }, "Sink"],
    [{ work: 0n }, "Zero"],
    [{ value: agent.MOST_VALUE + 1n }, "TooLarge"],
    [{ deadline: timestamp }, "DeadlineGone"],
    [{ timestamp: timestamp - 61n }, "Timestamp"],
    [{ deadline: timestamp + 3_601n }, "DeadlineTooFar"],
  ]) {
    assert.throws(() => agent.checkTask({ ...offer, ...change }, expected), { name: "TaskError", problem });
  }
});

test("the queue: places come back on every way out, and nobody waits past the deadline", async () => {
  const source = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
  const settings = {
    atOnce: 2,
    mostWaiting: 8,
    mostPerSource: 20,
    firstServiceMs: 1,
    firstTrust: 1_000n,
    mostTrust: 1_000n,
    mostStrangers: 1_000n,
  };
  const queue = new agent.TaskQueueManager(settings);
  let [running, most] = [0, 0];
  const ask = { source, value: 10n, withinMs: 5_000 };
  const task = (fails) => async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    if (fails) throw new Error("the service is down");
    return { owed: 5n, result: "done" };
  };
  const ends = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => queue.serve(ask, task(index % 2 === 0))),
  );
  assert.deepEqual(
    ends.map((end) => end.status),
    Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? "rejected" : "fulfilled")),
  );
  assert.equal(most, 2);
  assert.deepEqual([queue.running, queue.waiting], [0, 0]);
  const standing = () => {
    const { inHand, outstanding, signed } = queue.standing(source);
    return { inHand, outstanding, signed };
  };
  assert.deepEqual(standing(), { inHand: 0, outstanding: 25n, signed: 0n });
  queue.vouchered(source, 25n);
  assert.deepEqual(standing(), { inHand: 0, outstanding: 0n, signed: 25n });
  assert.throws(() => queue.admit({ ...ask, value: 2_000n, earmarked: 9_000n }), {
    name: "QueueRefusal",
    retryAfter: 1,
  });
  assert.throws(() => queue.admit({ ...ask, value: 1_000n }), { name: "QueueRefusal", retryAfter: undefined });

  // By a clock that stands, so that what is measured here decides nothing.
  const still = new agent.TaskQueueManager(settings, () => 0);
  const held = [still.admit(ask), still.admit(ask)];
  const late = still.admit({ ...ask, withinMs: 30 });
  await assert.rejects(late.run(), { name: "QueueRefusal", message: "it waited until its deadline" });
  held.forEach((slot) => (slot.done(0n), slot.free()));
  assert.deepEqual([still.running, still.waiting], [0, 0]);
});

test("lifecycles: what is missing comes next", () => {
  const sink = {
    stake: 0n,
    required: 100n,
    balance: 400n,
    allowance: 0n,
    registered: false,
    free: 0n,
    unbonding: 0n,
    unbondingUntil: 0n,
    owed: 0n,
  };
  const plan = { capacity: 1n, stake: 300n };
  assert.deepEqual(agent.towardsService(sink, plan), { do: "approve", amount: 300n });
  assert.deepEqual(agent.towardsService({ ...sink, allowance: 300n }, plan), { do: "stake", amount: 300n });
  assert.deepEqual(agent.towardsService({ ...sink, balance: 299n }, plan), { do: "lacks", has: 299n, needed: 300n });
  assert.deepEqual(agent.towardsService({ ...sink, stake: 300n }, plan), { do: "register" });
  assert.deepEqual(agent.towardsService({ ...sink, registered: true }, plan), { do: "nothing" });
  assert.deepEqual(agent.towardsLeaving({ ...sink, owed: 1n, registered: true }), { do: "payOut" });
  assert.deepEqual(agent.towardsLeaving({ ...sink, registered: true }), { do: "deregister" });
  assert.deepEqual(agent.towardsLeaving({ ...sink, free: 5n }), { do: "withdraw", amount: 5n });
  assert.deepEqual(agent.towardsLeaving({ ...sink, unbonding: 5n, unbondingUntil: 9n }), { do: "wait", until: 9n });

  const source = {
    rate: 0n,
    least: 10n,
    available: 0n,
    wrappable: 10n ** 9n,
    approved: 0n,
    unspent: 0n,
    asked: 0n,
    askedAt: 0n,
  };
  const wanted = { rate: 100n, runwaySeconds: 0n, wrapAtMost: 10n ** 9n };
  assert.deepEqual(agent.towardsStreaming(source, wanted), { do: "approve", amount: 1_440_000n });
  assert.deepEqual(agent.towardsStreaming({ ...source, approved: 1_440_000n }, wanted), {
    do: "open",
    rate: 100n,
    wrap: 1_440_000n,
  });
  assert.deepEqual(agent.towardsStreaming({ ...source, rate: 95n }, wanted), { do: "nothing" });
  assert.deepEqual(agent.towardsStreaming({ ...source, rate: 200n }, wanted), { do: "change", rate: 100n });
  assert.deepEqual(agent.towardsStreaming({ ...source, rate: 200n }, { ...wanted, rate: 0n }), { do: "close" });
  const leaving = { ...source, unspent: 50n };
  assert.deepEqual(agent.towardsLeavingSource(leaving, 0n), { do: "ask", amount: 50n });
  assert.deepEqual(agent.towardsLeavingSource({ ...leaving, asked: 50n, askedAt: 100n }, 200n), {
    do: "wait",
    until: 3_700n,
  });
  assert.deepEqual(agent.towardsLeavingSource({ ...leaving, asked: 50n, askedAt: 100n }, 3_700n), { do: "takeBack" });
  assert.deepEqual(agent.towardsLeavingSource({ ...leaving, asked: 50n, askedAt: 100n }, 90_100n), {
    do: "ask",
    amount: 50n,
  });
});
