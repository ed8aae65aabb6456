// All errors of the suite: by selector, to decode what a call reverted with, whichever contract it came from.
import { toFunctionSelector } from "viem";
import { comment, key } from "./docs.mjs";
import { objectOf, typeOf } from "./types.mjs";

/** What Solidity itself reverts with. */
const BUILT_IN = [
  { name: "Error", inputs: [{ name: "reason", type: "string" }], said: "`require` failed for `reason`." },
  { name: "Panic", inputs: [{ name: "code", type: "uint256" }], said: "A check of the compiler failed." },
];

const typed = ({ name, inputs }) => `${name}(${inputs.map((it) => it.type).join(",")})`;
const named = ({ name, inputs }) => `${name}(${inputs.map((it) => `${it.type} ${it.name}`).join(",")})`;

/** Every error once, by its types. `contracts`: [abi, docs] of each. */
function errorsOf(contracts) {
  const errors = new Map(BUILT_IN.map((it) => [typed(it), it]));
  for (const [abi, docs] of contracts) {
    for (const it of abi.filter((entry) => entry.type === "error")) {
      const unnamed = it.inputs.map((input, index) => ({ ...input, name: input.name || `value${index}` }));
      const said =
        docs.get(
          key(
            "error",
            it.name,
            it.inputs.map((input) => input.name),
          ),
        ) ?? "";
      const error = { name: it.name, inputs: unnamed, said };
      const known = errors.get(typed(it));
      if (!known || (!known.said && said)) errors.set(typed(it), error);
    }
  }
  return [...errors.values()].sort((a, b) => (typed(a) < typed(b) ? -1 : 1));
}

/** The type of an error's arguments; what only others of its name have may be asked for, and is not there. */
function shapeOf({ inputs }, several) {
  const named = (list) => list.map((it) => it.name);
  const others = several.flatMap((it) => named(it.inputs)).filter((name) => !named(inputs).includes(name));
  const absent = [...new Set(others)].map((name) => `readonly ${name}?: undefined`);
  if (absent.length === 0) return inputs.length === 0 ? "Readonly<Record<never, never>>" : objectOf(inputs);
  return `{ ${[...inputs.map((it) => `readonly ${it.name}: ${typeOf(it)}`), ...absent].join("; ")} }`;
}

/** The source of `generated/errors.ts`. */
export function errorTable(contracts) {
  const errors = errorsOf(contracts);
  const rows = errors.map((it) => `  "${toFunctionSelector(`function ${typed(it)}`)}": "${named(it)}",\n`);
  const byName = new Map();
  for (const it of errors) byName.set(it.name, [...(byName.get(it.name) ?? []), it]);
  const types = [...byName].map(([name, several]) => {
    const shapes = several.map((it) => shapeOf(it, several));
    const said = [...new Set(several.map((it) => it.said).filter(Boolean))].join("\n");
    return `${comment(said, "  ")}  ${name}: ${shapes.join(" | ")};\n`;
  });
  return [
    'import type { Address, Hex } from "viem";\n\n',
    comment("Every error of the suite by its selector, with the names of its arguments."),
    `export const errorSignatures: Readonly<Record<string, string>> = {\n${rows.join("")}};\n\n`,
    comment("What each error of the suite says. Amounts are wei, capacities of 1e-9 units, times seconds since 1970."),
    `export interface ContractErrors {\n${types.join("")}}\n`,
  ].join("");
}
