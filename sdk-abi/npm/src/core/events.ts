import {
  parseEventLogs,
  type AbiEvent,
  type Address,
  type ContractEventName,
  type GetContractEventsReturnType,
  type Log,
  type ParseEventLogsReturnType,
} from "viem";
import { getContractEvents, watchContractEvent } from "viem/actions";
import type { ContractName } from "../generated/names.js";
import { checkChain, type BpeClient } from "./client.js";
import { contractAddress, type Deployment } from "./deployment.js";
import { limited, REQUEST_TIMEOUT } from "./wait.js";

/** The names of events. */
export type EventName<events extends readonly AbiEvent[]> = ContractEventName<events>;

/** An event of a contract, with its name, arguments and log; told apart by `eventName`. */
export type Decoded<
  events extends readonly AbiEvent[],
  name extends EventName<events> | undefined = undefined,
> = ParseEventLogsReturnType<events, name extends string ? name : EventName<events>, true>[number];

/** Which past events. */
export interface GetEventsParameters<
  events extends readonly AbiEvent[],
  name extends EventName<events> | undefined = undefined,
> {
  readonly deployment: Deployment;
  readonly address?: Address | undefined;
  /** All by default. */
  readonly eventName?: name;
  /** Only those with these indexed arguments; needs a name. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** The first block by default. */
  readonly fromBlock?: bigint;
  /** The latest block by default. */
  readonly toBlock?: bigint;
  readonly timeout?: number;
  /** Of the types only, which tell by it which contract's events these are: never a value. */
  readonly eventsOf?: events;
}

/** Which coming events, and what happens with them. */
export interface WatchEventsParameters<
  events extends readonly AbiEvent[],
  name extends EventName<events> | undefined = undefined,
> {
  readonly deployment: Deployment;
  readonly address?: Address | undefined;
  readonly eventName?: name;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly onEvents: (events: readonly Decoded<events, name>[]) => void;
  readonly onError?: (error: Error) => void;
  readonly fromBlock?: bigint;
  readonly pollingInterval?: number;
  /** Of the types only, which tell by it which contract's events these are: never a value. */
  readonly eventsOf?: events;
}

export async function getEvents<
  const events extends readonly AbiEvent[],
  const name extends EventName<events> | undefined = undefined,
>(
  client: BpeClient,
  parameters: GetEventsParameters<events, name>,
  contract: ContractName,
  events: events,
): Promise<readonly Decoded<events, name>[]> {
  const { deployment, eventName, args, fromBlock = 0n, toBlock = "latest", timeout = REQUEST_TIMEOUT } = parameters;
  await checkChain(client, deployment);
  const address = parameters.address ?? contractAddress(deployment, contract);
  const request = { address, abi: events as readonly AbiEvent[], eventName, args, fromBlock, toBlock, strict: true };
  const logs = await limited(getContractEvents(client, request as never), timeout, `events of ${contract}`);
  return logs as GetContractEventsReturnType as never;
}

export function watchEvents<
  const events extends readonly AbiEvent[],
  const name extends EventName<events> | undefined = undefined,
>(
  client: BpeClient,
  parameters: WatchEventsParameters<events, name>,
  contract: ContractName,
  events: events,
): () => void {
  const { deployment, onEvents, onError, ...rest } = parameters;
  const address = parameters.address ?? contractAddress(deployment, contract);
  const onLogs = (logs: readonly unknown[]) => onEvents(logs as readonly Decoded<events, name>[]);
  const request = { ...rest, address, abi: events as readonly AbiEvent[], strict: true, onLogs, onError };
  return watchContractEvent(client, request as never);
}

/** The events of a contract among a transaction's logs. */
export function decodeLogs<const events extends readonly AbiEvent[]>(
  events: events,
  logs: readonly Log[],
  contract: Address,
): readonly Decoded<events>[] {
  const own = logs.filter((it) => it.address.toLowerCase() === contract.toLowerCase());
  return parseEventLogs({ abi: events as readonly AbiEvent[], logs: own, strict: true }) as never;
}
