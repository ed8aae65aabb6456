import type { Account, Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";
import { BpeError } from "../core/errors.js";
import { mined } from "../core/sent.js";
import { OneByOne } from "../core/store.js";
import { balanceOf } from "../core/tokens.js";
import { changeStream, closeStream, openStream } from "../composites/source.js";
import { getStream, SUPER_TOKEN } from "../generated/calls/StreamGateway.js";
import { getFunds } from "../generated/calls/WorkReserve.js";
import type { Limits } from "../fetch.js";

/** Whose wallet it is, and what it may spend. */
export interface WalletOptions {
  readonly client: BpeClient;
  readonly deployment: Deployment;
  readonly account: Account;
  readonly limits: Limits & { readonly streams: number };
}

/** Opens and closes streams within limits. */
export class Wallet {
  readonly #options: WalletOptions;
  readonly #turns = new OneByOne();
  /** Streams that were opened here: the limits hold for all of them together. */
  readonly #open = new Map<Hex, bigint>();

  constructor(options: WalletOptions) {
    this.#options = options;
  }

  async look(taskTypeId: Hex | undefined): Promise<object> {
    const { client, deployment, account, limits } = this.#options;
    const source = account.address;
    const token = await SUPER_TOKEN(client, { deployment });
    const balance = await balanceOf(client, { deployment, token, owner: source });
    const known = { account: source, token, balance, limits };
    if (!taskTypeId) return known;
    const of = { deployment, taskTypeId, source };
    return { ...known, stream: await getStream(client, of), funds: await getFunds(client, of) };
  }

  open(taskTypeId: Hex, flowRate: bigint): Promise<object> {
    return this.#turns.run("stream", async () => {
      const { client, deployment, account } = this.#options;
      this.#check(taskTypeId, flowRate);
      const of = { deployment, account, taskTypeId };
      const { flowRate: flowing } = await getStream(client, { deployment, taskTypeId, source: account.address });
      const rate = { ...of, flowRate };
      const { hash } = await mined(flowing === 0n ? openStream(client, rate) : changeStream(client, rate));
      this.#open.set(taskTypeId, flowRate);
      return { transaction: hash, ...(await getStream(client, { deployment, taskTypeId, source: account.address })) };
    });
  }

  close(taskTypeId: Hex): Promise<object> {
    return this.#turns.run("stream", async () => {
      const { client, deployment, account } = this.#options;
      const { hash } = await mined(closeStream(client, { deployment, account, taskTypeId }));
      this.#open.delete(taskTypeId);
      return { transaction: hash };
    });
  }

  #check(taskTypeId: Hex, flowRate: bigint): void {
    const { limits } = this.#options;
    const others = [...this.#open].filter(([id]) => id !== taskTypeId);
    const asked = others.reduce((sum, [, rate]) => sum + rate, flowRate);
    if (asked > limits.flowRate)
      throw new BpeError("SpendingLimit", { limit: "flowRate", most: limits.flowRate, asked });
    if (others.length >= limits.streams) {
      throw new BpeError("SpendingLimit", {
        limit: "streams",
        most: BigInt(limits.streams),
        asked: BigInt(others.length + 1),
      });
    }
  }
}
