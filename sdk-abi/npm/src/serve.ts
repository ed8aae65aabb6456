import { isAddressEqual, type Account, type Address, type Hex } from "viem";
import {
  encodePaymentRequired,
  parseSubmission,
  PAYMENT_REQUIRED_HEADER,
  PRICE_HEADER,
  SCHEME,
  STATUS_PATH,
  TASK_HEADER,
  TASK_SIGNATURE_HEADER,
  VOUCHERS_PATH,
} from "./agent/messages.js";
import { QueueRefusal, TaskQueueManager, type Slot } from "./agent/queue.js";
import { atRisk, type QueueSettings } from "./agent/book.js";
import {
  assignmentOf,
  checkTask,
  decodeTask,
  priceOfTask,
  signerOfTask,
  TaskError,
  type TaskOffer,
} from "./agent/task.js";
import { valueOf } from "./agent/totals.js";
import { MalformedError, toJson } from "./agent/wire.js";
import { Counter, scaleOf, type WorkScale } from "./agent/work.js";
import { readAtMost, textAtMost } from "./core/bounded.js";
import type { BpeClient } from "./core/call.js";
import { accountOf } from "./core/client.js";
import { ChainClock } from "./core/clock.js";
import { contractAddress, type Deployment } from "./core/deployment.js";
import { isBpeError } from "./core/errors.js";
import { Fresh } from "./core/fresh.js";
import { sign } from "./core/sign.js";
import { memoryStore, type Store } from "./core/store.js";
import { limited } from "./core/wait.js";
import { getPool } from "./generated/calls/BackpressurePool.js";
import { getSmoothedCapacity } from "./generated/calls/CapacityRegistry.js";
import { getMetadata } from "./generated/calls/ServiceDirectory.js";
import { getMinimumFlowRate, SUPER_TOKEN } from "./generated/calls/StreamGateway.js";
import { getBudget, getEarmark } from "./generated/calls/WorkReserve.js";
import { getTotals, redeemBatch } from "./generated/calls/WorkVouchers.js";
import { Books } from "./serve/books.js";
import { isPreflight, preflight, toPages } from "./serve/pages.js";

export { memoryStore, type Store } from "./core/store.js";
export { nodeListener, type Incoming, type Outgoing } from "./serve/node.js";

/** What a sink is made of. */
export interface BpeServeOptions {
  /** A client of the chain. */
  readonly client: BpeClient;
  readonly deployment: Deployment;
  /** The task type, which settles by work. */
  readonly taskTypeId: Hex;
  /** Who signs and is paid: the client's account by default. It has to be registered: `becomeSink`. */
  readonly account?: Account;
  /** What does the work. It sees the request without what is of this protocol. */
  readonly service: (request: Request) => Promise<Response> | Response;
  /** Wei per work unit. */
  readonly price: () => bigint;
  /** What a source may owe unsigned that has paid for nothing yet, in wei; up to a hundred times as much once it has. */
  readonly trust: bigint;
  /** What differs from the usual: 4 tasks at once, 32 that wait, 8 of a source; strangers owe 10 times `trust` together. */
  readonly queue?: Partial<QueueSettings>;
  /** Where vouchers are kept: in memory by default, and then lost with the process, and so is the pay. */
  readonly store?: Store;
  /** How work is counted: as the task type's metadata says by default. */
  readonly scale?: WorkScale;
  /** Bytes of a request at most; 8 MiB by default. */
  readonly mostRequest?: number;
  /** Milliseconds until a request's body is given up; 30 000 by default. */
  readonly bodyTimeout?: number;
  /** Milliseconds after a task's deadline in which its answer may still end; 30 000 by default. */
  readonly grace?: number;
}

/** A sink. */
export interface BpeServe {
  /**
   * Answers a request: of the service, `/bpe/v1/status` or `/bpe/v1/vouchers`. For any server that speaks `Request` and
   * `Response`.
   */
  fetch(request: Request): Promise<Response>;
  /** Takes no more tasks. What is in hand is done. */
  drain(): void;
  /** Redeems the latest voucher of each source, which pays. Gives nothing if there is none. */
  redeem(): Promise<Awaited<ReturnType<typeof redeemBatch>> | undefined>;
  readonly queue: TaskQueueManager;
}

const MOST_REQUEST = 8 << 20;
const MOST_SUBMISSION = 1 << 20;
/** Milliseconds for which what everybody may ask is not asked again. */
const FRESH = 2_000;
/** Milliseconds. */
const BODY_TIMEOUT = 30_000;
const GRACE = 30_000;
/** An earmark that ends sooner, in seconds, promises nothing: a voucher counts within an epoch of 300 s. */
const EARMARK_MARGIN = 420n;
/** The flow that a 402 proposes pays for the task within so many seconds. */
const FLOW_SECONDS = 60n;
/** Task ids that are remembered, the oldest of which are forgotten: none lives longer than its deadline. */
const MOST_SEEN = 100_000;

const TIMED_OUT = Symbol("timed out");

/** Tells what took too long from what failed. */
function timedOut(error: unknown): typeof TIMED_OUT {
  if (isBpeError(error, "TimedOut")) return TIMED_OUT;
  throw error;
}

const settingsOf = ({ trust, queue }: BpeServeOptions): QueueSettings => ({
  atOnce: 4,
  mostWaiting: 32,
  mostPerSource: 8,
  firstServiceMs: 1_000,
  firstTrust: trust,
  mostTrust: 100n * trust,
  mostStrangers: 10n * trust,
  ...queue,
});

/**
 * A sink in front of a service: takes tasks that it can do in time and that are paid for, counts, and keeps vouchers.
 */
export function createBpeServe(options: BpeServeOptions): BpeServe {
  return new Seller(options);
}

class Seller implements BpeServe {
  readonly queue: TaskQueueManager;
  readonly #options: BpeServeOptions;
  readonly #settings: QueueSettings;
  readonly #account: Account;
  readonly #books: Books;
  readonly #clock: ChainClock;
  readonly #seen = new Map<Hex, bigint>();
  readonly #capacity: Fresh<bigint>;
  /** Super Token, pool, least rate of a stream. */
  readonly #terms: Fresh<readonly [Address, Address, bigint]>;
  readonly #remembered = new Map<Address, Promise<void>>();
  #scale: Promise<WorkScale> | undefined;
  #draining = false;

  constructor(options: BpeServeOptions) {
    const { client, deployment, taskTypeId, store = memoryStore() } = options;
    this.#options = options;
    this.#account = accountOf(client, options.account);
    this.#books = new Books({ client, deployment, taskTypeId, account: this.#account, store });
    this.#clock = new ChainClock(client);
    const of = { deployment, taskTypeId };
    this.#capacity = new Fresh(FRESH, () => getSmoothedCapacity(client, { ...of, sink: this.#account.address }));
    const terms = () =>
      Promise.all([SUPER_TOKEN(client, { deployment }), getPool(client, of), getMinimumFlowRate(client, of)] as const);
    this.#terms = new Fresh(FRESH, terms);
    this.#settings = settingsOf(options);
    this.queue = new TaskQueueManager(this.#settings);
  }

  async fetch(request: Request): Promise<Response> {
    return isPreflight(request) ? preflight() : toPages(await this.#answer(request));
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === STATUS_PATH) return this.#status();
    if (pathname === VOUCHERS_PATH) return this.#voucher(request);
    try {
      return await this.#task(request);
    } catch (error) {
      if (error instanceof TaskError) return problem(400, error.message);
      if (error instanceof QueueRefusal) return this.#refused(error, request);
      throw error;
    }
  }

  drain(): void {
    this.#draining = true;
  }

  async redeem() {
    const { client, deployment } = this.#options;
    const vouchers = await this.#books.redeemable();
    if (vouchers.length === 0) return undefined;
    return redeemBatch(client, { deployment, account: this.#account, vouchers, pay: true });
  }

  async #status(): Promise<Response> {
    const { taskTypeId, price } = this.#options;
    const capacity = await this.#capacity.get();
    const free = BigInt(Math.max(0, this.#settings.atOnce - this.queue.running));
    const own = { taskTypeId, capacity, free, queued: BigInt(this.queue.waiting), price: price() };
    return json(200, { taskTypes: [own], draining: this.#draining });
  }

  async #voucher(request: Request): Promise<Response> {
    const text = await textAtMost(request.body, MOST_SUBMISSION);
    if (text === undefined) return problem(413, `a submission of more than ${MOST_SUBMISSION} bytes`);
    try {
      const submission = parseSubmission(text);
      const known = this.#remembered.has(submission.voucher.source);
      const taken = await this.#books.take(submission);
      if (taken.kind === "refused") return problem(400, taken.reason);
      if (taken.kind === "known") {
        const { voucher: latest, ...signatures } = taken.latest;
        return json(409, { latest, ...signatures });
      }
      // Who is not in the queue's memory yet is remembered with this voucher.
      if (known) this.queue.vouchered(submission.voucher.source, taken.value);
      return json(200, { sinkSignature: taken.sinkSignature });
    } catch (error) {
      if (error instanceof MalformedError) return problem(400, error.message);
      throw error;
    }
  }

  async #task(request: Request): Promise<Response> {
    if (this.#draining) return problem(503, "it takes no more tasks", { "retry-after": "60" });
    const header = request.headers.get(TASK_HEADER);
    if (header === null) return this.#unpaid(request, "there is no BPE-Task", 0n);
    const offer = decodeTask(header);
    const { client, deployment } = this.#options;
    const now = await this.#clock.now();
    const verifyingContract = contractAddress(deployment, "workVouchers");
    checkTask(offer, { chainId: BigInt(deployment.chainId), verifyingContract, sink: this.#account.address, now });
    const signature = request.headers.get(TASK_SIGNATURE_HEADER) as Hex | null;
    if (!isAddressEqual(await signerOfTask(offer, signature ?? "0x"), offer.source)) {
      return problem(400, "BPE-Task-Signature is not the source's");
    }
    if (offer.taskTypeId !== this.#options.taskTypeId.toLowerCase())
      return problem(400, `taskTypeId is ${offer.taskTypeId}`);
    if (this.#known(offer, now)) return problem(409, `the task ${offer.taskId} was seen before`);
    const price = this.#options.price();
    if (priceOfTask(offer) < price)
      return this.#unpaid(request, `the price is ${price} wei per work unit`, offer.value);
    const slot = await this.#admit(offer, now);
    if (slot instanceof Response) return slot;
    try {
      await slot.run();
      // Accepted: owed from here on.
      const signed = await sign(client, { deployment, account: this.#account }, assignmentOf(offer));
      return await this.#serve(request, offer, price, slot, signed);
    } catch (error) {
      slot.free();
      throw error;
    }
  }

  /** A place in the queue, if the source's money covers it. */
  async #admit(offer: TaskOffer, now: bigint): Promise<Slot | Response> {
    const { source, value } = offer;
    const { total, earmarked, counted } = await this.#funds(source, now);
    const lacks = (needed: bigint) => {
      const said = `the source would owe ${needed} wei, and has ${total}`;
      return total < needed ? this.#unpaid(undefined, said, needed) : undefined;
    };
    // Strangers without money leave no trace here.
    const poor = lacks(value);
    if (poor) return poor;
    await this.#remember(source);
    // What is signed for and has not counted is spent already.
    const standing = this.queue.standing(source);
    const paid = standing.counted > counted ? standing.counted : counted;
    const indebted = lacks(atRisk({ ...standing, counted: paid }) + value);
    if (indebted) return indebted;
    // Another request with the same offer may have come meanwhile.
    if (this.#seen.has(offer.taskId)) return problem(409, `the task ${offer.taskId} was seen before`);
    try {
      const withinMs = Number(offer.deadline - now) * 1_000;
      const slot = this.queue.admit({ source, value, earmarked, counted, withinMs });
      this.#seen.set(offer.taskId, offer.deadline);
      return slot;
    } catch (error) {
      if (!(error instanceof QueueRefusal) || error.refusal.reason !== "unsecured") throw error;
      const { needed } = error.refusal;
      return this.#unpaid(undefined, error.message, needed, needed);
    }
  }

  /** What the chain says of a source's money for this sink. */
  async #funds(source: Address, now: bigint) {
    const { client, deployment, taskTypeId } = this.#options;
    const pair = { deployment, taskTypeId, source, sink: this.#account.address };
    const [budget, earmark, totals] = await Promise.all([
      getBudget(client, pair),
      getEarmark(client, pair),
      getTotals(client, pair),
    ]);
    const lasts = earmark.until >= now + EARMARK_MARGIN;
    return { total: budget.free + budget.earmarked, earmarked: lasts ? budget.earmarked : 0n, counted: totals.value };
  }

  /** Tells the queue once what the books say of a source: trust outlives the process. */
  #remember(source: Address): Promise<void> {
    const remembering =
      this.#remembered.get(source) ??
      this.#books.standing(source).then(({ owed, signed }) => this.queue.remember(source, owed, signed));
    this.#remembered.set(source, remembering);
    remembering.catch(() => this.#remembered.delete(source));
    return remembering;
  }

  async #serve(request: Request, offer: TaskOffer, price: bigint, slot: Slot, signed: Hex): Promise<Response> {
    const { service, mostRequest = MOST_REQUEST, bodyTimeout = BODY_TIMEOUT, grace = GRACE } = this.#options;
    const scale = await this.#scaleOfTasks();
    // A place is held from here on: whoever is slow loses it.
    const left = async () => Number(offer.deadline - (await this.#clock.now())) * 1_000 + grace;
    const reading = readAtMost(request.body, mostRequest);
    const body = await limited(reading, bodyTimeout, "the body of a request").catch(timedOut);
    if (body === TIMED_OUT) {
      slot.free();
      return problem(408, `the body of the request took more than ${bodyTimeout} ms`);
    }
    if (!body) {
      slot.free();
      return problem(413, `a request of more than ${mostRequest} bytes`);
    }
    const headers = new Headers(request.headers);
    for (const name of [TASK_HEADER, TASK_SIGNATURE_HEADER]) headers.delete(name);
    const bodiless = request.method === "GET" || request.method === "HEAD";
    const inner = new Request(request.url, {
      method: request.method,
      headers,
      ...(bodiless ? {} : { body: body as BodyInit }),
    });
    const serving = (async () => service(inner))();
    const answer = await limited(serving, await left(), "the service").catch(timedOut);
    if (answer === TIMED_OUT) {
      slot.free();
      return problem(504, "the service has not answered by the deadline");
    }
    const counter = new Counter(scale, body.length, answer.headers.get("content-type"));
    const end = async () => {
      if (!answer.ok || !counter.complete) return slot.free();
      const work = counter.work < offer.work ? counter.work : offer.work;
      const worth = valueOf(work, price) ?? offer.value;
      const value = worth < offer.value ? worth : offer.value;
      await this.#books.done(offer.source, work, value);
      slot.done(value);
    };
    const also = { [TASK_SIGNATURE_HEADER]: signed, [PRICE_HEADER]: `${price}` };
    return counted(answer, { counter, end, broken: () => slot.free(), milliseconds: await left(), also });
  }

  #known({ taskId }: TaskOffer, now: bigint): boolean {
    if (this.#seen.has(taskId)) return true;
    for (const [id, deadline] of this.#seen) {
      if (deadline > now && this.#seen.size < MOST_SEEN) break;
      this.#seen.delete(id);
    }
    return false;
  }

  async #unpaid(request: Request | undefined, error: string, amount: bigint, earmark = 0n): Promise<Response> {
    const { deployment, taskTypeId, price } = this.#options;
    const [asset, payTo, minimum] = await this.#terms.get();
    const required = {
      x402Version: 2,
      error,
      resource: {
        url: request ? new URL(request.url).pathname : "",
        description: `work of ${taskTypeId}`,
        mimeType: "",
      },
      accepts: [
        {
          scheme: SCHEME,
          network: `eip155:${deployment.chainId}`,
          amount,
          asset,
          payTo,
          maxTimeoutSeconds: 60,
          extra: {
            streamGateway: contractAddress(deployment, "streamGateway"),
            taskTypeId: taskTypeId.toLowerCase() as Hex,
            price: price(),
            flowRate: minimum + (amount + FLOW_SECONDS - 1n) / FLOW_SECONDS,
            earmark,
          },
        },
      ],
    };
    return json(402, required, { [PAYMENT_REQUIRED_HEADER]: encodePaymentRequired(required) });
  }

  #refused(refusal: QueueRefusal, request: Request): Promise<Response> | Response {
    const { retryAfter } = refusal;
    if (retryAfter === undefined) return this.#unpaid(request, refusal.message, 0n);
    return problem(429, refusal.message, { "retry-after": `${retryAfter}` });
  }

  #scaleOfTasks(): Promise<WorkScale> {
    const { client, deployment, taskTypeId, scale } = this.#options;
    this.#scale ??= scale ? Promise.resolve(scale) : getMetadata(client, { deployment, taskTypeId }).then(scaleOf);
    this.#scale.catch(() => (this.#scale = undefined));
    return this.#scale;
  }
}

/** How an answer is watched. */
interface Watch {
  readonly counter: Counter;
  /** All of it has gone out. */
  readonly end: () => Promise<void>;
  /** Not all of it. */
  readonly broken: () => void;
  /** It is broken off, if it takes longer: neither service nor reader hold a place for ever. */
  readonly milliseconds: number;
  /** Headers that it gets. */
  readonly also: Readonly<Record<string, string>>;
}

/** The answer as it comes, counted. */
function counted(answer: Response, { counter, end, broken, milliseconds, also }: Watch): Response {
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(also)) headers.set(name, value);
  headers.delete("content-length");
  const reader = (answer.body ?? new Blob([]).stream()).getReader();
  let limit: ReturnType<typeof setTimeout>;
  const stop = async (reason: unknown) => {
    clearTimeout(limit);
    broken();
    await reader.cancel(reason).catch(() => undefined);
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const error = new Error("the task's deadline has passed");
      limit = setTimeout(() => (controller.error(error), void stop(error)), milliseconds);
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) {
          counter.feed(value);
          return controller.enqueue(value);
        }
        clearTimeout(limit);
        await end();
        controller.close();
      } catch (error) {
        clearTimeout(limit);
        broken();
        controller.error(error);
      }
    },
    cancel: stop,
  });
  return new Response(body, { status: answer.status, statusText: answer.statusText, headers });
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(toJson(body), { status, headers: { "content-type": "application/json", ...headers } });
}

const problem = (status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response =>
  json(status, { error: { message, type: "bpe_error" } }, headers);
