import type { Window } from "./capacity.js";

/** What is left of a sum when the next window is added. */
const KEPT = 0.9;

/** Work, time and tasks of the last windows, in which the past fades: a mean over about ten windows. */
export class Sums {
  constructor(
    readonly work = 0,
    readonly seconds = 0,
    readonly tasks = 0,
    readonly busy = 0,
  ) {}

  /** With a window more. */
  with(window: Window): Sums {
    return new Sums(
      this.work * KEPT + window.work,
      this.seconds * KEPT + window.seconds,
      this.tasks * KEPT + window.tasks,
      this.busy * KEPT + window.busySeconds,
    );
  }

  /** Work per second, in units of 1e-9; 0 without time. */
  get rate(): number {
    return ratio(this.work, this.seconds);
  }

  /** Tasks per second; 0 without time. */
  get pace(): number {
    return ratio(this.tasks, this.seconds);
  }

  /** Seconds that a request was in flight; 0 without tasks. */
  get latency(): number {
    return ratio(this.busy, this.tasks);
  }

  /** Seconds in flight for a unit of work of 1e-9; 0 without work. */
  get slowness(): number {
    return ratio(this.busy, this.work);
  }
}

const ratio = (of: number, by: number) => (by > 0 ? of / by : 0);
