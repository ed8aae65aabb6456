// Buying from a page: the package bundled for browsers, in Chromium, which lets a page reach a sink of another origin
// only as far as that says so.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import { build } from "esbuild";
import { parseEther, parseUnits, toHex } from "viem";
import { mined } from "../dist/index.js";
import { createBpeServe, nodeListener } from "../dist/serve.js";
import { directory, sink, vouchers } from "../dist/generated/actions/index.js";
import { accountAt, clientAt, deployment, mine, mintUsdc, onChain, url } from "./chain.mjs";

const root = new URL("../../../", import.meta.url);
const price = 10n ** 12n;

/** What the page does: `buy` with the devnet's account of this key. */
const PAGE = `
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { createBpeFetch } from "@bpe/stylus/fetch";
globalThis.buy = async ({ key, rpc, deployment, taskTypeId, sinks }) => {
  const client = createWalletClient({ account: privateKeyToAccount(key), transport: http(rpc), pollingInterval: 50 });
  const faults = [];
  const most = 10n ** 18n;
  const limits = { price: ${price}n, perTask: most, perHour: most, flowRate: 0n, deposit: most };
  const options = { client, deployment, taskTypeId, sinks, limits, wrap: true, onFault: (it) => faults.push(it.message) };
  const paying = createBpeFetch(options);
  const answer = await paying("http://bpe/v1/echo", { method: "POST", body: JSON.stringify({ text: "hello" }) });
  const said = { status: answer.status, body: await answer.json() };
  await paying.settled();
  return { ...said, faults };
};
`;

async function bundle(contents) {
  const stdin = { contents, resolveDir: new URL("..", import.meta.url).pathname, loader: "js" };
  const options = { bundle: true, format: "iife", platform: "browser", write: false, logLevel: "silent" };
  const { outputFiles } = await build({ stdin, ...options });
  return outputFiles[0].text;
}

async function listening(listener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** Chromium, as the repository's tests use it for pages. */
async function chromium() {
  const tools = createRequire(new URL(".tools/node_modules/", root));
  const find = (name) => {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      return "";
    }
  };
  const executablePath = ["chromium", "chromium-browser", "google-chrome"].map(find).find(Boolean);
  assert.ok(executablePath, "Chromium is not installed: scripts/setup-services installs it");
  return tools("playwright-core").chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

test("every part can be bundled for browsers: nothing imports a module of Node", async () => {
  for (const part of ["", "/actions", "/agent", "/fetch", "/serve"]) {
    await bundle(`export * from "@bpe/stylus${part}";`);
  }
});

test("a page buys from a sink of another origin, and pays", onChain, async () => {
  const [seller, buyer] = [5, 6].map(clientAt);
  for (const index of [5, 6]) await mintUsdc(accountAt(index).address, parseUnits("1000", 6));
  const name = "sdk: browser";
  const terms = { deployment, name, minStake: parseEther("100"), paidBy: "work", wrap: true };
  const { taskTypeId } = await directory.createTaskType(seller, terms);
  const of = { deployment, taskTypeId };
  await sink.becomeSink(seller, { ...of, capacity: 10n ** 10n, stake: parseEther("400"), wrap: true });
  const service = async (request) => Response.json({ echoed: await request.json() });
  const serve = createBpeServe({ ...of, client: seller, service, price: () => price, trust: parseEther("1") });
  const selling = await listening(nodeListener(serve));
  const script = await bundle(PAGE);
  const page = await listening((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><script>${script}</script>`);
  });
  const browser = await chromium();
  try {
    const tab = await browser.newPage();
    await tab.goto(page.origin);
    const told = {
      key: toHex(accountAt(6).getHdKey().privateKey),
      rpc: url,
      deployment,
      taskTypeId,
      sinks: [{ sink: accountAt(5).address, uri: selling.origin }],
    };
    const bought = await tab.evaluate((it) => globalThis.buy(it), told);
    assert.deepEqual(bought, { status: 200, body: { echoed: { text: "hello" } }, faults: [] });
  } finally {
    await browser.close();
    for (const { server } of [selling, page]) {
      server.closeAllConnections();
      server.close();
    }
  }
  await mine(1, 600);
  await mined(serve.redeem());
  const between = { ...of, source: accountAt(6).address, sink: accountAt(5).address };
  assert.deepEqual(await vouchers.getTotals(buyer, between), { work: 10n ** 9n, value: price, tasks: 1n });
});
