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
import { BpeError, decodeRevert, type BpeErrorContext } from "./errors.js";

/** What was called, for the error's text. */
export interface Called extends BpeErrorContext {
  readonly functionName: string;
  readonly contract: string;
  readonly chainId: number;
  readonly account?: Address | undefined;
}

/** The error of this package that an error of viem stands for; viem's own, where it is about something else. */
export function explained(error: unknown, called: Called): unknown {
  if (error instanceof BpeError || !(error instanceof BaseError)) return error;
  const context = { cause: error, contract: called.contract, functionName: called.functionName };
  const find = <type extends Error>(type: abstract new (...args: never[]) => type): type | undefined => {
    const found = error.walk((it) => it instanceof type);
    return found instanceof type ? found : undefined;
  };
  const account = called.account ?? zeroAddress;
  if (find(InsufficientFundsError) || isPoor(error)) return new BpeError("NoEther", { account }, context);
  if (find(UserRejectedRequestError)) return new BpeError("NotSigned", { account }, context);
  const timeout = find(TimeoutError);
  if (timeout) return new BpeError("TimedOut", { waitingFor: timeout.shortMessage, milliseconds: 0 }, context);
  if (find(ChainMismatchError)) {
    return new BpeError("WrongChain", { expected: called.chainId, actual: 0 }, context);
  }
  const data = revertData(error) ?? (find(ExecutionRevertedError) ? "0x" : undefined);
  if (data === undefined) return error;
  return decodeRevert(data, context) ?? new BpeError("Refused", { functionName: called.functionName, data }, context);
}

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
