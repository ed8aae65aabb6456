import { BpeError } from "./errors.js";

/** Milliseconds until a request to the chain is given up. */
export const REQUEST_TIMEOUT = 30_000;
/** Milliseconds until a signature is given up: people decide slowly. */
export const SIGNING_TIMEOUT = 300_000;
/** Milliseconds until a receipt is given up. */
export const RECEIPT_TIMEOUT = 60_000;

/** Gives up after `milliseconds`, whatever the promise does. */
export async function limited<value>(
  promise: Promise<value>,
  milliseconds: number,
  waitingFor: string,
): Promise<value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BpeError("TimedOut", { waitingFor, milliseconds })), milliseconds);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until there is an answer, every `interval` milliseconds, for `milliseconds` at most. */
export async function until<value>(
  ask: () => Promise<value | undefined>,
  { milliseconds, interval, waitingFor }: { milliseconds: number; interval: number; waitingFor: string },
): Promise<value> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const left = end - Date.now();
    if (left <= 0) throw new BpeError("TimedOut", { waitingFor, milliseconds });
    const answer = await limited(ask(), left, waitingFor);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, Math.min(interval, Math.max(0, end - Date.now()))));
  }
}
