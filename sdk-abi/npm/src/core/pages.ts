/** What a list has, page by page: entries from number `from` on, at most `count` of them, fewer only at its end. */
export type Page<entry> = (from: bigint, count: bigint) => Promise<readonly entry[]>;

/** A list, or as much of it as is wanted. */
export interface Listed<entry> {
  readonly entries: readonly entry[];
  /** The list goes on after them. */
  readonly cut: boolean;
}

/** Reads a list until its end, or until there are more than `most` entries, of which the first `most` are given. */
export async function listed<entry>(page: Page<entry>, size: bigint, most: number): Promise<Listed<entry>> {
  const entries: entry[] = [];
  for (let from = 0n; ; from += size) {
    const next = await page(from, size);
    entries.push(...next);
    if (entries.length > most) return { entries: entries.slice(0, most), cut: true };
    if (BigInt(next.length) < size) return { entries, cut: false };
  }
}
