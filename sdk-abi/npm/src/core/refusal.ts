import {
  BaseError,
  ChainMismatchError,
  ExecutionRevertedError,
  InsufficientFundsError,
  TimeoutError,
  UserRejectedRequestError,
  zeroAddress,
  type Address,
  type Hex,
} from "viem";
import { getBalance, getChainId } from "viem/actions";
import type { BpeClient } from "./client.js";
import { BpeError, decodeRevert, type BpeErrorContext } from "./errors.js";
import { limited } from "./wait.js";

/** Milliseconds that viem's transports wait, where they do not say. */
const VIEMS_TIMEOUT = 10_000;
/** Milliseconds for what an error says beside its name. */
const ASKING = 5_000;

/** What was called, for the error's text. */
export interface Called extends BpeErrorContext {
  readonly functionName: string;
  readonly contract: string;
  readonly chainId: number;
  readonly account?: Address | undefined;
}

/**
 * The error of this package that an error of viem stands for; viem's own, where it is about something else. What viem
 * does not say of it is asked.
 */
export async function explained(client: BpeClient, error: unknown, called: Called): Promise<unknown> {
  if (error instanceof BpeError || !(error instanceof BaseError)) return error;
  const context = { cause: error, contract: called.contract, functionName: called.functionName };
  const find = <type extends Error>(type: abstract new (...args: never[]) => type): type | undefined => {
    const found = error.walk((it) => it instanceof type);
    return found instanceof type ? found : undefined;
  };
  const account = called.account ?? zeroAddress;
  if (find(InsufficientFundsError) || isPoor(error)) {
    const available = await asked(getBalance(client, { address: account }));
    return new BpeError("NoEther", { account, available }, context);
  }
  if (find(UserRejectedRequestError)) return new BpeError("NotSigned", { account }, context);
  const timeout = find(TimeoutError);
  if (timeout) {
    const milliseconds = Number(client.transport["timeout"] ?? VIEMS_TIMEOUT);
    return new BpeError("TimedOut", { waitingFor: called.functionName, milliseconds }, context);
  }
  if (find(ChainMismatchError)) {
    const actual = await asked(getChainId(client));
    return new BpeError("WrongChain", { expected: called.chainId, actual }, context);
  }
  const data = revertData(error) ?? (find(ExecutionRevertedError) ? "0x" : undefined);
  if (data === undefined) return error;
  return decodeRevert(data, context) ?? new BpeError("Refused", { functionName: called.functionName, data }, context);
}

/** What the error is about, if the node says so now. */
const asked = <value>(answer: Promise<value>): Promise<value | undefined> =>
  limited(answer, ASKING, "what an error is about").catch(() => undefined);

/** Nodes say it in their own words, which viem does not always know. */
const isPoor = (error: BaseError) => /insufficient funds|insufficient balance for transfer/i.test(error.details ?? "");

/** What a call reverted with: nodes put it in different places. */
function revertData(error: BaseError): Hex | undefined {
  const carrying = error.walk((it) => dataOf(it) !== undefined);
  return carrying ? dataOf(carrying) : undefined;
}

function dataOf(error: unknown): Hex | undefined {
  const data = (error as { data?: unknown } | null)?.data;
  const inner = typeof data === "object" && data !== null ? (data as { data?: unknown }).data : data;
  return typeof inner === "string" && /^0x([0-9a-f]{2})*$/i.test(inner) ? (inner as Hex) : undefined;
}
