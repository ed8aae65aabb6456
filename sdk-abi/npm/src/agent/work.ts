/**
 * How much work a task was: by the task type's metadata, out of the bytes that both sides see. What is counted is the
 * same on both sides to the last digit. Tokens are those of `usage`. A stream without `usage` counts an input token for
 * each four bytes of the request, and an output token for each event; another answer without it is one request.
 */
import { MalformedError } from "./wire.js";

/** One work unit, of 1e-9. */
const UNIT = 1_000_000_000n;
/** Bytes of an answer that is looked through for its `usage`, and of an event. */
const MOST_BODY = 8 << 20;
const MOST_EVENT = 1 << 20;
const BYTES_PER_TOKEN = 4;
/** Input tokens that a request's bytes do not show: those of a template, of an image by its address. */
const SLACK = 4096;
const MOST_NUMBER = 2n ** 64n - 1n;
const EVENT_STREAM = "text/event-stream";

/** What is counted. */
export type Unit = "token" | "request" | "byte";

/** Work units of 1e-9 for each unit of input and output. */
export interface WorkScale {
  readonly unit: Unit;
  readonly input: bigint;
  readonly output: bigint;
}

/** What went in and came out, in the scale's unit. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** A request is one work unit. */
const BY_REQUEST: WorkScale = { unit: "request", input: UNIT, output: 0n };

/**
 * The scale that a task type's metadata names; that of requests, if it names none. `MalformedError`, if it cannot be
 * counted.
 */
export function scaleOf(metadata: string): WorkScale {
  const named = namedScale(metadata);
  if (!named) return BY_REQUEST;
  const { unit, work } = named;
  if (unit !== "token" && unit !== "request" && unit !== "byte") {
    const shown = JSON.stringify(unit.slice(0, 40));
    throw new MalformedError(`the unit ${shown} cannot be counted alike on both sides: token, request and byte can`);
  }
  return { unit, input: numberOf("input", work.input), output: numberOf("output", work.output) };
}

interface NamedScale {
  readonly unit: string;
  readonly work: { readonly input?: string | null; readonly output?: string | null };
}

function namedScale(metadata: string): NamedScale | undefined {
  let found: Partial<NamedScale> | null;
  try {
    found = JSON.parse(metadata) as Partial<NamedScale> | null;
  } catch {
    return undefined;
  }
  const textOrNothing = (it: unknown) => it === undefined || it === null || typeof it === "string";
  const work = found?.work;
  if (typeof found?.unit !== "string" || typeof work !== "object" || work === null) return undefined;
  return textOrNothing(work.input) && textOrNothing(work.output) ? { unit: found.unit, work } : undefined;
}

function numberOf(name: string, text: string | null | undefined): bigint {
  if (text === undefined || text === null) return 0n;
  const value = /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > MOST_NUMBER) {
    throw new MalformedError(
      `work.${name} = ${JSON.stringify(text.slice(0, 40))} is no decimal number of at most 64 bits`,
    );
  }
  return value;
}

/** Work of so much, in work units of 1e-9. */
export const workOf = (scale: WorkScale, { input, output }: Usage): bigint =>
  scale.input * BigInt(input) + scale.output * BigInt(output);

interface Answer {
  readonly usage: Usage | undefined;
  readonly failed: boolean;
}

/** What an answer says of its usage, under the names that services give it. */
function readAnswer(json: Uint8Array): Answer | undefined {
  let found: { usage?: unknown; error?: unknown } | null;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)) as typeof found;
  } catch {
    return undefined;
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) return undefined;
  const failed = found.error !== undefined && found.error !== null;
  if (found.usage === undefined || found.usage === null) return { usage: undefined, failed };
  const usage = readUsage(found.usage);
  return usage && { usage, failed };
}

function readUsage(usage: unknown): Usage | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const given = usage as Record<string, unknown>;
  const input = given["prompt_tokens"] ?? given["input_tokens"];
  const output = given["completion_tokens"] ?? given["output_tokens"] ?? 0;
  const counts = [input, output].every((it) => Number.isSafeInteger(it) && (it as number) >= 0);
  return counts ? { input: input as number, output: output as number } : undefined;
}

/** Follows the bytes of an answer, in whatever parts they come, and says at the end what it was. */
export class Counter {
  readonly #scale: WorkScale;
  readonly #requestBytes: number;
  #responseBytes = 0;
  readonly #events: Events | undefined;
  #parts: Uint8Array[] = [];
  #kept = 0;
  #overlong = false;

  /** Of an answer with this content type to a request of so many bytes. */
  constructor(scale: WorkScale, requestBytes: number, contentType?: string | null) {
    this.#scale = scale;
    this.#requestBytes = requestBytes;
    const kind = (contentType ?? "").trimStart().slice(0, EVENT_STREAM.length).toLowerCase();
    this.#events = kind === EVENT_STREAM ? new Events() : undefined;
  }

  /** The next bytes of the answer. */
  feed(bytes: Uint8Array): void {
    this.#responseBytes += bytes.length;
    if (this.#events) {
      this.#events.feed(bytes);
      return;
    }
    if (this.#overlong || this.#scale.unit !== "token") return;
    this.#kept += bytes.length;
    this.#overlong = this.#kept > MOST_BODY;
    this.#parts = this.#overlong ? [] : [...this.#parts, bytes.slice()];
  }

  /** Whether it is a stream of events. */
  get streams(): boolean {
    return this.#events !== undefined;
  }

  /**
   * Whether an answer that ended here was all of it: a stream says `[DONE]` where tokens are counted, and nowhere an
   * error.
   */
  get complete(): boolean {
    if (!this.#events) return true;
    return !this.#events.failed && (this.#events.done || this.#scale.unit !== "token");
  }

  /** Whether an error event came. */
  get failed(): boolean {
    return this.#events?.failed ?? false;
  }

  /** What went in and came out. */
  get usage(): Usage {
    const { unit } = this.#scale;
    if (unit === "request") return { input: 1, output: 0 };
    if (unit === "byte") return { input: this.#requestBytes, output: this.#responseBytes };
    const claimed = this.#claimed();
    // No more than bytes that were seen: a token is one byte at least.
    const input = Math.min(claimed.input, this.#requestBytes + SLACK);
    return { input, output: Math.min(claimed.output, this.#responseBytes) };
  }

  #claimed(): Usage {
    if (!this.#events) return this.#reported() ?? { input: 0, output: 0 };
    const estimated = { input: Math.ceil(this.#requestBytes / BYTES_PER_TOKEN), output: this.#events.count };
    return this.#events.usage ?? estimated;
  }

  /** The work of it, in work units of 1e-9. */
  get work(): bigint {
    if (this.#scale.unit === "token" && !this.#events && !this.#reported()) return UNIT;
    return workOf(this.#scale, this.usage);
  }

  #reported(): Usage | undefined {
    if (this.#overlong) return undefined;
    return readAnswer(joined(this.#parts))?.usage;
  }
}

const NEWLINE = 10;
const RETURN = 13;

/** A stream of events, by its lines. */
class Events {
  usage: Usage | undefined;
  count = 0;
  done = false;
  failed = false;
  #line: Uint8Array[] = [];
  #length = 0;
  #overlong = false;

  feed(bytes: Uint8Array): void {
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (bytes[at] !== NEWLINE && bytes[at] !== RETURN) continue;
      this.#extend(bytes.slice(from, at));
      this.#endLine();
      from = at + 1;
    }
    this.#extend(bytes.slice(from));
  }

  #extend(bytes: Uint8Array): void {
    this.#length += bytes.length;
    this.#overlong ||= this.#length > MOST_EVENT;
    if (this.#overlong) this.#line = [];
    else if (bytes.length > 0) this.#line.push(bytes);
  }

  #endLine(): void {
    const line = joined(this.#line);
    const overlong = this.#overlong;
    this.#line = [];
    this.#length = 0;
    this.#overlong = false;
    if (overlong) {
      this.count += 1;
      return;
    }
    const text = new TextDecoder().decode(line);
    if (!text.startsWith("data:")) return;
    const data = text.slice("data:".length).replace(/^[ \t\f]+|[ \t\f]+$/g, "");
    if (data === "[DONE]") {
      this.done = true;
      return;
    }
    this.count += 1;
    // Most events are tokens, and need no reading.
    if (!data.includes('"usage"') && !data.includes('"error"')) return;
    const answer = readAnswer(new TextEncoder().encode(data));
    if (!answer) return;
    this.failed ||= answer.failed;
    this.usage = answer.usage ?? this.usage;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
