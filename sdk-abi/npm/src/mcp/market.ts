import type { Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";
import { findTaskTypes, getAllServices } from "../composites/directory.js";
import { getQuotes } from "../composites/pricing.js";
import { getAllSinks } from "../composites/sink.js";
import { valueAt } from "../fetch/attempt.js";
import { getPool, getWeighting } from "../generated/calls/BackpressurePool.js";
import { getTaskType } from "../generated/calls/CapacityRegistry.js";
import { getBaseFee } from "../generated/calls/PricingCurve.js";
import { getMetadata } from "../generated/calls/ServiceDirectory.js";
import { getMinimumFlowRate } from "../generated/calls/StreamGateway.js";

/** Sinks that a model is shown. */
const SHOWN = 50;
const WEIGHTINGS = ["capacity", "spare capacity", "shares", "work"];

/** Looks at the market. */
export class Market {
  readonly #client: BpeClient;
  readonly #deployment: Deployment;

  constructor(client: BpeClient, deployment: Deployment) {
    this.#client = client;
    this.#deployment = deployment;
  }

  /** Task types of a name, the oldest first. */
  async find(name: string): Promise<object> {
    const found = await findTaskTypes(this.#client, { deployment: this.#deployment, name, most: SHOWN });
    return { taskTypes: found };
  }

  async look(taskTypeId: Hex): Promise<object> {
    const [client, of] = [this.#client, { deployment: this.#deployment, taskTypeId }];
    const { minStake, sinkCount, totalCapacity } = await getTaskType(client, of);
    const sinks = await getAllSinks(client, of);
    const services = await getAllServices(client, of);
    const reached = new Map(services.map(({ sink, uri }) => [sink, uri]));
    return {
      metadata: await getMetadata(client, of),
      paidBy: WEIGHTINGS[Number(await getWeighting(client, of))],
      minStake,
      sinkCount,
      totalCapacity,
      pool: await getPool(client, of),
      baseFee: await getBaseFee(client, of),
      leastFlowRate: await getMinimumFlowRate(client, of),
      sinks: sinks.slice(0, SHOWN).map((it) => ({ ...it, uri: reached.get(it.sink) })),
    };
  }

  async quote(taskTypeId: Hex, work: bigint): Promise<object> {
    const quotes = await getQuotes(this.#client, { deployment: this.#deployment, taskTypeId });
    return { work, quotes: quotes.slice(0, SHOWN).map((it) => ({ ...it, cost: valueAt(work, it.price) })) };
  }
}
