import { readAtMost } from "../core/bounded.js";
import { workOf, type Usage, type WorkScale } from "../agent/work.js";

/** Requests are kept to be sent again, up to so many bytes. */
const MOST_REQUEST = 32 << 20;
/** Input tokens beyond what bytes show: those of a template. */
const TEMPLATE_TOKENS = 256;
/** Tokens of an answer where the request names no limit. */
const TOKENS = 4_096;
/** Bytes of an answer where bytes are counted. */
const BYTES = 1 << 20;
const UNIT = 1_000_000_000n;
/** What strangers may see of a request: no credentials. */
const FORWARDED = ["accept", "content-type"];

/** A request that can be sent several times. */
export interface Repeatable {
  readonly method: string;
  /** Path and query, at whichever sink. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** Keeps a request. Credentials of a service that it was meant for stay here. */
export async function repeatable(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  also: readonly string[],
): Promise<Repeatable> {
  const request = new Request(input, init);
  const { pathname, search } = new URL(request.url);
  const headers = new Headers();
  for (const name of [...FORWARDED, ...also]) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const bytes = await readAtMost(request.body, MOST_REQUEST);
  if (!bytes) throw new TypeError(`a request of more than ${MOST_REQUEST} bytes`);
  const bodiless = request.method === "GET" || request.method === "HEAD";
  return {
    method: request.method,
    path: pathname + search,
    headers,
    body: bodiless ? undefined : bytes,
    signal: request.signal,
  };
}

/** The most that a request may take, in work units of 1e-9, and so the most that is paid for it. */
export function mostWorkOf(scale: WorkScale, { body = new Uint8Array() }: Repeatable): bigint {
  const work = workOf(scale, mostUsage(scale, body));
  // What says nothing of its usage counts as one request.
  return scale.unit === "token" && work < UNIT ? UNIT : work;
}

function mostUsage({ unit }: WorkScale, body: Uint8Array): Usage {
  if (unit === "request") return { input: 1, output: 0 };
  if (unit === "byte") return { input: body.length, output: BYTES };
  return { input: Math.floor(body.length / 2) + TEMPLATE_TOKENS, output: tokensOf(body) };
}

function tokensOf(body: Uint8Array): number {
  try {
    const json = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
    const named = json["max_completion_tokens"] ?? json["max_tokens"] ?? json["max_output_tokens"];
    const each = isCount(named) ? named : TOKENS;
    const answers = isCount(json["n"]) ? json["n"] : 1;
    return each * answers;
  } catch {
    return TOKENS;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
