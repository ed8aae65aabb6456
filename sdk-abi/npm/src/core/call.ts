import {
  decodeFunctionResult,
  encodeFunctionData,
  type AbiEvent,
  type AbiFunction,
  type AbiParameter,
  type AbiParameterToPrimitiveType,
  type Account,
  type Address,
  type Hex,
} from "viem";
import { call, estimateGas, sendTransaction } from "viem/actions";
import { accountOf, chainOf, checkChain, type BpeClient } from "./client.js";
import { contractAddress, type Callee, type Deployment } from "./deployment.js";
import { BpeError } from "./errors.js";
import { explained, type Called } from "./refusal.js";
import { sent, type Sent } from "./sent.js";
import { limited, REQUEST_TIMEOUT, SIGNING_TIMEOUT } from "./wait.js";

export type { BpeClient } from "./client.js";
export type { Sent } from "./sent.js";

/** What every action takes. */
export interface CommonParameters {
  /** What `bpe deploy` has recorded of the chain. */
  readonly deployment: Deployment;
  /** Another contract of the same kind than the deployment's. */
  readonly address?: Address | undefined;
  /** Milliseconds until a request to the chain is given up; 30 000 by default. */
  readonly timeout?: number | undefined;
}

/** What every read takes; of the latest block by default. */
export interface ReadParameters extends CommonParameters {
  readonly blockNumber?: bigint | undefined;
  readonly blockTag?: "latest" | "safe" | "finalized" | "pending" | undefined;
}

/** What every write takes. */
export interface WriteParameters extends CommonParameters {
  /** Who sends it: the client's account by default. */
  readonly account?: Account | Address | undefined;
  /**
   * Of the transaction; gas is the estimate and half as much again by default, since streams change with every second.
   */
  readonly overrides?: Overrides | undefined;
}

/** Parts of a transaction, fees in wei. */
export interface Overrides {
  readonly gas?: bigint;
  readonly nonce?: number;
  readonly maxFeePerGas?: bigint;
  readonly maxPriorityFeePerGas?: bigint;
}

/** Of functions that take ether. */
export interface Payable {
  /** Ether that goes with the call, in wei. */
  readonly value?: bigint | undefined;
}

/** Arguments, as the ABI has them. */
export type Arguments<inputs extends readonly AbiParameter[]> = {
  readonly [index in keyof inputs]: AbiParameterToPrimitiveType<inputs[index] & AbiParameter>;
};

/** What a function gives: nothing, its value, or an object of its named values. */
export type Result<outputs extends readonly AbiParameter[]> = outputs extends readonly []
  ? void
  : outputs extends readonly [infer only extends AbiParameter]
    ? AbiParameterToPrimitiveType<only>
    : { readonly [it in outputs[number] as it["name"] & string]: AbiParameterToPrimitiveType<it> };

/** Calls a view. */
export async function read<const item extends AbiFunction>(
  client: BpeClient,
  parameters: ReadParameters,
  contract: Callee,
  item: item,
  args: Arguments<item["inputs"]>,
): Promise<Result<item["outputs"]>> {
  await checkChain(client, parameters.deployment);
  const { blockNumber, blockTag } = parameters;
  const block = blockNumber === undefined ? { blockTag: blockTag ?? ("latest" as const) } : { blockNumber };
  return ask(client, parameters, contract, item, encode(item, args), block);
}

/** Tries a call without sending it. */
export async function simulate<const item extends AbiFunction>(
  client: BpeClient,
  parameters: WriteParameters & Payable,
  contract: Callee,
  item: item,
  args: Arguments<item["inputs"]>,
): Promise<Result<item["outputs"]>> {
  await checkChain(client, parameters.deployment);
  const from = { account: accountOf(client, parameters.account), value: parameters.value };
  return ask(client, parameters, contract, item, encode(item, args), from);
}

/** Tries a call, and sends it if it would not be refused. */
export async function write<const item extends AbiFunction, const events extends readonly AbiEvent[]>(
  client: BpeClient,
  parameters: WriteParameters & Payable,
  contract: Callee,
  item: item,
  args: Arguments<item["inputs"]>,
  events: events,
): Promise<Sent<events, Result<item["outputs"]>>> {
  const { deployment, value } = parameters;
  await checkChain(client, deployment, true);
  const account = accountOf(client, parameters.account);
  const data = encode(item, args);
  const result = await ask(client, parameters, contract, item, data, { account, value });
  const to = parameters.address ?? contractAddress(deployment, contract);
  const called = { contract, functionName: item.name, chainId: deployment.chainId, account: account.address };
  const hash = await transmit(client, parameters, { account, to, data, value }, called);
  return sent(client, hash, to, events, result);
}

/** A call of any contract, with its account. */
export interface RawCall {
  readonly account: Account;
  readonly to: Address;
  readonly data: Hex;
  readonly value?: bigint | undefined;
}

/** Estimates and sends a call that has been tried. */
export async function transmit(
  client: BpeClient,
  { deployment, overrides = {}, timeout = REQUEST_TIMEOUT }: WriteParameters,
  raw: RawCall,
  called: Called,
): Promise<Hex> {
  try {
    const gas = overrides.gas ?? (await withMargin(client, raw, timeout));
    // One of both kinds of fees, or none: viem's types cannot tell from here.
    const request = { ...overrides, ...raw, gas, chain: chainOf(client, deployment.chainId) };
    return await limited(
      sendTransaction(client, request as never),
      SIGNING_TIMEOUT,
      `${called.functionName} to be signed`,
    );
  } catch (error) {
    throw await explained(client, error, called);
  }
}

/** The estimate and half as much again; a refused one is repeated once, with the state of the newest block. */
async function withMargin(client: BpeClient, raw: RawCall, timeout: number): Promise<bigint> {
  const estimate = () => limited(estimateGas(client, raw as never), timeout, "an estimate");
  const gas = await estimate().catch(estimate);
  return (gas * 3n) / 2n;
}

function encode<const item extends AbiFunction>(item: item, args: Arguments<item["inputs"]>): Hex {
  return encodeFunctionData({ abi: [item] as readonly AbiFunction[], functionName: item.name, args: args as never });
}

async function ask<const item extends AbiFunction>(
  client: BpeClient,
  { deployment, address, timeout = REQUEST_TIMEOUT }: CommonParameters,
  contract: Callee,
  item: item,
  data: Hex,
  how: object,
): Promise<Result<item["outputs"]>> {
  const to = address ?? contractAddress(deployment, contract);
  const account = (how as { account?: Account }).account?.address;
  const called = { contract, functionName: item.name, chainId: deployment.chainId, account };
  const answer = await tried(client, { to, data, ...how }, timeout, called);
  if (item.outputs.length === 0) return undefined as Result<item["outputs"]>;
  if (!answer) throw new BpeError("MissingContract", { contract, chainId: deployment.chainId }, called);
  const abi = [item] as readonly AbiFunction[];
  return named(item, decodeFunctionResult({ abi, functionName: item.name, data: answer })) as never;
}

/** What a call gives; the error that it reverts with. */
export async function tried(
  client: BpeClient,
  request: object,
  timeout: number,
  called: Called,
): Promise<Hex | undefined> {
  try {
    const { data } = await limited(call(client, request as never), timeout, called.functionName);
    return data;
  } catch (error) {
    throw await explained(client, error, called);
  }
}

/** Several results by their names. */
function named(item: AbiFunction, values: unknown): unknown {
  if (item.outputs.length < 2) return values;
  return Object.fromEntries(item.outputs.map((it, index) => [it.name, (values as readonly unknown[])[index]]));
}
