import type { Address } from "viem";
import { Book, type Changes, type Outcome, type QueueSettings, type Refusal, type Standing } from "./book.js";

/** A task was not taken: `refusal` says why. */
export class QueueRefusal extends Error {
  override name = "QueueRefusal";
  constructor(readonly refusal: Refusal | { readonly reason: "expired" }) {
    super(say(refusal));
  }

  /** When to come back, in whole seconds as `Retry-After` has them, rounded up; nothing, if waiting does not help. */
  get retryAfter(): number | undefined {
    if (this.refusal.reason === "expired") return 1;
    return this.refusal.reason === "unsecured" ? undefined : Math.ceil(this.refusal.retryAfterMs / 1_000);
  }
}

function say(refusal: Refusal | { readonly reason: "expired" }): string {
  switch (refusal.reason) {
    case "late":
      return `it would take ${refusal.neededMs} ms, which is past its deadline`;
    case "full":
      return "as many wait as may";
    case "source":
      return `${refusal.inHand} tasks of this source are in hand, which is as many as may be`;
    case "unsigned":
      return `the source would owe ${refusal.owed} wei without voucher and receipts, and is trusted with ${refusal.trusted}`;
    case "unsecured":
      return `the source has to set ${refusal.needed} wei aside until its vouchers count, and has ${refusal.earmarked}`;
    case "strangers":
      return (
        `sources that have paid for nothing yet would owe ${refusal.owed} wei together, ` +
        `and may owe ${refusal.most}`
      );
    case "expired":
      return "it waited until its deadline";
  }
}

/** A task that asks to be taken. */
export interface Ask {
  readonly source: Address;
  /** The most that it may cost, in wei. */
  readonly value: bigint;
  /** What the source has set aside for this sink beyond the next redemption, in wei; nothing by default. */
  readonly earmarked?: bigint;
  /** What of its vouchers has counted on the chain since ever, in wei; nothing by default. */
  readonly counted?: bigint;
  /** Milliseconds from now on in which it is to be done. */
  readonly withinMs: number;
}

/** A place in the queue. `done` or `free` ends it, once; `TaskQueueManager.serve` does that on every way out. */
export interface Slot {
  /** Waits for its turn; `QueueRefusal`, if its deadline comes first. */
  run(): Promise<void>;
  /** The task is done, and the source owes so many wei for it. */
  done(value: bigint): void;
  /** It failed, and nothing is owed. */
  free(): void;
}

/**
 * Takes only what can be done in time, by those who have shown that they pay: work that is not signed for is at most a
 * first trust and what was paid before, whatever is set aside; vouchers that have not counted yet may be that much, and
 * as much more as is set aside. What is in hand is never refused.
 */
export class TaskQueueManager {
  readonly #book: Book;
  readonly #waiters = new Map<number, (runs: boolean) => void>();
  readonly #clock: () => number;

  /** `clock`: milliseconds that only rise; those of the process by default. */
  constructor(settings: QueueSettings, clock: () => number = () => performance.now()) {
    this.#book = new Book(settings);
    this.#clock = clock;
  }

  /** Takes a task, or throws `QueueRefusal`; nothing has changed then. */
  admit({ source, value, earmarked = 0n, counted = 0n, withinMs }: Ask): Slot {
    const now = this.#now();
    const deadlineMs = now + Math.floor(withinMs);
    const admission = this.#book.admit({ source, value, earmarked, counted, deadlineMs }, now);
    if ("refused" in admission) throw new QueueRefusal(admission.refused);
    const { id } = admission;
    if (admission.runs) return this.#slot(id, Promise.resolve(true));
    const turn = new Promise<boolean>((resolve) => this.#waiters.set(id, resolve));
    const timer = setTimeout(() => this.#expire(id), withinMs);
    return this.#slot(
      id,
      turn.finally(() => clearTimeout(timer)),
    );
  }

  /**
   * Takes a task, waits for its turn, and gives its place back however `task` ends; it says what the source owes, in
   * wei.
   */
  async serve<result>(
    ask: Ask,
    task: () => Promise<{ readonly owed: bigint; readonly result: result }>,
  ): Promise<result> {
    const slot = this.admit(ask);
    try {
      await slot.run();
      const { owed, result } = await task();
      slot.done(owed);
      return result;
    } finally {
      slot.free();
    }
  }

  /** A source has signed for `value` wei more, and given the receipts of tasks worth `settled`: of all by default. */
  vouchered(source: Address, value: bigint, settled = value): void {
    this.#book.vouchered(source, value, settled);
  }

  /** What is known of a source from before a restart, in wei. */
  remember(source: Address, outstanding: bigint, signed: bigint): void {
    this.#book.remember(source, outstanding, signed, this.#now());
  }

  /** Sets how many run at once. What runs goes on. */
  setAtOnce(atOnce: number): void {
    this.#tell(this.#book.setAtOnce(atOnce, this.#now()));
  }

  standing(source: Address): Standing {
    return this.#book.standing(source);
  }

  get running(): number {
    return this.#book.running;
  }

  get waiting(): number {
    return this.#book.waiting;
  }

  #now(): number {
    return Math.floor(this.#clock());
  }

  #slot(id: number, turn: Promise<boolean>): Slot {
    let over = false;
    const end = (outcome: Outcome) => {
      if (over) return;
      over = true;
      this.#end(id, outcome);
    };
    return {
      run: async () => {
        if (!(await turn)) throw new QueueRefusal({ reason: "expired" });
      },
      done: (value) => end({ done: value }),
      free: () => end("failed"),
    };
  }

  #expire(id: number): void {
    const waiter = this.#waiters.get(id);
    if (!waiter) return;
    this.#waiters.delete(id);
    this.#tell(this.#book.end(id, "failed", this.#now()));
    waiter(false);
  }

  #end(id: number, outcome: Outcome): void {
    this.#waiters.get(id)?.(false);
    this.#waiters.delete(id);
    this.#tell(this.#book.end(id, outcome, this.#now()));
  }

  /** Tells those whose turn has come, and those whose time is up. */
  #tell({ started, expired }: Changes): void {
    for (const [ids, runs] of [
      [started, true],
      [expired, false],
    ] as const) {
      for (const id of ids) {
        this.#waiters.get(id)?.(runs);
        this.#waiters.delete(id);
      }
    }
  }
}
