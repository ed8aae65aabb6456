/**
 * What a server can do, out of what it does: the same numbers as the Rust crate `bpe-agent` computes, to the last
 * digit, to which `tests/fixtures/agent/capacity.json` holds both. Arithmetic is that of 64-bit floats in a stated
 * order.
 */
import { Limit } from "./limit.js";
import { Sums } from "./sums.js";

/** What happened at a server in a stretch of time: ten seconds, say. */
export interface Window {
  readonly seconds: number;
  /** Work that was finished, in work units of 1e-9. */
  readonly work: number;
  /** Tasks that were finished. */
  readonly tasks: number;
  /** The sum over all requests of the seconds that they were in flight within the window. */
  readonly busySeconds: number;
  /** Seconds in which requests waited, here or at the server, or as many ran as may. */
  readonly saturatedSeconds: number;
  /** Whether the server answers. */
  readonly up: boolean;
}

/** What the computer says. */
export interface Reading {
  /** Work units of 1e-9 per second: what `capacity` of a sink is. */
  readonly capacity: bigint;
  /** Of 10 000. */
  readonly confidenceBps: number;
  /** Requests at once. */
  readonly limit: number;
}

/** What the computer is told at its start. */
export interface CapacitySettings {
  /** What is said before there is evidence, in work units of 1e-9 per second. */
  readonly initial: bigint;
  /** Requests at once to begin with, and at most. */
  readonly firstLimit: number;
  readonly mostLimit: number;
}

/** The part of a window in which there was more to do than could be done, for it to count as saturated. */
const SATURATED = 0.8;
/** Saturated tasks that are evidence enough. */
const EVIDENCE = 20;
/** Standard deviations, and the part of what was, by which two windows in a row have to fall short. */
const DEVIATIONS = 2.5;
const SHORT = 0.8;
/** Tasks that a window should have had for its shortfall to mean anything. */
const COUNTABLE = 4;
/** What each window gives back after the server was down. */
const RAMP = 0.2;
/** Tasks that make half of full confidence. */
const HALF_SURE = 100;
const MOST_CAPACITY = 2n ** 64n - 1n;

/**
 * Computes the capacity of one server for one kind of work. It raises the number of requests at once as long as that
 * gets more done, takes the mean throughput of about ten saturated windows, begins anew when two windows in a row fall
 * short, and says 0 at once when the server is down.
 */
export class CapacityComputer {
  readonly #initial: number;
  readonly #limit: Limit;
  /** Saturated windows under the limit that holds. */
  #held = new Sums();
  /** All windows. */
  #shown = new Sums();
  /** Saturated windows in a row that fell short. */
  #short = new Sums();
  #shorts = 0;
  #down = false;
  /** What was said before the server was down, and how much of it may be said again. */
  #before = 0;
  #allowed = 0;

  constructor({ initial, firstLimit, mostLimit }: CapacitySettings) {
    this.#initial = Number(initial);
    this.#limit = new Limit(firstLimit, mostLimit);
  }

  /**
   * Hears what happened in a window, and says what follows. A window whose numbers are none (negative, infinite, not a
   * number, without time) is passed over.
   */
  observe(window: Window): Reading {
    if (!window.up) {
      this.#fall();
    } else if (wellFormed(window)) {
      this.#down = false;
      this.#learn(window);
      this.#recover();
    }
    return this.reading();
  }

  /** What it says now. */
  reading(): Reading {
    return {
      capacity: whole(this.#capacity()),
      confidenceBps: Math.floor(this.#confidence()),
      limit: Math.floor(this.#limit.value),
    };
  }

  #capacity(): number {
    if (this.#down) return 0;
    const measured = Math.max(this.#held.rate, this.#shown.rate);
    const known = this.#held.tasks >= EVIDENCE;
    if (this.#before === 0) return known ? measured : Math.max(measured, this.#initial);
    return known ? Math.min(measured, this.#allowed) : this.#allowed;
  }

  #confidence(): number {
    if (this.#down) return 10_000;
    const sure = (tasks: number, full: number) => (full * tasks) / (tasks + HALF_SURE);
    return Math.max(sure(this.#held.tasks, 10_000), sure(this.#shown.tasks, 5_000));
  }

  #fall(): void {
    if (!this.#down) this.#before = this.#capacity();
    this.#down = true;
    this.#allowed = 0;
    this.#held = new Sums();
    this.#shown = new Sums();
    this.#forgetShort();
    this.#limit.abandon();
  }

  /** A part of what was before comes back with each window, whatever the server seems to do at first. */
  #recover(): void {
    if (this.#before === 0) return;
    this.#allowed += this.#before * RAMP;
    if (this.#allowed < this.#before) return;
    this.#allowed = this.#before;
    if (this.#held.tasks >= EVIDENCE) this.#before = 0;
  }

  #learn(window: Window): void {
    const saturated = window.saturatedSeconds >= SATURATED * window.seconds;
    this.#shown = this.#shown.with(window);
    if (saturated && !this.#limit.settles()) this.#holdTo(window);
    const raised = this.#limit.observe(window, saturated, this.#held);
    if (raised) {
      this.#held = raised;
      this.#forgetShort();
    }
  }

  /** Adds a saturated window to the mean, or begins a new one. */
  #holdTo(window: Window): void {
    if (this.#fallsShort(window)) {
      this.#short = this.#short.with(window);
      this.#shorts += 1;
    } else {
      this.#forgetShort();
    }
    if (this.#shorts >= 2) {
      this.#held = this.#short;
      this.#shown = this.#short;
      this.#forgetShort();
    } else {
      this.#held = this.#held.with(window);
    }
  }

  #fallsShort(window: Window): boolean {
    const expected = this.#held.pace * window.seconds;
    return (
      this.#held.tasks >= EVIDENCE &&
      expected >= COUNTABLE &&
      window.tasks + DEVIATIONS * Math.sqrt(expected) < expected &&
      window.work < SHORT * this.#held.rate * window.seconds
    );
  }

  #forgetShort(): void {
    this.#short = new Sums();
    this.#shorts = 0;
  }
}

function wellFormed({ seconds, work, tasks, busySeconds, saturatedSeconds }: Window): boolean {
  const numbers = [work, tasks, busySeconds, saturatedSeconds];
  return Number.isFinite(seconds) && seconds > 0 && numbers.every((it) => Number.isFinite(it) && it >= 0);
}

/** Rounded down, within 64 bits. */
function whole(value: number): bigint {
  if (!(value > 0)) return 0n;
  if (value === Infinity) return MOST_CAPACITY;
  const floor = BigInt(Math.floor(value));
  return floor > MOST_CAPACITY ? MOST_CAPACITY : floor;
}
