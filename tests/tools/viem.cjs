// What a user of viem does with a counter: read, be refused with a typed error, write, find the event.
// Usage: viem.cjs <endpoint> <counter> <private key> <stranger's private key>. Prints JSON.
const viem = require("viem");
const { privateKeyToAccount } = require("viem/accounts");

const abi = viem.parseAbi([
  "event Incremented(address indexed by, uint256 number)",
  "error TooMuch(uint256 amount, uint256 limit)",
  "error NotOwner(address caller)",
  "function number() view returns (uint256)",
  "function add(uint256 amount) returns (uint256)",
  "function reset()",
]);

/** The custom error that a call fails with, decoded by viem. */
async function customError(call) {
  try {
    await call;
  } catch (error) {
    const reverted = error.walk((cause) => cause instanceof viem.ContractFunctionRevertedError);
    return { name: reverted.data.errorName, args: reverted.data.args };
  }
  throw new Error("did not revert");
}

async function main([endpoint, address, key, strangersKey]) {
  const transport = viem.http(endpoint);
  const client = viem.createPublicClient({ transport, pollingInterval: 20 });
  const id = await client.getChainId();
  const chain = viem.defineChain({
    id,
    name: "devnet",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [endpoint] } },
  });
  const account = privateKeyToAccount(key);
  const wallet = viem.createWalletClient({ account, chain, transport });
  const counter = { address, abi };

  const before = await client.readContract({ ...counter, functionName: "number" });
  const tooMuch = await customError(
    client.simulateContract({ ...counter, functionName: "add", args: [101n], account }),
  );
  const notOwner = await customError(
    client.simulateContract({
      ...counter,
      functionName: "reset",
      account: privateKeyToAccount(strangersKey),
    }),
  );

  const { request, result } = await client.simulateContract({
    ...counter,
    functionName: "add",
    args: [8n],
    account,
  });
  const hash = await wallet.writeContract(request);
  const receipt = await client.waitForTransactionReceipt({ hash });
  const events = viem.parseEventLogs({ abi, logs: receipt.logs });
  const after = await client.readContract({ ...counter, functionName: "number" });

  return {
    before,
    tooMuch,
    notOwner,
    result,
    status: receipt.status,
    events: events.map(({ eventName, args }) => ({ name: eventName, args })),
    after,
  };
}

main(process.argv.slice(2)).then(
  (report) =>
    console.log(
      JSON.stringify(report, (_, value) => (typeof value === "bigint" ? value.toString() : value)),
    ),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
