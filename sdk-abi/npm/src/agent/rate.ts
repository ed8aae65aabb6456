/** How fast a source streams: as much as it spends, with some minutes' worth in reserve. */

/** What a source may stream, in wei per second, and what it keeps in reserve. */
export interface RateSettings {
  /** The least that flows at all; below it the stream is closed. */
  readonly least: bigint;
  /** The most that it may stream: a limit of spending. */
  readonly most: bigint;
  /** Seconds of spending that its unspent is kept at. */
  readonly reserveSeconds: bigint;
}

/** What a source knows when it decides. */
export interface RateInputs {
  /** What it streams, in wei per second. */
  readonly rate: bigint;
  /** What it spends, in wei per second. */
  readonly spending: bigint;
  /** What it has not spent, in wei. */
  readonly unspent: bigint;
  /** Wei that sinks ask for at the moment, and its unspent does not cover. */
  readonly missing: bigint;
  /** Escrow pressure of the task type: 1e18 is full. */
  readonly pressure: bigint;
}

/** Pressure from which on a source slows down. */
const PRESSED = 900_000_000_000_000_000n;
/** Somebody waits for what is missing: it should be there within so many seconds. */
const URGENT_SECONDS = 5n;
/** What a rate rises by at most in one decision: a part of the most. */
const RISE = 8n;

const least = (a: bigint, b: bigint) => (a < b ? a : b);
const most = (a: bigint, b: bigint) => (a > b ? a : b);

/**
 * The rate from now on, in wei per second; 0 is none. Additive increase towards what keeps the reserve, a half under
 * pressure, and never above the limit.
 */
export function nextRate(settings: RateSettings, inputs: RateInputs): bigint {
  if (inputs.pressure >= PRESSED) return floored(settings, inputs.rate / 2n);
  const seconds = most(settings.reserveSeconds, 1n);
  const target = inputs.spending * seconds;
  const refilled =
    inputs.unspent <= target
      ? inputs.spending + (target - inputs.unspent + seconds - 1n) / seconds
      : most(0n, inputs.spending - (inputs.unspent - target) / seconds);
  const wanted = refilled + (inputs.missing + URGENT_SECONDS - 1n) / URGENT_SECONDS;
  const rise = most(settings.most / RISE, 1n);
  return floored(settings, least(least(wanted, inputs.rate + rise), settings.most));
}

/** What a stream that is worth opening has at least. */
function floored(settings: RateSettings, rate: bigint): bigint {
  if (rate === 0n || rate >= settings.least) return rate;
  return settings.least <= settings.most ? settings.least : 0n;
}

/** Whether a change of rate is worth a transaction: opening, closing, or a tenth and more. */
export function worthChanging(from: bigint, to: bigint): boolean {
  if (from === 0n || to === 0n) return from !== to;
  return (to > from ? to - from : from - to) * 10n >= from;
}

/** Seconds that a balance lasts at a rate; nothing for ever. */
export const runway = (balance: bigint, rate: bigint): bigint | undefined => (rate > 0n ? balance / rate : undefined);
