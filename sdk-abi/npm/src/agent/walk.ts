import type { Hex } from "viem";
import { BpeError } from "../core/errors.js";
import type { WaitOptions } from "../core/sent.js";

/** What is to be done now: a transaction; nothing before then, in seconds since 1970 by the chain; or nothing more. */
export type Next =
  | {
      readonly step: string;
      readonly send: () => Promise<{ readonly hash: Hex; wait(options?: WaitOptions): Promise<unknown> }>;
    }
  | { readonly waitUntil: bigint; readonly why: string }
  | { readonly done: true };

/** How a lifecycle goes on. */
export interface WalkOptions {
  /** How long to wait for each transaction. */
  readonly waiting?: WaitOptions;
  /** Hears of each step when it is mined. */
  readonly onStep?: (step: string, hash: Hex) => void;
}

/** No lifecycle has as many steps: one that repeats itself ends. */
const MOST_STEPS = 32;

/**
 * Does what `next` says until there is nothing more to do now. What is still to be done is read from the chain each
 * time.
 */
export async function walk(next: () => Promise<Next>, { waiting, onStep }: WalkOptions = {}): Promise<Next> {
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const now = await next();
    if (!("send" in now)) return now;
    const sent = await now.send();
    await sent.wait(waiting);
    onStep?.(now.step, sent.hash);
  }
  throw new BpeError("TimedOut", { waitingFor: `the end of a lifecycle after ${MOST_STEPS} steps`, milliseconds: 0 });
}
