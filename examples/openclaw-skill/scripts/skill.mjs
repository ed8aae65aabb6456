// What the scripts share: what the user has set, a store of vouchers in files, one line of JSON as the result.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { isBpeError } from "@bpe/stylus";

function told(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Options of the command line: all of them text. `needed`: without which nothing is done. */
export function options(needed, defaults = {}) {
  const names = [...needed, ...Object.keys(defaults)];
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
  for (const name of needed) if (values[name] === undefined) throw new Error(`--${name} is missing`);
  return { ...defaults, ...values };
}

/** The agent: its client, deployment and task type. */
export function agent() {
  const deployment = JSON.parse(readFileSync(told("DEPLOYMENT"), "utf8"));
  const account = privateKeyToAccount(readFileSync(told("AGENT_KEY_FILE"), "utf8").trim());
  const client = createWalletClient({ account, transport: http(told("RPC")), pollingInterval: 200 });
  return { client, deployment, taskTypeId: told("TASK_TYPE"), address: account.address };
}

/** Vouchers in files, whole or not at all. */
export function fileStore(folder = process.env.STATE ?? ".bpe/skill") {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fileOf = (key) => join(folder, `${createHash("sha256").update(key).digest("hex")}.json`);
  return {
    async get(key) {
      try {
        return readFileSync(fileOf(key), "utf8");
      } catch (error) {
        if (error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    async set(key, value) {
      const file = fileOf(key);
      writeFileSync(`${file}.new`, value, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    },
  };
}

const json = (value) => JSON.stringify(value, (_, it) => (typeof it === "bigint" ? `${it}` : it));

/** Prints what a script came to, or what went wrong, by name. */
export async function said(task) {
  try {
    console.log(json(await task()));
  } catch (error) {
    const known = isBpeError(error) ? { error: error.errorName, ...error.args } : { error: error.message };
    console.log(json(known));
    process.exitCode = 1;
  }
}
