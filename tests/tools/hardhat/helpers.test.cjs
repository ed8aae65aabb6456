// Hardhat's network helpers: they refuse nodes that they do not know.
const assert = require("node:assert/strict");
const hre = require("hardhat");
const helpers = require("@nomicfoundation/hardhat-network-helpers");

const rpc = (method, ...params) => hre.network.provider.request({ method, params });
const number = async () => Number(await rpc("eth_blockNumber"));

describe("network helpers", () => {
  it("mine blocks and travel in time", async () => {
    const before = await number();
    await helpers.mine(3);
    assert.equal(await number(), before + 3);
    const time = await helpers.time.latest();
    await helpers.time.increase(3600);
    assert.ok((await helpers.time.latest()) >= time + 3600);
    await helpers.time.setNextBlockTimestamp(time + 10_000);
    await helpers.mine();
    assert.equal(await helpers.time.latest(), time + 10_000);
  });

  it("set balances, code, storage, nonces, base fee, coinbase and prevrandao", async () => {
    const account = "0x00000000000000000000000000000000000000dd";
    await helpers.setBalance(account, 7n);
    assert.equal(await rpc("eth_getBalance", account, "latest"), "0x7");
    await helpers.setCode(account, "0x60016000f3");
    await helpers.setStorageAt(account, 1, 5);
    assert.equal(BigInt(await helpers.getStorageAt(account, 1)), 5n);
    await helpers.setNonce(account, 9);
    await helpers.setNextBlockBaseFeePerGas(2_000_000_000);
    await helpers.setCoinbase(account);
    await helpers.setPrevRandao(17);
    await helpers.setBlockGasLimit(30_000_000);
    await helpers.mine();
    const block = await rpc("eth_getBlockByNumber", "latest", false);
    assert.equal(block.miner, account);
    assert.equal(Number(block.baseFeePerGas), 2_000_000_000);
    assert.equal(Number(block.gasLimit), 30_000_000);
  });

  async function fixture() {
    await helpers.mine(2);
    return number();
  }

  it("go back by snapshots and fixtures", async () => {
    const first = await helpers.loadFixture(fixture);
    await helpers.mine(5);
    assert.equal(await helpers.loadFixture(fixture), first);
    assert.equal(await number(), first);
    const snapshot = await helpers.takeSnapshot();
    await helpers.mine(4);
    await snapshot.restore();
    assert.equal(await number(), first);
  });

  it("impersonate, and drop transactions", async () => {
    const account = "0x00000000000000000000000000000000000000ee";
    await helpers.impersonateAccount(account);
    await helpers.setBalance(account, 10n ** 18n);
    await rpc("evm_setAutomine", false);
    const hash = await rpc("eth_sendTransaction", { from: account, to: account });
    assert.ok(await helpers.dropTransaction(hash));
    assert.equal(await rpc("eth_getTransactionByHash", hash), null);
    await rpc("evm_setAutomine", true);
    await helpers.stopImpersonatingAccount(account);
  });
});
