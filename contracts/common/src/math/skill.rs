//! What an agent's throughput, latency and error rate are worth in capacity.

use alloy_primitives::U256;

use super::{capacity::CAPACITY_ONE, words::mul_wide, BPS};

/// The part of a throughput that counts however late and wrong the results are, in basis points.
pub const THROUGHPUT_WEIGHT_BPS: u64 = 5_000;
/// The part that counts the more, the faster they are.
pub const LATENCY_WEIGHT_BPS: u64 = 3_000;
/// The part that counts the more, the fewer of them are wrong.
pub const ERROR_RATE_WEIGHT_BPS: u64 = 2_000;
/// From this latency on, in milliseconds, an agent scores zero for it.
pub const MAX_LATENCY_MS: u64 = 30_000;
/// From this error rate on, all of them, an agent scores zero for it.
pub const MAX_ERROR_RATE_BPS: u64 = 10_000;

/// What a millisecond and a basis point take from one task per epoch, in units of 1e-9.
const PER_MILLISECOND: u64 = CAPACITY_ONE / 10_000 * LATENCY_WEIGHT_BPS / MAX_LATENCY_MS;
const PER_ERROR: u64 = CAPACITY_ONE / 10_000 * ERROR_RATE_WEIGHT_BPS / MAX_ERROR_RATE_BPS;

// The weights are all there is, and the score is exact.
const _: () = {
    let all = BPS as u64;
    assert!(THROUGHPUT_WEIGHT_BPS + LATENCY_WEIGHT_BPS + ERROR_RATE_WEIGHT_BPS == all);
    assert!(PER_MILLISECOND * MAX_LATENCY_MS * all == CAPACITY_ONE * LATENCY_WEIGHT_BPS);
    assert!(PER_ERROR * MAX_ERROR_RATE_BPS * all == CAPACITY_ONE * ERROR_RATE_WEIGHT_BPS);
};

/// The capacity, in units of 1e-9, of an agent that completes `throughput` tasks an epoch within `latency_ms` milliseconds,
/// `error_rate_bps` basis points of them with an error:
///
/// `throughput · (0.5 + 0.3 · (1 − latency / 30 000) + 0.2 · (1 − errors / 10 000))`
///
/// The weighted sum of three throughputs: of all tasks, of those in time, of those without error. One task an epoch at once
/// and without error is one capacity unit. Latencies and error rates beyond their maximum count as that, throughputs beyond
/// 2^64 − 1 likewise, so the result is below 2^94. Exact. Never increasing in latency and errors; zero without throughput.
///
/// Source: SPEC.md §4, OpenClawCapacityAdapter. Latency and errors are no amounts, so they scale the throughput: added to it
/// as points, they would be paid to an agent that does nothing.
pub fn skill_capacity(throughput: U256, latency_ms: U256, error_rate_bps: U256) -> u128 {
    let [throughput, latency, errors] =
        [throughput, latency_ms, error_rate_bps].map(|it| it.saturating_to::<u64>());
    // At most half of it, together.
    let lost = latency
        .min(MAX_LATENCY_MS)
        .wrapping_mul(PER_MILLISECOND)
        .wrapping_add(errors.min(MAX_ERROR_RATE_BPS).wrapping_mul(PER_ERROR));
    let (high, low) = mul_wide(throughput, CAPACITY_ONE.wrapping_sub(lost));
    (high as u128) << 64 | low as u128
}
