/** Decides whether a capacity is told: not at every breath of it. */
export class Publisher {
  readonly #deltaBps: bigint;
  readonly #renewAfter: bigint;
  #last: { readonly capacity: bigint; readonly at: bigint } | undefined;

  /** Tells changes of `deltaBps` of 10 000 or more, and everything again after so many seconds. */
  constructor({ deltaBps, renewAfter }: { readonly deltaBps: bigint; readonly renewAfter: bigint }) {
    this.#deltaBps = deltaBps;
    this.#renewAfter = renewAfter;
  }

  /** Whether `capacity`, of 1e-9 units, should be told at `now`, in seconds. */
  due(capacity: bigint, now: bigint): boolean {
    if (!this.#last) return capacity > 0n;
    const { capacity: last, at } = this.#last;
    if (capacity === last && last === 0n) return false;
    const change = (capacity > last ? capacity - last : last - capacity) * 10_000n;
    return capacity === 0n || (change > 0n && change >= last * this.#deltaBps) || now - at >= this.#renewAfter;
  }

  /** It was told. */
  told(capacity: bigint, now: bigint): void {
    this.#last = { capacity, at: now };
  }
}
