use alloy_primitives::{uint, U256};

use super::{isqrt, mul_div_ceil, mul_div_floor, words::div_small};

/// One capacity unit: capacities are fixed point with 9 decimals.
pub const CAPACITY_ONE: u64 = 1_000_000_000;

const ONE_SQUARED: U256 = uint!(1_000_000_000_000_000_000_U256);
const ONE: U256 = uint!(1_000_000_000_U256);
const MAX_CAPACITY: U256 = U256::from_limbs([u64::MAX, u64::MAX, 0, 0]);

/// The concave cap: `floor(√(stake / stake_unit))` in units of 1e-9, that is `isqrt(stake · 1e18 / stake_unit)`.
///
/// `stake` and `stake_unit` are in the stake token's wei; one `stake_unit` backs one capacity unit, `n²` of them `n`.
/// Rounded down twice, which together is still the floor of the real square root. The result fits 128 bits: where
/// `stake · 1e18 / stake_unit` exceeds 256 bits it saturates at 2^128 − 1, below the true value. A zero
/// `stake_unit`, which a constructor must refuse, gives no capacity.
///
/// Source: SPEC.md §1. Concavity has a price: splitting S over n identities gives √n times the capacity, so the
/// minimum stake alone bounds the gain, by √(S / minimum).
pub fn capacity_cap_sqrt(stake: U256, stake_unit: U256) -> U256 {
    if stake_unit.is_zero() {
        return U256::ZERO;
    }
    isqrt(mul_div_floor(stake, ONE_SQUARED, stake_unit).unwrap_or(U256::MAX))
}

/// The affine cap: `floor((stake − min_stake) · 1e9 / stake_unit)`, zero up to `min_stake`.
///
/// `stake`, `min_stake` and `stake_unit` are in the stake token's wei. The result fits 128 bits: it saturates at
/// 2^128 − 1. A zero `stake_unit`, which a constructor must refuse, gives no capacity.
///
/// Source: SPEC.md §2. Each identity forfeits `min_stake`, so S over n identities loses `(n − 1) · min_stake` worth of
/// capacity: splitting never gains, and is a strict loss over identities of at least `min_stake` each, wherever
/// `min_stake · 1e9 ≥ stake_unit`.
pub fn capacity_cap_affine(stake: U256, min_stake: U256, stake_unit: U256) -> U256 {
    let Some(surplus) = stake.checked_sub(min_stake) else {
        return U256::ZERO;
    };
    if stake_unit.is_zero() {
        return U256::ZERO;
    }
    mul_div_floor(surplus, ONE, stake_unit).map_or(MAX_CAPACITY, |cap| cap.min(MAX_CAPACITY))
}

/// The least stake whose [`capacity_cap_sqrt`] is at least `capacity`: `ceil(capacity² · stake_unit / 1e18)`.
///
/// `capacity` is in units of 1e-9, `stake_unit` and the result in the stake token's wei. Exact. `U256::MAX` where no
/// stake suffices: a capacity of 2^128 or more, a zero `stake_unit`, or a stake over 256 bits.
pub fn stake_for_capacity_sqrt(capacity: U256, stake_unit: U256) -> U256 {
    if capacity.is_zero() {
        return U256::ZERO;
    }
    if stake_unit.is_zero() || capacity > MAX_CAPACITY {
        return U256::MAX;
    }
    // The square fits: the capacity has 128 bits.
    let square = capacity.wrapping_mul(capacity);
    mul_div_ceil(square, stake_unit, ONE_SQUARED).unwrap_or(U256::MAX)
}

/// The least stake whose [`capacity_cap_affine`] is at least `capacity`:
/// `min_stake + ceil(capacity · stake_unit / 1e9)`, and none for no capacity.
///
/// `capacity` is in units of 1e-9, the stakes in the stake token's wei. Exact. `U256::MAX` where no stake suffices: a
/// capacity of 2^128 or more, a zero `stake_unit`, or a stake over 256 bits.
pub fn stake_for_capacity_affine(capacity: U256, min_stake: U256, stake_unit: U256) -> U256 {
    if capacity.is_zero() {
        return U256::ZERO;
    }
    if stake_unit.is_zero() || capacity > MAX_CAPACITY {
        return U256::MAX;
    }
    mul_div_ceil(capacity, stake_unit, ONE)
        .map_or(U256::MAX, |stake| stake.saturating_add(min_stake))
}

/// The exponentially weighted moving average `floor((3000 · raw + 7000 · previous) / 10 000)`.
///
/// Both are capacities (1e-9 units); `raw` is already clipped to the cap. Exact, total, cannot overflow, and lies
/// between its arguments. A constant `raw` is reached from above, but from below only up to 3 · 1e-9 units, as a gain of
/// less than one is floored away.
///
/// Source: SPEC.md §1, α = 0.3; the common factor 1000 is cancelled.
pub fn ewma(raw: u128, previous: u128) -> u128 {
    // Below 2^60 the sum stays below 10 · 2^60 < 2^64.
    if (raw | previous) >> 60 == 0 {
        return ((raw as u64)
            .wrapping_mul(3)
            .wrapping_add((previous as u64).wrapping_mul(7))
            / 10) as u128;
    }
    // With raw = 10a + b and previous = 10c + d the average is 3a + 7c + floor((3b + 7d) / 10). The sum, which
    // only grows on the way, is at most the larger argument.
    let (a, c) = (div_small(raw, 10), div_small(previous, 10));
    let (b, d) = (last_digit(raw, a), last_digit(previous, c));
    let digits = b.wrapping_mul(3).wrapping_add(d.wrapping_mul(7)) / 10;
    a.wrapping_mul(3)
        .wrapping_add(c.wrapping_mul(7))
        .wrapping_add(digits as u128)
}

/// `value − 10 · tenth`, below 10: its low 64 bits are all of it.
fn last_digit(value: u128, tenth: u128) -> u64 {
    (value as u64).wrapping_sub((tenth as u64).wrapping_mul(10))
}
