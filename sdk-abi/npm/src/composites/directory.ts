import type { Address, Hex } from "viem";
import type { BpeClient, CommonParameters } from "../core/call.js";
import { accountOf, checkChain } from "../core/client.js";
import { BpeError } from "../core/errors.js";
import { listed } from "../core/pages.js";
import { finished, type FundingParameters } from "../core/steps.js";
import {
  deriveTaskTypeId,
  getServices,
  registerTaskType,
  resolve,
  type RegisterTaskTypeParameters,
} from "../generated/calls/ServiceDirectory.js";
import { minSinkStake } from "../generated/calls/StakeManager.js";
import { stakeUpTo } from "./stake.js";

/** ServiceDirectory gives no more in one call. */
const PAGE = 64n;
/** Entries that are read, unless it is said otherwise. */
const MOST = 1_000;
/** Bytes of a task type's name. */
const LONGEST_NAME = 64;

/** A task type of some name. */
export interface NamedTaskType {
  readonly taskTypeId: Hex;
  /** Names belong to nobody: who registered it tells it from others of the name. */
  readonly creator: Address;
}

/** Of `findTaskTypes`. */
export type FindTaskTypesParameters = CommonParameters & {
  readonly name: string;
  /** Those of this account only. */
  readonly creator?: Address;
  /** Entries of the list that are read, the oldest first; 1 000 by default. */
  readonly most?: number;
};

/** The task types of a name, in the order in which they were described. */
export async function findTaskTypes(
  client: BpeClient,
  parameters: FindTaskTypesParameters,
): Promise<readonly NamedTaskType[]> {
  const { creator, most = MOST, ...common } = parameters;
  const page = async (from: bigint, count: bigint) => {
    const { taskTypeIds, creators } = await resolve(client, { ...common, from, count });
    return taskTypeIds.map((taskTypeId, index) => ({ taskTypeId, creator: creators[index]! }));
  };
  const { entries } = await listed(page, PAGE, most);
  return creator ? entries.filter((it) => it.creator.toLowerCase() === creator.toLowerCase()) : entries;
}

/** A sink, and where it is reached. */
export interface Service {
  readonly sink: Address;
  /** As the sink says, who can say anything: a stranger's address. */
  readonly uri: string;
}

/** Of `getAllServices`. */
export type GetAllServicesParameters = CommonParameters & {
  readonly taskTypeId: Hex;
  /** Sinks that are read; 1 000 by default. */
  readonly most?: number;
};

/** The sinks of a task type that say where they are reached. */
export async function getAllServices(
  client: BpeClient,
  parameters: GetAllServicesParameters,
): Promise<readonly Service[]> {
  const { most = MOST, ...common } = parameters;
  const page = async (from: bigint, count: bigint) => {
    const { sinks, uris } = await getServices(client, { ...common, from, count });
    return sinks.map((sink, index) => ({ sink, uri: uris[index] ?? "" }));
  };
  const { entries } = await listed(page, PAGE, most);
  return entries.filter(({ uri }) => uri !== "");
}

/** How the sinks of a task type are paid. */
export type PaidBy = "capacity" | "spareCapacity" | "shares" | "work";

/** BackpressurePool's numbers of them. */
const WEIGHTINGS: Readonly<Record<PaidBy, number>> = { capacity: 0, spareCapacity: 1, shares: 2, work: 3 };

/** Where a base fee starts, and between what it stays, in wei per work unit; zero for the contract's usual. */
export interface Fees {
  readonly start: bigint;
  readonly floor?: bigint;
  readonly ceiling?: bigint;
}

/** Of `createTaskType`. */
export type CreateTaskTypeParameters = FundingParameters & {
  /** 1 to 64 bytes, without quotes, backslashes and control characters. */
  readonly name: string;
  /** What else its metadata say, as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What its sinks stake at least, in wei of the stake token. */
  readonly minStake: bigint;
  /** How its sinks are paid; by capacity by default. */
  readonly paidBy?: PaidBy;
  readonly fees?: Fees;
};

/** A task type that was created. */
export interface CreatedTaskType {
  readonly taskTypeId: Hex;
  /** The transactions that it took, all mined. */
  readonly hashes: readonly Hex[];
}

/**
 * Registers a task type by name, with its pool: under the id that nobody else can take, for which nothing is set aside.
 * Stakes what the account lacks of a sink's minimum stake before, approving it, as the directory wants of creators.
 */
export async function createTaskType(
  client: BpeClient,
  parameters: CreateTaskTypeParameters,
): Promise<CreatedTaskType> {
  const { deployment, name } = parameters;
  const metadata = metadataWith(name, parameters.metadata);
  await checkChain(client, deployment);
  const creator = accountOf(client, parameters.account).address;
  const taskTypeId = await deriveTaskTypeId(client, { deployment, creator, name });
  const amount = await minSinkStake(client, { deployment });
  const hashes: Hex[] = [];
  const staked = await stakeUpTo(client, { ...parameters, amount });
  if (staked) hashes.push(...staked.before, await finished(client, parameters, Promise.resolve(staked)));
  const register = registerTaskType(client, termsOf(parameters, taskTypeId, metadata));
  hashes.push(await finished(client, parameters, register));
  return { taskTypeId, hashes };
}

/** JSON that begins with the name to the letter, which is how the directory knows it. */
function metadataWith(name: string, more: Readonly<Record<string, unknown>> = {}): string {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > LONGEST_NAME || JSON.stringify(name) !== `"${name}"`) {
    const expected = `1 to ${LONGEST_NAME} bytes without quotes, backslashes and control characters`;
    throw new BpeError("InvalidArgument", { argument: "name", value: name.slice(0, 80), expected });
  }
  const { name: _, ...others } = more;
  const rest = JSON.stringify(others);
  const head = `{"name":"${name}"`;
  return rest === "{}" ? `${head}}` : `${head},${rest.slice(1)}`;
}

function termsOf(
  { deployment, account, overrides, timeout, minStake, paidBy = "capacity", fees }: CreateTaskTypeParameters,
  taskTypeId: Hex,
  metadata: string,
): RegisterTaskTypeParameters {
  const common = { deployment, account, overrides, timeout, taskTypeId, metadata, minStake };
  const weighting = WEIGHTINGS[paidBy];
  if (fees) {
    const { start, floor = 0n, ceiling = 0n } = fees;
    return { ...common, weighting, startFee: start, floor, ceiling };
  }
  return weighting === WEIGHTINGS.capacity ? common : { ...common, weighting };
}
