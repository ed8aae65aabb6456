import { zeroAddress, type Address } from "viem";
import { read, write, type BpeClient, type ReadParameters, type Sent, type WriteParameters } from "./call.js";
import { BpeError, isBpeError } from "./errors.js";

const address = (name: string) => ({ name, type: "address" }) as const;
const uint256 = (name: string) => ({ name, type: "uint256" }) as const;

const view = { type: "function", stateMutability: "view" } as const;
const change = { type: "function", stateMutability: "nonpayable" } as const;
const balanceItem = { ...view, name: "balanceOf", inputs: [address("owner")], outputs: [uint256("")] } as const;
const allowanceItem = {
  ...view,
  name: "allowance",
  inputs: [address("owner"), address("spender")],
  outputs: [uint256("")],
} as const;
const underlyingItem = { ...view, name: "getUnderlyingToken", inputs: [], outputs: [address("")] } as const;
const decimalsItem = { ...view, name: "decimals", inputs: [], outputs: [{ name: "", type: "uint8" }] } as const;
const approveItem = {
  ...change,
  name: "approve",
  inputs: [address("spender"), uint256("amount")],
  outputs: [], // some tokens return nothing
} as const;
const upgradeItem = { ...change, name: "upgrade", inputs: [uint256("amount")], outputs: [] } as const;
const downgradeItem = { ...change, name: "downgrade", inputs: [uint256("amount")], outputs: [] } as const;

/** Reads of a token. */
export interface TokenParameters extends Omit<ReadParameters, "address"> {
  readonly token: Address;
}

/** What an account has of a token, in wei of it. */
export function balanceOf(
  client: BpeClient,
  parameters: TokenParameters & { readonly owner: Address },
): Promise<bigint> {
  return read(client, at(parameters), "token", balanceItem, [parameters.owner]);
}

/** What a spender may still take of an account's tokens, in wei of it. */
export function allowanceOf(
  client: BpeClient,
  parameters: TokenParameters & { readonly owner: Address; readonly spender: Address },
): Promise<bigint> {
  return read(client, at(parameters), "token", allowanceItem, [parameters.owner, parameters.spender]);
}

/** What a Super Token wraps; nothing, if the token is none, or wraps none. */
export async function underlyingOf(client: BpeClient, parameters: TokenParameters): Promise<Address | undefined> {
  try {
    const underlying = await read(client, at(parameters), "token", underlyingItem, []);
    return underlying === zeroAddress ? undefined : underlying;
  } catch (error) {
    // A plain token knows no such function.
    if (isBpeError(error, "Refused") || isBpeError(error, "MissingContract")) return undefined;
    throw error;
  }
}

/** What a Super Token wraps, and that token's decimals. */
export async function toWrap(
  client: BpeClient,
  parameters: TokenParameters,
): Promise<{ readonly underlying: Address; readonly decimals: number }> {
  const underlying = await underlyingOf(client, parameters);
  if (!underlying) {
    const expected = "a Super Token that wraps another token";
    throw new BpeError("InvalidArgument", { argument: "token", value: parameters.token, expected });
  }
  const decimals = await read(client, { ...parameters, address: underlying }, "token", decimalsItem, []);
  return { underlying, decimals };
}

/** Writes to a token; amounts in wei of it. */
export interface TokenAmount extends Omit<WriteParameters, "address"> {
  readonly token: Address;
  readonly amount: bigint;
}

/** Lets a spender take so much. */
export function approve(
  client: BpeClient,
  parameters: TokenAmount & { readonly spender: Address },
): Promise<Sent<[], void>> {
  return write(client, at(parameters), "token", approveItem, [parameters.spender, parameters.amount], []);
}

/** Wraps so much, in wei of the Super Token, which has 18 decimals. */
export function upgrade(client: BpeClient, parameters: TokenAmount): Promise<Sent<[], void>> {
  return write(client, at(parameters), "token", upgradeItem, [parameters.amount], []);
}

/** Unwraps so much, in wei of the Super Token, which has 18 decimals. */
export function downgrade(client: BpeClient, parameters: TokenAmount): Promise<Sent<[], void>> {
  return write(client, at(parameters), "token", downgradeItem, [parameters.amount], []);
}

/** A Super Token's amount in units of a token with so many decimals, rounded up, and as wei again. */
export function wholeUnits(amount: bigint, decimals: number): { readonly units: bigint; readonly wei: bigint } {
  if (decimals >= 18) return { units: amount * 10n ** BigInt(decimals - 18), wei: amount };
  const unit = 10n ** BigInt(18 - decimals);
  const units = (amount + unit - 1n) / unit;
  return { units, wei: units * unit };
}

const at = <parameters extends { readonly token: Address }>(parameters: parameters) => ({
  ...parameters,
  address: parameters.token,
});
