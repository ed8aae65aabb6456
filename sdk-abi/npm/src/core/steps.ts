import type { Account, Address, Hex } from "viem";
import type { BpeClient, Overrides, WriteParameters } from "./call.js";
import { accountOf, checkChain } from "./client.js";
import { BpeError } from "./errors.js";
import { receiptOf, type WaitOptions } from "./sent.js";
import { approve, allowanceOf, balanceOf, toWrap, underlyingOf, upgrade, wholeUnits } from "./tokens.js";

/** What an action that moves tokens takes beside its own arguments. */
export interface FundingParameters extends Omit<WriteParameters, "address" | "overrides"> {
  /** Of each transaction. */
  readonly overrides?: Omit<Overrides, "gas" | "nonce"> | undefined;
  /** Wrap what is missing out of the underlying token, where it is a Super Token; no by default. */
  readonly wrap?: boolean;
  /** How long to wait for each transaction before the last. */
  readonly waiting?: WaitOptions;
}

/** A transaction that was sent, of whatever kind. */
interface AnySent {
  readonly hash: Hex;
}

/** An action's transaction, after others that it took. */
export type Prepared<sent extends AnySent> = sent & {
  /** Approvals and wraps, mined. */
  readonly before: readonly Hex[];
};

/** Tokens that somebody is about to take. */
export interface Funding {
  readonly token: Address;
  readonly spender: Address;
  /** In wei of the token. */
  readonly amount: bigint;
}

/**
 * Sees to it that the account has the tokens and that the spender may take them: refuses with `TooFewTokens`, wraps if
 * it is asked to, approves exactly what is missing. What is there already is left as it is.
 */
export async function fund(
  client: BpeClient,
  parameters: FundingParameters,
  { token, spender, amount }: Funding,
): Promise<readonly Hex[]> {
  const { deployment } = parameters;
  await checkChain(client, deployment);
  const account = accountOf(client, parameters.account);
  const before: Hex[] = [];
  const available = await balanceOf(client, { deployment, token, owner: account.address });
  if (available < amount) {
    const missing = new BpeError("TooFewTokens", { token, account: account.address, required: amount, available });
    if (!parameters.wrap || !(await underlyingOf(client, { deployment, token }))) throw missing;
    before.push(...(await wrapInto(client, parameters, account, token, amount - available)));
  }
  const allowed = await allowanceOf(client, { deployment, token, owner: account.address, spender });
  if (allowed < amount) {
    before.push(await finished(client, parameters, approve(client, { ...parameters, token, spender, amount })));
  }
  return before;
}

/** Wraps so much of the underlying token, and at most a unit of it more. */
export async function wrapInto(
  client: BpeClient,
  parameters: FundingParameters,
  account: Account,
  token: Address,
  amount: bigint,
): Promise<readonly Hex[]> {
  const { deployment } = parameters;
  const { underlying, decimals } = await toWrap(client, { deployment, token });
  const owner = account.address;
  const { units, wei } = wholeUnits(amount, decimals);
  const available = await balanceOf(client, { deployment, token: underlying, owner });
  if (available < units) {
    throw new BpeError("TooFewTokens", { token: underlying, account: owner, required: units, available });
  }
  const before: Hex[] = [];
  if ((await allowanceOf(client, { deployment, token: underlying, owner, spender: token })) < units) {
    const allow = approve(client, { ...parameters, token: underlying, spender: token, amount: units });
    before.push(await finished(client, parameters, allow));
  }
  before.push(await finished(client, parameters, upgrade(client, { ...parameters, token, amount: wei })));
  return before;
}

/** Waits for a step. */
export async function finished(client: BpeClient, parameters: FundingParameters, step: Promise<AnySent>): Promise<Hex> {
  const { hash } = await step;
  await receiptOf(client, hash, parameters.waiting);
  return hash;
}

/** An action after what it takes. */
export async function after<sent extends AnySent>(
  before: readonly Hex[],
  action: Promise<sent>,
): Promise<Prepared<sent>> {
  return { ...(await action), before };
}
