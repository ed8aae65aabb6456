import type { Address, Hex } from "viem";
import { getBlock } from "viem/actions";
import type { BpeClient, WriteParameters } from "../core/call.js";
import { accountOf } from "../core/client.js";
import type { Deployment } from "../core/deployment.js";
import { BpeError } from "../core/errors.js";
import { limited, REQUEST_TIMEOUT } from "../core/wait.js";
import { approve, allowanceOf, balanceOf, toWrap, wholeUnits } from "../core/tokens.js";
import { changeStream, closeStream, openStream } from "../composites/source.js";
import { getMinimumFlowRate, getStream, SUPER_TOKEN } from "../generated/calls/StreamGateway.js";
import { getFunds, requestTakeBack, takeBack } from "../generated/calls/WorkReserve.js";
import { walk, type Next, type WalkOptions } from "./walk.js";

/** Superfluid keeps four hours of a stream as its deposit. */
const DEPOSIT_SECONDS = 14_400n;
/** From an hour after it was asked for, and until 25 hours, what is asked back is paid. */
const TAKE_BACK_AFTER = 3_600n;
const TAKE_BACK_UNTIL = 90_000n;

/** What a source wants. */
export interface SourcePlan {
  /** Wei per second; 0 closes the stream. */
  readonly rate: bigint;
  /** Seconds that its wrapped tokens last at that rate, at least, before more are wrapped. */
  readonly runwaySeconds: bigint;
  /** Wei of the Super Token that may be wrapped at most at a time. */
  readonly wrapAtMost: bigint;
}

/** How the chain sees a source. */
export interface SourceState {
  /** What flows, in wei per second, and the least that does. */
  readonly rate: bigint;
  readonly least: bigint;
  /** Super Tokens it can spend, and underlying ones that may be wrapped, in the Super Token's wei. */
  readonly available: bigint;
  readonly wrappable: bigint;
  readonly approved: bigint;
  /** What it has not spent in the task type, what of it was asked back, and when, in seconds since 1970. */
  readonly unspent: bigint;
  readonly asked: bigint;
  readonly askedAt: bigint;
}

/** What a source does next. */
export type SourceStep =
  | { readonly do: "approve" | "ask"; readonly amount: bigint }
  | { readonly do: "open"; readonly rate: bigint; readonly wrap: bigint }
  | { readonly do: "change"; readonly rate: bigint }
  | { readonly do: "close" | "takeBack" | "nothing" }
  | { readonly do: "lacks"; readonly has: bigint; readonly needed: bigint }
  | { readonly do: "wait"; readonly until: bigint };

const least = (a: bigint, b: bigint) => (a < b ? a : b);
const less = (a: bigint, b: bigint) => (a > b ? a - b : 0n);

/** Towards streaming as planned. */
export function towardsStreaming(state: SourceState, plan: SourcePlan): SourceStep {
  const rate = plan.rate === 0n || plan.rate > state.least ? plan.rate : state.least;
  // What flows is rounded down to a multiple of the pool's units.
  const rounded = rate > state.rate && rate - state.rate < state.least && state.rate > 0n;
  if (rate === state.rate || rounded) return { do: "nothing" };
  if (rate === 0n) return { do: "close" };
  return rate < state.rate ? { do: "change", rate } : towardsMore(state, rate, plan);
}

function towardsMore(state: SourceState, rate: bigint, plan: SourcePlan): SourceStep {
  const needed = (rate - state.rate) * DEPOSIT_SECONDS + rate * plan.runwaySeconds;
  const wrap = less(needed, state.available);
  const wrappable = least(state.wrappable, plan.wrapAtMost);
  if (wrap > wrappable) return { do: "lacks", has: state.available + wrappable, needed };
  if (wrap > state.approved) return { do: "approve", amount: wrap };
  if (state.rate === 0n) return { do: "open", rate, wrap };
  // Wrapping goes with opening; a change takes what is there.
  return wrap > 0n ? { do: "lacks", has: state.available, needed } : { do: "change", rate };
}

/** Towards having everything back, at `now`, in seconds since 1970 by the chain. */
export function towardsLeavingSource(state: SourceState, now: bigint): SourceStep {
  if (state.rate > 0n) return { do: "close" };
  if (state.unspent === 0n) return { do: "nothing" };
  const open = state.asked > 0n && now < state.askedAt + TAKE_BACK_UNTIL;
  if (!open || state.asked < state.unspent) return { do: "ask", amount: state.unspent - (open ? state.asked : 0n) };
  const until = state.askedAt + TAKE_BACK_AFTER;
  return now < until ? { do: "wait", until } : { do: "takeBack" };
}

/** A source's life in a task type by work: wrap, approve, open and change a stream, take back what is unspent. */
export class SourceLifecycle {
  readonly #client: BpeClient;
  readonly #deployment: Deployment;
  readonly #write: Pick<WriteParameters, "deployment" | "account">;
  readonly source: Address;
  readonly taskTypeId: Hex;

  constructor(
    client: BpeClient,
    parameters: Pick<WriteParameters, "deployment" | "account"> & { readonly taskTypeId: Hex },
  ) {
    const { deployment, account, taskTypeId } = parameters;
    this.#client = client;
    this.#deployment = deployment;
    this.#write = { deployment, account };
    this.source = accountOf(client, account).address;
    this.taskTypeId = taskTypeId;
  }

  /** How the chain sees the source now. */
  async state(): Promise<SourceState> {
    const [client, deployment, source, taskTypeId] = [this.#client, this.#deployment, this.source, this.taskTypeId];
    const token = await SUPER_TOKEN(client, { deployment });
    const { underlying, decimals } = await toWrap(client, { deployment, token });
    const funds = await getFunds(client, { deployment, taskTypeId, source });
    const owner = source;
    const wei = (units: bigint) => units * 10n ** BigInt(Math.max(0, 18 - decimals));
    return {
      rate: (await getStream(client, { deployment, taskTypeId, source })).flowRate,
      least: await getMinimumFlowRate(client, { deployment, taskTypeId }),
      available: await balanceOf(client, { deployment, token, owner }),
      wrappable: wei(await balanceOf(client, { deployment, token: underlying, owner })),
      approved: wei(await allowanceOf(client, { deployment, token: underlying, owner, spender: token })),
      unspent: funds.unspent,
      asked: funds.asked,
      askedAt: funds.askedAt,
    };
  }

  /** Does what is missing until it streams as planned. */
  stream(plan: SourcePlan, options?: WalkOptions): Promise<Next> {
    return walk(async () => this.#next(towardsStreaming(await this.state(), plan)), options);
  }

  /** Does what is missing until it has everything back, or has to wait. */
  leave(options?: WalkOptions): Promise<Next> {
    return walk(async () => {
      const { timestamp } = await limited(getBlock(this.#client), REQUEST_TIMEOUT, "the latest block");
      return this.#next(towardsLeavingSource(await this.state(), timestamp));
    }, options);
  }

  async #next(step: SourceStep): Promise<Next> {
    const [client, write, taskTypeId] = [this.#client, this.#write, this.taskTypeId];
    const of = { ...write, taskTypeId };
    switch (step.do) {
      case "nothing":
        return { done: true };
      case "wait":
        return { waitUntil: step.until, why: "what was asked back is paid an hour later" };
      case "lacks": {
        const token = await SUPER_TOKEN(client, { deployment: this.#deployment });
        throw new BpeError("TooFewTokens", { token, account: this.source, required: step.needed, available: step.has });
      }
      case "approve":
        return { step: "approve", send: () => this.#approve(step.amount) };
      case "open":
        return { step: "open", send: () => openStream(client, { ...of, flowRate: step.rate, wrapAmount: step.wrap }) };
      case "change":
        return { step: "change", send: () => changeStream(client, { ...of, flowRate: step.rate }) };
      case "close":
        return { step: "close", send: () => closeStream(client, of) };
      case "ask":
        return { step: "ask", send: () => requestTakeBack(client, { ...of, amount: step.amount }) };
      case "takeBack":
        return { step: "takeBack", send: () => takeBack(client, of) };
    }
  }

  async #approve(amount: bigint) {
    const spender = await SUPER_TOKEN(this.#client, { deployment: this.#deployment });
    const { underlying, decimals } = await toWrap(this.#client, { deployment: this.#deployment, token: spender });
    const { units } = wholeUnits(amount, decimals);
    return approve(this.#client, { ...this.#write, token: underlying, spender, amount: units });
  }
}
