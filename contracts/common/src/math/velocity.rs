//! How fast money moves: time-weighted balances, and what flowed out of them.

use alloy_primitives::U256;

use super::{mul_div_floor, BPS};

/// A balance summed up over the seconds of an epoch: `weighted` up to `time`, then `balance` until `now`.
///
/// `start`, at most `now`, is when the epoch began; a sum of an earlier one does not count. Exact; saturates.
pub fn weighted_balance(weighted: u128, time: u64, balance: u128, start: u64, now: u64) -> u128 {
    let (weighted, time) = match time < start {
        true => (0, start),
        false => (weighted, time),
    };
    let seconds = u128::from(now.saturating_sub(time));
    weighted.saturating_add(balance.saturating_mul(seconds))
}

/// `floor(outflow · 10 000 / (weighted / seconds))`: what flowed out of an average balance, in basis points of it.
///
/// Zero if there was no balance at any time. Exact; saturates.
pub fn turnover_bps(outflow: u128, weighted: u128, seconds: u64) -> U256 {
    // 128 bits times 64.
    let flowed = U256::from(outflow).wrapping_mul(U256::from(seconds));
    match weighted {
        0 => U256::ZERO,
        _ => mul_div_floor(flowed, U256::from(BPS), U256::from(weighted)).unwrap_or(U256::MAX),
    }
}
