// Streams to a task type, reads who is paid, and closes the stream again:
//
//   (cd sdk-abi/npm && npm install && npm run build)
//   NODE_PATH=sdk-abi/npm/node_modules node examples/viem/stream.mjs \
//     --rpc http://127.0.0.1:8545 --deployments deployments/31337.json --key-file KEY --task-type 0x… --rate 385802469135802
//
// The rate is in wei per second of the Super Token; 385802469135802 are 1 000 tokens a month.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { backpressurePoolAbi, capacityRegistryAbi, streamGatewayAbi } from "../../sdk-abi/npm/dist/index.js";

const require = createRequire(import.meta.url);
const viem = require("viem");
const { privateKeyToAccount } = require("viem/accounts");

const text = { type: "string" };
const { values: options } = parseArgs({
  options: { rpc: text, deployments: text, "key-file": text, "task-type": text, rate: text },
});
for (const name of ["rpc", "deployments", "key-file", "task-type", "rate"]) {
  if (!options[name]) throw new Error(`--${name} is missing`);
}

const { contracts, superfluid } = JSON.parse(readFileSync(options.deployments, "utf8"));
const at = (name) => contracts[name].address;
const transport = viem.http(options.rpc);
const client = viem.createPublicClient({ transport });
const account = privateKeyToAccount(readFileSync(options["key-file"], "utf8").trim());
const chain = viem.defineChain({
  id: await client.getChainId(),
  name: "stylus",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [options.rpc] } },
});
const wallet = viem.createWalletClient({ account, chain, transport });

async function send(address, abi, functionName, args) {
  const call = { account, address, abi, functionName, args };
  await client.simulateContract(call); // so that a refusal is a typed error
  // Streams change with every second: what is estimated in one may not do in the next.
  const gas = ((await client.estimateContractGas(call)) * 3n) / 2n;
  const receipt = await client.waitForTransactionReceipt({ hash: await wallet.writeContract({ ...call, gas }) });
  if (receipt.status !== "success") throw new Error(`${functionName} reverted: ${receipt.transactionHash}`);
  console.log(`${functionName}: ${receipt.gasUsed} gas`);
}

const forwarderAbi = viem.parseAbi(["function runMacro(address m, bytes params) payable returns (bool)"]);
const hostAbi = viem.parseAbi([
  "struct Operation { uint32 operationType; address target; bytes data; }",
  "function batchCall(Operation[] operations) payable",
]);
const gateway = at("streamGateway");
const taskType = options["task-type"];

// Has Superfluid do what the gateway says: by its macro forwarder, or where governance trusts none, in a batch of the host's.
async function run(functionName, args) {
  const view = { address: gateway, abi: streamGatewayAbi };
  const parameters = await client.readContract({ ...view, functionName, args });
  if (BigInt(superfluid.blindMacroForwarder ?? 0) !== 0n) {
    await send(superfluid.blindMacroForwarder, forwarderAbi, "runMacro", [gateway, parameters]);
  } else {
    const build = [superfluid.host, parameters, account.address];
    const operations = await client.readContract({ ...view, functionName: "buildBatchOperations", args: build });
    await send(superfluid.host, hostAbi, "batchCall", [operations]);
    await client.readContract({ ...view, functionName: "postCheck", args: build }); // afterwards, nothing refuses in a batch
  }
}

await run("createStream", [taskType, BigInt(options.rate)]);
const [flowRate, deposit] = await client.readContract({
  address: gateway,
  abi: streamGatewayAbi,
  functionName: "getStream",
  args: [taskType, account.address],
});
console.log(`${flowRate} wei per second, ${viem.formatUnits(deposit, 18)} of deposit`);

const [sinks, capacities] = await client.readContract({
  address: at("capacityRegistry"),
  abi: capacityRegistryAbi,
  functionName: "getSinks",
  args: [taskType],
});
for (const [index, sink] of sinks.entries()) {
  const units = await client.readContract({
    address: at("backpressurePool"),
    abi: backpressurePoolAbi,
    functionName: "getMemberUnits",
    args: [taskType, sink],
  });
  console.log(`${sink}: ${viem.formatUnits(capacities[index], 9)} capacity units, ${units} pool units`);
}
await run("deleteStream", [taskType]);
