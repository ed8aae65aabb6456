/** Bodies and headers between source and sink. */
import type { Hex } from "viem";
import { fromBase64, toBase64 } from "./base64.js";
import {
  address,
  bytes,
  decimal,
  flag,
  fromJson,
  list,
  MalformedError,
  object,
  otherwise,
  text,
  toJson,
  whole,
} from "./wire.js";

/** The offer of a task: base64url of JSON. */
export const TASK_HEADER = "bpe-task";
/** Signatures of the offer: the source's in the request, the sink's in the response. */
export const TASK_SIGNATURE_HEADER = "bpe-task-signature";
/** What a task costs, in wei per work unit. */
export const PRICE_HEADER = "bpe-price";
/** What a 402 asks for: base64 of JSON, as x402 has it. */
export const PAYMENT_REQUIRED_HEADER = "payment-required";
/** Where a source hands in vouchers. */
export const VOUCHERS_PATH = "/bpe/v1/vouchers";
/** Where a sink says how it is. */
export const STATUS_PATH = "/bpe/v1/status";
/** Paid by a stream into the task type's pool. */
export const SCHEME = "bpe-stream";

const MOST_HEADER = 16_384;
const MOST_RECEIPTS = 500;

export const readVoucher = object({
  taskTypeId: bytes(32),
  sink: address,
  source: address,
  work: decimal(128),
  value: decimal(128),
  tasks: decimal(64),
  timestamp: decimal(64),
});

/** Running totals between a source and a sink since ever. */
export type VoucherBody = ReturnType<typeof readVoucher>;

export const readReceipt = object({
  taskTypeId: bytes(32),
  sink: address,
  source: address,
  taskId: bytes(32),
  timestamp: decimal(64),
  sourceSignature: bytes(),
});

/** That a task was completed: of CompletionTracker's domain. */
export type ReceiptBody = ReturnType<typeof readReceipt>;

const readSubmission = object({
  voucher: readVoucher,
  sourceSignature: bytes(),
  receipts: list(readReceipt, MOST_RECEIPTS),
});

/** What a source hands in. */
export type VoucherSubmission = ReturnType<typeof readSubmission>;

const readAnswer = object({ sinkSignature: bytes() }, false);

/** The sink has taken the voucher. */
export type VoucherAnswer = ReturnType<typeof readAnswer>;

const readLatest = object(
  { latest: readVoucher, sinkSignature: bytes(), sourceSignature: otherwise(bytes(), "0x" as Hex) },
  false,
);

/** The sink has a later one. With the source's own signature, so that a source that lost its store knows it again. */
export type LatestVoucher = ReturnType<typeof readLatest>;

const readStatus = object(
  {
    taskTypes: list(
      object(
        { taskTypeId: bytes(32), capacity: decimal(64), free: decimal(32), queued: decimal(32), price: decimal(128) },
        false,
      ),
      1_000,
    ),
    draining: flag,
  },
  false,
);

/**
 * How a sink is: capacity in work units of 1e-9 per second, tasks that would run at once and that wait, price in wei
 * per work unit.
 */
export type Status = ReturnType<typeof readStatus>;

const readPayment = object(
  {
    x402Version: whole,
    error: text,
    resource: object({ url: text, description: text, mimeType: text }, false),
    accepts: list(
      object(
        {
          scheme: text,
          network: text,
          amount: decimal(128),
          asset: address,
          payTo: address,
          maxTimeoutSeconds: whole,
          extra: object(
            {
              streamGateway: address,
              taskTypeId: bytes(32),
              price: decimal(128),
              flowRate: decimal(128),
              earmark: decimal(128),
            },
            false,
          ),
        },
        false,
      ),
      16,
    ),
  },
  false,
);

/**
 * What a source has to have, for its task to be taken: 402 as x402 v2 has it. `amount` and `extra.earmark` in wei,
 * `extra.price` in wei per work unit, `extra.flowRate` in wei per second; `payTo` is the task type's pool.
 */
export type PaymentRequired = ReturnType<typeof readPayment>;

export const parseSubmission = (json: string): VoucherSubmission => readSubmission(fromJson(json), "submission");
export const parseVoucherAnswer = (json: string): VoucherAnswer => readAnswer(fromJson(json), "answer");
export const parseLatestVoucher = (json: string): LatestVoucher => readLatest(fromJson(json), "answer");
export const parseStatus = (json: string): Status => readStatus(fromJson(json), "status");

/** The text of the header `PAYMENT-REQUIRED`. */
export const encodePaymentRequired = (required: PaymentRequired): string =>
  toBase64(new TextEncoder().encode(toJson(required)));

/** Reads the header `PAYMENT-REQUIRED`; nothing, if it is none. */
export function decodePaymentRequired(header: string): PaymentRequired | undefined {
  if (header.length > MOST_HEADER) return undefined;
  const encoded = fromBase64(header);
  if (!encoded) return undefined;
  try {
    return readPayment(fromJson(new TextDecoder("utf-8", { fatal: true }).decode(encoded)), "payment");
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The option that a source can pay on this chain. */
export function streamOption(
  required: PaymentRequired,
  chainId: number,
): PaymentRequired["accepts"][number] | undefined {
  return required.accepts.find((it) => it.scheme === SCHEME && it.network === `eip155:${chainId}`);
}
