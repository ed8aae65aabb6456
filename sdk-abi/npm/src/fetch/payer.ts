import type { Account, Address, Hex } from "viem";
import type { PaymentRequired } from "../agent/messages.js";
import type { BpeClient } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";
import { BpeError } from "../core/errors.js";
import { mined } from "../core/sent.js";
import { OneByOne } from "../core/store.js";
import { balanceOf } from "../core/tokens.js";
import { until } from "../core/wait.js";
import { changeStream, openStream } from "../composites/source.js";
import { depositWithApproval } from "../composites/work.js";
import { getMinimumFlowRate, getStream, SUPER_TOKEN } from "../generated/calls/StreamGateway.js";
import { getPendingOfLedger, note } from "../generated/calls/WorkLedger.js";
import { earmark, getBudget, getEarmark } from "../generated/calls/WorkReserve.js";
import type { Limits } from "./spending.js";

/** What is asked for in a 402, of this chain. */
export type Asked = PaymentRequired["accepts"][number];

/** Who pays, and how much at most. */
export interface PayerOptions {
  readonly client: BpeClient;
  readonly deployment: Deployment;
  readonly taskTypeId: Hex;
  readonly account: Account;
  readonly limits: Limits;
  /** `stream`: what flows has to cover it, as far as that goes; `deposit`: paid into the reserve at once. */
  readonly funding: "stream" | "deposit";
  readonly wrap: boolean;
  /** Seconds since 1970, by the chain. */
  readonly now: () => Promise<bigint>;
  /** Milliseconds that a stream has to bring what is asked for. */
  readonly patience: number;
}

/** A deposit is this part of the limit at least. */
const DEPOSITS = 10n;
/** Seconds of a stream that are wrapped for: four hours of deposit, and one in which it flows. */
const WRAPPED_SECONDS = 5n * 3_600n;
/** Seconds that an earmark lasts: within the day that the contract allows. */
const EARMARK_SECONDS = 3_600n;
/** One that ends within this many seconds is made longer: sinks do not count on it any more. */
const EARMARK_LEAST = 600n;

/** Pays what sinks ask for. Of many tasks that meet a 402 at once one pays, and all of them go on after it. */
export class Payer {
  readonly #options: PayerOptions;
  readonly #turns = new OneByOne();

  constructor(options: PayerOptions) {
    this.#options = options;
  }

  /** Sees to it that the source has what the sink asks for; `SpendingLimit`, if that is more than it may. */
  pay(sink: Address, asked: Asked): Promise<void> {
    const { deposit } = this.#options.limits;
    if (asked.amount > deposit) {
      throw new BpeError("SpendingLimit", { limit: "deposit", most: deposit, asked: asked.amount });
    }
    // Who comes second finds it paid.
    return this.#turns.run("pay", async () => {
      if (await this.#suffices(sink, asked)) return;
      await this.#fund(sink, asked);
      await this.#setAside(sink, asked);
    });
  }

  async #budget(sink: Address) {
    const { client, deployment, taskTypeId, account } = this.#options;
    return getBudget(client, { deployment, taskTypeId, source: account.address, sink });
  }

  async #suffices(sink: Address, { amount, extra }: Asked): Promise<boolean> {
    const { free, earmarked } = await this.#budget(sink);
    if (free + earmarked < amount) return false;
    return extra.earmark === 0n || (await this.#lasting(sink)).amount >= extra.earmark;
  }

  /** What is set aside for a sink for long enough, and when all that is set aside ends. */
  async #lasting(sink: Address) {
    const { client, deployment, taskTypeId, account, now } = this.#options;
    const { amount, until: ends } = await getEarmark(client, { deployment, taskTypeId, source: account.address, sink });
    return { amount: ends >= (await now()) + EARMARK_LEAST ? amount : 0n, ends };
  }

  async #fund(sink: Address, { amount, extra }: Asked): Promise<void> {
    const { free, earmarked } = await this.#budget(sink);
    if (free + earmarked >= amount) return;
    if (this.#options.funding === "deposit") await this.#deposit(amount - free - earmarked);
    else await this.#stream(sink, amount, extra.flowRate);
  }

  /**
   * Fee and budget are cut from what is deposited: a ninth more covers 10 % of cuts. More than is missing, so that not
   * every task of many pays by itself.
   */
  async #deposit(missing: bigint): Promise<void> {
    const { client, deployment, taskTypeId, account, limits, wrap } = this.#options;
    const [needed, usual] = [missing + missing / 9n + 1n, limits.deposit / DEPOSITS];
    const amount = needed > usual ? needed : usual;
    if (amount > limits.deposit)
      throw new BpeError("SpendingLimit", { limit: "deposit", most: limits.deposit, asked: amount });
    await mined(depositWithApproval(client, { deployment, account, taskTypeId, amount, wrap }));
  }

  async #stream(sink: Address, amount: bigint, wanted: bigint): Promise<void> {
    const { client, deployment, taskTypeId, account, patience } = this.#options;
    const source = account.address;
    const of = { deployment, taskTypeId };
    const missing = async () => {
      const { free, earmarked } = await this.#budget(sink);
      return amount - free - earmarked - (await getPendingOfLedger(client, { ...of, source }));
    };
    const lacking = await missing();
    if (lacking > 0n) await this.#flow(lacking, wanted);
    const arrived = async () => ((await missing()) <= 0n ? true : undefined);
    await until(arrived, { milliseconds: patience, interval: 1_000, waitingFor: `${amount} wei of the stream` });
    await mined(note(client, { ...of, account, source }));
  }

  /**
   * Has so much flow as brings what is missing within half of the patience, and as the sink wants, within the limit. Of
   * what flows, WorkLedger counts a wei per unit and second less, which is the minimum, and Superfluid rounds to such.
   */
  async #flow(missing: bigint, wanted: bigint): Promise<void> {
    const { client, deployment, taskTypeId, account, limits, patience } = this.#options;
    const of = { deployment, taskTypeId };
    const minimum = await getMinimumFlowRate(client, of);
    const inTime = ((missing + missing / 9n) * 2_000n) / BigInt(patience) + 1n;
    const [least, unit] = [2n * minimum + inTime, minimum > 0n ? minimum : 1n];
    const flowRate = wanted > least ? wanted : least;
    if (flowRate > limits.flowRate) {
      throw new BpeError("SpendingLimit", { limit: "flowRate", most: limits.flowRate, asked: flowRate });
    }
    const { flowRate: flowing } = await getStream(client, { ...of, source: account.address });
    const rate = { ...of, account, flowRate };
    if (flowing === 0n) await mined(openStream(client, { ...rate, wrapAmount: await this.#toWrap(flowRate) }));
    else if (flowing < flowRate - (flowRate % unit)) await mined(changeStream(client, rate));
  }

  /** What is missing of the Super Token for a stream's deposit and its first hour. */
  async #toWrap(flowRate: bigint): Promise<bigint> {
    const { client, deployment, account, wrap } = this.#options;
    if (!wrap) return 0n;
    const token = await SUPER_TOKEN(client, { deployment });
    const available = await balanceOf(client, { deployment, token, owner: account.address });
    const required = flowRate * WRAPPED_SECONDS;
    return available < required ? required - available : 0n;
  }

  async #setAside(sink: Address, { extra }: Asked): Promise<void> {
    const { client, deployment, taskTypeId, account, now } = this.#options;
    const { amount, ends } = await this.#lasting(sink);
    if (extra.earmark <= amount) return;
    const wanted = (await now()) + EARMARK_SECONDS;
    const last = ends > wanted ? ends : wanted;
    await mined(earmark(client, { deployment, taskTypeId, account, sink, amount: extra.earmark, until: last }));
  }
}
