import type { Account, Hex } from "viem";
import { scaleOf, Counter, type WorkScale } from "./agent/work.js";
import { MOST_VALUE, valueOf } from "./agent/totals.js";
import { toJson } from "./agent/wire.js";
import type { BpeClient } from "./core/call.js";
import { accountOf, checkChain } from "./core/client.js";
import { ChainClock } from "./core/clock.js";
import type { Deployment } from "./core/deployment.js";
import { isBpeError } from "./core/errors.js";
import { memoryStore, type Store } from "./core/store.js";
import { attempt, valueAt, type AttemptOptions, type Ended } from "./fetch/attempt.js";
import { Pairs } from "./fetch/pairs.js";
import { Payer } from "./fetch/payer.js";
import { mostWorkOf, repeatable, type Repeatable } from "./fetch/request.js";
import { Sinks, sinksInDirectory, type Candidate, type SinkService } from "./fetch/sinks.js";
import { Spending, type Limits } from "./fetch/spending.js";
import { getMetadata } from "./generated/calls/ServiceDirectory.js";

export { memoryStore, type Store } from "./core/store.js";
export type { SinkService } from "./fetch/sinks.js";
export { Spending, type Limits } from "./fetch/spending.js";

/** What a paying `fetch` is made of. */
export interface BpeFetchOptions {
  /** A client of the chain. */
  readonly client: BpeClient;
  readonly deployment: Deployment;
  /** The task type, which settles by work. */
  readonly taskTypeId: Hex;
  /** Who signs and pays: the client's account by default. */
  readonly account?: Account;
  readonly limits: Limits;
  /** What was spent, where several share limits: their own by default. */
  readonly spending?: Spending;
  /** Where sinks are: by default what they say in ServiceDirectory, as far as that is https. */
  readonly sinks?: readonly SinkService[] | (() => Promise<readonly SinkService[]>);
  /** Where vouchers are kept: in memory by default, and then gone with the process. */
  readonly store?: Store;
  /** How money gets into the reserve when a sink asks for it; `deposit` by default, which is there at once. */
  readonly funding?: "stream" | "deposit";
  /** Wrap what is missing of the Super Token; no by default. */
  readonly wrap?: boolean;
  /** How work is counted: as the task type's metadata says by default. */
  readonly scale?: WorkScale;
  /** Headers of requests that sinks may see, beside `accept` and `content-type`. */
  readonly forwardHeaders?: readonly string[];
  /** Seconds that a sink has for a task; 60 by default, 3 600 at most. */
  readonly taskSeconds?: number;
  /** Sinks that are tried for a request; 4 by default. */
  readonly attempts?: number;
  /** Milliseconds until the first byte; 60 000 by default. */
  readonly firstByte?: number;
  /** What asks sinks: the global one by default. */
  readonly fetch?: typeof fetch;
  /** Hears of faults that no answer shows: a sink that cheats, a voucher that was not taken. */
  readonly onFault?: (fault: Error) => void;
  /** Between 0 and 1. */
  readonly random?: () => number;
}

/** A `fetch` that pays. */
export interface BpeFetch {
  (input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Waits until vouchers of all answers that have ended are handed in. */
  settled(): Promise<void>;
}

/**
 * A `fetch` that finds a sink, signs, pays, and hands in a voucher for what came: of a URL, path and query are taken to
 * the sink. What fails before the first byte goes to the next sink; afterwards nothing does.
 *
 * ```ts
 * const openai = new OpenAI({ apiKey: "-", baseURL: "http://bpe/v1", fetch: createBpeFetch({ client, deployment,
 * taskTypeId, limits }) });
 * ```
 */
export function createBpeFetch(options: BpeFetchOptions): BpeFetch {
  const buyer = new Buyer(options);
  const paying = (input: RequestInfo | URL, init?: RequestInit) => buyer.fetch(input, init);
  return Object.assign(paying, { settled: () => buyer.settled() });
}

const SECONDS = 60;
const ATTEMPTS = 4;
/** Payments that one request makes at most. */
const PAYMENTS = 3;
const FIRST_BYTE = 60_000;
/** Milliseconds that a stream has to bring what a sink asks for. */
const PATIENCE = 120_000;

class Buyer {
  readonly #options: BpeFetchOptions;
  readonly #attempt: AttemptOptions;
  readonly #sinks: Sinks;
  readonly #pairs: Pairs;
  readonly #payer: Payer;
  readonly #spending: Spending;
  readonly #open = new Set<Promise<void>>();
  #scale: Promise<WorkScale> | undefined;

  constructor(options: BpeFetchOptions) {
    const { client, deployment, taskTypeId, limits, funding = "deposit", wrap = false } = options;
    const account = accountOf(client, options.account);
    const fetcher = options.fetch ?? ((input, init) => fetch(input, init));
    const clock = new ChainClock(client);
    const now = () => clock.now();
    const common = { client, deployment, taskTypeId, account, now };
    this.#options = options;
    this.#attempt = {
      ...common,
      fetch: fetcher,
      taskSeconds: BigInt(options.taskSeconds ?? SECONDS),
      firstByte: options.firstByte ?? FIRST_BYTE,
    };
    this.#sinks = new Sinks(taskTypeId, fetcher, options.random ?? Math.random);
    this.#pairs = new Pairs({ ...common, fetch: fetcher, store: options.store ?? memoryStore() });
    this.#payer = new Payer({ ...common, limits, funding, wrap, patience: PATIENCE });
    this.#spending = options.spending ?? new Spending(limits);
  }

  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { client, deployment, forwardHeaders = [], limits } = this.#options;
    await checkChain(client, deployment);
    const request = await repeatable(input, init, forwardHeaders);
    const scale = await this.#scaleOfTasks();
    const candidates = await this.#sinks.choose(await this.#services(), limits.price);
    let why = "no sink of the task type answers, takes tasks and asks no more than the limit";
    for (const sink of candidates.slice(0, this.#options.attempts ?? ATTEMPTS)) {
      const tried = await this.#try(sink, request, scale);
      if (tried instanceof Response) return tried;
      why = `${sink.sink}: ${tried}`;
    }
    return refusal(503, "no_sink", why, { "retry-after": "1" });
  }

  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /** An answer, or why the next sink is tried. */
  async #try(sink: Candidate, request: Repeatable, scale: WorkScale): Promise<Response | string> {
    const work = mostWorkOf(scale, request);
    const value = valueAt(work, sink.price);
    if (value > MOST_VALUE) return "it asks for more than a voucher holds";
    let close: ((cost: bigint) => void) | undefined;
    try {
      close = this.#spending.begin(value);
      const started = performance.now();
      const ended = await this.#paid(sink, request, work);
      if (ended.kind !== "taken") return await this.#untaken(sink, ended);
      this.#sinks.answered(sink.sink, performance.now() - started);
      const counting = close;
      close = undefined;
      return this.#following(
        sink,
        ended,
        new Counter(scale, request.body?.length ?? 0, contentType(ended.answer)),
        counting,
      );
    } catch (error) {
      if (isBpeError(error, "SpendingLimit")) return refusal(402, "spending_limit", error.message);
      throw error;
    } finally {
      close?.(0n);
    }
  }

  /** Tries a sink, and again after paying what it asks for: other tasks may have used up what was paid. */
  async #paid(sink: Candidate, request: Repeatable, work: bigint): Promise<Ended> {
    for (let paid = 0; ; paid += 1) {
      const ended = await attempt(this.#attempt, sink, request, work);
      if (ended.kind !== "unpaid" || !ended.asked || paid === PAYMENTS) return ended;
      await ended.answer.body?.cancel().catch(() => undefined);
      await this.#payer.pay(sink.sink, ended.asked);
    }
  }

  /** What a sink that has not taken the task means: an answer for the caller, or a reason to try the next. */
  async #untaken(sink: Candidate, ended: Exclude<Ended, { readonly kind: "taken" }>): Promise<Response | string> {
    switch (ended.kind) {
      case "busy":
        this.#sinks.busy(sink.sink, ended.retryAfter);
        return `it is busy for ${ended.retryAfter} s`;
      case "faulty":
        this.#sinks.failed(sink.sink);
        this.#fault(new Error(`the sink ${sink.sink}: ${ended.reason}`));
        return ended.reason;
      case "unpaid":
      case "refused":
        return ended.answer;
    }
  }

  /** The answer as it comes, counted; when all of it has come, the sink gets a voucher. */
  #following(
    sink: Candidate,
    { answer, offer, price }: Extract<Ended, { readonly kind: "taken" }>,
    counter: Counter,
    close: (cost: bigint) => void,
  ): Response {
    const settle = () => {
      // What failed, and what broke off, is not paid for.
      if (!answer.ok || !counter.complete) return close(0n);
      const work = counter.work < offer.work ? counter.work : offer.work;
      const worth = valueOf(work, price) ?? offer.value;
      const value = worth < offer.value ? worth : offer.value;
      close(value);
      this.#track(this.#pairs.settle(sink, { taskId: offer.taskId, work, value }));
    };
    if (!answer.body) {
      settle();
      return answer;
    }
    const counting = new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes, controller) => {
        counter.feed(bytes);
        controller.enqueue(bytes);
      },
      flush: settle,
    });
    const [body, abort] = [answer.body.pipeThrough(counting), () => close(0n)];
    return new Response(endingIn(body, abort), {
      status: answer.status,
      statusText: answer.statusText,
      headers: plain(answer.headers),
    });
  }

  #track(settling: Promise<void>): void {
    const tracked = settling.catch((error: unknown) => this.#fault(error)).finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }

  #fault(error: unknown): void {
    this.#options.onFault?.(error instanceof Error ? error : new Error(String(error)));
  }

  async #services(): Promise<readonly SinkService[]> {
    const { client, deployment, taskTypeId, sinks } = this.#options;
    if (!sinks) return sinksInDirectory(client, deployment, taskTypeId);
    return typeof sinks === "function" ? sinks() : sinks;
  }

  #scaleOfTasks(): Promise<WorkScale> {
    const { client, deployment, taskTypeId, scale } = this.#options;
    this.#scale ??= scale ? Promise.resolve(scale) : getMetadata(client, { deployment, taskTypeId }).then(scaleOf);
    this.#scale.catch(() => (this.#scale = undefined));
    return this.#scale;
  }
}

const contentType = (answer: Response) => answer.headers.get("content-type");

/** `fetch` has decoded the body already: what said how it was encoded is no longer true. */
function plain(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) kept.delete(name);
  return kept;
}

/** Calls `onEnd` however a body ends, also when its reader stops. */
function endingIn(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        onEnd();
        controller.close();
      } catch (error) {
        onEnd();
        controller.error(error);
      }
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
}

/** An answer of our own, as OpenAI's clients read errors. */
function refusal(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  const body = toJson({ error: { message, type: "bpe_error", code } });
  return new Response(body, { status, headers: { "content-type": "application/json", ...headers } });
}
