import { BpeError } from "../core/errors.js";

/** What a source spends at most. */
export interface Limits {
  /** Wei per work unit. */
  readonly price: bigint;
  /** Wei for one task. */
  readonly perTask: bigint;
  /** Wei of all tasks within an hour, those in hand included. */
  readonly perHour: bigint;
  /** Wei per second of the stream that is opened; 0 opens none. */
  readonly flowRate: bigint;
  /** Wei that are set aside for one sink, or deposited at once, at most. */
  readonly deposit: bigint;
}

const HOUR = 3_600_000;

/** Keeps what is spent within an hour below its limit. */
export class Spending {
  readonly #limits: Limits;
  #spent: { readonly at: number; readonly value: bigint }[] = [];
  #inHand = 0n;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Sets aside what a task may cost; `SpendingLimit`, if that is too much. The function says what it has cost, once.
   */
  begin(value: bigint): (cost: bigint) => void {
    const { perTask, perHour } = this.#limits;
    if (value > perTask) throw new BpeError("SpendingLimit", { limit: "perTask", most: perTask, asked: value });
    const asked = this.lastHour() + this.#inHand + value;
    if (asked > perHour) throw new BpeError("SpendingLimit", { limit: "perHour", most: perHour, asked });
    this.#inHand += value;
    let ended = false;
    return (cost) => {
      if (ended) return;
      ended = true;
      this.#inHand -= value;
      if (cost > 0n) this.#spent.push({ at: performance.now(), value: cost });
    };
  }

  /** Wei that were spent within the last hour. */
  lastHour(): bigint {
    const since = performance.now() - HOUR;
    this.#spent = this.#spent.filter(({ at }) => at > since);
    return this.#spent.reduce((sum, { value }) => sum + value, 0n);
  }
}
