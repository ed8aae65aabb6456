import { isAddressEqual, toHex, type Account, type Hex } from "viem";
import {
  decodePaymentRequired,
  PAYMENT_REQUIRED_HEADER,
  PRICE_HEADER,
  streamOption,
  TASK_HEADER,
  TASK_SIGNATURE_HEADER,
} from "../agent/messages.js";
import { assignmentOf, encodeTask, priceOfTask, signerOfTask, type TaskOffer } from "../agent/task.js";
import { contractAddress, type Deployment } from "../core/deployment.js";
import type { BpeClient } from "../core/call.js";
import { sign } from "../core/sign.js";
import { limited } from "../core/wait.js";
import type { Asked } from "./payer.js";
import type { Repeatable } from "./request.js";
import { at, type Candidate } from "./sinks.js";

/** What became of one request to one sink. */
export type Ended =
  /** It took the task, and answers. */
  | { readonly kind: "taken"; readonly answer: Response; readonly offer: TaskOffer; readonly price: bigint }
  /** It asks for money. */
  | { readonly kind: "unpaid"; readonly answer: Response; readonly asked: Asked | undefined }
  /** It has no room, until then. */
  | { readonly kind: "busy"; readonly retryAfter: number }
  /** It refused the task as such, without having taken it. */
  | { readonly kind: "refused"; readonly answer: Response }
  /** It is broken, or cheats. */
  | { readonly kind: "faulty"; readonly reason: string };

/** What an attempt needs to know. */
export interface AttemptOptions {
  readonly client: BpeClient;
  readonly deployment: Deployment;
  readonly taskTypeId: Hex;
  readonly account: Account;
  readonly fetch: typeof fetch;
  /** Seconds since 1970, by the chain. */
  readonly now: () => Promise<bigint>;
  /** Seconds that a sink has for a task. */
  readonly taskSeconds: bigint;
  /** Milliseconds until the first byte of an answer. */
  readonly firstByte: number;
}

const UNIT = 1_000_000_000n;
const MOST_PAUSE_SECONDS = 3_600;

/** What a task may cost at a sink's price, in wei, rounded up: the offer's price is not below the sink's. */
export const valueAt = (work: bigint, price: bigint): bigint => (work * price + UNIT - 1n) / UNIT;

/** Offers a task to a sink and sends it the request. */
export async function attempt(
  options: AttemptOptions,
  sink: Candidate,
  request: Repeatable,
  work: bigint,
): Promise<Ended> {
  const offer = await offerOf(options, sink, work);
  const { client, deployment, account } = options;
  const signature = await sign(client, { deployment, account }, assignmentOf(offer));
  const headers = new Headers(request.headers);
  headers.set(TASK_HEADER, encodeTask(offer));
  headers.set(TASK_SIGNATURE_HEADER, signature);
  let answer: Response;
  try {
    answer = await send(options, at(sink.uri, request.path), { ...request, headers });
  } catch (error) {
    if (request.signal.aborted) throw error;
    return { kind: "faulty", reason: String(error) };
  }
  return judged(options, offer, answer);
}

async function offerOf(options: AttemptOptions, { sink, price }: Candidate, work: bigint): Promise<TaskOffer> {
  const { deployment, taskTypeId, account, now, taskSeconds } = options;
  const timestamp = await now();
  return {
    primaryType: "WorkAssignment",
    chainId: BigInt(deployment.chainId),
    verifyingContract: contractAddress(deployment, "workVouchers"),
    taskTypeId: taskTypeId.toLowerCase() as Hex,
    sink,
    source: account.address,
    taskId: toHex(crypto.getRandomValues(new Uint8Array(32))),
    work,
    value: valueAt(work, price),
    timestamp,
    deadline: timestamp + taskSeconds,
  };
}

async function send(
  options: AttemptOptions,
  url: string,
  { method, headers, body, signal }: Repeatable,
): Promise<Response> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    // The body is the caller's by then: their signal goes on, this limit does not.
    const init = {
      method,
      headers,
      body: body as BodyInit | undefined,
      signal: stop.signal,
      redirect: "error" as const,
    };
    return await limited(options.fetch(url, init), options.firstByte, `the first byte of ${url}`);
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}

async function judged(options: AttemptOptions, offer: TaskOffer, answer: Response): Promise<Ended> {
  const signature = answer.headers.get(TASK_SIGNATURE_HEADER);
  if (signature === null) return untaken(options, answer);
  const drop = async (reason: string): Promise<Ended> => {
    await answer.body?.cancel().catch(() => undefined);
    return { kind: "faulty", reason };
  };
  const signer = await signerOfTask(offer, signature as Hex).catch(() => undefined);
  if (!signer || !isAddressEqual(signer, offer.sink)) return drop("its signature is not the sink's");
  const said = answer.headers.get(PRICE_HEADER) ?? "";
  if (!/^[0-9]{1,39}$/.test(said) || BigInt(said) > priceOfTask(offer)) return drop(`it charges ${said.slice(0, 40)}`);
  return { kind: "taken", answer, offer, price: BigInt(said) };
}

/** No signature: nothing is owed. */
async function untaken({ deployment }: AttemptOptions, answer: Response): Promise<Ended> {
  const { status, headers } = answer;
  if (status === 402) {
    const required = decodePaymentRequired(headers.get(PAYMENT_REQUIRED_HEADER) ?? "");
    return { kind: "unpaid", answer, asked: required && streamOption(required, deployment.chainId) };
  }
  if (status >= 400 && status < 500 && status !== 409 && status !== 429) return { kind: "refused", answer };
  await answer.body?.cancel().catch(() => undefined);
  if (status === 429 || status === 503) {
    const seconds = Number(headers.get("retry-after"));
    return {
      kind: "busy",
      retryAfter: Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, MOST_PAUSE_SECONDS) : 1,
    };
  }
  return { kind: "faulty", reason: `status ${status} without a signature` };
}
