import type { Address, Hex } from "viem";
import type { BpeClient, WriteParameters } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { contractAddress, type Deployment } from "../core/deployment.js";
import { BpeError } from "../core/errors.js";
import { approve, allowanceOf, balanceOf } from "../core/tokens.js";
import { deregisterSink, getTaskType, isRegistered, registerSink } from "../generated/calls/CapacityRegistry.js";
import {
  getFreeStake,
  getStake,
  getUnbonding,
  requiredStake,
  stake,
  stakeToken,
  unstake,
} from "../generated/calls/StakeManager.js";
import { getOwed, payOut } from "../generated/calls/WorkReserve.js";
import { walk, type Next, type WalkOptions } from "./walk.js";

/** What a sink wants. */
export interface SinkPlan {
  /** Capacity to register with, of 1e-9 units. */
  readonly capacity: bigint;
  /** Wei of stake, or what is required, whichever is more. */
  readonly stake: bigint;
}

/** How the chain sees a sink; amounts in wei. */
export interface SinkState {
  readonly stake: bigint;
  /** What registering asks for. */
  readonly required: bigint;
  /** Stake tokens it has, and that StakeManager may take. */
  readonly balance: bigint;
  readonly allowance: bigint;
  readonly registered: boolean;
  /** Stake that can leave now, and until when the rest is unbonding, in seconds since 1970. */
  readonly free: bigint;
  readonly unbonding: bigint;
  readonly unbondingUntil: bigint;
  /** What it has earned and was not paid. */
  readonly owed: bigint;
}

/** What a sink does next; amounts in wei. */
export type SinkStep =
  | { readonly do: "approve" | "stake" | "withdraw"; readonly amount: bigint }
  | { readonly do: "register" | "payOut" | "deregister" | "nothing" }
  | { readonly do: "lacks"; readonly has: bigint; readonly needed: bigint }
  | { readonly do: "wait"; readonly until: bigint };

/** Towards earning. */
export function towardsService(state: SinkState, plan: SinkPlan): SinkStep {
  if (state.registered) return { do: "nothing" };
  const wanted = plan.stake > state.required ? plan.stake : state.required;
  if (state.stake >= wanted) return { do: "register" };
  const missing = wanted - state.stake;
  if (state.balance < missing) return { do: "lacks", has: state.balance, needed: missing };
  return { do: state.allowance < missing ? "approve" : "stake", amount: missing };
}

/** Towards having left with everything. Vouchers are redeemed before. */
export function towardsLeaving(state: SinkState): SinkStep {
  if (state.owed > 0n) return { do: "payOut" };
  if (state.registered) return { do: "deregister" };
  if (state.free > 0n) return { do: "withdraw", amount: state.free };
  if (state.unbonding > 0n) return { do: "wait", until: state.unbondingUntil };
  return { do: "nothing" };
}

/** A sink's life: stake, register; and back: be paid, deregister, unbond, withdraw. Each step may be done already. */
export class SinkLifecycle {
  readonly #client: BpeClient;
  readonly #deployment: Deployment;
  readonly #write: Pick<WriteParameters, "deployment" | "account">;
  readonly sink: Address;
  readonly taskTypeId: Hex;

  constructor(
    client: BpeClient,
    parameters: Pick<WriteParameters, "deployment" | "account"> & { readonly taskTypeId: Hex },
  ) {
    const { deployment, account, taskTypeId } = parameters;
    this.#client = client;
    this.#deployment = deployment;
    this.#write = { deployment, account };
    this.sink = accountOf(client, account).address;
    this.taskTypeId = taskTypeId;
  }

  /** How the chain sees the sink now. */
  async state(): Promise<SinkState> {
    const [client, deployment, sink, taskTypeId] = [this.#client, this.#deployment, this.sink, this.taskTypeId];
    const of = { deployment, sink };
    const token = await stakeToken(client, { deployment });
    const spender = contractAddress(deployment, "stakeManager");
    const { minStake } = await getTaskType(client, { deployment, taskTypeId });
    const unbonding = await getUnbonding(client, of);
    return {
      stake: await getStake(client, of),
      required: await requiredStake(client, { ...of, minStake }),
      balance: await balanceOf(client, { deployment, token, owner: sink }),
      allowance: await allowanceOf(client, { deployment, token, owner: sink, spender }),
      registered: await isRegistered(client, { ...of, taskTypeId }),
      free: await getFreeStake(client, of),
      unbonding: unbonding.amount,
      unbondingUntil: unbonding.until,
      owed: await getOwed(client, { deployment, taskTypeId, account: sink }),
    };
  }

  /** Does what is missing until it earns. */
  join(plan: SinkPlan, options?: WalkOptions): Promise<Next> {
    return walk(async () => this.#next(towardsService(await this.state(), plan), plan.capacity), options);
  }

  /** Does what is missing until it has left, or has to wait. */
  leave(options?: WalkOptions): Promise<Next> {
    return walk(async () => this.#next(towardsLeaving(await this.state()), 0n), options);
  }

  async #next(step: SinkStep, capacity: bigint): Promise<Next> {
    const [client, write, taskTypeId] = [this.#client, this.#write, this.taskTypeId];
    switch (step.do) {
      case "nothing":
        return { done: true };
      case "wait":
        return { waitUntil: step.until, why: "the stake is unbonding" };
      case "lacks": {
        const token = await stakeToken(client, { deployment: this.#deployment });
        throw new BpeError("TooFewTokens", { token, account: this.sink, required: step.needed, available: step.has });
      }
      case "approve": {
        const token = await stakeToken(client, { deployment: this.#deployment });
        const spender = contractAddress(this.#deployment, "stakeManager");
        return { step: "approve", send: () => approve(client, { ...write, token, spender, amount: step.amount }) };
      }
      case "stake":
        return { step: "stake", send: () => stake(client, { ...write, amount: step.amount }) };
      case "register":
        return {
          step: "register",
          send: () => registerSink(client, { ...write, taskTypeId, initialCapacity: capacity }),
        };
      case "payOut":
        return { step: "payOut", send: () => payOut(client, { ...write, taskTypeId, to: this.sink }) };
      case "deregister":
        return { step: "deregister", send: () => deregisterSink(client, { ...write, taskTypeId }) };
      case "withdraw":
        return { step: "withdraw", send: () => unstake(client, { ...write, amount: step.amount }) };
    }
  }
}
