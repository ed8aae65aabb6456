import type { Account, Address, Hex } from "viem";
import { signTypedData } from "viem/actions";
import type { BpeClient } from "./client.js";
import { accountOf, checkChain } from "./client.js";
import type { Deployment } from "./deployment.js";
import { explained } from "./refusal.js";
import { limited, SIGNING_TIMEOUT } from "./wait.js";

/** What every signature takes. */
export interface SigningParameters {
  readonly deployment: Deployment;
  /** Who signs: the client's account by default. */
  readonly account?: Account | Address | undefined;
}

/** Typed data of the suite. */
export interface Signable {
  readonly domain: {
    readonly name: string;
    readonly version: string;
    readonly chainId: number;
    readonly verifyingContract: Address;
  };
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: object;
}

/** Signs typed data for the deployment's chain, and no other. */
export async function sign(client: BpeClient, parameters: SigningParameters, data: Signable): Promise<Hex> {
  const { deployment } = parameters;
  await checkChain(client, deployment, true);
  const account = accountOf(client, parameters.account);
  const called = { contract: data.domain.name, functionName: data.primaryType, chainId: deployment.chainId };
  try {
    return await limited(signTypedData(client, { account, ...data } as never), SIGNING_TIMEOUT, "a signature");
  } catch (error) {
    throw await explained(client, error, { ...called, account: account.address });
  }
}
