// Stakes what is missing and registers: --capacity in units, --stake in whole tokens.
import { parseEther, parseUnits } from "viem";
import { SinkLifecycle } from "@bpe/stylus/agent";
import { agent, options, said } from "./skill.mjs";

await said(async () => {
  const { capacity, stake } = options(["capacity", "stake"]);
  const { client, deployment, taskTypeId } = agent();
  const life = new SinkLifecycle(client, { deployment, taskTypeId });
  const steps = [];
  const plan = { capacity: parseUnits(capacity, 9), stake: parseEther(stake) };
  await life.join(plan, { onStep: (step, transaction) => steps.push({ step, transaction }) });
  return { steps, ...(await life.state()) };
});
