import type { Address } from "viem";
import { getAddress } from "viem";

/** What a queue may take. */
export interface QueueSettings {
  /** Tasks that run at once. */
  readonly atOnce: number;
  /** Tasks that wait at most. */
  readonly mostWaiting: number;
  /** Tasks of one source in hand at most. */
  readonly mostPerSource: number;
  /** What a task takes, before one was measured, in milliseconds. */
  readonly firstServiceMs: number;
  /** What a source may owe unsigned that has paid for nothing yet, in wei. A task of more is not taken of it. */
  readonly firstTrust: bigint;
  /** What any source may owe unsigned, in wei. */
  readonly mostTrust: bigint;
  /** What all those may owe together who have paid for nothing yet, in wei. */
  readonly mostStrangers: bigint;
}

/** A task that asks to be taken. */
export interface TaskRequest {
  readonly source: Address;
  /** The most that it may cost, in wei. */
  readonly value: bigint;
  /** What the source has set aside for this sink beyond the next redemption, in wei. */
  readonly earmarked: bigint;
  /** What of its vouchers has counted on the chain since ever, in wei. */
  readonly counted: bigint;
  /** By when it is to be done, by the clock that `nowMs` is of. */
  readonly deadlineMs: number;
}

/** Why a task is not taken. */
export type Refusal =
  | { readonly reason: "late"; readonly neededMs: number; readonly retryAfterMs: number }
  | { readonly reason: "full"; readonly retryAfterMs: number }
  | { readonly reason: "source"; readonly inHand: number; readonly retryAfterMs: number }
  | { readonly reason: "unsigned"; readonly owed: bigint; readonly trusted: bigint; readonly retryAfterMs: number }
  | { readonly reason: "unsecured"; readonly needed: bigint; readonly earmarked: bigint }
  | { readonly reason: "strangers"; readonly owed: bigint; readonly most: bigint; readonly retryAfterMs: number };

/** What becomes of a task: it runs, waits, or is refused. */
export type Admission =
  | { readonly id: number; readonly runs: true }
  | { readonly id: number; readonly runs: false; readonly expectedMs: number }
  | { readonly refused: Refusal };

/**
 * How a task ended: worth so many wei, which the source owes until it signs a voucher; or failed, and nothing is owed.
 */
export type Outcome = { readonly done: bigint } | "failed";

/** What a source has in hand, owes and has signed. */
export interface Standing {
  readonly inHand: number;
  /** Wei of its tasks in hand, and of those done without a voucher and a receipt. */
  readonly outstanding: bigint;
  /** Wei of its vouchers since ever. */
  readonly signed: bigint;
  /** Wei of its vouchers that have counted on the chain since ever, as last heard. */
  readonly counted: bigint;
  /** Wei that it has set aside for this sink, as last heard. */
  readonly earmarked: bigint;
  /** When it was last given a task, by the clock of `nowMs`. */
  readonly lastMs: number;
}

/** Tasks that changed because another one ended. */
export interface Changes {
  /** They run now. */
  readonly started: readonly number[];
  /** They waited too long, and are out. */
  readonly expired: readonly number[];
}

interface Task {
  readonly source: Address;
  readonly value: bigint;
  readonly deadlineMs: number;
  /** Nothing while it waits. */
  startedMs: number | undefined;
}

/** Nobody is told to come back sooner. */
const RETRY_LEAST_MS = 1_000;
/**
 * How long what a stranger owes counts against all strangers, in milliseconds: whoever leaves without paying closes the
 * door to newcomers for a day, and not for good.
 */
const STRANGERS_MS = 86_400_000;
/** When a newcomer may ask again that was refused because of the others, in milliseconds. */
const STRANGERS_RETRY_MS = 60_000;
const NOTHING: Standing = { inHand: 0, outstanding: 0n, signed: 0n, counted: 0n, earmarked: 0n, lastMs: 0 };

/** Sums stay below 2^128, as those of the Rust crate do. */
const MOST = 2n ** 128n - 1n;
const sum = (a: bigint, b: bigint) => (a + b > MOST ? MOST : a + b);
const less = (a: bigint, b: bigint) => (a > b ? a - b : 0n);
const greater = (a: bigint, b: bigint) => (a > b ? a : b);
const lesser = (a: bigint, b: bigint) => (a < b ? a : b);

/** Wei of vouchers that have not counted yet: until then the source can spend the money on somebody else. */
const uncounted = ({ signed, counted }: Standing) => less(signed, counted);
/** Wei that the source owes altogether: not signed for, or not counted yet. */
export const atRisk = (it: Standing) => sum(it.outstanding, uncounted(it));
const covered = (it: Standing) => lesser(uncounted(it), it.earmarked);
/** Wei of its vouchers that were paid, or that the earmark is there for. */
const secured = (it: Standing) => sum(it.counted, covered(it));
/** What the earmark does not cover of what it owes, in wei. */
const unsecured = (it: Standing) => less(atRisk(it), covered(it));

/** A source's standing, with what the chain says now. What has counted stays counted. */
const heard = (it: Standing, { counted, earmarked }: TaskRequest): Standing => ({
  ...it,
  counted: greater(it.counted, counted),
  earmarked,
});

/** Who runs and who waits: the queue's arithmetic, without time of its own. */
export class Book {
  #settings: QueueSettings;
  #next = 0;
  readonly #tasks = new Map<number, Task>();
  #running = 0;
  #waiting: number[] = [];
  readonly #sources = new Map<Address, Standing>();
  #meanMs: number;

  constructor(settings: QueueSettings) {
    this.#settings = settings;
    this.#meanMs = settings.firstServiceMs;
  }

  /** Takes a task, or says why not and when to come back. What is refused has changed nothing. */
  admit(request: TaskRequest, nowMs: number): Admission {
    const refused = this.#refusal(request, nowMs);
    if (refused) return { refused };
    const expectedMs = this.expectedWaitMs();
    const runs = this.#hasRoom();
    const id = this.#next;
    this.#next += 1;
    const source = getAddress(request.source);
    const { value, deadlineMs } = request;
    this.#tasks.set(id, { source, value, deadlineMs, startedMs: runs ? nowMs : undefined });
    this.#settle(source, (it) => ({
      ...heard(it, request),
      inHand: it.inHand + 1,
      outstanding: sum(it.outstanding, value),
      lastMs: nowMs,
    }));
    if (runs) {
      this.#running += 1;
      return { id, runs };
    }
    this.#waiting.push(id);
    return { id, runs: false, expectedMs };
  }

  /** A task ended, whether it ran or waited. One that is not known changes nothing: every way out may say so. */
  end(id: number, outcome: Outcome, nowMs: number): Changes {
    const task = this.#tasks.get(id);
    if (!task) return { started: [], expired: [] };
    this.#tasks.delete(id);
    if (task.startedMs === undefined) {
      this.#waiting = this.#waiting.filter((it) => it !== id);
    } else {
      this.#running -= 1;
      if (outcome !== "failed") this.#measure(Math.max(0, nowMs - task.startedMs));
    }
    const owed = outcome === "failed" ? 0n : outcome.done;
    this.#settle(task.source, (it) => ({
      ...it,
      inHand: it.inHand - 1,
      outstanding: sum(less(it.outstanding, task.value), owed),
    }));
    return this.#advance(nowMs);
  }

  /** A source has signed for `value` wei more, and given the receipts of tasks worth `settled`: of all by default. */
  vouchered(source: Address, value: bigint, settled = value): void {
    this.#settle(getAddress(source), (it) => ({
      ...it,
      outstanding: less(it.outstanding, settled),
      signed: sum(it.signed, value),
    }));
  }

  /** What is known of a source from before: what it owes and has signed, in wei. */
  remember(source: Address, outstanding: bigint, signed: bigint, nowMs: number): void {
    this.#settle(getAddress(source), (it) => ({
      ...it,
      outstanding: sum(it.outstanding, outstanding),
      signed: sum(it.signed, signed),
      lastMs: nowMs,
    }));
  }

  /** Sets how many run at once. What runs goes on. */
  setAtOnce(atOnce: number, nowMs: number): Changes {
    this.#settings = { ...this.#settings, atOnce };
    return this.#advance(nowMs);
  }

  standing(source: Address): Standing {
    return this.#sources.get(getAddress(source)) ?? NOTHING;
  }

  /**
   * What a source may owe without having signed for it, in wei: a first trust, and what it has paid for before or has
   * signed for and set aside.
   */
  trust(source: Address): bigint {
    return this.#limited(secured(this.standing(source)));
  }

  #limited(secured: bigint): bigint {
    const { firstTrust, mostTrust } = this.#settings;
    return lesser(sum(firstTrust, secured), greater(mostTrust, firstTrust));
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get atOnce(): number {
    return this.#settings.atOnce;
  }

  /** The mean of what tasks took, in milliseconds: each new one counts an eighth. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /**
   * How long one that comes now would wait: as many have to end before it as wait and run beyond the limit, at the mean
   * pace; rounded up.
   */
  expectedWaitMs(): number {
    if (this.#hasRoom()) return 0;
    const beyond = Math.max(0, this.#running - this.#settings.atOnce);
    const before = this.#waiting.length + beyond + 1;
    return Math.ceil((before * this.#meanMs) / Math.max(this.#settings.atOnce, 1));
  }

  #hasRoom(): boolean {
    return this.#running < this.#settings.atOnce && this.#waiting.length === 0;
  }

  #refusal(request: TaskRequest, nowMs: number): Refusal | undefined {
    const untrusted = this.#untrusted(request, nowMs);
    if (untrusted) return untrusted;
    const { mostPerSource, atOnce, mostWaiting } = this.#settings;
    const expectedMs = this.expectedWaitMs();
    const retryAfterMs = Math.max(expectedMs, RETRY_LEAST_MS);
    const { inHand } = this.standing(request.source);
    if (inHand >= mostPerSource) return { reason: "source", inHand, retryAfterMs };
    if (!this.#hasRoom() && (atOnce === 0 || this.#waiting.length >= mostWaiting))
      return { reason: "full", retryAfterMs };
    const neededMs = expectedMs + this.#meanMs;
    if (nowMs + neededMs > request.deadlineMs) return { reason: "late", neededMs, retryAfterMs };
    return undefined;
  }

  /**
   * Whether a source is trusted with a task. Nothing on the chain makes it sign for what was done, so that an earmark
   * covers vouchers and nothing else: it goes back to a source that does not sign.
   */
  #untrusted(request: TaskRequest, nowMs: number): Refusal | undefined {
    const { mostStrangers: most } = this.#settings;
    const source = getAddress(request.source);
    const before = heard(this.standing(source), request);
    const standing = { ...before, outstanding: sum(before.outstanding, request.value) };
    const { outstanding: owed, counted, earmarked } = standing;
    const trusted = this.#limited(secured(standing));
    if (owed > trusted) return { reason: "unsigned", owed, trusted, retryAfterMs: RETRY_LEAST_MS };
    const needed = less(atRisk(standing), this.#limited(counted));
    if (needed > earmarked) return { reason: "unsecured", needed, earmarked };
    if (counted > 0n) return undefined;
    const together = sum(this.#owedByStrangers(source, nowMs), unsecured(standing));
    if (together <= most) return undefined;
    return { reason: "strangers", owed: together, most, retryAfterMs: STRANGERS_RETRY_MS };
  }

  /** What all others owe who have paid for nothing yet and were given a task within a day, in wei. */
  #owedByStrangers(but: Address, nowMs: number): bigint {
    const others = [...this.#sources].filter(([source]) => source !== but).map(([, it]) => it);
    const strangers = others.filter((it) => it.counted === 0n && nowMs - it.lastMs < STRANGERS_MS);
    return strangers.reduce((total, it) => sum(total, unsecured(it)), 0n);
  }

  #measure(tookMs: number): void {
    this.#meanMs = Math.floor((this.#meanMs * 7 + tookMs) / 8);
  }

  #advance(nowMs: number): Changes {
    const changes = { started: [] as number[], expired: [] as number[] };
    while (this.#running < this.#settings.atOnce) {
      const id = this.#waiting.shift();
      if (id === undefined) break;
      const task = this.#tasks.get(id);
      if (!task) continue;
      if (task.deadlineMs <= nowMs) {
        changes.expired.push(id);
        this.#tasks.delete(id);
        this.#settle(task.source, (it) => ({
          ...it,
          inHand: it.inHand - 1,
          outstanding: less(it.outstanding, task.value),
        }));
        continue;
      }
      task.startedMs = nowMs;
      this.#running += 1;
      changes.started.push(id);
    }
    return changes;
  }

  #settle(source: Address, change: (standing: Standing) => Standing): void {
    const standing = change(this.#sources.get(source) ?? NOTHING);
    const { inHand, outstanding, signed } = standing;
    // What the chain says is heard again with the next task.
    if (inHand === 0 && outstanding === 0n && signed === 0n) this.#sources.delete(source);
    else this.#sources.set(source, standing);
  }
}
