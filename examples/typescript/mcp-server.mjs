// A Model Context Protocol server on standard input and output: a host starts it with these variables.
//
//   { "command": "node", "args": ["mcp-server.mjs"], "env": { "RPC": "…", "DEPLOYMENT": "…", "BUYER_KEY": "…" } }
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { parseEther } from "viem";
import { createBpeMcpServer } from "@bpe/stylus/mcp";
import { clientOf, deployment } from "./setup.mjs";

const limits = {
  price: 10n ** 13n, // wei per work unit
  perTask: parseEther("0.01"),
  perHour: parseEther("0.1"),
  flowRate: parseEther("10") / 86_400n, // 10 tokens a day, all streams together
  deposit: parseEther("0.1"),
  streams: 2,
};
await createBpeMcpServer({ client: clientOf("BUYER_KEY"), deployment, limits }).connect(new StdioServerTransport());
