// One file of actions for each contract: reads, writes, simulations, events. Every call hands the ABI's own item to the
// core, which is typed by it, so that `tsc` refuses a function that does not match its contract.
import { camel, pascal } from "./modules.mjs";
import { comment, key } from "./docs.mjs";
import { resultOf, typeOf } from "./types.mjs";

// What the core takes beside a function's own arguments: an argument of such a name gets another one.
const RENAMED = {
  account: "forAccount",
  address: "forAddress",
  deployment: "forDeployment",
  overrides: "overridesArgument",
  timeout: "timeoutSeconds",
};
const READ_OPTIONS = ["address", "deployment", "timeout", "blockNumber", "blockTag"];
const WRITE_OPTIONS = ["account", "address", "deployment", "timeout", "overrides"];

const isRead = (item) => item.stateMutability === "view" || item.stateMutability === "pure";

/** The names of arguments as an action takes them. */
function argumentNames(item) {
  const options = isRead(item) ? READ_OPTIONS : WRITE_OPTIONS;
  return item.inputs.map(({ name }, index) => {
    if (!name) throw new Error(`argument ${index} of ${item.name} has no name`);
    return options.includes(name) ? RENAMED[name] : name;
  });
}

/** The overloads of each function, those with more arguments first. */
function functionsOf(abi) {
  const functions = new Map();
  for (const item of abi.filter((it) => it.type === "function")) {
    functions.set(item.name, [...(functions.get(item.name) ?? []), item]);
  }
  for (const [name, overloads] of functions) {
    overloads.sort((a, b) => b.inputs.length - a.inputs.length);
    checkOverloads(name, overloads);
  }
  return functions;
}

/** Each overload has all arguments of the next shorter one, and another one that tells it apart; all give the same. */
function checkOverloads(name, overloads) {
  overloads.slice(1).forEach((shorter, index) => {
    const [more, fewer] = [overloads[index], shorter].map(argumentNames);
    const [a, b] = [overloads[index], shorter].map((it) => resultOf(it.outputs) + it.stateMutability);
    const told = fewer.every((it) => more.includes(it)) && more.length > fewer.length && a === b;
    if (!told) throw new Error(`the overloads of ${name} cannot be told apart by names`);
  });
}

const item = (name, index) => `${name}Item${index || ""}`;

const RESERVED = ["delete", "new", "default", "import", "export", "function", "return", "switch"];

/** By its own name, or with its contract's where another one of the module has such a function. */
export function exportedName(name, shared, short) {
  if (RESERVED.includes(name))
    throw new Error(`a function cannot be called ${name} in JavaScript: give it another name`);
  return shared.has(name) ? `${name}Of${short}` : name;
}

function parametersType(type, base, overloads, docs) {
  const names = overloads.map(argumentNames);
  const shapes = overloads.map((it, index) => {
    const own = names[index].map((name, at) => `  readonly ${name}: ${typeOf(it.inputs[at])};\n`);
    const others = names.flat().filter((name) => !names[index].includes(name));
    const absent = [...new Set(others)].map((name) => `  readonly ${name}?: undefined;\n`);
    return `{\n${own.join("")}${absent.join("")}}`;
  });
  const payable = overloads[0].stateMutability === "payable" ? " & Payable" : "";
  const known = shapes.length === 1 ? shapes[0] : `(${shapes.join(" | ")})`;
  const text = names[0].length === 0 ? base + payable : `${base}${payable} & ${known}`;
  return `${docs}export type ${type} = ${text};\n`;
}

/** The body of an action: which item, with which arguments. */
function body(call, name, contract, overloads, rest) {
  const names = overloads.map(argumentNames);
  const line = (index) => {
    const args = names[index].map((it) => `parameters.${it}`).join(", ");
    return `return ${call}(client, parameters, "${camel(contract)}", ${item(name, index)}, [${args}]${rest});`;
  };
  const lines = names.map((own, index) => {
    const told = own.find((it) => names[index + 1] && !names[index + 1].includes(it));
    return told ? `  if (parameters.${told} !== undefined) ${line(index)}\n` : `  ${line(index)}\n`;
  });
  return lines.join("");
}

function actionsOf(contract, name, overloads, exported, docs) {
  const documented = overloads.map((it) =>
    docs.get(
      key(
        "function",
        it.name,
        it.inputs.map((input) => input.name),
      ),
    ),
  );
  // The shortest first: what longer ones say is beside that.
  const said = [...new Set(documented.filter(Boolean))].reverse().join("\n\n");
  const result = resultOf(overloads[0].outputs);
  const type = `${pascal(exported)}Parameters`;
  const items = overloads.map((it, index) => `const ${item(exported, index)} = ${JSON.stringify(it)} as const;\n`);
  const mark = (call, rest) => body(call, exported, contract, overloads, rest);
  if (isRead(overloads[0])) {
    return [
      ...items,
      parametersType(type, "ReadParameters", overloads, `/** Of \`${exported}\`. */\n`),
      comment(said),
      `export function ${exported}(client: BpeClient, parameters: ${type}): Promise<${result}> {\n`,
      mark("read", ""),
      "}\n\n",
    ].join("");
  }
  return [
    ...items,
    parametersType(type, "WriteParameters", overloads, `/** Of \`${exported}\`. */\n`),
    comment(said),
    `export function ${exported}(client: BpeClient, parameters: ${type}): Promise<Sent<typeof events, ${result}>> {\n`,
    mark("write", ", events"),
    "}\n\n",
    comment(`What \`${exported}\` would do and give, without sending it.`),
    `export function simulate${pascal(exported)}(client: BpeClient, parameters: ${type}): Promise<${result}> {\n`,
    mark("simulate", ""),
    "}\n\n",
  ].join("");
}

/** Past and coming events of a contract. */
function eventActions(contract) {
  const events = `typeof events`;
  return [
    comment(`Events of ${contract}, decoded, in the blocks \`fromBlock\` to \`toBlock\`.`),
    `export function get${contract}Events<const name extends EventName<${events}> | undefined = undefined>(\n`,
    `  client: BpeClient,\n  parameters: GetEventsParameters<${events}, name>,\n`,
    `): Promise<readonly Decoded<${events}, name>[]> {\n`,
    `  return getEvents(client, parameters, "${camel(contract)}", events);\n}\n\n`,
    comment(`Calls \`onEvents\` with coming events of ${contract}, until the function that it returns is called.`),
    `export function watch${contract}Events<const name extends EventName<${events}> | undefined = undefined>(\n`,
    `  client: BpeClient,\n  parameters: WatchEventsParameters<${events}, name>,\n`,
    "): () => void {\n",
    `  return watchEvents(client, parameters, "${camel(contract)}", events);\n}\n`,
  ].join("");
}

/** Without what only Solidity's own tools read. */
function lean(value) {
  if (Array.isArray(value)) return value.map(lean);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "internalType" && key !== "anonymous");
  return Object.fromEntries(kept.map(([key, it]) => [key, lean(it)]));
}

/** The file of actions of a contract. `shared`: names that another contract of its module has too. */
export function callsOf({ contract, abi: whole, docs, shared, short }) {
  const abi = whole.map(lean);
  const events = abi.filter((it) => it.type === "event");
  const functions = [...functionsOf(abi)].map(([name, overloads]) =>
    actionsOf(contract, name, overloads, exportedName(name, shared, short), docs),
  );
  const source = functions.join("");
  const writes = source.includes("return write(");
  const core = [
    ["read", "return read("],
    ["simulate", "return simulate("],
    ["write", "return write("],
    ["type BpeClient", "BpeClient"],
    ["type Payable", "& Payable"],
    ["type ReadParameters", "ReadParameters"],
    ["type Sent", "Sent<"],
    ["type WriteParameters", "WriteParameters"],
  ].filter(([, used]) => source.includes(used));
  const viem = ["Address", "Hex"].filter((it) => new RegExp(`\\b${it}\\b`).test(source));
  const imports = [
    viem.length > 0 ? `import type { ${viem.join(", ")} } from "viem";\n` : "",
    `import { ${core.map(([name]) => name).join(", ")} } from "../../core/call.js";\n`,
    events.length === 0
      ? ""
      : "import {\n  getEvents,\n  watchEvents,\n  type Decoded,\n  type EventName,\n  type GetEventsParameters,\n" +
        '  type WatchEventsParameters,\n} from "../../core/events.js";\n',
    "\n",
  ];
  const list = events.length === 0 && !writes ? "" : `const events = ${JSON.stringify(events)} as const;\n\n`;
  return imports.join("") + list + source + (events.length === 0 ? "" : eventActions(contract));
}

/** The names of functions that more than one of these ABIs has. */
export function sharedNames(abis) {
  const seen = new Map();
  for (const abi of abis) {
    for (const name of new Set(abi.filter((it) => it.type === "function").map((it) => it.name))) {
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  }
  return new Set([...seen].filter(([, times]) => times > 1).map(([name]) => name));
}
