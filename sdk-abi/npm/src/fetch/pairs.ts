import { recoverTypedDataAddress, isAddressEqual, type Account, type Address, type Hex } from "viem";
import {
  parseLatestVoucher,
  parseVoucherAnswer,
  VOUCHERS_PATH,
  type VoucherBody,
  type VoucherSubmission,
} from "../agent/messages.js";
import { above, order, plus, type Totals } from "../agent/totals.js";
import { fromJson, toJson } from "../agent/wire.js";
import { readPair, type PairState } from "./pairState.js";
import { textAtMost } from "../core/bounded.js";
import type { BpeClient } from "../core/call.js";
import { contractAddress, type Deployment } from "../core/deployment.js";
import { OneByOne, type Store } from "../core/store.js";
import { limited } from "../core/wait.js";
import { signReceipt } from "../composites/completion.js";
import { signVoucher } from "../composites/vouchers.js";
import { getTotals } from "../generated/calls/WorkVouchers.js";
import { workLedgerDomain, workVoucherTypes } from "../typed-data.js";
import { at, type SinkService } from "./sinks.js";

/** Milliseconds. */
const VOUCHER_TIMEOUT = 15_000;
const ANSWER_BYTES = 65_536;
/** Receipts that wait to be handed in; older ones are given up, the totals never. */
const MOST_RECEIPTS = 500;

/** A task that was done. */
export interface DoneTask {
  readonly taskId: Hex;
  /** In work units of 1e-9. */
  readonly work: bigint;
  /** In wei. */
  readonly value: bigint;
}

/** What a source signs and hands in. */
export interface PairsOptions {
  readonly client: BpeClient;
  readonly deployment: Deployment;
  readonly taskTypeId: Hex;
  readonly account: Account;
  readonly store: Store;
  readonly fetch: typeof fetch;
  /** Seconds since 1970, by the chain. */
  readonly now: () => Promise<bigint>;
}

/** Running totals between a source and its sinks: kept before they are sent, handed in one after the other. */
export class Pairs {
  readonly #options: PairsOptions;
  readonly #turns = new OneByOne();

  constructor(options: PairsOptions) {
    this.#options = options;
  }

  /** Adds a task that was done, and hands in a voucher with all that the sink has not acknowledged yet. */
  settle(service: SinkService, task: DoneTask): Promise<void> {
    return this.#turns.run(service.sink, async () => {
      const { client, deployment, account, taskTypeId, now } = this.#options;
      const state = await this.#load(service.sink);
      const receipt = {
        taskTypeId,
        sink: service.sink,
        source: account.address,
        taskId: task.taskId,
        timestamp: await now(),
      };
      const sourceSignature = await signReceipt(client, { deployment, account, receipt });
      const { work, value } = task;
      const open = plus(state.open, { work, value, tasks: 1n });
      const receipts = [...state.receipts, { ...receipt, sourceSignature }].slice(-MOST_RECEIPTS);
      await this.#handIn(service, await this.#save(service.sink, { ...state, open, receipts }));
    });
  }

  async #handIn(service: SinkService, state: PairState): Promise<void> {
    const submission = await this.#sign(service.sink, state);
    const { status, text } = await this.#post(service, submission);
    if (status === 200) {
      await this.#acknowledged(service.sink, state, submission, parseVoucherAnswer(text).sinkSignature);
      return;
    }
    if (status !== 409) throw new Error(`the sink ${service.sink} answered ${status} to a voucher`);
    // It has later totals: this store has forgotten what this account has signed. Nothing else counts.
    const { latest, sourceSignature, sinkSignature } = parseLatestVoucher(text);
    await this.#checkLatest(service.sink, latest, sourceSignature, sinkSignature);
    const standing = order(state.base, latest);
    if (standing !== "later" && standing !== "same")
      throw new Error(`the sink ${service.sink} has totals that contradict ours`);
    const adopted = await this.#save(service.sink, { ...state, base: totalsOf(latest) });
    const again = await this.#sign(service.sink, adopted);
    const second = await this.#post(service, again);
    if (second.status !== 200)
      throw new Error(`the sink ${service.sink} answered ${second.status} to a voucher, twice`);
    await this.#acknowledged(service.sink, adopted, again, parseVoucherAnswer(second.text).sinkSignature);
  }

  /** The sink has signed these totals: they are the base of the next ones. */
  async #acknowledged(
    sink: Address,
    state: PairState,
    { voucher, receipts }: VoucherSubmission,
    sinkSignature: Hex,
  ): Promise<void> {
    const signer = await this.#signerOf(voucher, sinkSignature);
    if (!signer || !isAddressEqual(signer, sink))
      throw new Error(`the voucher's second signature is not of the sink ${sink}`);
    const handed = new Set(receipts.map((it) => it.taskId));
    const rest = state.receipts.filter((it) => !handed.has(it.taskId));
    const open = above(plus(state.base, state.open), totalsOf(voucher));
    await this.#save(sink, { base: totalsOf(voucher), open, receipts: rest });
  }

  async #checkLatest(sink: Address, latest: VoucherBody, sourceSignature: Hex, sinkSignature: Hex): Promise<void> {
    const { account, taskTypeId } = this.#options;
    const ours = isAddressEqual(latest.source, account.address) && isAddressEqual(latest.sink, sink);
    const signers = await Promise.all([sourceSignature, sinkSignature].map((it) => this.#signerOf(latest, it)));
    const [source, other] = signers;
    const signed = source && other && isAddressEqual(source, account.address) && isAddressEqual(other, sink);
    if (!ours || !signed || latest.taskTypeId !== taskTypeId.toLowerCase()) {
      throw new Error(`the sink ${sink} shows a voucher that this account has not signed`);
    }
  }

  async #sign(sink: Address, state: PairState): Promise<VoucherSubmission> {
    const { client, deployment, account, taskTypeId, now } = this.#options;
    const totals = plus(state.base, state.open);
    const voucher = {
      taskTypeId: taskTypeId.toLowerCase() as Hex,
      sink,
      source: account.address,
      ...totals,
      timestamp: await now(),
    };
    return {
      voucher,
      sourceSignature: await signVoucher(client, { deployment, account, voucher }),
      receipts: state.receipts,
    };
  }

  async #post(
    service: SinkService,
    submission: VoucherSubmission,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const posting = async () => {
      const answer = await this.#options.fetch(at(service.uri, VOUCHERS_PATH), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: toJson(submission),
        signal: AbortSignal.timeout(VOUCHER_TIMEOUT),
        redirect: "error",
      });
      return { status: answer.status, text: (await textAtMost(answer.body, ANSWER_BYTES)) ?? "" };
    };
    return limited(posting(), VOUCHER_TIMEOUT, `the sink ${service.sink} to take a voucher`);
  }

  async #signerOf(voucher: VoucherBody, signature: Hex): Promise<Address | undefined> {
    const { deployment } = this.#options;
    const domain = workLedgerDomain(deployment.chainId, contractAddress(deployment, "workVouchers"));
    const data = { domain, types: workVoucherTypes, primaryType: "WorkVoucher", message: voucher } as const;
    return recoverTypedDataAddress({ ...data, signature }).catch(() => undefined);
  }

  #key(sink: Address): string {
    const { deployment, taskTypeId, account } = this.#options;
    const chain = deployment.instance ?? deployment.chainId;
    return `bpe:pair:${chain}:${contractAddress(deployment, "workVouchers")}:${taskTypeId}:${account.address}:${sink}`;
  }

  async #load(sink: Address): Promise<PairState> {
    const { client, deployment, taskTypeId, account, store } = this.#options;
    const kept = await store.get(this.#key(sink));
    if (kept !== undefined) return readPair(fromJson(kept), "a pair");
    const base = await getTotals(client, { deployment, taskTypeId, source: account.address, sink });
    return { base, open: { work: 0n, value: 0n, tasks: 0n }, receipts: [] };
  }

  async #save(sink: Address, state: PairState): Promise<PairState> {
    await this.#options.store.set(this.#key(sink), toJson(state));
    return state;
  }
}

const totalsOf = ({ work, value, tasks }: Totals): Totals => ({ work, value, tasks });
