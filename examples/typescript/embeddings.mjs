// An agent that pays another one for embeddings, with OpenAI's own client: only its `fetch` is another one.
import { createServer } from "node:http";
import OpenAI from "openai";
import { parseEther } from "viem";
import { mined } from "@bpe/stylus";
import { becomeSink } from "@bpe/stylus/actions/sink";
import { createBpeFetch } from "@bpe/stylus/fetch";
import { createBpeServe, nodeListener } from "@bpe/stylus/serve";
import { clientOf, deployment, told } from "./setup.mjs";

const of = { deployment, taskTypeId: told("TASK_TYPE") };
const scale = { unit: "token", input: 1_000_000n, output: 0n }; // a token is a thousandth of a work unit
const price = 10n ** 12n;

/** Stands for a model: the letters of a text, counted. */
function embed(text) {
  const vector = new Array(26).fill(0);
  for (const letter of text.toLowerCase().match(/[a-z]/g) ?? []) vector[letter.charCodeAt(0) - 97] += 1 / text.length;
  return vector;
}

async function service(request) {
  const { input, model } = await request.json();
  const tokens = Math.ceil(input.length / 4);
  const data = [{ object: "embedding", index: 0, embedding: embed(input) }];
  return Response.json({ object: "list", model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

const seller = clientOf("SELLER_KEY");
await becomeSink(seller, { ...of, capacity: 10n ** 10n, stake: parseEther("400") });
const trust = parseEther("0.01"); // what a buyer may owe that has signed nothing yet
const queue = { atOnce: 8, mostPerSource: 16 };
const serve = createBpeServe({ ...of, client: seller, service, scale, price: () => price, trust, queue });
const server = createServer(nodeListener(serve));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const sinks = [{ sink: seller.account.address, uri: `http://127.0.0.1:${server.address().port}` }];
const most = parseEther("0.1");
const limits = { price, perTask: most / 10n, perHour: most, flowRate: 0n, deposit: most };
const fetch = createBpeFetch({ ...of, client: clientOf("BUYER_KEY"), sinks, limits, scale });
const openai = new OpenAI({ apiKey: "-", baseURL: "http://bpe/v1", fetch });
const texts = ["congestion control for money", "capacity that is verified", "a stream of payments"];
const answers = await Promise.all(
  texts.map((input) => openai.embeddings.create({ model: "letters", input, encoding_format: "float" })),
);
console.log(`${answers.length} embeddings of ${answers[0].data[0].embedding.length} numbers`);
await fetch.settled();
await new Promise((resolve) => setTimeout(resolve, 2_000)); // what counts is bounded by the time that a sink has had
const { receipt, events } = await mined(serve.redeem());
const counted = events.find((event) => event.eventName === "Redeemed");
console.log(`${counted?.args.value} wei in one transaction, for ${receipt.gasUsed} gas`);
server.close();
