import { isAddressEqual, recoverTypedDataAddress, type Account, type Address, type Hex } from "viem";
import {
  readReceipt,
  readVoucher,
  type ReceiptBody,
  type VoucherBody,
  type VoucherSubmission,
} from "../agent/messages.js";
import { above, order, plus, type Totals } from "../agent/totals.js";
import { address, bytes, decimal, fromJson, list, object, toJson } from "../agent/wire.js";
import type { BpeClient } from "../core/call.js";
import { contractAddress, type Deployment } from "../core/deployment.js";
import { OneByOne, type Store } from "../core/store.js";
import { signVoucher } from "../composites/vouchers.js";
import { getTotals } from "../generated/calls/WorkVouchers.js";
import { completionReceiptTypes, completionTrackerDomain, workLedgerDomain, workVoucherTypes } from "../typed-data.js";

/** What a sink knows of a source: what it has done for it since ever, and the latest voucher that both have signed. */
export interface SourceBook {
  /** What was done since ever, as this side counts it. */
  readonly done: Totals;
  /** What of that was signed for, or counted on the chain before these books began. */
  readonly signed: Totals;
  readonly latest:
    { readonly voucher: VoucherBody; readonly sourceSignature: Hex; readonly sinkSignature: Hex } | undefined;
  /** Receipts of the latest vouchers' tasks, with the source's signatures. */
  readonly receipts: readonly ReceiptBody[];
}

/** What became of a voucher that a source handed in. */
export type Taken =
  | { readonly kind: "taken"; readonly sinkSignature: Hex; readonly value: bigint }
  | { readonly kind: "known"; readonly latest: NonNullable<SourceBook["latest"]> }
  | { readonly kind: "refused"; readonly reason: string };

const MOST_RECEIPTS = 1_000;
const MOST_SOURCES = 1_000_000;

const readBook: (value: unknown, place: string) => SourceBook = (value, place) => {
  const totals = object({ work: decimal(128), value: decimal(128), tasks: decimal(64) });
  const signed = object({ voucher: readVoucher, sourceSignature: bytes(65), sinkSignature: bytes(65) });
  const optional = (it: unknown, at: string) => (it === null ? undefined : signed(it, at));
  return object({ done: totals, signed: totals, latest: optional, receipts: list(readReceipt, MOST_RECEIPTS) })(
    value,
    place,
  );
};

/** Whose books they are. */
export interface BooksOptions {
  readonly client: BpeClient;
  readonly deployment: Deployment;
  readonly taskTypeId: Hex;
  readonly account: Account;
  readonly store: Store;
}

/** A sink's books: what its sources owe it, and what they have signed. Written before anything is answered. */
export class Books {
  readonly #options: BooksOptions;
  readonly #turns = new OneByOne();
  #sources: Promise<Set<Address>> | undefined;

  constructor(options: BooksOptions) {
    this.#options = options;
  }

  /** A task was done for a source, worth so much. */
  done(source: Address, work: bigint, value: bigint): Promise<void> {
    return this.#turns.run(source, async () => {
      const book = await this.#load(source);
      await this.#save(source, { ...book, done: plus(book.done, { work, value, tasks: 1n }) });
    });
  }

  /** Takes a voucher whose totals are above the last one's and no higher than what was done. */
  take(submission: VoucherSubmission): Promise<Taken> {
    const { source } = submission.voucher;
    return this.#turns.run(source, () => this.#take(source, submission));
  }

  /** What a source owes, and what it has signed for since ever, in wei. */
  standing(source: Address): Promise<{ readonly owed: bigint; readonly signed: bigint }> {
    return this.#turns.run(source, async () => {
      const { done, signed } = await this.#load(source);
      return { owed: above(done, signed).value, signed: signed.value };
    });
  }

  /** The latest vouchers of all sources in the store, as `redeemBatch` takes them. */
  async redeemable() {
    const books = await Promise.all([...(await this.#known())].map((source) => this.#load(source)));
    return books.flatMap(({ latest }) => {
      if (!latest) return [];
      return [{ ...latest.voucher, sinkSig: latest.sinkSignature, sourceSig: latest.sourceSignature }];
    });
  }

  async #take(source: Address, { voucher, sourceSignature, receipts }: VoucherSubmission): Promise<Taken> {
    const refused = (reason: string): Taken => ({ kind: "refused", reason });
    const { client, deployment, account, taskTypeId } = this.#options;
    if (voucher.taskTypeId !== taskTypeId.toLowerCase()) return refused(`taskTypeId is ${voucher.taskTypeId}`);
    if (!isAddressEqual(voucher.sink, account.address)) return refused(`the sink is ${voucher.sink}`);
    const signer = await this.#signerOf(voucher, sourceSignature);
    if (!signer || !isAddressEqual(signer, source)) return refused("sourceSignature is not the source's");
    const book = await this.#load(source);
    if (order(book.signed, voucher) !== "later") {
      return book.latest
        ? { kind: "known", latest: book.latest }
        : refused("its totals are not above those that counted");
    }
    const more = above(totalsOf(voucher), book.done);
    if (more.work > 0n || more.tasks > 0n)
      return refused("its totals are above what was done: they would count against later work");
    for (const receipt of receipts) {
      if (!(await this.#isReceipt(receipt, source)))
        return refused(`the receipt of ${receipt.taskId} is not the source's`);
    }
    const sinkSignature = await signVoucher(client, { deployment, account, voucher });
    const kept = [...book.receipts, ...receipts].slice(-MOST_RECEIPTS);
    const latest = { voucher, sourceSignature, sinkSignature };
    await this.#save(source, { ...book, signed: totalsOf(voucher), latest, receipts: kept });
    return { kind: "taken", sinkSignature, value: voucher.value - book.signed.value };
  }

  async #isReceipt({ sourceSignature, ...receipt }: ReceiptBody, source: Address): Promise<boolean> {
    const { deployment, account, taskTypeId } = this.#options;
    if (!isAddressEqual(receipt.source, source) || !isAddressEqual(receipt.sink, account.address)) return false;
    if (receipt.taskTypeId !== taskTypeId.toLowerCase()) return false;
    const domain = completionTrackerDomain(deployment.chainId, contractAddress(deployment, "completionTracker"));
    const data = { domain, types: completionReceiptTypes, primaryType: "CompletionReceipt", message: receipt } as const;
    const signer = await recoverTypedDataAddress({ ...data, signature: sourceSignature }).catch(() => undefined);
    return signer !== undefined && isAddressEqual(signer, source);
  }

  async #signerOf(voucher: VoucherBody, signature: Hex): Promise<Address | undefined> {
    const { deployment } = this.#options;
    const domain = workLedgerDomain(deployment.chainId, contractAddress(deployment, "workVouchers"));
    const data = { domain, types: workVoucherTypes, primaryType: "WorkVoucher", message: voucher } as const;
    return recoverTypedDataAddress({ ...data, signature }).catch(() => undefined);
  }

  #key(source: Address | "sources"): string {
    const { deployment, taskTypeId, account } = this.#options;
    const chain = deployment.instance ?? deployment.chainId;
    const contract = contractAddress(deployment, "workVouchers");
    return `bpe:book:${chain}:${contract}:${taskTypeId}:${account.address}:${source}`;
  }

  async #load(source: Address): Promise<SourceBook> {
    const { client, deployment, taskTypeId, account, store } = this.#options;
    const kept = await store.get(this.#key(source));
    if (kept !== undefined) return readBook(fromJson(kept), "a book");
    const done = await getTotals(client, { deployment, taskTypeId, source, sink: account.address });
    return { done, signed: done, latest: undefined, receipts: [] };
  }

  async #save(source: Address, book: SourceBook): Promise<void> {
    await this.#options.store.set(this.#key(source), toJson({ ...book, latest: book.latest ?? null }));
    await this.#turns.run("sources", async () => {
      const known = await this.#known();
      if (known.has(source)) return;
      await this.#options.store.set(this.#key("sources"), toJson([...known, source]));
      known.add(source);
    });
  }

  /** All sources that there are books of. */
  #known(): Promise<Set<Address>> {
    this.#sources ??= this.#options.store.get(this.#key("sources")).then((kept) => {
      return new Set(kept === undefined ? [] : list(address, MOST_SOURCES)(fromJson(kept), "sources"));
    });
    return this.#sources;
  }
}

const totalsOf = ({ work, value, tasks }: Totals): Totals => ({ work, value, tasks });
