import type { AbiEvent, Address, Hex, TransactionReceipt } from "viem";
import { waitForTransactionReceipt } from "viem/actions";
import type { BpeClient } from "./client.js";
import { BpeError } from "./errors.js";
import { decodeLogs, type Decoded } from "./events.js";
import { limited, RECEIPT_TIMEOUT } from "./wait.js";

/** How long to wait for a transaction. */
export interface WaitOptions {
  /** Milliseconds; 60 000 by default. */
  readonly timeout?: number;
  /** Blocks, with the transaction's own; 1 by default. */
  readonly confirmations?: number;
  /** Milliseconds between two looks; the client's by default. */
  readonly pollingInterval?: number;
}

/** A transaction that was sent. */
export interface Sent<events extends readonly AbiEvent[] = readonly AbiEvent[], result = unknown> {
  readonly hash: Hex;
  /** What the function gave when it was tried, right before. */
  readonly result: result;
  /** Waits until it is mined; `Reverted` if it failed, `TimedOut` after the limit. */
  wait(options?: WaitOptions): Promise<Mined<events, result>>;
}

/** A transaction that was mined and succeeded. */
export interface Mined<events extends readonly AbiEvent[] = readonly AbiEvent[], result = unknown> {
  readonly hash: Hex;
  readonly result: result;
  readonly receipt: TransactionReceipt;
  /** The contract's own events, decoded. */
  readonly events: readonly Decoded<events>[];
}

/** The usual end of a write: `await mined(stake(client, parameters))`. */
export async function mined<const events extends readonly AbiEvent[], result>(
  sending: Promise<Sent<events, result>>,
  options?: WaitOptions,
): Promise<Mined<events, result>> {
  return (await sending).wait(options);
}

export function sent<const events extends readonly AbiEvent[], result>(
  client: BpeClient,
  hash: Hex,
  contract: Address,
  events: events,
  result: result,
): Sent<events, result> {
  const wait = async (options: WaitOptions = {}): Promise<Mined<events, result>> => {
    const receipt = await receiptOf(client, hash, options);
    return { hash, result, receipt, events: decodeLogs(events, receipt.logs, contract) };
  };
  return { hash, result, wait };
}

/** The receipt of a transaction that succeeded. */
export async function receiptOf(client: BpeClient, hash: Hex, options: WaitOptions = {}): Promise<TransactionReceipt> {
  const { timeout = RECEIPT_TIMEOUT, ...rest } = options;
  // viem's own limit is one of blocks and polls: ours holds whatever the node does.
  const receipt = await limited(
    waitForTransactionReceipt(client, { ...rest, hash, timeout: timeout * 2 }),
    timeout,
    `the receipt of ${hash}`,
  );
  if (receipt.status !== "success") throw new BpeError("Reverted", { hash });
  return receipt;
}
