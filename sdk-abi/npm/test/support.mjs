// What tests share: a client whose chain is a function, and arguments for any ABI.
import { createClient, custom, getAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { readdirSync, readFileSync } from "node:fs";

/** The devnet's first account: everybody knows its key. */
export const account = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/** Every contract at an address of its own. */
export function deployment(contracts, chainId = 31337) {
  const at = contracts.map((name, index) => [name, { address: `0x${(index + 1).toString(16).padStart(40, "0")}` }]);
  return { chainId, contracts: Object.fromEntries(at) };
}

/** A client that asks `answer(method, params)`. */
export function clientOf(answer) {
  const request = async ({ method, params }) => (method === "eth_chainId" ? "0x7a69" : answer(method, params));
  return createClient({ account, transport: custom({ request }, { retryCount: 0 }) });
}

const folder = new URL("../../abi/", import.meta.url);

/** The contracts' ABIs by name, from the files that are the source of everything. */
export function abis() {
  const files = readdirSync(folder).filter((it) => it.endsWith(".json"));
  const read = (file) => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  return new Map(files.map((file) => [file.replace(".json", ""), read(file)]));
}

/** A value of an ABI type, another one for each `seed`. */
export function sample(parameter, seed) {
  const array = /^(.*)\[(\d*)\]$/.exec(parameter.type);
  if (array) {
    const indices = [...new Array(Number(array[2] || 2)).keys()];
    return indices.map((it) => sample({ ...parameter, type: array[1] }, seed + it));
  }
  if (parameter.type === "tuple") {
    return Object.fromEntries(parameter.components.map((it, index) => [it.name, sample(it, seed + index)]));
  }
  const integer = /^u?int(\d+)$/.exec(parameter.type);
  if (integer) return Number(integer[1]) <= 48 ? (seed % 100) + 1 : BigInt(seed + 1);
  if (parameter.type === "bool") return seed % 2 === 0;
  if (parameter.type === "string") return `text ${seed}`;
  if (parameter.type === "address") return getAddress(`0x${(seed + 0x1000).toString(16).padStart(40, "0")}`);
  if (parameter.type === "bytes") return `0x${(seed + 0x10).toString(16).padStart(8, "0")}`;
  const bytes = /^bytes(\d+)$/.exec(parameter.type);
  if (bytes) return `0x${(seed + 1).toString(16).padStart(2 * Number(bytes[1]), "0")}`;
  throw new Error(`no sample of ${parameter.type}`);
}
