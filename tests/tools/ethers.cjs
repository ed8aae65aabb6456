// What a user of ethers 6 does with StakeManager: sign by the node's account, read, be refused by name, stake, find the event.
// Usage: ethers.cjs <endpoint> <StakeManager> <token> <private key of account 1> <ABI file>. Prints JSON.
const fs = require("node:fs");
const { ethers } = require("ethers");

async function main([endpoint, address, tokenAddress, key, abiFile]) {
  const abi = JSON.parse(fs.readFileSync(abiFile, "utf8"));
  const provider = new ethers.JsonRpcProvider(endpoint, undefined, { pollingInterval: 20 });
  const signer = await provider.getSigner(1);
  const wallet = new ethers.Wallet(key, provider);
  const { chainId } = await provider.getNetwork();

  // The node signs as a wallet with the same key does.
  const domain = { name: "BPE", version: "1", chainId, verifyingContract: address };
  const types = { Task: [{ name: "sink", type: "address" }, { name: "capacities", type: "uint256[]" }] };
  const task = { sink: wallet.address, capacities: [1n, 2n ** 255n] };
  const typedData =
    (await signer.signTypedData(domain, types, task)) === (await wallet.signTypedData(domain, types, task));
  const message = (await signer.signMessage("stake")) === (await wallet.signMessage("stake"));

  const stakes = new ethers.Contract(address, abi, signer);
  const token = new ethers.Contract(
    tokenAddress,
    ["function approve(address,uint256) returns (bool)"],
    signer,
  );
  const minimum = await stakes.minSinkStake();
  await (await token.approve(address, ethers.MaxUint256)).wait();
  let refusal;
  try {
    await stakes.unstake.staticCall(minimum);
  } catch (error) {
    refusal = error.revert?.name;
  }
  const receipt = await (await stakes.stake(minimum)).wait();
  const events = receipt.logs
    .filter((log) => log.address === stakes.target)
    .map((log) => stakes.interface.parseLog(log).name);
  const found = await stakes.queryFilter(stakes.filters.Staked(signer.address));

  // Fifty at once from one account of the node.
  const sent = await Promise.all(
    Array.from({ length: 50 }, () => signer.sendUncheckedTransaction({ to: signer.address, value: 1n })),
  );
  const poor = await provider
    .send("eth_estimateGas", [{ from: tokenAddress, to: address, maxFeePerGas: "0x77359400" }])
    .catch((error) => error.code);
  console.log(
    JSON.stringify({
      typedData,
      message,
      minimum: minimum.toString(),
      refusal,
      events,
      found: found.length,
      sent: new Set(sent).size,
      poor,
    }),
  );
  provider.destroy();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
