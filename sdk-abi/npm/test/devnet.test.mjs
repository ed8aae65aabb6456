// What a user of the package does, on a chain that has the suite: read, sign typed data, submit it, find the events.
// BPE_TEST: {"url", "aggregator", "tracker", "registry", "taskType", "sinkKey", "sourceKey", "now"};
// tests/tests/integration starts the chain. Without it these tests are skipped. Prints the hashes that it signed, for
// comparison with those of Rust.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import {
  capacityAttestationTypes,
  capacityRegistryAbi,
  completionReceiptTypes,
  completionTrackerAbi,
  completionTrackerDomain,
  offchainAggregatorAbi,
  offchainAggregatorDomain,
} from "../dist/index.js";

// By NODE_PATH where there is no node_modules beside the package.
const require = createRequire(import.meta.url);
const viem = require("viem");
const { privateKeyToAccount } = require("viem/accounts");

const world = process.env.BPE_TEST;
const onChain = {
  skip: world ? false : "BPE_TEST names no chain: the repository's tests/tests/integration starts one",
};
const it = world && JSON.parse(world);
const { client, wallet, sink, source, chainId } = world ? await connect() : {};

async function connect() {
  const transport = viem.http(it.url);
  const client = viem.createPublicClient({ transport, pollingInterval: 20 });
  const [sink, source] = [it.sinkKey, it.sourceKey].map((key) => privateKeyToAccount(key));
  const chainId = await client.getChainId();
  const chain = viem.defineChain({
    id: chainId,
    name: "devnet",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [it.url] } },
  });
  const wallet = viem.createWalletClient({ account: source, transport, chain });
  return { client, wallet, sink, source, chainId };
}

async function send(request) {
  const { request: simulated } = await client.simulateContract({ account: source, ...request });
  const hash = await wallet.writeContract(simulated);
  const { logs, status } = await client.waitForTransactionReceipt({ hash });
  assert.equal(status, "success");
  return viem.parseEventLogs({ abi: request.abi, logs }).map((event) => event.eventName);
}

test("the contracts' domains are the package's", onChain, async () => {
  for (const [address, abi, ours] of [
    [it.tracker, completionTrackerAbi, completionTrackerDomain(chainId, it.tracker)],
    [it.aggregator, offchainAggregatorAbi, offchainAggregatorDomain(chainId, it.aggregator)],
  ]) {
    const [, name, version, chain, contract] = await client.readContract({
      address,
      abi,
      functionName: "eip712Domain",
    });
    assert.deepEqual(
      { name, version, chainId: Number(chain), verifyingContract: contract.toLowerCase() },
      {
        ...ours,
        verifyingContract: ours.verifyingContract.toLowerCase(),
      },
    );
  }
});

test("an attestation signed here moves the sink's capacity there", onChain, async () => {
  const message = {
    taskTypeId: it.taskType,
    sink: sink.address,
    capacity: 50n * 10n ** 9n,
    timestamp: BigInt(it.now),
    nonce: 1n,
  };
  const data = {
    domain: offchainAggregatorDomain(chainId, it.aggregator),
    types: capacityAttestationTypes,
    primaryType: "CapacityAttestation",
    message,
  };
  console.log(`attestation ${viem.hashTypedData(data)}`);
  const registry = { address: it.registry, abi: capacityRegistryAbi };
  const capacity = () =>
    client.readContract({ ...registry, functionName: "getSmoothedCapacity", args: [it.taskType, sink.address] });
  const before = await capacity();
  const signature = await sink.signTypedData(data);
  const events = await send({
    address: it.aggregator,
    abi: offchainAggregatorAbi,
    functionName: "submit",
    args: [{ ...message, signature }],
  });
  assert.deepEqual(events, ["AttestationApplied"]);
  // A step of 30 %.
  assert.equal(await capacity(), (before * 7n + message.capacity * 3n) / 10n);
});

test("a receipt signed here by both is a completion there", onChain, async () => {
  const message = {
    taskTypeId: it.taskType,
    sink: sink.address,
    source: source.address,
    taskId: viem.keccak256(viem.toHex("task")),
    timestamp: BigInt(it.now),
  };
  const data = {
    domain: completionTrackerDomain(chainId, it.tracker),
    types: completionReceiptTypes,
    primaryType: "CompletionReceipt",
    message,
  };
  console.log(`receipt ${viem.hashTypedData(data)}`);
  const [sinkSig, sourceSig] = await Promise.all([sink.signTypedData(data), source.signTypedData(data)]);
  const { timestamp: time, ...task } = message;
  const receipt = { ...task, time, sinkSig, sourceSig };
  const record = { address: it.tracker, abi: completionTrackerAbi, functionName: "recordReceipt", args: [receipt] };
  assert.ok((await send(record)).includes("CompletionRecorded"));
  // Once, and typed errors say why.
  await assert.rejects(client.simulateContract({ account: source, ...record }), (error) => {
    const reverted = error.walk((cause) => cause instanceof viem.ContractFunctionRevertedError);
    assert.equal(reverted.data.errorName, "TaskAlreadyRecorded");
    return true;
  });
});
