/** An answer that is good for some milliseconds: strangers who ask often do not have the chain asked as often. */
export class Fresh<value> {
  readonly #ask: () => Promise<value>;
  readonly #milliseconds: number;
  #known: { readonly at: number; readonly answer: Promise<value> } | undefined;

  constructor(milliseconds: number, ask: () => Promise<value>) {
    this.#ask = ask;
    this.#milliseconds = milliseconds;
  }

  /** The answer; one that failed is asked for again. */
  get(): Promise<value> {
    if (this.#known && performance.now() - this.#known.at < this.#milliseconds) return this.#known.answer;
    const known = { at: performance.now(), answer: this.#ask() };
    this.#known = known;
    known.answer.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return known.answer;
  }
}
