// Buys one task: --path and --body of the request, --most in whole tokens; --sink and --uri, or from ServiceDirectory.
import { parseEther } from "viem";
import { createBpeFetch } from "@bpe/stylus/fetch";
import { agent, fileStore, options, said } from "./skill.mjs";

await said(async () => {
  const { path, body, most, price, sink, uri } = options(["path", "body", "most"], {
    price: "1000000000000",
    sink: "",
    uri: "",
  });
  const { client, deployment, taskTypeId } = agent();
  const value = parseEther(most);
  const limits = { price: BigInt(price), perTask: value, perHour: value, flowRate: 0n, deposit: 2n * value };
  const sinks = sink ? [{ sink, uri }] : undefined;
  const faults = [];
  const buy = createBpeFetch({
    client,
    deployment,
    taskTypeId,
    limits,
    sinks,
    store: fileStore(),
    onFault: (it) => faults.push(it.message),
  });
  const answer = await buy(`http://bpe${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  const text = await answer.text();
  await buy.settled();
  return { status: answer.status, body: text, faults };
});
