// A chain with the suite, for tests: BPE_DEVNET = {"url", "deployment": what `bpe deploy` wrote}. The repository's
// tests/tests/clients starts one; by hand: `bpe devnet`, `bpe deploy`. Without it these tests are skipped.
import assert from "node:assert/strict";
import { createWalletClient, defineChain, http, publicActions } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { isBpeError } from "../dist/index.js";

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

/** The names of events, in their order. */
export const namesOf = ({ events }) => events.map((it) => it.eventName);
