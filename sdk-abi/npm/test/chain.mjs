// A chain with the suite, for tests: BPE_DEVNET = {"url", "deployment": what `bpe deploy` wrote}, whose stake token is
// USDCx. The repository's tests/tests/clients starts one; by hand: `bpe devnet`, `bpe deploy --config`, and a block a
// second, as other chains have. Nobody has tokens there but for what a test mints. Without it these tests are skipped.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createWalletClient, defineChain, http, parseEther, parseUnits, publicActions } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { sink, stake } from "../dist/generated/actions/index.js";
import { isBpeError, mined } from "../dist/index.js";

const given = process.env.BPE_DEVNET && JSON.parse(process.env.BPE_DEVNET);

export const onChain = {
  skip: given ? false : "BPE_DEVNET names no chain: the repository's tests/tests/clients starts one",
};
export const deployment = given?.deployment;
export const url = given?.url;

const chain = defineChain({
  id: deployment?.chainId ?? 31337,
  name: "devnet",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url ?? ""] } },
});

/** One of the devnet's accounts, whose keys everybody knows. */
export const accountAt = (index) =>
  mnemonicToAccount("test test test test test test test test test test test junk", { addressIndex: index });

/** A client that signs as that account. */
export function clientAt(index) {
  const options = { account: accountAt(index), chain, transport: http(url), pollingInterval: 20 };
  return createWalletClient(options).extend(publicActions);
}

/** The error that an action ends in. */
export async function refused(promise, name) {
  const error = await promise.then(
    () => assert.fail(`no ${name}`),
    (it) => it,
  );
  assert.ok(isBpeError(error, name), error.stack);
  return error;
}

/** Mines blocks, some seconds later. */
export async function mine(blocks = 1, seconds = 0) {
  const { request } = clientAt(0);
  if (seconds > 0) await request({ method: "evm_increaseTime", params: [seconds] });
  for (let block = 0; block < blocks; block += 1) await request({ method: "evm_mine", params: [] });
}

/** Gives an account so many USDC, of six decimals, which anybody mints here. */
export async function mintUsdc(to, amount) {
  const name = { type: "function", name: "mint", stateMutability: "nonpayable", outputs: [] };
  const inputs = ["address", "uint256"].map((type, index) => ({ type, name: `value${index}` }));
  const client = clientAt(0);
  const request = {
    address: deployment.superfluid.usdc,
    abi: [{ ...name, inputs }],
    functionName: "mint",
    args: [to, amount],
  };
  await client.waitForTransactionReceipt({ hash: await client.writeContract(request) });
}

/** Registers a task type, with a minimum stake of 100 for its sinks, and the stake that its creator sets aside for it. */
export async function openTaskType(client, taskTypeId) {
  await mintUsdc(client.account.address, parseUnits("100", 6));
  await mined(stake.stakeWithApproval(client, { deployment, amount: parseEther("100"), wrap: true }));
  return mined(sink.registerTaskType(client, { deployment, taskTypeId, minStake: parseEther("100") }));
}

/** Compiles a contract of the repository's tests by solc, which NODE_PATH leads to, and deploys it. */
export async function deployed(file, contract) {
  const root = new URL("../../../", import.meta.url);
  const tools = fileURLToPath(new URL(".tools/node_modules", root));
  const [compiler, source] = ["tests/tools/compile.cjs", `tests/contracts/${file}`].map((it) => new URL(it, root));
  const printed = execFileSync(process.execPath, [compiler, source].map(fileURLToPath), {
    env: { NODE_PATH: tools, ...process.env },
    maxBuffer: 1 << 24,
  });
  const { abi, bytecode } = JSON.parse(printed)[contract];
  const client = clientAt(0);
  const hash = await client.deployContract({ abi, bytecode });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  return contractAddress;
}

/** The names of events, in their order. */
export const namesOf = ({ events }) => events.map((it) => it.eventName);
