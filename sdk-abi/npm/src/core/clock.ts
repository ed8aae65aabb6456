import { getBlock } from "viem/actions";
import type { BpeClient } from "./client.js";
import { limited, REQUEST_TIMEOUT } from "./wait.js";

/** How long a look at the chain's time is good for, in milliseconds. */
const FRESH = 5_000;

/** The chain's time in seconds since 1970, which decides in the protocol; looked up every five seconds at most. */
export class ChainClock {
  readonly #client: BpeClient;
  #seen: { readonly at: number; readonly timestamp: bigint } | undefined;

  constructor(client: BpeClient) {
    this.#client = client;
  }

  async now(): Promise<bigint> {
    if (!this.#seen || performance.now() - this.#seen.at > FRESH) {
      const { timestamp } = await limited(getBlock(this.#client), REQUEST_TIMEOUT, "the latest block");
      this.#seen = { at: performance.now(), timestamp };
    }
    return this.#seen.timestamp + BigInt(Math.floor((performance.now() - this.#seen.at) / 1_000));
  }
}
