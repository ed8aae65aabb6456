import { BpeError } from "../core/errors.js";

/** What WorkVouchers can keep: 2^104 − 1 of work, 2^112 − 1 wei, 2^40 − 1 tasks. */
export const MOST_WORK = 2n ** 104n - 1n;
export const MOST_VALUE = 2n ** 112n - 1n;
export const MOST_TASKS = 2n ** 40n - 1n;

/** One work unit, of 1e-9. */
const UNIT = 1_000_000_000n;
const MOST_PRICE = 2n ** 128n - 1n;

/** What a sink has done for a source since ever. */
export interface Totals {
  /** In work units of 1e-9. */
  readonly work: bigint;
  /** In wei. */
  readonly value: bigint;
  readonly tasks: bigint;
}

/** How offered totals stand to those that are there; `equivocation`: one is above and another below. */
export type Order = "same" | "later" | "earlier" | "equivocation";

/** With a task more, or several. Refuses what the contract cannot keep. */
export function plus(totals: Totals, more: Totals): Totals {
  const sum = (name: keyof Totals, most: bigint) => {
    const total = totals[name] + more[name];
    if (total <= most) return total;
    throw new BpeError("InvalidArgument", { argument: name, value: `${total}`, expected: `at most ${most}` });
  };
  return { tasks: sum("tasks", MOST_TASKS), work: sum("work", MOST_WORK), value: sum("value", MOST_VALUE) };
}

/** What is above `counted`: each total by itself, at least 0. */
export function above(totals: Totals, counted: Totals): Totals {
  const over = (name: keyof Totals) => (totals[name] > counted[name] ? totals[name] - counted[name] : 0n);
  return { work: over("work"), value: over("value"), tasks: over("tasks") };
}

/** How `offered` stands to `there`. */
export function order(there: Totals, offered: Totals): Order {
  const names = ["work", "value", "tasks"] as const;
  const higher = names.some((name) => offered[name] > there[name]);
  const lower = names.some((name) => offered[name] < there[name]);
  if (higher && lower) return "equivocation";
  return higher ? "later" : lower ? "earlier" : "same";
}

/**
 * What work is worth at a price in wei per work unit: floor(work · price / 1e9). Nothing, if that is more than a
 * voucher holds.
 */
export function valueOf(work: bigint, price: bigint): bigint | undefined {
  const value = (work * price) / UNIT;
  return value <= MOST_VALUE ? value : undefined;
}

/**
 * The price at which `work` is worth `value` at most: floor(value · 1e9 / work), in wei per work unit. 0 without work.
 */
export function priceOf(work: bigint, value: bigint): bigint {
  if (work === 0n) return 0n;
  const price = (value * UNIT) / work;
  return price < MOST_PRICE ? price : MOST_PRICE;
}
