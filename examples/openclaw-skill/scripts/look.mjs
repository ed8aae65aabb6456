// What the agent has, and what others ask.
import { SinkLifecycle } from "@bpe/stylus/agent";
import { getQuotes } from "@bpe/stylus/actions/pricing";
import { agent, said } from "./skill.mjs";

await said(async () => {
  const { client, deployment, taskTypeId, address } = agent();
  const of = { deployment, taskTypeId };
  const sink = await new SinkLifecycle(client, of).state();
  return { agent: address, sink, quotes: (await getQuotes(client, of)).slice(0, 20) };
});
