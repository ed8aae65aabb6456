// What the examples are told: a chain, what is deployed there, a task type, and the keys of two accounts.
//
//   RPC=http://127.0.0.1:8545 DEPLOYMENT=deployments/31337.json TASK_TYPE=0x… SELLER_KEY=0x… BUYER_KEY=0x…
import { readFileSync } from "node:fs";
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** A variable of the environment, or an error that names it. */
export function told(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export const deployment = JSON.parse(readFileSync(told("DEPLOYMENT"), "utf8"));

/** A client that signs with the key in this variable. */
export function clientOf(name) {
  return createWalletClient({
    account: privateKeyToAccount(told(name)),
    transport: http(told("RPC")),
    pollingInterval: 100,
  });
}
