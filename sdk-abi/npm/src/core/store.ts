/** Where vouchers are kept: what is lost here, somebody is not paid. Each value is written before anything is sent. */
export interface Store {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

/** A store that ends with the process. */
export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, value),
  };
}

/** Runs one after the other what is asked of one key. */
export class OneByOne {
  readonly #last = new Map<string, Promise<unknown>>();

  run<value>(key: string, task: () => Promise<value>): Promise<value> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(task, task);
    const settled = mine.catch(() => undefined);
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return mine;
  }
}
