// Hardhat on a devnet: DEVNET_URL.
require("@nomicfoundation/hardhat-ignition-ethers");

module.exports = {
  networks: { devnet: { url: process.env.DEVNET_URL, accounts: "remote" } },
  defaultNetwork: "devnet",
  paths: { tests: "." },
};
