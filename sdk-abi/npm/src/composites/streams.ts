import type { Address, Hex } from "viem";
import { simulate, write, type BpeClient, type ReadParameters, type Sent, type WriteParameters } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { contractAddress, superfluidAddress } from "../core/deployment.js";
import { batchCallItem, distributeFlowItem, runMacroItem } from "../core/superfluid.js";
import { getPool } from "../generated/calls/BackpressurePool.js";
import { buildBatchOperations, postCheck, SUPER_TOKEN } from "../generated/calls/StreamGateway.js";

/** Of `runMacro` and `runBatch`. */
export type RunParameters = Omit<WriteParameters, "address"> & {
  /** What `createStream`, `updateStream`, `deleteStream` or `topUp` of this module gave. */
  readonly macroParameters: Hex;
};

/** Has Superfluid's macro forwarder do what the gateway says, which checks afterwards that it flows. */
export function runMacro(client: BpeClient, parameters: RunParameters): Promise<Sent<readonly [], void>> {
  const { deployment } = parameters;
  const address = superfluidAddress(deployment, "blindMacroForwarder");
  const args = [contractAddress(deployment, "streamGateway"), parameters.macroParameters] as const;
  return write(client, { ...parameters, address }, "blindMacroForwarder", runMacroItem, args, [] as const);
}

/**
 * Does the same by `batchCall` of Superfluid's host, which works for anyone, also where governance trusts no macro forwarder.
 * In a batch nothing can refuse a rate that is too low: `streamCheck` says afterwards whether it flows.
 */
export async function runBatch(client: BpeClient, parameters: RunParameters): Promise<Sent<readonly [], void>> {
  const { deployment, macroParameters: params } = parameters;
  const host = superfluidAddress(deployment, "host");
  const account = accountOf(client, parameters.account).address;
  const operations = await buildBatchOperations(client, { deployment, host, params, account });
  return write(client, { ...parameters, address: host }, "host", batchCallItem, [operations], [] as const);
}

/** Refuses with `StreamDoesNotFlow` what a batch has done without anybody being paid. */
export function streamCheck(
  client: BpeClient,
  parameters: ReadParameters & { readonly macroParameters: Hex; readonly source: Address },
): Promise<void> {
  const { deployment, macroParameters: params, source } = parameters;
  return postCheck(client, { ...parameters, host: superfluidAddress(deployment, "host"), params, account: source });
}

/** Of `distributeFlow`. */
export type DistributeFlowParameters = Omit<WriteParameters, "address"> & {
  readonly taskTypeId: Hex;
  /** Wei of the Super Token per second; 0 ends the stream. */
  readonly flowRate: bigint;
};

/**
 * Sets a stream by GDAv1Forwarder, as contract accounts do. It notes nothing, and takes a rate that is too low without paying
 * anybody: ask `getMinimumFlowRate` before.
 */
export async function distributeFlow(
  client: BpeClient,
  parameters: DistributeFlowParameters,
): Promise<Sent<readonly [], void>> {
  const { deployment, taskTypeId, flowRate } = parameters;
  const address = superfluidAddress(deployment, "gdaV1Forwarder");
  const token = await SUPER_TOKEN(client, { deployment });
  const pool = await getPool(client, { deployment, taskTypeId });
  const args = [token, accountOf(client, parameters.account).address, pool, flowRate, "0x"] as const;
  return write(client, { ...parameters, address }, "gdaV1Forwarder", distributeFlowItem, args, [] as const);
}

/** What `runMacro` would do, without sending it. */
export function simulateMacro(client: BpeClient, parameters: RunParameters): Promise<void> {
  const { deployment } = parameters;
  const address = superfluidAddress(deployment, "blindMacroForwarder");
  const args = [contractAddress(deployment, "streamGateway"), parameters.macroParameters] as const;
  return simulate(client, { ...parameters, address }, "blindMacroForwarder", runMacroItem, args);
}

