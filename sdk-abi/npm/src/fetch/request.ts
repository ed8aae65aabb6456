import { readAtMost } from "../core/bounded.js";
import { workOf, type WorkScale } from "../agent/work.js";

/** Requests are kept to be sent again, up to so many bytes. */
const MOST_REQUEST = 32 << 20;
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
export async function repeatable(input: RequestInfo | URL, init: RequestInit | undefined, also: readonly string[]): Promise<Repeatable> {
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
  return { method: request.method, path: pathname + search, headers, body: bodiless ? undefined : bytes, signal: request.signal };
}

/** The most that a request may take, in work units of 1e-9: a token of input has a byte at least. */
export function mostWorkOf(scale: WorkScale, { body = new Uint8Array() }: Repeatable): bigint {
  const output = scale.unit === "token" ? tokensOf(body) : scale.unit === "byte" ? BYTES : 0;
  const input = scale.unit === "request" ? 1 : body.length;
  const work = workOf(scale, { input, output });
  // What says nothing of its usage counts as one request.
  return scale.unit === "token" && work < UNIT ? UNIT : work;
}

function tokensOf(body: Uint8Array): number {
  try {
    const json = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
    const named = json["max_completion_tokens"] ?? json["max_tokens"] ?? json["max_output_tokens"];
    return Number.isSafeInteger(named) && (named as number) > 0 ? (named as number) : TOKENS;
  } catch {
    return TOKENS;
  }
}
