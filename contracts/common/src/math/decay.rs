//! How a pool of tokens decays: shares of it, and what a share is worth.
//!
//! A decaying balance is a number of shares, and all shares are worth the same at any time: `index = e^(−Λ)` times
//! 2^-[`SHARE_BITS`] of a token's smallest unit ("wei"), where the exponent `Λ = Σ rate · seconds` is exact in integers. So
//! nothing has to be done for a balance to decay, and doing something does not change how it does.
//!
//! What the pool keeps is `worth(all shares) ≤ room`, `room` being the wei that are set aside for them. As
//! `Σ ⌊xᵢ⌋ ≤ ⌊Σ xᵢ⌋`, every holder can then be paid, in every order: [`credited_shares`] and [`debited_shares`] both keep
//! that, and the worth of what is there never grows.

use alloy_primitives::{uint, U256};

use super::{exp_neg_down, mul_div_ceil, mul_div_floor};

/// A share is 2^-64 wei at first: what rounds to shares is far below what anybody can see.
pub const SHARE_BITS: u32 = 64;

/// What a share is divided by, after it has been multiplied by the index: `2^SHARE_BITS · EXP_ONE`.
const SHARE_ONE: U256 = uint!(0x800000000000000000000000000000000000000000000000_U256);

const _: () = assert!(SHARE_ONE.as_limbs()[2] as u128 == super::EXP_ONE >> SHARE_BITS);

/// Λ, with 18 decimals, after so many more seconds at `rate` per second, with 18 decimals.
///
/// Exact up to 2^64 − 1, that is 18.4, where it stays: the index is 9.7e-9 then, after 83 years at the highest rate (7e9) and
/// 368 at five per cent a year, and nothing decays any more.
pub fn grown_exponent(exponent: u64, rate: u64, seconds: u64) -> u64 {
    let growth = u128::from(rate).saturating_mul(u128::from(seconds));
    u64::try_from(u128::from(exponent).saturating_add(growth)).unwrap_or(u64::MAX)
}

/// The index `e^(−Λ)`, rounded down, with 127 fractional bits: [`super::EXP_ONE`] is 1. Never zero, never increasing.
///
/// Of a relative error below 2e-36 for Λ ≤ 2.3, which is ten years at the highest rate, and below 1e-30 throughout: see
/// [`exp_neg_down`].
pub fn index(exponent: u64) -> u128 {
    exp_neg_down(u128::from(exponent))
}

/// What `shares` (below 2^208) are worth in wei. Rounded down.
pub fn worth_floor(shares: U256, index: u128) -> U256 {
    // Fits: below 2^208 · 2^127 / 2^191.
    mul_div_floor(shares, U256::from(index), SHARE_ONE).unwrap_or(U256::MAX)
}

/// The fewest shares that are worth `amount` wei (below 2^112). Below 2^203.
fn shares_ceil(amount: U256, index: u128) -> U256 {
    mul_div_ceil(amount, SHARE_ONE, U256::from(index)).unwrap_or(U256::MAX)
}

/// The shares that pay for `amount` wei out of a holder's `shares`, which are worth at least that. Rounded up; all of them
/// if that is all they are worth, so that no fraction of a wei stays behind; none for nothing.
pub fn debited_shares(shares: U256, amount: U256, index: u128) -> U256 {
    match worth_floor(shares, index) == amount && !amount.is_zero() {
        true => shares,
        false => shares_ceil(amount, index).min(shares),
    }
}

/// The shares that `amount` wei buy, where there are `total` and all of them together, the new ones included, may be worth
/// `room`. The wei are in `room` already.
///
/// As many as are worth the amount, rounded up, so that who pays in a wei has a wei. Should `total` be so close below a
/// whole wei that the fraction of a share by which that rounds makes it one more than there is, they are rounded down: in the
/// worst case the holder, never the pool, is short of a wei.
pub fn credited_shares(total: U256, amount: U256, index: u128, room: U256) -> U256 {
    let shares = shares_ceil(amount, index);
    match worth_floor(total.saturating_add(shares), index) <= room {
        true => shares,
        false => shares.saturating_sub(U256::from(1)),
    }
}
