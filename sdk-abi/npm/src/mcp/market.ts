import type { Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";
import { getQuotes } from "../composites/pricing.js";
import { getAllSinks } from "../composites/sink.js";
import { metadataOf } from "../fetch/metadata.js";
import { valueAt } from "../fetch/attempt.js";
import { getPool, getWeighting } from "../generated/calls/BackpressurePool.js";
import { getTaskType } from "../generated/calls/CapacityRegistry.js";
import { getBaseFee } from "../generated/calls/PricingCurve.js";
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

  async look(taskTypeId: Hex): Promise<object> {
    const [client, of] = [this.#client, { deployment: this.#deployment, taskTypeId }];
    const { minStake, sinkCount, totalCapacity } = await getTaskType(client, of);
    const sinks = await getAllSinks(client, of);
    return {
      metadata: await metadataOf(client, this.#deployment, taskTypeId),
      paidBy: WEIGHTINGS[Number(await getWeighting(client, of))],
      minStake,
      sinkCount,
      totalCapacity,
      pool: await getPool(client, of),
      baseFee: await getBaseFee(client, of),
      leastFlowRate: await getMinimumFlowRate(client, of),
      sinks: sinks.slice(0, SHOWN),
    };
  }

  async quote(taskTypeId: Hex, work: bigint): Promise<object> {
    const quotes = await getQuotes(this.#client, { deployment: this.#deployment, taskTypeId });
    return { work, quotes: quotes.slice(0, SHOWN).map((it) => ({ ...it, cost: valueAt(work, it.price) })) };
  }
}
