import type { Address } from "viem";
import type { BpeClient } from "../core/call.js";
import { getPrice } from "../generated/calls/PricingCurve.js";
import { getAllSinks, type GetAllSinksParameters } from "./sink.js";

/** What a sink asks now. */
export interface Quote {
  readonly sink: Address;
  /** Wei of the Super Token per work unit, which is one capacity unit for one second. */
  readonly price: bigint;
  /** Smoothed capacity, of 1e-9 units. */
  readonly capacity: bigint;
}

/** The prices of a task type's sinks, the lowest first, then by address. */
export async function getQuotes(client: BpeClient, parameters: GetAllSinksParameters): Promise<readonly Quote[]> {
  const { deployment, taskTypeId } = parameters;
  const quotes: Quote[] = [];
  for (const { sink, capacity } of await getAllSinks(client, parameters)) {
    quotes.push({ sink, capacity, price: await getPrice(client, { deployment, taskTypeId, sink }) });
  }
  return quotes.sort((a, b) => (a.price === b.price ? (a.sink < b.sink ? -1 : 1) : a.price < b.price ? -1 : 1));
}
