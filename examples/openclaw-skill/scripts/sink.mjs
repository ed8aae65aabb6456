// The sink that serve.mjs runs and settle.mjs is paid for: the same books.
import { parseEther } from "viem";
import { createBpeServe } from "@bpe/stylus/serve";
import { agent, fileStore } from "./skill.mjs";

const trust = parseEther("0.01"); // what a source may owe that has signed nothing yet
const queue = { atOnce: 4, mostWaiting: 32, mostPerSource: 8, firstServiceMs: 1_000, firstTrust: trust, mostTrust: 100n * trust, mostStrangers: 10n * trust };

export function sink({ price, service }) {
  const { client, deployment, taskTypeId } = agent();
  return createBpeServe({ client, deployment, taskTypeId, queue, service, price: () => price, store: fileStore() });
}
