// One agent sells, another one buys: a task type that settles by work, over HTTP, in 40 lines.
import { createServer } from "node:http";
import { parseEther } from "viem";
import { mined } from "@bpe/stylus";
import { becomeSink } from "@bpe/stylus/actions/sink";
import { createBpeFetch } from "@bpe/stylus/fetch";
import { createBpeServe, nodeListener } from "@bpe/stylus/serve";
import { clientOf, deployment, told } from "./setup.mjs";

const taskTypeId = told("TASK_TYPE");
const of = { deployment, taskTypeId };
const [seller, buyer] = [clientOf("SELLER_KEY"), clientOf("BUYER_KEY")];
const price = 10n ** 12n; // wei per work unit

// Sell: stake, register, serve.
await becomeSink(seller, { ...of, capacity: 10n ** 10n, stake: parseEther("400") }); // 10 units
const serve = createBpeServe({
  ...of,
  client: seller,
  price: () => price,
  trust: parseEther("0.01"), // what a buyer may owe that has signed nothing yet
  service: async (request) => Response.json({ reversed: [...(await request.json()).text].reverse().join("") }),
});
const server = createServer(nodeListener(serve));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

// Buy: a fetch that signs, pays and hands in vouchers, within limits.
const sinks = [{ sink: seller.account.address, uri: `http://127.0.0.1:${server.address().port}` }];
const most = parseEther("1");
const limits = { price, perTask: most / 100n, perHour: most, flowRate: 0n, deposit: most };
const fetch = createBpeFetch({ ...of, client: buyer, sinks, limits });
const answer = await fetch("http://bpe/v1/reverse", { method: "POST", body: JSON.stringify({ text: "backpressure" }) });
console.log(answer.status, await answer.text());
await fetch.settled();

// Be paid: the latest voucher of each buyer, in one transaction, as far as 10 units have had the time for it.
await new Promise((resolve) => setTimeout(resolve, 2_000));
const { events } = await mined(serve.redeem());
for (const { eventName, args } of events) if (eventName === "Redeemed") console.log(`redeemed ${args.value} wei`);
server.close();
