// What goes wrong is a typed error that names the value, and nothing hangs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "node:events";
import { createServer } from "node:http";
import {
  createClient,
  custom,
  decodeErrorResult,
  encodeErrorResult,
  http,
  pad,
  parseEther,
  toFunctionSelector,
  toHex,
} from "viem";
import { BpeError, deploymentOf, isBpeError, mined } from "../dist/index.js";
import { getStake, stake, stakeWithApproval } from "../dist/generated/actions/stake.js";
import { reveal } from "../dist/generated/actions/commitReveal.js";
import { errorSignatures } from "../dist/generated/errors.js";
import { decodeRevert } from "../dist/core/errors.js";
import { createBpeServe } from "../dist/serve.js";
import { explained } from "../dist/core/refusal.js";
import { abis, account, clientOf, deployment, sample } from "./support.mjs";

const book = deployment(["stakeManager", "capacityRegistry"]);
const amount = parseEther("400");

/** The error that an action ends in. */
async function refused(promise, name) {
  const error = await promise.then(
    () => assert.fail(`no ${name}`),
    (it) => it,
  );
  assert.ok(isBpeError(error, name), `${error.stack}`);
  return error;
}

const reverting = (data) => () => {
  throw Object.assign(new Error("execution reverted"), { code: 3, data });
};

test("every error of every ABI is decoded by name with its arguments", () => {
  let count = 0;
  for (const [contract, abi] of abis()) {
    for (const item of abi.filter((it) => it.type === "error")) {
      const args = item.inputs.map((it, index) => sample(it, 11 * index));
      const data = encodeErrorResult({ abi: [item], errorName: item.name, args });
      const error = decodeRevert(data);
      assert.equal(error?.errorName, item.name, contract);
      assert.deepEqual(Object.values(error.args), args, item.name);
      assert.deepEqual(decodeErrorResult({ abi: [item], data }).args ?? [], args);
      count += 1;
    }
  }
  assert.ok(count > Object.keys(errorSignatures).length - 2, `${count}`);
});

test("a refused simulation says which error, with which arguments, and nothing is sent", async () => {
  const [item] = abis()
    .get("StakeManager")
    .filter((it) => it.name === "InsufficientStake");
  const data = encodeErrorResult({ abi: [item], errorName: item.name, args: [5n, 3n] });
  const methods = [];
  const client = clientOf((method) => {
    methods.push(method);
    reverting(data)();
  });
  const error = await refused(stake(client, { deployment: book, amount }), "InsufficientStake");
  assert.deepEqual(error.args, { required: 5n, available: 3n });
  assert.equal(error.functionName, "stake");
  assert.match(error.message, /InsufficientStake\(required: 5, available: 3\) \(in stakeManager\.stake\)/);
  assert.deepEqual(methods, ["eth_call"]);
});

test("reverts that are not the suite's keep their bytes; so do malformed ones", async () => {
  for (const data of [
    "0xdeadbeef",
    "0x",
    "0x7b857a",
    errorOf("ZeroAmount") + "00",
    errorOf("DailySlashReached") + "00",
  ]) {
    const error = await refused(stake(clientOf(reverting(data)), { deployment: book, amount }), "Refused");
    assert.deepEqual(error.args, { functionName: "stake", data });
  }
});

const errorOf = (name) => Object.entries(errorSignatures).find(([, it]) => it.startsWith(`${name}(`))[0];

test("another chain, before anything is asked", async () => {
  const elsewhere = { ...book, chainId: 42161 };
  const client = clientOf(() => assert.fail("asked"));
  for (const action of [
    getStake(client, { deployment: elsewhere, sink: account.address }),
    stake(client, { deployment: elsewhere, amount }),
  ]) {
    const error = await refused(action, "WrongChain");
    assert.deepEqual(error.args, { expected: 42161, actual: 31337 });
  }
});

test("what is not deployed", async () => {
  const client = clientOf(() => "0x");
  const nothing = { chainId: 31337, contracts: {} };
  const missing = { contract: "stakeManager", chainId: 31337 };
  const sink = account.address;
  assert.deepEqual((await refused(getStake(client, { deployment: nothing, sink }), "MissingContract")).args, missing);
  // No code there.
  assert.deepEqual((await refused(getStake(client, { deployment: book, sink }), "MissingContract")).args, missing);
  const malformed = { chainId: 31337, contracts: { stakeManager: { address: "0x12" } } };
  const error = await refused(getStake(client, { deployment: malformed, sink }), "MalformedAddress");
  assert.deepEqual(error.args, { contract: "stakeManager", address: "0x12" });
  assert.throws(
    () => deploymentOf(999),
    (it) => isBpeError(it, "MissingDeployment") && it.args.chainId === 999,
  );
});

test("no account, no ether", async () => {
  const nobody = clientOf(() => "0x");
  nobody.account = undefined;
  await refused(stake(nobody, { deployment: book, amount }), "MissingAccount");
  const poor = clientOf((method) => {
    if (method === "eth_call") return "0x";
    if (method === "eth_getBalance") return "0x7";
    throw Object.assign(new Error("insufficient funds for gas * price + value"), { code: -32000 });
  });
  const error = await refused(stake(poor, { deployment: book, amount }), "NoEther");
  assert.deepEqual(error.args, { account: account.address, available: 7n });
  assert.match(error.message, /NoEther\(account: 0x\w+, available: 7\)/);
});

test("too few of a token that wraps none: it says so, whether or not it is to wrap", async () => {
  const token = `0x${"0".repeat(38)}ee`;
  const answers = { stakeToken: token, balanceOf: toHex(5, { size: 32 }) };
  const selector = (name, ...types) => toFunctionSelector(`function ${name}(${types.join()})`);
  const plain = clientOf((method, [call]) => {
    assert.equal(method, "eth_call");
    if (call.data.startsWith(selector("stakeToken"))) return pad(answers.stakeToken);
    if (call.data.startsWith(selector("balanceOf", "address"))) return answers.balanceOf;
    return reverting("0x")();
  });
  for (const wrap of [false, true]) {
    const error = await refused(stakeWithApproval(plain, { deployment: book, amount, wrap }), "TooFewTokens");
    const { available, required } = error.args;
    assert.deepEqual([error.args.token.toLowerCase(), available, required], [token, 5n, amount]);
  }
});

test("a wallet that changes its chain between looking and sending, and a transport that gives up first", async () => {
  const { client, switchTo } = wandering();
  const moved = await refused(stake(client, { deployment: book, amount }), "WrongChain");
  assert.deepEqual(moved.args, { expected: 31337, actual: switchTo });
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const transport = http(`http://127.0.0.1:${server.address().port}`, { timeout: 50, retryCount: 0 });
    const slow = createClient({ account, transport });
    const error = await slow.request({ method: "eth_chainId" }).catch((it) => it);
    const called = { contract: "stakeManager", functionName: "stake", chainId: 31337 };
    const known = await explained(slow, error, called);
    assert.ok(isBpeError(known, "TimedOut"), `${known}`);
    assert.deepEqual(known.args, { waitingFor: "stake", milliseconds: 50 });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** A client whose chain is another one from the moment on at which it is to send. */
function wandering() {
  const switchTo = 10;
  let chainId = 31337;
  const block = { number: "0x1", baseFeePerGas: "0x1", timestamp: "0x1", transactions: [], gasLimit: "0xffffff" };
  const answers = { eth_call: "0x", eth_getBlockByNumber: block, eth_getTransactionCount: "0x0" };
  const request = async ({ method }) => {
    if (method === "eth_chainId") return toHex(chainId);
    if (method === "eth_estimateGas") chainId = switchTo;
    return answers[method] ?? "0x64";
  };
  // A wallet's account: it is the wallet that signs, for the chain that it is on.
  const client = createClient({ account: account.address, transport: custom({ request }, { retryCount: 0 }) });
  return { client, switchTo };
}

test("a chain that never answers is given up", async () => {
  const silent = clientOf(() => new Promise(() => {}));
  const parameters = { deployment: book, timeout: 50 };
  const error = await refused(getStake(silent, { ...parameters, sink: account.address }), "TimedOut");
  assert.deepEqual(error.args, { waitingFor: "getStake", milliseconds: 50 });
  await refused(stake(silent, { ...parameters, amount }), "TimedOut");
});

/** Answers everything that a write asks; `receipt` what the transaction came to. */
function node(receipt) {
  const block = { number: "0x1", baseFeePerGas: "0x1", timestamp: "0x1", transactions: [], gasLimit: "0xffffff" };
  const answers = {
    eth_call: "0x",
    eth_estimateGas: "0x64",
    eth_getBlockByNumber: block,
    eth_getTransactionCount: "0x0",
    eth_maxPriorityFeePerGas: "0x1",
    eth_gasPrice: "0x1",
    eth_sendRawTransaction: toHex(1, { size: 32 }),
    eth_blockNumber: "0x2",
  };
  return clientOf((method) =>
    method in answers ? answers[method] : method === "eth_getTransactionReceipt" ? receipt : null,
  );
}

test("a receipt that never comes is given up, and one of a reverted transaction is an error", async () => {
  const hash = toHex(1, { size: 32 });
  const never = mined(stake(node(null), { deployment: book, amount }), { timeout: 60, pollingInterval: 10 });
  const error = await refused(never, "TimedOut");
  assert.deepEqual(error.args, { waitingFor: `the receipt of ${hash}`, milliseconds: 60 });
  const receipt = { transactionHash: hash, status: "0x0", blockNumber: "0x1", logs: [], type: "0x2" };
  const failed = mined(stake(node(receipt), { deployment: book, amount }), { pollingInterval: 10 });
  assert.deepEqual((await refused(failed, "Reverted")).args, { hash });
});

test("a reveal waits for a later block no longer than it is told", async () => {
  const client = clientOf(reverting(errorOf("RevealTooEarly") + "00".repeat(31) + "09"));
  const started = Date.now();
  const waiting = { timeout: 80, pollingInterval: 10 };
  const parameters = {
    deployment: book,
    taskTypeId: toHex(1, { size: 32 }),
    capacity: 1n,
    nonce: toHex(2, { size: 32 }),
  };
  const error = await refused(reveal(client, { ...parameters, waiting }), "TimedOut");
  assert.equal(error.args.milliseconds, 80);
  assert.ok(Date.now() - started < 5_000);
});

test("what strangers may ask of a sink is not asked of the chain each time, and failures are not kept", async () => {
  let asked = 0;
  let answers = false;
  const client = clientOf(() => {
    asked += 1;
    if (!answers) throw Object.assign(new Error("no node"), { code: -32000 });
    return toHex(5, { size: 32 });
  });
  const names = ["streamGateway", "backpressurePool", "capacityRegistry", "workVouchers"];
  const options = { client, deployment: deployment(names), taskTypeId: toHex(1, { size: 32 }), service: () => {} };
  const serve = createBpeServe({ ...options, price: () => 1n, trust: 1n });
  const request = () => serve.fetch(new Request("http://sink.example/v1/x", { method: "POST", body: "{}" }));
  await assert.rejects(request());
  answers = true;
  const before = asked;
  const said = await Promise.all(Array.from({ length: 50 }, request));
  assert.deepEqual([...new Set(said.map((it) => it.status))], [402]);
  assert.equal(asked - before, 3);
  for (let time = 0; time < 20; time += 1) await serve.fetch(new Request("http://sink.example/bpe/v1/status"));
  assert.equal(asked - before, 4);
});

test("errors can be told apart", () => {
  const error = new BpeError("TooFewTokens", { token: "0x1", account: "0x2", required: 2n, available: 1n });
  assert.ok(isBpeError(error) && isBpeError(error, "TooFewTokens") && !isBpeError(error, "NoEther"));
  assert.ok(!isBpeError(new Error("TooFewTokens")));
});
