// The tables of docs/typescript.md: modules and functions, beside those of the Solidity deployment's ABIs.
// `npm run tables` writes them; a test compares.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportedName, sharedNames } from "./calls.mjs";
import { modulesOf } from "./modules.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const document = join(root, "docs/typescript.md");
const isRead = (item) => item.stateMutability === "view" || item.stateMutability === "pure";

/** The functions of every ABI in a folder, by contract. */
function functionsIn(folder) {
  const files = readdirSync(folder).filter((it) => it.endsWith(".json"));
  const read = (file) => JSON.parse(readFileSync(join(folder, file), "utf8")).filter((it) => it.type === "function");
  return new Map(files.sort().map((file) => [basename(file, ".json"), read(file)]));
}

const names = (items) => [...new Set(items.map((it) => it.name))].sort();
const code = (list) => list.map((it) => `\`${it}\``).join(", ") || "–";
const row = (...cells) => `| ${cells.join(" | ")} |\n`;

/** Every contract with its module, its functions and those that the Solidity deployment has of it. */
function contractsOf(ours, theirs) {
  return Object.entries(modulesOf([...ours.keys()])).flatMap(([module, members]) => {
    const shared = sharedNames(Object.keys(members).map((contract) => ours.get(contract)));
    return Object.entries(members).map(([contract, short]) => {
      const here = ours.get(contract);
      const there = theirs.get(contract) ?? [];
      return { module, contract, here, there, actionOf: (name) => exportedName(name, shared, short) };
    });
  });
}

function counts({ module, contract, here, there }) {
  const [reads, writes] = [here.filter(isRead), here.filter((it) => !isRead(it))].map((it) => names(it).length);
  return row(`\`${module}\``, contract, here.length, there.length || "–", reads, writes);
}

function actions({ contract, here, there, actionOf }) {
  const also = names(there);
  const besides = names(here).filter((name) => !also.includes(name));
  return row(contract, code(also.map(actionOf)), code(besides.map(actionOf)));
}

/** All tables, between the marks that they stand between. */
export function tables() {
  const ours = functionsIn(join(root, "sdk-abi/abi"));
  const theirs = functionsIn(join(root, "tests/fixtures/reference-abi"));
  const contracts = contractsOf(ours, theirs);
  const missing = [...theirs].filter(([contract]) => !ours.has(contract));
  const total = (of) => contracts.reduce((sum, it) => sum + it[of].length, 0);
  return {
    modules: [
      row(
        "module",
        "contract",
        "functions here",
        "of the Solidity deployment",
        "reads",
        "writes, each with a simulation",
      ),
      "|---|---|---:|---:|---:|---:|\n",
      ...contracts.map(counts),
      row("", "all", total("here"), total("there"), "", ""),
    ].join(""),
    functions: [
      row("contract", "actions of what the Solidity deployment has", "of what is here besides"),
      "|---|---|---|\n",
      ...contracts.map(actions),
    ].join(""),
    missing: [
      row("of the Solidity deployment only", "functions"),
      "|---|---|\n",
      ...missing.map(([contract, functions]) => row(contract, code(names(functions)))),
    ].join(""),
  };
}

/** A document with the tables as they are now. */
export function withTables(text) {
  return Object.entries(tables()).reduce((kept, [name, table]) => {
    const [start, end] = [`<!-- ${name}: npm run tables -->\n`, `<!-- end of ${name} -->`];
    const [from, to] = [kept.indexOf(start), kept.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${document} has no place for ${name}`);
    return `${kept.slice(0, from + start.length)}\n${table}\n${kept.slice(to)}`;
  }, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(document, withTables(readFileSync(document, "utf8")));
}
