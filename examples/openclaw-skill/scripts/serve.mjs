// Takes tasks for a local service until it is stopped: --price in wei per work unit, --service URL, --port.
import { createServer } from "node:http";
import { nodeListener } from "@bpe/stylus/serve";
import { options, said } from "./skill.mjs";
import { sink } from "./sink.mjs";

await said(async () => {
  const { price, service, port, host } = options(["price", "service"], { port: "4200", host: "127.0.0.1" });
  const target = new URL(service);
  const forward = (request) => {
    const { pathname, search } = new URL(request.url);
    return fetch(new URL(pathname + search, target), request);
  };
  const serve = sink({ price: BigInt(price), service: forward });
  const server = createServer(nodeListener(serve));
  await new Promise((resolve, reject) => server.once("error", reject).listen(Number(port), host, resolve));
  const stop = () => {
    serve.drain();
    server.close();
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, stop);
  return { serving: `http://${host}:${server.address().port}`, price };
});
