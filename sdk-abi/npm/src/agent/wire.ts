/**
 * JSON of the wire: integers are decimal strings, bytes 0x-hex, addresses checksummed. What comes in is read strictly.
 */
import { getAddress, isAddress, type Address, type Hex } from "viem";

/** What comes in is not what it has to be. */
export class MalformedError extends Error {
  override name = "MalformedError";
}

type Reader<value> = (value: unknown, place: string) => value;

const shown = (value: unknown) => String(typeof value === "string" ? JSON.stringify(value) : value).slice(0, 42);

function refuse(place: string, expected: string, value: unknown): never {
  throw new MalformedError(`${place} is ${shown(value)}, not ${expected}`);
}

/** A decimal string of at most so many bits. */
export const decimal =
  (bits: number): Reader<bigint> =>
  (value, place) => {
    const digits = typeof value === "string" && /^[0-9]{1,78}$/.test(value);
    const number = digits ? BigInt(value) : undefined;
    if (number === undefined || number >> BigInt(bits) !== 0n) {
      return refuse(place, `a decimal number of at most ${bits} bits`, value);
    }
    return number;
  };

export const address: Reader<Address> = (value, place) =>
  typeof value === "string" && isAddress(value, { strict: false })
    ? getAddress(value)
    : refuse(place, "an address", value);

/** 0x-hex of so many bytes, or of any number. */
export const bytes =
  (length?: number): Reader<Hex> =>
  (value, place) => {
    const hex = typeof value === "string" && /^0x([0-9a-fA-F]{2})*$/.test(value);
    if (!hex || (length !== undefined && value.length !== 2 + 2 * length)) {
      return refuse(place, length === undefined ? "bytes in hex" : `${length} bytes in hex`, value);
    }
    return value.toLowerCase() as Hex;
  };

export const text: Reader<string> = (value, place) =>
  typeof value === "string" ? value : refuse(place, "text", value);

export const flag: Reader<boolean> = (value, place) =>
  typeof value === "boolean" ? value : refuse(place, "true or false", value);

/** A JSON number that is a whole one. */
export const whole: Reader<number> = (value, place) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : refuse(place, "a whole number", value);

/** What is missing stands for something. */
export const otherwise =
  <value>(read: Reader<value>, fallback: value): Reader<value> =>
  (value, place) =>
    value === undefined ? fallback : read(value, place);

export const list =
  <value>(read: Reader<value>, most: number): Reader<readonly value[]> =>
  (value, place) => {
    if (!Array.isArray(value) || value.length > most) return refuse(place, `a list of at most ${most}`, value);
    return value.map((it, index) => read(it, `${place}[${index}]`));
  };

type Fields = Readonly<Record<string, Reader<unknown>>>;
type Read<fields extends Fields> = { readonly [name in keyof fields]: ReturnType<fields[name]> };

/** An object of these fields; `strict`: and no others. */
export const object =
  <const fields extends Fields>(fields: fields, strict = true): Reader<Read<fields>> =>
  (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(place, "an object", value);
    const given = value as Record<string, unknown>;
    const unknown = strict && Object.keys(given).find((name) => !Object.hasOwn(fields, name));
    if (unknown) return refuse(`${place}.${unknown}`, "known here", given[unknown]);
    const read = Object.entries(fields).map(([name, reader]) => {
      return [name, reader(Object.hasOwn(given, name) ? given[name] : undefined, `${place}.${name}`)];
    });
    return Object.fromEntries(read) as Read<fields>;
  };

/** As JSON has it. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, it: unknown) => (typeof it === "bigint" ? `${it}` : it));

/** JSON, or `MalformedError`. */
export function fromJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new MalformedError(`no JSON: ${String(error).slice(0, 80)}`);
  }
}
