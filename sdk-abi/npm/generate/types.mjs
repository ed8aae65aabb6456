// Solidity's types as TypeScript's, as viem reads them: integers of at most 48 bits are numbers.

const INTEGER = /^u?int(\d*)$/;

/** The TypeScript type of an ABI parameter. */
export function typeOf(parameter) {
  const array = /^(.*)\[(\d*)\]$/.exec(parameter.type);
  if (array) {
    const each = typeOf({ ...parameter, type: array[1] });
    if (array[2] === "") return `readonly ${wrapped(each)}[]`;
    return `readonly [${new Array(Number(array[2])).fill(each).join(", ")}]`;
  }
  if (parameter.type === "tuple") return objectOf(parameter.components);
  const integer = INTEGER.exec(parameter.type);
  if (integer) return Number(integer[1] || 256) <= 48 ? "number" : "bigint";
  if (parameter.type === "bool") return "boolean";
  if (parameter.type === "string") return "string";
  if (parameter.type === "address") return "Address";
  if (/^bytes\d*$/.test(parameter.type)) return "Hex";
  throw new Error(`no TypeScript type for ${parameter.type}`);
}

const wrapped = (type) => (type.startsWith("readonly ") ? `(${type})` : type);

/** An object of named parameters. */
export function objectOf(parameters) {
  return `{ ${parameters.map((it) => `readonly ${it.name}: ${typeOf(it)}`).join("; ")} }`;
}

/** What a function gives: nothing, its value, or an object of its named values. */
export function resultOf(outputs) {
  if (outputs.length === 0) return "void";
  if (outputs.length === 1) return typeOf(outputs[0]);
  for (const it of outputs) if (!it.name) throw new Error("several results, and one has no name");
  return objectOf(outputs);
}
