import type { Address, Hex } from "viem";
import { parseStatus, STATUS_PATH } from "../agent/messages.js";
import { getAllServices } from "../composites/directory.js";
import { textAtMost } from "../core/bounded.js";
import type { BpeClient } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";
import { limited } from "../core/wait.js";

/** Where a sink is reached. */
export interface SinkService {
  readonly sink: Address;
  /** `https://host/prefix`: the path of a request is appended. */
  readonly uri: string;
}

/** A sink with room, as far as it says. */
export interface Candidate extends SinkService {
  /** Wei per work unit. */
  readonly price: bigint;
  /** Work units of 1e-9 per second. */
  readonly capacity: bigint;
  readonly free: bigint;
}

const MOST_SINKS = 1_000;
const STATUS_BYTES = 65_536;
/** Milliseconds. */
const STATUS_TIMEOUT = 3_000;
const STATUS_FRESH = 2_000;
/** Sinks that are asked at once how they are. */
const ASKED = 16;
const LEAST_PAUSE = 1_000;
const MOST_PAUSE = 300_000;
/** Milliseconds that a sink is thought to take before one was measured. */
const UNKNOWN_LATENCY = 1_000;

/** The sinks of a task type that say in ServiceDirectory where they are. */
export async function sinksInDirectory(
  client: BpeClient,
  deployment: Deployment,
  taskTypeId: Hex,
): Promise<readonly SinkService[]> {
  const services = await getAllServices(client, { deployment, taskTypeId, most: MOST_SINKS });
  return services.filter(({ uri }) => isPublic(uri));
}

/** Strangers say where they are: nothing but https, and no address of a machine's own network. */
function isPublic(uri: string): boolean {
  const url = parseUrl(uri);
  if (!url || url.protocol !== "https:" || url.username || url.password) return false;
  const host = url.hostname;
  return (
    !/^[\d.]+$/.test(host) && !host.startsWith("[") && host.includes(".") && !/\.(local|internal|localhost)$/.test(host)
  );
}

export function parseUrl(uri: string): URL | undefined {
  try {
    return new URL(uri);
  } catch {
    return undefined;
  }
}

/** The address of a path at a sink. */
export const at = (uri: string, path: string): string => uri.replace(/\/+$/, "") + path;

interface Record {
  latency: number;
  failures: number;
  pausedUntil: number;
}

/** What is known of sinks: how they are, how fast they were, and whom to leave alone for a while. */
export class Sinks {
  readonly #fetch: typeof fetch;
  readonly #taskTypeId: Hex;
  readonly #random: () => number;
  readonly #records = new Map<Address, Record>();
  readonly #statuses = new Map<Address, { readonly at: number; readonly candidate: Candidate | undefined }>();

  constructor(taskTypeId: Hex, fetcher: typeof fetch, random: () => number) {
    this.#fetch = fetcher;
    this.#taskTypeId = taskTypeId;
    this.#random = random;
  }

  /** Those that answer, take tasks and ask at most `mostPrice`, in the order in which to try them. */
  async choose(services: readonly SinkService[], mostPrice: bigint): Promise<readonly Candidate[]> {
    const now = performance.now();
    const open = services.filter(({ sink }) => this.#record(sink).pausedUntil <= now);
    const asked = await Promise.all(
      this.#shuffled(open)
        .slice(0, ASKED)
        .map((it) => this.#status(it)),
    );
    const fitting = asked.filter((it): it is Candidate => it !== undefined && it.price <= mostPrice);
    const [roomy, busy] = [fitting.filter((it) => it.free > 0n), fitting.filter((it) => it.free === 0n)];
    return [...this.#ordered(roomy), ...this.#ordered(busy)];
  }

  /** It answered after so many milliseconds. */
  answered(sink: Address, milliseconds: number): void {
    const record = this.#record(sink);
    record.latency = record.latency === 0 ? milliseconds : (record.latency * 7 + milliseconds) / 8;
    record.failures = 0;
  }

  /** It is busy, and said until when: that is no fault. */
  busy(sink: Address, retryAfterSeconds: number): void {
    const pause = Math.min(Math.max(retryAfterSeconds * 1_000, LEAST_PAUSE), MOST_PAUSE);
    this.#record(sink).pausedUntil = performance.now() + pause;
    this.#statuses.delete(sink);
  }

  /** It failed: the more often in a row, the longer it is left alone. */
  failed(sink: Address): void {
    const record = this.#record(sink);
    record.failures += 1;
    record.pausedUntil = performance.now() + Math.min(LEAST_PAUSE * 2 ** record.failures, MOST_PAUSE);
    this.#statuses.delete(sink);
  }

  /** Two at random, weighted by spare capacity, the better first; then the rest likewise. */
  #ordered(candidates: readonly Candidate[]): readonly Candidate[] {
    const left = [...candidates];
    const ordered: Candidate[] = [];
    while (left.length > 0) {
      const one = this.#draw(left);
      const other = left.length > 1 ? this.#draw(left.filter((it) => it !== one)) : one;
      const best = this.#better(one, other);
      ordered.push(best);
      left.splice(left.indexOf(best), 1);
    }
    return ordered;
  }

  #draw(candidates: readonly Candidate[]): Candidate {
    const weights = candidates.map((it) => Number(it.capacity) + 1);
    let point = this.#random() * weights.reduce((sum, it) => sum + it, 0);
    const index = weights.findIndex((weight) => (point -= weight) < 0);
    return candidates[index < 0 ? candidates.length - 1 : index]!;
  }

  #better(one: Candidate, other: Candidate): Candidate {
    const cost = ({ sink, price }: Candidate) =>
      (price + 1n) * BigInt(Math.ceil(this.#record(sink).latency || UNKNOWN_LATENCY));
    const [a, b] = [cost(one), cost(other)];
    if (a !== b) return a < b ? one : other;
    return one.sink < other.sink ? one : other;
  }

  #shuffled<value>(values: readonly value[]): readonly value[] {
    const keyed = values.map((value) => ({ value, key: this.#random() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
  }

  #record(sink: Address): Record {
    const record = this.#records.get(sink) ?? { latency: 0, failures: 0, pausedUntil: 0 };
    this.#records.set(sink, record);
    return record;
  }

  async #status(service: SinkService): Promise<Candidate | undefined> {
    const known = this.#statuses.get(service.sink);
    if (known && performance.now() - known.at < STATUS_FRESH) return known.candidate;
    const candidate = await this.#ask(service).catch(() => {
      this.failed(service.sink);
      return undefined;
    });
    this.#statuses.set(service.sink, { at: performance.now(), candidate });
    return candidate;
  }

  async #ask(service: SinkService): Promise<Candidate | undefined> {
    const signal = AbortSignal.timeout(STATUS_TIMEOUT);
    const asking = (async () => {
      const answer = await this.#fetch(at(service.uri, STATUS_PATH), { signal, redirect: "error" });
      const text = answer.ok ? await textAtMost(answer.body, STATUS_BYTES) : undefined;
      if (text === undefined) throw new Error("no status");
      return parseStatus(text);
    })();
    const status = await limited(asking, STATUS_TIMEOUT, `the status of ${service.sink}`);
    const own = status.taskTypes.find((it) => it.taskTypeId === this.#taskTypeId.toLowerCase());
    if (status.draining || !own) return undefined;
    return { ...service, price: own.price, capacity: own.capacity, free: own.free };
  }
}
