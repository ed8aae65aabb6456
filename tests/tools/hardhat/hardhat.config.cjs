// Hardhat on a devnet: DEVNET_URL.
module.exports = {
  networks: { devnet: { url: process.env.DEVNET_URL, accounts: "remote" } },
  defaultNetwork: "devnet",
  paths: { tests: "." },
};
