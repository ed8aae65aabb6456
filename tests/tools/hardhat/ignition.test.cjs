// Hardhat Ignition: a token of the project's and StakeManager, which is there already, connected by a module.
// WORLD: {"stakes", "stakesAbi", "token": {"abi", "bytecode"}}.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const hre = require("hardhat");
const { buildModule } = require("@nomicfoundation/hardhat-ignition/modules");

const world = JSON.parse(process.env.WORLD);
const artifact = (contractName, abi, bytecode) => ({
  _format: "hh-sol-artifact-1",
  contractName,
  sourceName: `${contractName}.sol`,
  abi,
  bytecode,
  deployedBytecode: "0x",
  linkReferences: {},
  deployedLinkReferences: {},
});
const stakesArtifact = artifact("StakeManager", JSON.parse(fs.readFileSync(world.stakesAbi, "utf8")), "0x");
const tokenArtifact = artifact("StakeToken", world.token.abi, world.token.bytecode);

const slasher = "0x00000000000000000000000000000000000000aa";
const economy = buildModule("Economy", (m) => {
  const token = m.contract("StakeToken", tokenArtifact);
  m.call(token, "mint", [m.getAccount(1), 7n]);
  const stakes = m.contractAt("StakeManager", stakesArtifact, world.stakes);
  m.call(stakes, "setSlasher", [slasher, true]);
  return { token, stakes };
});

describe("Ignition", () => {
  it("deploys contracts and calls programs", async () => {
    const { token, stakes } = await hre.ignition.deploy(economy);
    const [, holder] = await hre.ethers.getSigners();
    assert.equal(await token.balanceOf(holder.address), 7n);
    // Staking is open: the power is announced.
    assert.ok((await stakes.slasherFrom(slasher)) > 0n);
    assert.equal(await stakes.getAddress(), world.stakes);
  });
});
