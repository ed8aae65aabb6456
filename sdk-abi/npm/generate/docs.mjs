// What the generated Solidity interfaces say about functions, errors and events: their /// lines.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Documentation by "kind name(parameters' names)", which tells overloads apart. */
export function docsOf(interfaces, contract) {
  const file = join(interfaces, `I${contract}.sol`);
  const docs = new Map();
  if (!existsSync(file)) return docs;
  let lines = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const text = /^\s*\/\/\/ ?(.*)$/.exec(line);
    const declared = /^\s*(function|error|event) (\w+)\(([^)]*)\)/.exec(line);
    if (text) lines.push(text[1]);
    else if (declared) docs.set(key(declared[1], declared[2], namesIn(declared[3])), lines.join("\n"));
    if (!text) lines = [];
  }
  return docs;
}

/** "uint256 from, uint256 count" → ["from", "count"] */
const namesIn = (list) => (list.trim() ? list.split(",").map((it) => it.trim().split(/\s+/).at(-1)) : []);

export const key = (kind, name, names) => `${kind} ${name}(${names.join(",")})`;

/** As a comment. */
export function comment(text, indent = "") {
  const safe = text.replaceAll("*/", "* /");
  if (!safe) return "";
  const lines = safe.split("\n");
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((it) => `${indent} * ${it}\n`).join("")}${indent} */\n`;
}
