//! How streams split, against exact arithmetic.

use alloy_primitives::U256;
use bpe_common::math::{
    split::{
        carve_outs, pool_units, scale, share_units, units_capacity, CarveOuts, Cuts,
        MAX_SINK_UNITS, MAX_TOTAL_UNITS, UNIT_SCALE,
    },
    BPS,
};
use num_bigint::BigUint;
use proptest::prelude::*;

fn big(value: u128) -> BigUint {
    BigUint::from(value)
}

/// `a · b / d`, rounded down, and not above what fits.
fn exact(a: u128, b: u128, d: u128) -> u128 {
    u128::try_from(big(a) * b / d).unwrap_or(u128::MAX)
}

/// Of every length.
fn number(bits: u32) -> impl Strategy<Value = u128> {
    (any::<u128>(), 128 - bits..128).prop_map(|(value, shift)| value >> shift)
}

fn cuts() -> impl Strategy<Value = Cuts> {
    (0u16..=1_000, 0u16..=8_999).prop_map(|(fee_bps, budget_bps)| Cuts {
        fee_bps,
        budget_bps,
    })
}

/// Units of all members together at most: sinks get a thousandth at least.
fn most(sinks: u128) -> u128 {
    (1_000 * sinks).min(MAX_TOTAL_UNITS)
}

fn total(sinks: u128, units: CarveOuts) -> u128 {
    sinks + units.fee + units.budget + units.overflow
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scale_rounds_down(a: u128, b: u128, d in 1u128..) {
        prop_assert_eq!(scale(a, b, d), exact(a, b, d));
        prop_assert_eq!(scale(a, b, 0), 0);
    }

    #[test]
    fn pool_units_are_exact(capacity in number(64), anchor in number(64)) {
        let expected = match anchor {
            0 => 0,
            _ => exact(capacity, u128::from(UNIT_SCALE), anchor).min(u64::MAX.into()),
        };
        prop_assert_eq!(pool_units(capacity, anchor), expected);
    }

    #[test]
    fn pool_units_of_long_numbers_are_near(capacity in number(104), anchor in number(104)) {
        prop_assume!(anchor > 0);
        let (units, expected) = (
            pool_units(capacity, anchor),
            exact(capacity, u128::from(UNIT_SCALE), anchor),
        );
        match expected < 1 << 40 {
            true => prop_assert!(units.abs_diff(expected) <= 1 + (expected >> 50)),
            // More than all sinks may have, in any case.
            false => prop_assert!(units > MAX_SINK_UNITS),
        }
    }

    /// Of a full rebalance: all units together are [`UNIT_SCALE`], but for less than one for each sink.
    #[test]
    fn units_sum_to_the_scale(capacities in prop::collection::vec(number(80), 1..50)) {
        let anchor: u128 = capacities.iter().sum();
        prop_assume!(anchor > 0);
        let sum: u128 = capacities.iter().map(|capacity| pool_units(*capacity, anchor)).sum();
        let scale = u128::from(UNIT_SCALE);
        prop_assert!(sum <= scale && sum + capacities.len() as u128 > scale);
    }

    #[test]
    fn more_capacity_is_never_less_units(a in number(98), b in number(98), anchor in number(98)) {
        let (less, more) = (a.min(b), a.max(b));
        prop_assert!(pool_units(less, anchor) <= pool_units(more, anchor));
    }

    /// Units stand for the capacity that they were given for, less what one unit is worth.
    #[test]
    fn units_give_capacity_back(capacity in number(64), anchor in number(64)) {
        prop_assume!(anchor > 0 && capacity <= 4 * anchor);
        let back = units_capacity(pool_units(capacity, anchor), anchor);
        prop_assert!(back <= capacity);
        prop_assert!(capacity - back <= anchor / u128::from(UNIT_SCALE) + 1);
    }

    #[test]
    fn shares_are_mixed(
        shares in prop::collection::vec(number(100), 1..40),
        rate in 0u16..=2_000,
    ) {
        let sum: u128 = shares.iter().sum();
        prop_assume!(sum > 0);
        let count = shares.len() as u128;
        let bps = u128::from(BPS);
        let mut units_sum = 0;
        for share in &shares {
            let [a, b] = [*share, sum].map(U256::from);
            let units = share_units(a, b, rate, count as u64);
            // (1 − ε)·share/sum + ε/count, in one fraction.
            let (rate, scale) = (u128::from(rate), u128::from(UNIT_SCALE));
            let mixed = big(*share) * (bps - rate) * count + big(sum) * rate;
            let right = u128::try_from(mixed * scale / (big(sum) * count * bps)).unwrap();
            let least = u128::from(*share > 0);
            // Of long sums the lowest bits are left out.
            let above = u128::from(sum >> 64 > 0);
            prop_assert!(units <= right.max(least) + above, "{units} for {right}");
            prop_assert!(units + 2 >= right, "{units} for {right}");
            prop_assert!(units >= least);
            units_sum += units;
        }
        let scale = u128::from(UNIT_SCALE);
        prop_assert!(units_sum <= scale + count && units_sum + 3 * count >= scale);
    }

    #[test]
    fn share_units_of_anything_do_not_fail(share: [u64; 4], sum: [u64; 4], rate: u16, count: u64) {
        let [share, sum] = [share, sum].map(U256::from_limbs);
        let units = share_units(share, sum, rate, count);
        prop_assert!(share.is_zero() || units > 0);
    }

    #[test]
    fn what_is_left_rounds_down(flow in number(96), cuts in cuts()) {
        let bps = u128::from(BPS);
        let cut = u128::from(cuts.fee_bps) + u128::from(cuts.budget_bps);
        prop_assert_eq!(cuts.left(flow), exact(flow, bps - cut, bps));
    }

    /// Streams within what the sinks may get: fee and budget are their parts of the total, rounded down.
    #[test]
    fn cuts_are_exact_without_overflow(
        sinks in 0..=MAX_SINK_UNITS, cuts in cuts(), flow in number(95),
    ) {
        let left = 10_000 - u128::from(cuts.fee_bps) - u128::from(cuts.budget_bps);
        prop_assume!(exact(sinks, 10_000, left) <= most(sinks));
        let units = carve_outs(sinks, cuts, flow, cuts.left(flow));
        prop_assert_eq!(units.overflow, 1);
        let bps = u128::from(BPS);
        let (fee, budget) = (u128::from(cuts.fee_bps), u128::from(cuts.budget_bps));
        let whole = exact(sinks, bps, bps - fee - budget);
        prop_assert_eq!((units.fee, units.budget), (whole * fee / bps, whole * budget / bps));
        // Roundings cost the recipients at most a unit each, the sinks nothing.
        let total = total(sinks, units) - 1;
        prop_assert!(total <= whole && total + 2 > whole);
        prop_assert!(sinks * bps >= total * (bps - fee - budget));
    }

    /// Streams above it: sinks get it, fee and budget are still their parts, and the rest overflows.
    #[test]
    fn sinks_get_what_they_may(
        sinks in 1..=MAX_SINK_UNITS, cuts in cuts(), flow in number(95), part in 1u32..1_000_000,
    ) {
        let pay = exact(cuts.left(flow), part.into(), 1_000_000);
        prop_assume!(pay < cuts.left(flow) && pay > 17 * sinks);
        prop_assume!(exact(sinks, flow, pay) < most(sinks));
        let units = carve_outs(sinks, cuts, flow, pay);
        let total = total(sinks, units);
        // Never more than they may, and one unit of the total less would be more.
        prop_assert!(big(flow) * sinks <= big(pay) * total);
        prop_assert!(big(flow) * sinks > big(pay) * (total - 1));
        let bps = u128::from(BPS);
        prop_assert_eq!(units.fee, total * u128::from(cuts.fee_bps) / bps);
        prop_assert_eq!(units.budget, total * u128::from(cuts.budget_bps) / bps);
    }

    /// However little the sinks may get, little more than that reaches them, and little rounds off: a sixteenth at most,
    /// or the square root of `sinks / flow`, times 2.
    #[test]
    fn little_is_paid_and_little_rounds_off(
        sinks in 1..=MAX_SINK_UNITS, cuts in cuts(), scale in 5u32..60, pay in number(95),
    ) {
        let flow = sinks << scale;
        let pay = pay.min(cuts.left(flow).saturating_sub(1));
        let all = total(sinks, carve_outs(sinks, cuts, flow, pay));
        prop_assert!(all <= flow / 16 || big(all) * all <= big(4) * sinks * flow, "rounds off");
        let nothing = total(sinks, carve_outs(sinks, cuts, flow, 0));
        let bound = nothing >= most(sinks);
        prop_assert!(bound || big(4) * nothing * nothing >= big(sinks) * flow, "reaches the sinks");
        let little = nothing <= flow / 16;
        prop_assert!(little || big(nothing) * nothing <= big(4) * sinks * flow, "rounds off of nothing");
    }

    /// Whatever is asked: no more units than there may be, but the escrow's one, and a thousandth for the sinks.
    #[test]
    fn carve_outs_keep_their_bounds(
        sinks in 1..=MAX_SINK_UNITS, cuts in cuts(), flow in number(95), pay in number(95),
    ) {
        let total = total(sinks, carve_outs(sinks, cuts, flow, pay));
        prop_assert!(total <= most(sinks) + 1);
    }

    #[test]
    fn carve_outs_of_anything_do_not_fail(
        sinks: u128, fee_bps: u16, budget_bps: u16, flow: u128, pay: u128,
    ) {
        carve_outs(sinks, Cuts { fee_bps, budget_bps }, flow, pay);
    }
}

#[test]
fn figures() {
    let cuts = Cuts {
        fee_bps: 10,
        budget_bps: 500,
    };
    let units = |fee, budget, overflow| CarveOuts {
        fee,
        budget,
        overflow,
    };
    assert_eq!(
        carve_outs(1_000_000_000, cuts, 0, 0),
        units(1_053_740, 52_687_038, 1)
    );
    assert_eq!(
        carve_outs(1_000_000_000, cuts, 1_000_000_000_000, 400_000_000_000),
        units(2_500_000, 125_000_000, 1_372_500_000)
    );
    // For nothing, 2^5 times the sinks' units: of a stream of 2^10 times as many wei.
    assert_eq!(
        carve_outs(1_000_000_000, cuts, 1_000_000_000_000, 0),
        units(32_000_000, 1_600_000_000, 29_368_000_000)
    );
    assert_eq!(carve_outs(0, cuts, 10_000, 0), units(0, 0, 1));
    assert_eq!(
        carve_outs(7, Cuts::default(), 10_000, 10_000),
        units(0, 0, 1)
    );
    assert_eq!(pool_units(1, 3), 333_333_333);
    assert_eq!(pool_units(5, 0), 0);
    assert_eq!(pool_units(u128::MAX, 1), u64::MAX.into());
    assert_eq!(
        share_units(U256::from(1), U256::from(4), 500, 2),
        262_500_000
    );
    assert_eq!(share_units(U256::from(1), U256::MAX, 0, 2), 1);
    assert_eq!(share_units(U256::ZERO, U256::MAX, 0, 2), 0);
}
