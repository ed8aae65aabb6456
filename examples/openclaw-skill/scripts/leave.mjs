// Is paid, deregisters, and takes back what has unbonded. Says until when it has to wait for the rest.
import { SinkLifecycle } from "@bpe/stylus/agent";
import { agent, said } from "./skill.mjs";

await said(async () => {
  const { client, deployment, taskTypeId } = agent();
  const steps = [];
  const next = await new SinkLifecycle(client, { deployment, taskTypeId }).leave({
    onStep: (step) => steps.push(step),
  });
  return { steps, ...next };
});
