import type { Address, Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import { contractAddress, type Deployment } from "../core/deployment.js";
import { sign, type SigningParameters } from "../core/sign.js";
import { completionReceiptTypes, completionTrackerDomain, taskAssignmentTypes } from "../typed-data.js";

/** What both sides sign when a task is done. */
export interface Receipt {
  readonly taskTypeId: Hex;
  readonly sink: Address;
  readonly source: Address;
  readonly taskId: Hex;
  /** Seconds since 1970; at most 600 old when it is recorded. */
  readonly timestamp: bigint;
}

/** What both sides sign when a sink accepts a task. */
export interface Assignment {
  readonly taskTypeId: Hex;
  readonly sink: Address;
  readonly source: Address;
  readonly taskId: Hex;
  /** Until when it is owed, in seconds since 1970. */
  readonly deadline: bigint;
}

/**
 * Signs a receipt, as sink or source; `recordReceipt` takes it as `{ ...task, time: timestamp, sinkSig, sourceSig }`.
 */
export function signReceipt(
  client: BpeClient,
  parameters: SigningParameters & { readonly receipt: Receipt },
): Promise<Hex> {
  const { deployment, receipt: message } = parameters;
  const data = {
    domain: domainOf(deployment),
    types: completionReceiptTypes,
    primaryType: "CompletionReceipt",
    message,
  };
  return sign(client, parameters, data);
}

/** Signs an assignment, as sink or source; `recordAssignment` takes it with `time: deadline`. */
export function signAssignment(
  client: BpeClient,
  parameters: SigningParameters & { readonly assignment: Assignment },
): Promise<Hex> {
  const { deployment, assignment: message } = parameters;
  const data = { domain: domainOf(deployment), types: taskAssignmentTypes, primaryType: "TaskAssignment", message };
  return sign(client, parameters, data);
}

const domainOf = (deployment: Deployment) =>
  completionTrackerDomain(deployment.chainId, contractAddress(deployment, "completionTracker"));
