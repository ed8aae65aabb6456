//! Shares of a decaying pool, and velocities: against exact arithmetic, and at the edges that calls do not reach.

use alloy_primitives::{uint, U256};
use bpe_common::math::{
    decay::{credited_shares, debited_shares, grown_exponent, index, worth_floor, SHARE_BITS},
    velocity::{turnover_bps, weighted_balance},
    EXP_ONE,
};
use num_bigint::BigUint;
use proptest::prelude::*;

const MOST: U256 = uint!(0xffffffffffffffffffffffffffff_U256);
const ONE: U256 = uint!(1_U256);

fn big(value: U256) -> BigUint {
    BigUint::from_bytes_be(&value.to_be_bytes::<32>())
}

/// Amounts of all sizes, to 2^112 − 1.
fn amount() -> impl Strategy<Value = U256> {
    (any::<u128>(), 16u32..128).prop_map(|(bits, shift)| U256::from(bits >> shift))
}

proptest! {
    #[test]
    fn worth_is_the_floor_of_the_product(amount in amount(), exponent: u64, index_at: u64) {
        let shares = credited_shares(U256::ZERO, amount, index(exponent), amount);
        prop_assert!(shares.bit_len() <= 203);
        let index = index(index_at);
        let exact = (big(shares) * index) >> (SHARE_BITS + 127);
        prop_assert_eq!(big(worth_floor(shares, index)), exact);
    }

    /// What one wei buys is one wei, at any time, and takes less than 2^-64 wei of what is there already.
    #[test]
    fn what_is_bought_is_worth_what_was_paid(amount in amount(), exponent: u64) {
        let index = index(exponent);
        let shares = credited_shares(U256::ZERO, amount, index, amount);
        prop_assert_eq!(worth_floor(shares, index), amount);
        prop_assert_eq!(debited_shares(shares, amount, index), shares);
        // One share fewer would not do.
        if !amount.is_zero() {
            prop_assert!(worth_floor(shares - ONE, index) < amount);
        }
    }

    /// The rule that all can be paid: what shares are worth is never more than what is set aside.
    #[test]
    fn the_pool_is_never_short(
        total in any::<[u64; 4]>(), shift in 54u32..256, paid in amount(), part in amount(), exponent: u64, later: u64,
    ) {
        let now = index(exponent);
        let total = U256::from_limbs(total) >> shift as usize;
        // As little room as can be.
        let room = worth_floor(total, now);
        let shares = credited_shares(total, paid, now, room + paid);
        prop_assert!(worth_floor(total + shares, now) <= room + paid);
        prop_assert!(worth_floor(shares, now) + ONE >= paid);

        let then = index(exponent.max(later));
        prop_assert!(worth_floor(total, then) <= room);
        let taken = part.min(worth_floor(total, then));
        let gone = debited_shares(total, taken, then);
        prop_assert!(gone <= total);
        prop_assert!(worth_floor(total - gone, then) <= worth_floor(total, then) - taken);
        if taken.is_zero() {
            prop_assert_eq!(gone, U256::ZERO);
        }
    }

    #[test]
    fn the_exponent_adds_up(exponent: u64, rate in 0..=7_000_000_000u64, seconds in 0..1u64 << 40) {
        let exact = u128::from(exponent) + u128::from(rate) * u128::from(seconds);
        let grown = grown_exponent(exponent, rate, seconds);
        prop_assert_eq!(u128::from(grown), exact.min(u128::from(u64::MAX)));
        prop_assert!(index(grown) <= index(exponent) && index(grown) > 0);
    }

    #[test]
    fn turnover_is_the_floor_of_the_ratio(outflow: u128, weighted: u128, seconds: u64) {
        let exact = match weighted {
            0 => BigUint::ZERO,
            _ => BigUint::from(outflow) * seconds * 10_000u32 / weighted,
        };
        let most = big(U256::MAX);
        prop_assert_eq!(big(turnover_bps(outflow, weighted, seconds)), exact.min(most));
    }
}

/// Where all shares together are within a fraction of a share of a whole wei, a credit that rounds up would make a wei.
/// Such a total is found by inverting the index, which has to be odd.
#[test]
fn a_credit_does_not_make_a_wei() {
    let mut exponent = 1_000_000_000_000_000;
    while index(exponent) & 1 == 0 {
        exponent += 1;
    }
    let odd = U256::from(index(exponent));
    let modulus = 191usize;
    let mask = (ONE << modulus) - ONE;
    // By Newton's iteration: each step doubles the bits that are right.
    let mut inverse = ONE;
    for _ in 0..8 {
        inverse =
            inverse.wrapping_mul(U256::from(2).wrapping_sub(odd.wrapping_mul(inverse))) & mask;
    }
    // total · index ≡ −1
    let total = (ONE << modulus).wrapping_sub(inverse) & mask;
    assert_eq!(total.wrapping_mul(odd) & mask, mask);
    let index = index(exponent);
    let room = worth_floor(total, index);
    let paid = U256::from(1_000_000);
    let generous = credited_shares(U256::ZERO, paid, index, paid);
    assert_eq!(worth_floor(total + generous, index), room + paid + ONE);
    let shares = credited_shares(total, paid, index, room + paid);
    assert_eq!(shares, generous - ONE);
    assert_eq!(worth_floor(total + shares, index), room + paid);
}

#[test]
fn decay_at_the_edges() {
    assert_eq!(index(0), EXP_ONE);
    assert_eq!(credited_shares(U256::ZERO, ONE, EXP_ONE, ONE), ONE << 64);
    let last = index(u64::MAX);
    let shares = credited_shares(U256::ZERO, MOST, last, MOST);
    assert_eq!(shares.bit_len(), 203);
    assert_eq!(worth_floor(shares, last), MOST);
    assert_eq!(worth_floor(ONE, EXP_ONE), U256::ZERO);
    assert_eq!(debited_shares(ONE, U256::ZERO, EXP_ONE), U256::ZERO);
}

#[test]
fn balances_are_weighed_from_the_epochs_beginning() {
    // Within the epoch: 50 so far, then 3 for 7 seconds.
    assert_eq!(weighted_balance(50, 110, 3, 100, 117), 71);
    // Of an earlier one nothing counts but the balance, all the time.
    assert_eq!(weighted_balance(50, 99, 3, 100, 117), 51);
    assert_eq!(weighted_balance(50, 100, 3, 100, 100), 50);
    assert_eq!(weighted_balance(1, 100, u128::MAX, 100, 102), u128::MAX);
    assert_eq!(turnover_bps(50, 0, 10), U256::ZERO);
    assert_eq!(turnover_bps(50, 1_000, 10), U256::from(5_000));
}
