// The sink that serve.mjs runs and settle.mjs is paid for: the same books.
import { parseEther } from "viem";
import { createBpeServe } from "@bpe/stylus/serve";
import { agent, fileStore } from "./skill.mjs";

const trust = parseEther("0.01"); // what a source may owe that has signed nothing yet

export function sink({ price, service }) {
  const { client, deployment, taskTypeId } = agent();
  return createBpeServe({ client, deployment, taskTypeId, trust, service, price: () => price, store: fileStore() });
}
