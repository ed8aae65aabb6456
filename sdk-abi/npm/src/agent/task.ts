import { isAddressEqual, recoverTypedDataAddress, type Address, type Hex } from "viem";
import { workAssignmentTypes, workLedgerDomain } from "../typed-data.js";
import { fromBase64Url, toBase64Url } from "./base64.js";
import { MOST_VALUE, MOST_WORK, priceOf } from "./totals.js";
import { address, bytes, decimal, fromJson, MalformedError, object, text, toJson } from "./wire.js";

/** A task as a source offers it, in the header `BPE-Task`: the most that it may take and cost. */
export interface TaskOffer {
  readonly primaryType: "WorkAssignment";
  readonly chainId: bigint;
  /** WorkVouchers. */
  readonly verifyingContract: Address;
  readonly taskTypeId: Hex;
  readonly sink: Address;
  readonly source: Address;
  readonly taskId: Hex;
  /** In work units of 1e-9. */
  readonly work: bigint;
  /** In wei. */
  readonly value: bigint;
  /** Seconds since 1970, by the chain. */
  readonly timestamp: bigint;
  readonly deadline: bigint;
}

/** Why an offer is none, or is not taken. */
export type TaskProblem =
  | "TooLong"
  | "Base64"
  | "Json"
  | "Kind"
  | "Chain"
  | "Contract"
  | "Sink"
  | "Zero"
  | "TooLarge"
  | "DeadlineGone"
  | "DeadlineTooFar"
  | "Timestamp"
  | "NoSignature";

/** An offer that is none, or is not taken. */
export class TaskError extends Error {
  override name = "TaskError";
  constructor(
    readonly problem: TaskProblem,
    said: string,
  ) {
    super(said);
  }
}

/** What a sink expects of an offer. */
export interface Expected {
  readonly chainId: bigint;
  readonly verifyingContract: Address;
  readonly sink: Address;
  /** Seconds since 1970, by the chain. */
  readonly now: bigint;
}

/** An offer is no longer than this. */
const MOST_BYTES = 4_096;
/** A deadline is at most so many seconds after the timestamp, and that at most so far from the chain's time. */
const MOST_TIME = 3_600n;
const MOST_SKEW = 60n;
const BY_WORK = "WorkAssignment";

const readOffer = object({
  primaryType: text,
  chainId: decimal(64),
  verifyingContract: address,
  taskTypeId: bytes(32),
  sink: address,
  source: address,
  taskId: bytes(32),
  work: decimal(128),
  value: decimal(128),
  timestamp: decimal(64),
  deadline: decimal(64),
});

/** The text of the header `BPE-Task`. */
export function encodeTask(offer: TaskOffer): string {
  const { primaryType, chainId, verifyingContract, taskTypeId, sink, source } = offer;
  const { taskId, work, value, timestamp, deadline } = offer;
  const ordered = {
    primaryType,
    chainId,
    verifyingContract,
    taskTypeId,
    sink,
    source,
    taskId,
    work,
    value,
    timestamp,
    deadline,
  };
  return toBase64Url(new TextEncoder().encode(toJson(ordered)));
}

/** Reads the header `BPE-Task`; `TaskError`, if it is too long or no offer. */
export function decodeTask(header: string): TaskOffer {
  if (header.length > MOST_BYTES) throw new TaskError("TooLong", `BPE-Task is longer than ${MOST_BYTES} bytes`);
  const encoded = fromBase64Url(header);
  if (!encoded) throw new TaskError("Base64", "BPE-Task is not base64url without padding");
  const json = parsed(encoded);
  // The kind first: a task of another kind lacks fields, and that is not what is wrong with it.
  const { primaryType: kind } = strictly(() => object({ primaryType: text }, false)(json, "BPE-Task"));
  if (kind !== BY_WORK) {
    throw new TaskError(
      "Kind",
      `primaryType is ${kind.slice(0, 40)}; this sink settles by work, and takes a ${BY_WORK}`,
    );
  }
  return { ...strictly(() => readOffer(json, "BPE-Task")), primaryType: BY_WORK };
}

const parsed = (encoded: Uint8Array) =>
  strictly(() => {
    try {
      return fromJson(new TextDecoder("utf-8", { fatal: true }).decode(encoded));
    } catch (error) {
      throw error instanceof MalformedError ? error : new MalformedError("no UTF-8");
    }
  });

function strictly<value>(read: () => value): value {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) throw new TaskError("Json", `BPE-Task holds no task: ${error.message}`);
    throw error;
  }
}

/** Compares an offer with what a sink expects; `TaskError` says what is wrong with it, by name and value. */
export function checkTask(offer: TaskOffer, expected: Expected): void {
  const refuse = (problem: TaskProblem, said: string): never => {
    throw new TaskError(problem, said);
  };
  if (offer.chainId !== expected.chainId)
    refuse("Chain", `chainId is ${offer.chainId}; this sink is on chain ${expected.chainId}`);
  if (!isAddressEqual(offer.verifyingContract, expected.verifyingContract)) {
    refuse(
      "Contract",
      `verifyingContract is ${offer.verifyingContract}; this sink is paid by ${expected.verifyingContract}`,
    );
  }
  if (!isAddressEqual(offer.sink, expected.sink))
    refuse("Sink", `the task is for the sink ${offer.sink}; this one is ${expected.sink}`);
  for (const [name, most] of [
    ["work", MOST_WORK],
    ["value", MOST_VALUE],
  ] as const) {
    if (offer[name] === 0n) refuse("Zero", `${name} is 0`);
    if (offer[name] > most) refuse("TooLarge", `${name} is ${offer[name]}, more than a voucher holds`);
  }
  const { timestamp, deadline } = offer;
  const { now } = expected;
  if (deadline <= now) refuse("DeadlineGone", `the deadline ${deadline} is past; it is ${now}`);
  const skew = timestamp > now ? timestamp - now : now - timestamp;
  if (skew > MOST_SKEW)
    refuse("Timestamp", `the timestamp ${timestamp} is more than ${MOST_SKEW} s from the chain's time ${now}`);
  if (deadline - timestamp > MOST_TIME) {
    refuse("DeadlineTooFar", `the deadline ${deadline} is more than ${MOST_TIME} s after the timestamp ${timestamp}`);
  }
}

/** What the source pays at most, in wei per work unit. */
export const priceOfTask = ({ work, value }: TaskOffer): bigint => priceOf(work, value);

/** What both sign, as viem's `signTypedData` takes it. */
export function assignmentOf(offer: TaskOffer) {
  const { chainId, verifyingContract, primaryType: _, ...message } = offer;
  return {
    domain: workLedgerDomain(Number(chainId), verifyingContract),
    types: workAssignmentTypes,
    primaryType: BY_WORK,
    message,
  } as const;
}

/** Who signed it. */
export async function signerOfTask(offer: TaskOffer, signature: Hex): Promise<Address> {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) throw noSignature();
  try {
    return await recoverTypedDataAddress({ ...assignmentOf(offer), signature });
  } catch {
    throw noSignature();
  }
}

const noSignature = () => new TaskError("NoSignature", "BPE-Task-Signature is no signature of 65 bytes");
