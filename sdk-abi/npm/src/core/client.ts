import type { Account, Address, Chain, Client, Transport } from "viem";
import { parseAccount } from "viem/accounts";
import { getChainId } from "viem/actions";
import type { Deployment } from "./deployment.js";
import { BpeError } from "./errors.js";
import { limited, REQUEST_TIMEOUT } from "./wait.js";

/** Any client of viem. */
export type BpeClient = Client<Transport, Chain | undefined, Account | undefined>;

const chains = new WeakMap<BpeClient, number>();

/** Refuses a client of another chain. Asks once per client; `again`: once more, since wallets change their chain. */
export async function checkChain(client: BpeClient, { chainId }: Deployment, again = false): Promise<void> {
  let actual = again ? undefined : chains.get(client);
  if (actual === undefined) {
    actual = await limited(getChainId(client), REQUEST_TIMEOUT, "the chain's id");
    chains.set(client, actual);
  }
  if (actual !== chainId) throw new BpeError("WrongChain", { expected: chainId, actual });
}

/** Who acts: the parameters' account, or else the client's. */
export function accountOf(client: BpeClient, account: Account | Address | undefined): Account {
  const chosen = account ?? client.account;
  if (!chosen) throw new BpeError("MissingAccount", {});
  return parseAccount(chosen);
}

/** A chain as viem wants it, where the client has none. */
export function chainOf(client: BpeClient, chainId: number): Chain {
  if (client.chain) return client.chain;
  const ether = { name: "Ether", symbol: "ETH", decimals: 18 };
  return { id: chainId, name: `chain ${chainId}`, nativeCurrency: ether, rpcUrls: { default: { http: [] } } };
}
