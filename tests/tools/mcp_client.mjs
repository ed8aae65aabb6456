// Starts an MCP server as a host does, and asks it for its tools and its account.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [, , server] = process.argv;
const transport = new StdioClientTransport({ command: process.execPath, args: [server], env: process.env });
const client = new Client({ name: "test", version: "1" });
await client.connect(transport);
const { tools } = await client.listTools();
const { content } = await client.callTool({ name: "bpe_account", arguments: {} });
console.log(JSON.stringify({ tools: tools.length, account: JSON.parse(content[0].text).account }));
await client.close();
