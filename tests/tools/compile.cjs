// Compiles a Solidity file with solc and prints {"<contract>": {"abi": [...], "bytecode": "0x..."}}.
const fs = require("node:fs");
const solc = require("solc");

const file = process.argv[2];
const input = {
  language: "Solidity",
  sources: { [file]: { content: fs.readFileSync(file, "utf8") } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
// Imports are relative to the file, whose name is its path.
const read = (path) => {
  try {
    return { contents: fs.readFileSync(path, "utf8") };
  } catch (error) {
    return { error: error.message };
  }
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = Object.entries(output.contracts[file]).map(([name, { abi, evm }]) => [
  name,
  { abi, bytecode: `0x${evm.bytecode.object}` },
]);
console.log(JSON.stringify(Object.fromEntries(contracts)));
