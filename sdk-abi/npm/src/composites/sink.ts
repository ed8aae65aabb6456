import type { Address, Hex } from "viem";
import type { BpeClient, CommonParameters } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { BpeError } from "../core/errors.js";
import { listed } from "../core/pages.js";
import { finished, type FundingParameters } from "../core/steps.js";
import { getWeighting, rebalanceSink } from "../generated/calls/BackpressurePool.js";
import { deregisterSink, getSinksPage, isRegistered, registerSink } from "../generated/calls/CapacityRegistry.js";
import { stakeUpTo } from "./stake.js";

/** A sink of a task type. */
export interface SinkEntry {
  readonly sink: Address;
  /** Smoothed capacity, of 1e-9 units. */
  readonly capacity: bigint;
}

/** Of `getAllSinks`. */
export type GetAllSinksParameters = CommonParameters & {
  readonly taskTypeId: Hex;
  /** Sinks in a call; 100 by default. */
  readonly pageSize?: bigint;
  /** More sinks than this are refused; 10 000 by default. */
  readonly most?: number;
};

/** All sinks of a task type with their smoothed capacities, page by page. */
export async function getAllSinks(client: BpeClient, parameters: GetAllSinksParameters): Promise<readonly SinkEntry[]> {
  const { pageSize = 100n, most = 10_000, ...common } = parameters;
  if (pageSize <= 0n) {
    throw new BpeError("InvalidArgument", {
      argument: "pageSize",
      value: `${pageSize}`,
      expected: "a positive number",
    });
  }
  const page = async (from: bigint, count: bigint) => {
    const { sinks, capacities } = await getSinksPage(client, { ...common, from, count });
    return sinks.map((sink, index) => ({ sink, capacity: capacities[index] ?? 0n }));
  };
  const { entries, cut } = await listed(page, pageSize, most);
  if (cut) {
    throw new BpeError("InvalidArgument", {
      argument: "most",
      value: `${most}`,
      expected: "as many as there are sinks",
    });
  }
  return entries;
}

/** Of `becomeSink`. */
export type BecomeSinkParameters = FundingParameters & {
  readonly taskTypeId: Hex;
  /** What it can do, of 1e-9 units; cut to what the stake backs. */
  readonly capacity: bigint;
  /** What is to be staked altogether, in wei of the stake token; what is missing is approved and staked. */
  readonly stake: bigint;
};

/**
 * Stakes what is missing, registers, and has the pool set its units, where it has any. Steps that are done already are
 * left out, so that it can be called again after a failure. Gives the transactions that it took, all mined.
 */
export async function becomeSink(client: BpeClient, parameters: BecomeSinkParameters): Promise<readonly Hex[]> {
  const { deployment, taskTypeId, capacity, stake } = parameters;
  const sink = accountOf(client, parameters.account).address;
  const hashes: Hex[] = [];
  const staked = await stakeUpTo(client, { ...parameters, amount: stake });
  if (staked) hashes.push(...staked.before, await finished(client, parameters, Promise.resolve(staked)));
  if (!(await isRegistered(client, { deployment, taskTypeId, sink }))) {
    const register = registerSink(client, { ...parameters, initialCapacity: capacity });
    hashes.push(await finished(client, parameters, register));
  }
  // By work, sinks have no units: they are paid by vouchers.
  if ((await getWeighting(client, { deployment, taskTypeId })) !== BY_WORK) {
    hashes.push(await finished(client, parameters, rebalanceSink(client, { ...parameters, sink })));
  }
  return hashes;
}

/** The weighting of task types that are paid by work. */
const BY_WORK = 3n;

/** Of `leaveSink`. */
export type LeaveSinkParameters = FundingParameters & { readonly taskTypeId: Hex };

/** Deregisters, if it is registered: it is paid no longer from then on, and its stake starts to unbond. */
export async function leaveSink(client: BpeClient, parameters: LeaveSinkParameters): Promise<readonly Hex[]> {
  const { deployment, taskTypeId } = parameters;
  const sink = accountOf(client, parameters.account).address;
  if (!(await isRegistered(client, { deployment, taskTypeId, sink }))) return [];
  return [await finished(client, parameters, deregisterSink(client, parameters))];
}
