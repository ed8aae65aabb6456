import { readReceipt, type ReceiptBody } from "../agent/messages.js";
import { decimal, list, object } from "../agent/wire.js";
import type { Totals } from "../agent/totals.js";

/** What is kept of a pair: totals that the sink has signed, what came since, and the receipts that go with that. */
export interface PairState {
  readonly base: Totals;
  readonly open: Totals;
  readonly receipts: readonly ReceiptBody[];
}

const totals = object({ work: decimal(128), value: decimal(128), tasks: decimal(64) });

export const readPair: (value: unknown, place: string) => PairState = object({
  base: totals,
  open: totals,
  receipts: list(readReceipt, 1_000),
});
