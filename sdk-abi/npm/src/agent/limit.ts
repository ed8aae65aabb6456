import type { Window } from "./capacity.js";
import { Sums } from "./sums.js";

const DOUBLE = 2;
const QUARTER_MORE = 1.25;
/** The part of a raise that throughput has to follow. */
const WORTH = 0.2;
/** Windows that a trial is measured for: at least, and at most, until there were so many tasks. */
const MEASURE_LEAST = 2;
const MEASURE_MOST = 6;
const MEASURE_TASKS = 60;
/** Windows between trials once none of the steps was worth it. */
const HOLD = 12;
/** So many times as slow as at its fastest is too slow, whatever throughput does. */
const TOO_SLOW = 4;
/** Standard deviations that a trial has the benefit of. */
const DOUBT = 1.5;
/** Tasks of a window that its slowness is read from. */
const TELLING = 5;

interface Trial {
  readonly before: number;
  sums: Sums;
  /** Seconds since the raise: what was begun before it is to end first. */
  age: number;
  settled: boolean;
  windows: number;
}

/**
 * How many requests at once. A limit is tried for some windows while there is demand for it. If throughput rises by at
 * least a fifth of what the limit did, it stays and the next one is tried; otherwise the old one comes back.
 */
export class Limit {
  #value: number;
  readonly #most: number;
  #step = DOUBLE;
  #hold = 0;
  #trial: Trial | undefined;
  /** The least seconds in flight for a unit of work. */
  #fastest = 0;

  constructor(first: number, most: number) {
    this.#most = Math.max(most, 1);
    this.#value = Math.min(Math.max(first, 1), this.#most);
  }

  get value(): number {
    return this.#value;
  }

  /** Whether a trial is under way, whose first windows belong to the old limit. */
  settles(): boolean {
    return this.#trial !== undefined && !this.#trial.settled;
  }

  /** Goes back to where it was before a trial. */
  abandon(): void {
    if (this.#trial) this.#value = this.#trial.before;
    this.#trial = undefined;
  }

  /** Hears of a window, and of the sums under the limit that holds. Gives the sums under a higher limit that stays. */
  observe(window: Window, saturated: boolean, held: Sums): Sums | undefined {
    this.#rememberFastest(window);
    if (!saturated) {
      this.abandon();
      this.#hold = Math.max(0, this.#hold - 1);
      return undefined;
    }
    const trial = this.#trial;
    if (!trial) {
      this.#begin(held);
      return undefined;
    }
    trial.age += window.seconds;
    if (!trial.settled) {
      trial.settled = trial.age >= held.latency;
      return undefined;
    }
    trial.sums = trial.sums.with(window);
    trial.windows += 1;
    const enough =
      trial.windows >= MEASURE_MOST || (trial.windows >= MEASURE_LEAST && trial.sums.tasks >= MEASURE_TASKS);
    return enough ? this.#decide(trial, held) : undefined;
  }

  #begin(held: Sums): void {
    if (this.#hold > 0) {
      this.#hold -= 1;
      return;
    }
    if (held.tasks <= 0 || this.#value >= this.#most || this.#tooSlow(held)) return;
    const next = Math.max(Math.floor(this.#value * this.#step), this.#value + 1);
    this.#trial = { before: this.#value, sums: new Sums(), age: 0, settled: false, windows: 0 };
    this.#value = Math.min(next, this.#most);
  }

  #decide(trial: Trial, held: Sums): Sums | undefined {
    this.#trial = undefined;
    const raise = this.#value / trial.before - 1;
    const needed = held.rate * (1 + WORTH * raise);
    if (trial.sums.rate + doubt(trial.sums, held) >= needed && !this.#tooSlow(trial.sums)) return trial.sums;
    this.#value = trial.before;
    if (this.#step > QUARTER_MORE) this.#step = QUARTER_MORE;
    else this.#hold = HOLD;
    return undefined;
  }

  #tooSlow(sums: Sums): boolean {
    return this.#fastest > 0 && sums.slowness > TOO_SLOW * this.#fastest;
  }

  #rememberFastest({ tasks, work, busySeconds }: Window): void {
    if (tasks < TELLING || work <= 0 || busySeconds <= 0) return;
    const slowness = busySeconds / work;
    if (this.#fastest === 0 || slowness < this.#fastest) this.#fastest = slowness;
  }
}

/** What of a trial's throughput may be chance, as tasks come out one by one. */
function doubt(trial: Sums, held: Sums): number {
  if (trial.tasks <= 0 || held.tasks <= 0) return 0;
  return DOUBT * held.rate * Math.sqrt(1 / trial.tasks + 1 / held.tasks);
}
