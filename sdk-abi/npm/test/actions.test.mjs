// Every module on a chain with the suite and real Superfluid, in the order in which somebody would use them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1";
import { concat, keccak256, parseEther, parseUnits, sha256, slice, toHex, zeroAddress, zeroHash } from "viem";
import { bpeActions } from "../dist/actions.js";
import { mined } from "../dist/index.js";
import * as modules from "../dist/generated/actions/index.js";
import {
  accountAt,
  clientAt,
  deployed,
  deployment,
  mine,
  mintUsdc,
  namesOf,
  onChain,
  openTaskType,
  refused,
} from "./chain.mjs";

const { aggregator, buffer, commitReveal, completion, demurrage, economy, keys, lightning } = modules;
const { nestedPool, openclaw } = modules;
const { directory, judge, overflow, pipeline, platform, pool, pricing, relay, router, sink, source, stake, streams } =
  modules;
const { vouchers, work } = modules;

const id = (name) => keccak256(toHex(name));
const units = (amount) => BigInt(amount) * 10n ** 9n;
const translation = id("sdk: translation");
const embedding = id("sdk: embedding");
const flowRate = parseEther("1000") / (30n * 86_400n);
const [owner, worker, payer, other, agent] = deployment ? [0, 5, 6, 7, 3].map(clientAt) : [];
const [workerAddress, payerAddress, otherAddress, agentAddress] = [5, 6, 7, 3].map((index) => accountAt(index).address);
/** The router's number of payments in ether. */
const CHAIN = 2;
const it = { deployment };
const as = (rest) => ({ deployment, ...rest });

const now = async () => (await owner.getBlock()).timestamp;

test("stake: tokens are wrapped, approved and staked; what cannot be is refused by name", onChain, async () => {
  const strangers = clientAt(9);
  const before = await stake.getStake(strangers, as({ sink: accountAt(9).address }));
  assert.equal(before, 0n);
  await mintUsdc(workerAddress, parseUnits("5000", 6));
  const held = await streamable(workerAddress);
  // Task types that a creator opens set stake aside, and what is set aside backs no capacity.
  const amount = held + parseEther("2000");
  const poor = await refused(stake.stakeWithApproval(worker, as({ amount })), "TooFewTokens");
  assert.deepEqual(poor.args, {
    token: deployment.superfluid.usdcx,
    account: workerAddress,
    required: amount,
    available: held,
  });

  const { events, receipt } = await mined(stake.stakeWithApproval(worker, as({ amount, wrap: true })));
  const staked = events.find((event) => event.eventName === "Staked");
  assert.deepEqual(staked.args, { sink: workerAddress, amount, totalStake: amount });
  assert.equal(await stake.getStake(worker, as({ sink: workerAddress })), amount);
  assert.equal(await stake.getStake(worker, as({ sink: workerAddress, blockNumber: receipt.blockNumber - 1n })), 0n);
  assert.equal(await stake.stakeUpTo(worker, as({ amount })), undefined);

  const tooMuch = await refused(stake.unstake(worker, as({ amount: amount + 1n })), "InsufficientStake");
  assert.deepEqual(tooMuch.args, { required: amount + 1n, available: amount });
  const notOwner = stake.setTreasury(worker, as({ treasury: workerAddress }));
  assert.deepEqual((await refused(notOwner, "OwnableUnauthorizedAccount")).args, { account: workerAddress });
  const past = await stake.getStakeManagerEvents(worker, as({ eventName: "Staked", args: { sink: workerAddress } }));
  assert.deepEqual(
    past.map((event) => event.args.amount),
    [amount],
  );
});

/** What an account has in USDCx. */
async function streamable(account) {
  const abi = [
    {
      type: "function",
      name: "balanceOf",
      stateMutability: "view",
      inputs: [{ type: "address" }],
      outputs: [{ type: "uint256" }],
    },
  ];
  return owner.readContract({ address: deployment.superfluid.usdcx, abi, functionName: "balanceOf", args: [account] });
}

test("sink: a task type, a sink that registers in steps, pages of sinks", onChain, async () => {
  const minStake = parseEther("100");
  const metadata = '{"name":"translation"}';
  await mined(directory.registerTaskType(worker, as({ taskTypeId: translation, metadata, minStake })));
  assert.equal(await directory.getMetadata(worker, as({ taskTypeId: translation })), metadata);
  const again = await refused(
    sink.registerTaskType(worker, as({ taskTypeId: translation, minStake })),
    "TaskTypeAlreadyExists",
  );
  assert.ok(again.functionName === "registerTaskType");

  const parameters = as({ taskTypeId: translation, capacity: units(10), stake: parseEther("400") });
  assert.equal((await sink.becomeSink(worker, parameters)).length, 2); // staked before
  assert.equal((await sink.becomeSink(worker, parameters)).length, 1); // again: units only
  await mintUsdc(otherAddress, parseUnits("500", 6));
  assert.ok((await sink.becomeSink(other, { ...parameters, wrap: true, capacity: units(5) })).length >= 4);
  const { minStake: asked, sinkCount, totalCapacity } = await sink.getTaskType(worker, as({ taskTypeId: translation }));
  assert.deepEqual([asked, sinkCount, totalCapacity], [minStake, 2n, units(15)]);
  const all = await sink.getAllSinks(worker, as({ taskTypeId: translation, pageSize: 1n }));
  assert.deepEqual(all, [
    { sink: workerAddress, capacity: units(10) },
    { sink: otherAddress, capacity: units(5) },
  ]);
  await refused(sink.getAllSinks(worker, as({ taskTypeId: translation, most: 1 })), "InvalidArgument");
});

test("directory: a task type by name, where its sinks are, and who they are", onChain, async () => {
  const name = "sdk: Zürich, translated";
  const fees = { start: 10n ** 9n };
  const terms = { name, metadata: { 1: "first", name: "another" }, minStake: parseEther("100"), paidBy: "work", fees };
  await refused(directory.createTaskType(worker, as({ ...terms, name: 'a "name"' })), "InvalidArgument");
  await refused(directory.createTaskType(worker, as({ ...terms, name: "" })), "InvalidArgument");
  const poor = await refused(directory.createTaskType(clientAt(4), as(terms)), "TooFewTokens");
  assert.equal(poor.args.account, accountAt(4).address);
  const { taskTypeId, hashes } = await directory.createTaskType(worker, as(terms));
  assert.equal(hashes.length, 1); // staked before
  const of = as({ taskTypeId });
  assert.equal(taskTypeId, await directory.deriveTaskTypeId(owner, as({ creator: workerAddress, name })));
  assert.equal(await directory.getName(owner, of), name);
  assert.equal(await directory.getMetadata(owner, of), `{"name":"${name}","1":"first"}`);
  assert.equal(await pool.getWeighting(owner, of), 3n);
  assert.equal(await pricing.getBaseFee(owner, of), fees.start);
  assert.notEqual(await pool.getPool(owner, of), zeroAddress);
  await mintUsdc(agentAddress, parseUnits("1000", 6));
  const second = await directory.createTaskType(agent, as({ ...terms, fees: undefined, wrap: true }));
  assert.ok(second.hashes.length >= 2); // staked what a creator needs
  const both = [
    { taskTypeId, creator: workerAddress },
    { taskTypeId: second.taskTypeId, creator: agentAddress },
  ];
  assert.deepEqual(await directory.findTaskTypes(owner, as({ name })), both);
  assert.deepEqual(await directory.findTaskTypes(owner, as({ name, creator: agentAddress })), both.slice(1));
  assert.deepEqual(await directory.findTaskTypes(owner, as({ name, most: 1 })), both.slice(0, 1));

  const uri = "https://sink.example";
  await refused(directory.setService(worker, { ...of, uri }), "SinkNotRegistered");
  const named = as({ taskTypeId: translation });
  const told = await mined(directory.setService(worker, { ...named, uri }));
  assert.deepEqual(told.events[0].args, { taskTypeId: translation, sink: workerAddress, uri });
  assert.deepEqual(await directory.getAllServices(owner, named), [{ sink: workerAddress, uri }]);
  const long = await refused(directory.setService(worker, { ...named, uri: uri + "/".repeat(300) }), "UriTooLong");
  assert.deepEqual(long.args, { length: 320n, maximum: 256n });
  await refused(directory.linkAgent(worker, as({ identityRegistry: otherAddress, agentId: 1n })), "NotAContract");
  assert.deepEqual(await directory.getAgent(owner, as({ sink: workerAddress })), {
    identityRegistry: zeroAddress,
    agentId: 0n,
  });
});

test(
  "judge: its neighbours, where a sink stands, and that nobody but CompletionTracker has it judge",
  onChain,
  async () => {
    const at = (name) => deployment.contracts[name].address;
    const links = {
      completionTracker: at("completionTracker"),
      capacityRegistry: at("capacityRegistry"),
      stakeManager: at("stakeManager"),
      workLedger: at("workLedger"),
    };
    assert.deepEqual(await judge.getLinks(owner, it), links);
    const of = as({ taskTypeId: translation, sink: workerAddress });
    const standing = Object.entries(await judge.getStanding(owner, of)).filter(([, value]) => value !== 0n);
    assert.deepEqual(standing, []); // nothing was judged yet
    const { next, from, until } = await judge.getSpan(owner, {
      ...of,
      first: 1n,
      firstDue: 0n,
      lastDue: 0n,
      end: (await now()) / 300n,
    });
    assert.ok(next <= from && from <= until && until * 300n <= (await now()), `${next} ${from} ${until}`);
    const records = { next, from, caller: payerAddress, callerDue: 0n, records: [] };
    const refusal = await refused(judge.simulateJudge(payer, { ...of, ...records }), "UnauthorizedCaller");
    assert.deepEqual(refusal.args, { caller: payerAddress });
  },
);

test("pool: units by capacity, as its owner sets them up", onChain, async () => {
  const taskTypeId = translation;
  const of = (sinkAddress) => pool.getMemberUnits(owner, as({ taskTypeId, sink: sinkAddress }));
  await mined(pool.rebalance(owner, as({ taskTypeId })));
  const [first, second] = [await of(workerAddress), await of(otherAddress)];
  assert.equal(first, 2n * second);
  assert.notEqual(await pool.getPool(owner, as({ taskTypeId })), zeroAddress);
  assert.equal(await pool.needsRebalance(owner, as({ taskTypeId })), false);
});

test("commitReveal: committed, waited for, revealed", onChain, async () => {
  const revealing = commitReveal.commitAndReveal(
    worker,
    as({
      taskTypeId: translation,
      capacity: units(20),
      waiting: { pollingInterval: 50, timeout: 20_000 },
    }),
  );
  const blocks = setInterval(() => void mine(), 200);
  const { events } = await (await revealing).wait().finally(() => clearInterval(blocks));
  const revealed = events.find((event) => event.eventName === "CapacityRevealed");
  assert.equal(revealed.args.sink, workerAddress);
  assert.equal(await sink.getRawCapacity(worker, as({ taskTypeId: translation, sink: workerAddress })), units(20));
  await refused(
    commitReveal.reveal(worker, as({ taskTypeId: translation, capacity: units(20), nonce: zeroHash })),
    "NoCommitPending",
  );
});

for (const way of ["macro", "batch", "forwarder"]) {
  test(`source: a stream is opened, changed and closed by ${way}`, onChain, async () => {
    const of = as({ taskTypeId: translation, way });
    await mintUsdc(payerAddress, parseUnits("100", 6));
    const wrapAmount = parseEther("20");
    await mined(source.openStream(payer, { ...of, flowRate, wrapAmount }));
    const opened = await source.readStream(payer, as({ taskTypeId: translation, source: payerAddress }));
    assert.ok(opened.flowRate > 0n && opened.flowRate <= flowRate, `${opened.flowRate}`);
    assert.ok(opened.deposit >= (opened.flowRate * 14_400n) / 2n);
    if (way !== "forwarder") await refused(source.openStream(payer, { ...of, flowRate }), "StreamAlreadyExists");
    await mined(source.changeStream(payer, { ...of, flowRate: 2n * flowRate }));
    const changed = await source.readStream(payer, as({ taskTypeId: translation, source: payerAddress }));
    assert.ok(changed.flowRate > opened.flowRate);
    await mined(source.closeStream(payer, of));
    const closed = await source.readStream(payer, as({ taskTypeId: translation, source: payerAddress }));
    assert.equal(closed.flowRate, 0n);
  });
}

test("streams: signed by an account without ether, sent by another one", onChain, async () => {
  const of = as({ taskTypeId: translation });
  const signer = clientAt(8);
  const address = accountAt(8).address;
  const provider = "provider.example";
  await mintUsdc(address, parseUnits("100", 6));
  await source.wrapTokens(signer, as({ amount: parseEther("100") }));
  await grantProvider(provider, otherAddress);
  await owner.request({ method: "anvil_setBalance", params: [address, "0x0"] });
  const own = source.openStream(signer, { ...of, flowRate });
  assert.deepEqual((await refused(own, "NoEther")).args, { account: address, available: 0n });

  const macroParameters = await streams.createStream(signer, { ...of, flowRate });
  const signing = as({ macroParameters, provider, domain: "bpe.example", nonceKey: 7n });
  const signed = await streams.signMacro(signer, signing);
  await mined(streams.sendSignedMacro(other, as({ signed })));
  assert.ok((await source.readStream(other, { ...of, source: address })).flowRate > 0n);
  await refused(streams.sendSignedMacro(other, as({ signed })), "Refused"); // a signature counts once
  const ending = await streams.deleteStream(signer, of);
  const end = await streams.signMacro(signer, { ...signing, macroParameters: ending });
  await refused(streams.sendSignedMacro(payer, as({ signed: end })), "Refused"); // no provider
  await mined(streams.sendSignedMacro(other, as({ signed: end })));
  assert.equal((await source.readStream(other, { ...of, source: address })).flowRate, 0n);
});

/**
 * Gives an account the role of a provider, as Superfluid's governance does: here by its owner, whom the devnet lets us
 * be.
 */
async function grantProvider(name, account) {
  const { host, governance } = deployment.superfluid;
  const item = (functionName, inputs, outputs) => ({
    type: "function",
    name: functionName,
    stateMutability: "nonpayable",
    inputs,
    outputs,
  });
  const outputs = [{ type: "address" }];
  const read = (address, functionName) =>
    owner.readContract({
      address,
      abi: [{ ...item(functionName, [], outputs), stateMutability: "view" }],
      functionName,
    });
  const acl = await read(host, "getSimpleACL");
  const governor = await read(governance, "owner");
  await owner.request({ method: "anvil_impersonateAccount", params: [governor] });
  const abi = [item("grantRole", [{ type: "bytes32" }, { type: "address" }], [])];
  const granting = { account: governor, address: acl, abi, functionName: "grantRole", args: [id(name), account] };
  await owner.waitForTransactionReceipt({ hash: await owner.writeContract(granting) });
}

test("source: rates and deposits that would pay nobody are refused before anything is sent", onChain, async () => {
  const of = as({ taskTypeId: translation });
  const minimum = await streams.getMinimumFlowRate(payer, of);
  const low = await refused(source.openStream(payer, { ...of, flowRate: minimum - 1n }), "FlowRateTooLow");
  assert.deepEqual(low.args, { flowRate: minimum - 1n, minimum });
  await refused(source.openStream(payer, { ...of, flowRate: 0n }), "InvalidArgument");
  const much = await refused(source.openStream(payer, { ...of, flowRate: 10n ** 21n }), "TooFewTokens");
  assert.equal(much.args.required, 10n ** 21n * 14_400n);
});

test("overflow and buffer: deposits wait and are drained; what flowed is measured", onChain, async () => {
  const of = as({ taskTypeId: translation });
  const { sinkUnits, overflowUnits } = await overflow.getUnits(owner, of);
  assert.ok(sinkUnits > 0n && overflowUnits > 0n);
  const amount = parseEther("5");
  const deposited = await mined(buffer.depositWithApproval(payer, { ...of, amount, wrap: true }));
  assert.ok(namesOf(deposited).includes("Deposited"), namesOf(deposited).join());
  assert.equal(await buffer.sourceLevel(payer, { ...of, source: payerAddress }), amount);
  await mine(1, 900); // a drain pays capacity that has been there a while
  const drained = await mined(buffer.drain(owner, { ...of, maxSinks: 10n }));
  assert.ok(namesOf(drained).includes("Drained"), namesOf(drained).join());
});

test("pricing: loads move quotes", onChain, async () => {
  const of = as({ taskTypeId: translation });
  await mined(pricing.reportQueueLoad(worker, { ...of, queueLoad: units(8) }));
  const quotes = await pricing.getQuotes(payer, of);
  assert.deepEqual(
    quotes.map((quote) => quote.sink),
    [otherAddress, workerAddress],
  );
  assert.ok(quotes[0].price < quotes[1].price);
  assert.equal(quotes[0].price, await pricing.getBaseFee(payer, of));
  await refused(pricing.reportQueueLoad(payer, { ...of, queueLoad: 1n }), "SinkNotRegistered");
});

test("completion: both sign, anyone records, once", onChain, async () => {
  const receipt = {
    taskTypeId: translation,
    sink: workerAddress,
    source: payerAddress,
    taskId: id("task"),
    timestamp: await now(),
  };
  const sinkSig = await completion.signReceipt(worker, as({ receipt }));
  const sourceSig = await completion.signReceipt(payer, as({ receipt }));
  const { timestamp: time, ...task } = receipt;
  const record = () => completion.recordReceipt(other, as({ receipt: { ...task, time, sinkSig, sourceSig } }));
  assert.ok(namesOf(await mined(record())).includes("CompletionRecorded"));
  await refused(record(), "TaskAlreadyRecorded");
  const assignment = { ...task, taskId: id("assigned"), deadline: time + 600n };
  const [one, two] = [worker, payer].map((client) => completion.signAssignment(client, as({ assignment })));
  const { deadline, ...assigned } = assignment;
  const signed = { ...assigned, time: deadline, sinkSig: await one, sourceSig: await two };
  await mined(completion.recordAssignment(other, as({ assignment: signed })));
  const { deadline: owed } = await completion.getTask(other, as({ ...assigned }));
  assert.equal(owed, deadline);
});

test("aggregator: an attestation moves the smoothed capacity", onChain, async () => {
  await mine();
  const of = as({ taskTypeId: translation });
  const before = await sink.getSmoothedCapacity(worker, { ...of, sink: workerAddress });
  const attested = await mined(aggregator.attestAndSubmit(worker, { ...of, capacity: units(2) }));
  assert.deepEqual(namesOf(attested), ["AttestationApplied"]);
  const after = await sink.getSmoothedCapacity(worker, { ...of, sink: workerAddress });
  assert.equal(after, (before * 7n + units(2) * 3n) / 10n);
  assert.equal(await aggregator.lastNonce(worker, { ...of, sink: workerAddress }), 1n);
});

test("work and vouchers: paid into the reserve, earmarked, vouched for, redeemed, paid out", onChain, async () => {
  const taskTypeId = embedding;
  const of = as({ taskTypeId });
  await openTaskType(owner, taskTypeId);
  await mined(pool.setWeighting(owner, { ...of, weighting: 3 }));
  await mined(pool.createPool(owner, of));
  await mined(sink.registerSink(worker, { ...of, initialCapacity: units(1) }));
  await mine(1, 600);
  const amount = parseEther("10");
  await mintUsdc(payerAddress, parseUnits("20", 6));
  await mined(work.depositWithApproval(payer, { ...of, amount, wrap: true }));
  const between = { ...of, source: payerAddress, sink: workerAddress };
  const { free } = await work.getBudget(payer, between);
  assert.ok(free > 0n && free <= amount);
  await mined(work.earmark(payer, { ...of, sink: workerAddress, amount: free / 2n, until: (await now()) + 3_600n }));
  assert.equal((await work.getBudget(payer, between)).earmarked, free / 2n);

  const voucher = {
    taskTypeId,
    sink: workerAddress,
    source: payerAddress,
    work: units(100),
    value: free / 4n,
    tasks: 2n,
    timestamp: await now(),
  };
  const sinkSig = await vouchers.signVoucher(worker, as({ voucher }));
  const sourceSig = await vouchers.signVoucher(payer, as({ voucher }));
  const redeemed = await mined(vouchers.redeem(other, as({ voucher: { ...voucher, sinkSig, sourceSig }, pay: false })));
  assert.ok(namesOf(redeemed).includes("Redeemed"), namesOf(redeemed).join());
  const totals = await vouchers.getTotals(other, between);
  assert.deepEqual(totals, { work: voucher.work, value: voucher.value, tasks: 2n });
  assert.equal(await work.getOwed(other, { ...of, account: workerAddress }), voucher.value);
  const held = await streamable(workerAddress);
  await mined(work.payOut(other, { ...of, to: workerAddress }));
  assert.equal((await streamable(workerAddress)) - held, voucher.value);
  await refused(vouchers.redeem(other, as({ voucher: { ...voucher, sinkSig, sourceSig }, pay: true })), "NothingNew");

  const key = accountAt(8);
  const signature = await vouchers.signKeyRegistration(payer, as({ key: key.address }));
  await mined(vouchers.registerKeyFor(other, as({ forAccount: payerAddress, key: key.address, signature })));
  assert.ok((await vouchers.getKeyUntil(other, as({ account: payerAddress, key: key.address }))) > 0n);
});

test("demurrage: wrapped with approval, decaying, unwrapped", onChain, async () => {
  await mintUsdc(otherAddress, 1_000_000_000n);
  await mined(demurrage.wrapWithApproval(other, as({ amount: 1_000_000_000n })));
  const full = await demurrage.balanceOf(other, as({ account: otherAddress }));
  await mine(1, 30 * 86_400);
  const rest = await demurrage.balanceOf(other, as({ account: otherAddress }));
  assert.ok(rest < full && rest > (full * 99n) / 100n, `${full} ${rest}`);
  await mined(demurrage.unwrap(other, as({ amount: rest / 2n })));
  assert.ok((await demurrage.currentEpoch(other, it)) >= 1n);
  assert.equal(await demurrage.ownerOfToken(other, it), await demurrage.ownerOfMetrics(other, it));
});

test("economy: one call makes one, and every action works on it", onChain, async () => {
  const config = {
    template: 0,
    taskTypeIds: [id("guild work")],
    minStake: parseEther("100"),
    bufferMax: 0n,
    verificationBudgetBps: 0n,
  };
  const { result, events } = await mined(economy.deployEconomy(other, as({ config })));
  assert.ok(events.some((event) => event.eventName === "EconomyDeployed"));
  const own = await economy.economyDeployment(other, as({ economyId: result.economyId }));
  assert.equal(await stake.owner(other, { deployment: own }), otherAddress);
  assert.equal(await sink.taskTypeExists(other, { deployment: own, taskTypeId: id("guild work") }), true);
  assert.equal((await economy.getEconomiesByOwner(other, as({ owner: otherAddress }))).length, 1);
});

test("nestedPool and pipeline: task types below and behind each other", onChain, async () => {
  const [parent, child, second] = ["parent", "child", "second"].map((name) => id(`sdk: ${name}`));
  for (const taskTypeId of [parent, child, second]) {
    await mined(directory.registerTaskType(worker, as({ taskTypeId, minStake: parseEther("100"), metadata: "{}" })));
  }
  await refused(
    nestedPool.registerChild(payer, as({ parentTaskTypeId: parent, childTaskTypeId: child })),
    "OwnableUnauthorizedAccount",
  );
  await mined(nestedPool.registerChild(owner, as({ parentTaskTypeId: parent, childTaskTypeId: child })));
  assert.deepEqual(await nestedPool.getChildren(owner, as({ parentTaskTypeId: parent })), [child]);

  const pipelineId = id("pipeline");
  await mined(pipeline.createPipeline(owner, as({ pipelineId, stages: [translation, second] })));
  assert.deepEqual(await pipeline.getPipeline(owner, as({ pipelineId })), {
    stages: [translation, second],
    active: true,
  });
  const breaker = pipeline.checkCircuitBreaker(payer, as({ pipelineId, stageIndex: 0n, currentThroughput: 0n }));
  assert.deepEqual((await refused(breaker, "NotReporter")).args, { caller: payerAddress });
});

/** Has the node of the secret name the worker, by what `signmessage` prints for the text. */
async function proveNode(secret) {
  const key = slice(toHex(secp256k1.getPublicKey(secret.slice(2))), 1);
  const time = await now();
  const text = await keys.getKeyText(worker, as({ operator: workerAddress, time }));
  const digest = sha256(sha256(concat([toHex("Lightning Signed Message:"), toHex(text)])));
  const signed = secp256k1.sign(digest.slice(2), secret.slice(2));
  const signature = concat([toHex(31 + signed.recovery), `0x${signed.toCompactHex()}`]);
  await mined(keys.proveKey(worker, as({ scheme: 2, key, time, signature })));
  return key;
}

/** Has the Nostr key of the secret name the worker, by an event. */
async function proveNostrKey(secret) {
  const key = toHex(schnorr.getPublicKey(secret.slice(2)));
  const time = await now();
  const event = await keys.getEventId(worker, as({ key, operator: workerAddress, time }));
  const signature = toHex(schnorr.sign(event.slice(2), secret.slice(2)));
  await mined(keys.proveKey(worker, as({ scheme: 1, key, time, signature })));
  assert.equal((await keys.getKey(worker, as({ scheme: 1, key }))).operator, workerAddress);
  return key;
}

test("lightning: a node is registered, attested, joins the pool", onChain, async () => {
  const unknown = id("somebody's node");
  const early = lightning.registerNode(worker, as({ nodePubkey: unknown, initialCapacitySats: 0n }));
  assert.deepEqual((await refused(early, "KeyNotProven")).args, { key: unknown });
  const nodePubkey = await proveNode(id("node"));
  await mined(lightning.registerNode(worker, as({ nodePubkey, initialCapacitySats: 1_000_000n })));
  await mine();
  const attestation = {
    nodePubkey,
    operator: workerAddress,
    outboundCapacitySats: 2_000_000n,
    channelCount: 3n,
    pendingHTLCs: 1n,
    timestamp: await now(),
    nonce: 1n,
  };
  const signature = await lightning.signLightningAttestation(worker, as({ attestation }));
  await mined(lightning.submit(other, as({ attestation: { ...attestation, signature } })));
  const node = await lightning.getNode(other, as({ nodePubkey }));
  assert.deepEqual([node.operator, node.pendingHTLCs, node.outboundSats], [workerAddress, 1n, 2_000_000n]);
  await mined(lightning.joinPool(worker, as({ nodePubkey })));
  assert.equal(await lightning.isNodeInPool(worker, as({ nodePubkey })), true);
});

test("router: the best of the rails that are deployed pays, with its fee in ether", onChain, async () => {
  const recipient = "0x00000000000000000000000000000000000000b9";
  const amount = parseEther("2");
  const request = { recipient, amount, optimization: 2, maxFee: amount, deadline: (await now()) + 600n };
  const unaffordable = { ...request, maxFee: 0n };
  assert.deepEqual(await router.getRoutes(payer, as({ request: unaffordable })), []);
  await refused(router.payByBestRoute(payer, as({ request: unaffordable })), "InvalidArgument");
  await refused(router.payByBestRoute(payer, as({ request, token: recipient })), "InvalidArgument");
  assert.equal(await router.isProtocolAvailable(payer, as({ protocol: CHAIN })), true);
  const adapter = await router.getProtocolAdapter(payer, as({ protocol: CHAIN }));
  assert.equal(adapter.toLowerCase(), deployment.contracts.directSettlementAdapter.address.toLowerCase());
  const registering = as({ protocol: CHAIN, adapter });
  await refused(router.registerProtocolAdapter(payer, registering), "OwnableUnauthorizedAccount");
  const [{ routeId, routeData, estimatedFee, protocol }] = await router.getRoutes(payer, as({ request }));
  assert.equal(protocol, CHAIN);
  const less = router.executeRoute(payer, as({ routeId, routeData, value: amount + estimatedFee - 1n }));
  await refused(less, "InsufficientPayment");
  const { events } = await mined(router.payByBestRoute(payer, as({ request })));
  const executed = events.find((event) => event.eventName === "RouteExecuted");
  assert.deepEqual([executed.args.protocol, executed.args.success], [CHAIN, true]);
  assert.equal(await owner.getBalance({ address: recipient }), amount);
  assert.equal(await router.earnedFees(payer, it), estimatedFee);
  await refused(router.payByBestRoute(payer, as({ request: { ...request, amount: 0n } })), "InvalidRequest");
});

test("relay: registered, in a pool, with a least payment", onChain, async () => {
  const nostrPubkey = await proveNostrKey(id("relay"));
  const initialCapacity = { eventsPerSecond: 100n, storageGB: 10n, bandwidthMbps: 10n };
  await mined(relay.registerRelay(worker, as({ nostrPubkey, relayUrl: "wss://relay.example", initialCapacity })));
  const entry = await relay.getRelay(worker, as({ nostrPubkey }));
  assert.deepEqual([entry.operator, entry.capacity.eventsPerSecond, entry.registered], [workerAddress, 100n, true]);
  const poolType = await relay.RELAY_WRITE(worker, it);
  await mined(relay.joinPool(worker, as({ poolType, nostrPubkey })));
  assert.equal(await relay.isRelayInPool(worker, as({ poolType, nostrPubkey })), true);
  await mined(relay.setMinPaymentPerEvent(owner, as({ poolType, minPaymentPerEvent: 10n ** 12n })));
  assert.equal(await relay.getBaseMinPayment(worker, as({ poolType })), 10n ** 12n);
  assert.ok((await relay.getMinPaymentPerEvent(worker, as({ poolType, nostrPubkey }))) >= 10n ** 12n);
});

test("openclaw and platform: an agent, an execution signed by both, its reputation", onChain, async () => {
  const [skillTypeId, agentId, executionId] = [id("openclaw"), id("agent"), id("execution")];
  const initialCapacity = { throughput: 100n, latencyMs: 200n, errorRateBps: 10n };
  // One stake backs what an account does in all domains: the relay and the Lightning node have taken the others'.
  await mined(stake.stakeUpTo(agent, as({ amount: parseEther("400"), wrap: true })));
  await mined(openclaw.registerAgent(agent, as({ agentId, skillTypeId, initialCapacity })));
  const known = await openclaw.getAgent(agent, as({ agentId }));
  assert.deepEqual([known.operator, known.active], [agentAddress, true]);
  assert.ok((await platform.getAllDomains(agent, it)).length > 0);
  // It is a sink of the skill from then on.
  assert.equal(await sink.isRegistered(agent, as({ taskTypeId: skillTypeId, sink: agentAddress })), true);
  const execution = { agentId, skillTypeId, executionId, agentOperator: agentAddress, requester: payerAddress };
  const agentSig = await openclaw.signSkillExecution(agent, as({ execution }));
  const requesterSig = await openclaw.signSkillExecution(payer, as({ execution }));
  await mined(openclaw.verifyExecution(other, as({ ...execution, agentSig, requesterSig })));
  assert.equal(await openclaw.isExecutionRecorded(other, as({ ...execution })), true);
  // An execution alone makes no reputation.
  assert.equal(await platform.getAggregateReputation(other, as({ account: agentAddress })), 0n);
});

test("bpeActions: all modules on a client; events as they come", onChain, async () => {
  const client = clientAt(7).extend(bpeActions(deployment));
  const seen = new Promise((resolve, reject) => {
    const stop = client.bpe.sink.watchCapacityRegistryEvents({
      eventName: "SinkDeregistered",
      pollingInterval: 50,
      onEvents: ([event]) => (stop(), resolve(event.args)),
      onError: reject,
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal((await client.bpe.sink.leaveSink({ taskTypeId: translation })).length, 1);
  assert.deepEqual(await client.bpe.sink.leaveSink({ taskTypeId: translation }), []);
  assert.equal((await seen).sink, otherAddress);
  assert.equal(await client.bpe.sink.isRegistered({ taskTypeId: translation, sink: otherAddress }), false);
});
