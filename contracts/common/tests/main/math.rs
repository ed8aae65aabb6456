//! `bpe_common::math` against arbitrary-precision integers.
//!
//! 256 cases per property; `PROPTEST_CASES=10000` runs ten thousand.

use alloy_primitives::{uint, U256};
use bpe_common::math::{
    bps_of_ceil, bps_of_floor, capacity_cap_affine, capacity_cap_sqrt, ewma,
    exp::{INVERSE_WAD_Q187, LN2_WAD_CEIL, LN2_WAD_EXCESS_Q136},
    exp_neg_down, isqrt, mul_div_ceil, mul_div_floor,
    pricing::{
        congestion_price, lower_by_eighth, queue_multiplier, raise_by_eighth, relay_multiplier,
        utilization, ESCROW_SENSITIVITY, MAX_UTILIZATION,
    },
    skill::{skill_capacity, MAX_ERROR_RATE_BPS, MAX_LATENCY_MS},
    stake_for_capacity_affine, stake_for_capacity_sqrt, to_u128, to_u128_saturating, BPS,
    CAPACITY_ONE, EXP_ONE,
};
use num_bigint::BigUint;
use proptest::prelude::*;

const MAX: U256 = U256::MAX;
const ONE: U256 = U256::ONE;
const ZERO: U256 = U256::ZERO;
const U128_MAX: U256 = uint!(0xffffffffffffffffffffffffffffffff_U256);
const TOKEN: U256 = uint!(1_000_000_000_000_000_000_U256);
const WAD: u128 = 1_000_000_000_000_000_000;

fn big(value: U256) -> BigUint {
    BigUint::from_bytes_le(value.as_le_slice())
}

/// The number as 256 bits, if it fits.
fn fit(value: &BigUint) -> Option<U256> {
    U256::try_from_le_slice(&value.to_bytes_le())
}

fn pow10(exponent: u32) -> BigUint {
    BigUint::from(10u8).pow(exponent)
}

fn ceil_div(a: BigUint, b: &BigUint) -> BigUint {
    (a + b - 1u8) / b
}

/// Numbers of every length, full of zeros, ones and lone bits: where long division goes wrong.
fn wide() -> impl Strategy<Value = U256> {
    let word = prop_oneof![
        4 => any::<u64>(),
        1 => any::<u32>().prop_map(|low| u64::MAX - low as u64),
        1 => Just(0),
        1 => Just(u64::MAX),
        1 => Just(1 << 63),
        1 => Just(1),
    ];
    let words = proptest::array::uniform4(word).prop_map(U256::from_limbs);
    prop_oneof![
        8 => (words, 0usize..256).prop_map(|(value, shift)| value >> shift),
        2 => any::<u64>().prop_map(U256::from),
        1 => (0usize..256).prop_map(|bit| ONE << bit),
        1 => (0usize..256).prop_map(|bit| MAX >> bit),
        1 => Just(ZERO),
    ]
}

fn up_to_u128() -> impl Strategy<Value = u128> {
    wide().prop_map(|value| to_u128_saturating(value & U128_MAX))
}

// --- Square root ---

proptest! {
    #[test]
    fn isqrt_is_the_floor_of_the_root(n in wide()) {
        prop_assert_eq!(big(isqrt(n)), big(n).sqrt());
    }

    #[test]
    fn isqrt_steps_exactly_at_squares(root in up_to_u128()) {
        let root = U256::from(root.max(1));
        let square = root * root;
        prop_assert_eq!(isqrt(square), root);
        prop_assert_eq!(isqrt(square - ONE), root - ONE);
        prop_assert_eq!(isqrt(square + root + root), root);
    }
}

#[test]
fn isqrt_at_the_edges() {
    for n in 0..70_000u64 {
        assert_eq!(isqrt(U256::from(n)), U256::from(n.isqrt()), "{n}");
    }
    assert_eq!(isqrt(MAX), U128_MAX);
    // Roots of 2^(2k) − 1 and its neighbours: every candidate that is a power of two too high.
    for bits in 1..128 {
        let root = ONE << bits;
        assert_eq!(isqrt(root * root - ONE), root - ONE, "{bits}");
        assert_eq!(isqrt(root * root), root, "{bits}");
        assert_eq!(isqrt(root * root + ONE), root, "{bits}");
    }
}

// --- Ratios ---

proptest! {
    #[test]
    fn mul_div_is_exact(a in wide(), b in wide(), d in wide()) {
        let product = big(a) * big(b);
        if d.is_zero() {
            prop_assert_eq!(mul_div_floor(a, b, d), None);
            prop_assert_eq!(mul_div_ceil(a, b, d), None);
        } else {
            prop_assert_eq!(mul_div_floor(a, b, d), fit(&(&product / big(d))));
            prop_assert_eq!(mul_div_ceil(a, b, d), fit(&ceil_div(product, &big(d))));
        }
    }

    /// Products that are a multiple of the divisor, or one divisor word away from it: exactness and its loss.
    #[test]
    fn mul_div_around_multiples(quotient in wide(), d in wide(), b in wide()) {
        let d = d.max(ONE);
        // a = quotient · d with b = 1, in both orders.
        if let Some(a) = quotient.checked_mul(d) {
            for (x, y) in [(a, ONE), (ONE, a)] {
                prop_assert_eq!(mul_div_floor(x, y, d), Some(quotient));
                prop_assert_eq!(mul_div_ceil(x, y, d), Some(quotient));
            }
            if let Some(below) = a.checked_sub(ONE) {
                let above = if d == ONE { quotient - ONE } else { quotient };
                prop_assert_eq!(mul_div_ceil(below, ONE, d), Some(above));
                prop_assert_eq!(mul_div_floor(below, ONE, d), Some(quotient - ONE));
            }
        }
        // The divisor cancels: the full 512 bits in between.
        prop_assert_eq!(mul_div_floor(b, d, d), Some(b));
        prop_assert_eq!(mul_div_ceil(d, b, d), Some(b));
    }

    /// Quotients around the largest 256-bit number, where the result stops to exist.
    #[test]
    fn mul_div_overflows_exactly_past_256_bits(a in wide(), d in wide()) {
        let (a, d) = (a.max(ONE), d.max(ONE));
        // The least b whose a · b / d no longer fits, and the one below it.
        let limit = ceil_div((big(MAX) + 1u8) * big(d), &big(a));
        if let Some(b) = fit(&limit) {
            prop_assert_eq!(mul_div_floor(a, b, d), None);
            prop_assert_eq!(mul_div_ceil(a, b, d), None);
            prop_assert_eq!(mul_div_floor(a, b - ONE, d), fit(&(big(a) * big(b - ONE) / big(d))));
            prop_assert!(mul_div_floor(a, b - ONE, d).is_some());
        }
    }

    #[test]
    fn bps_round_as_they_say(amount in wide(), bps in prop_oneof![0..=BPS, any::<u16>()]) {
        let product = big(amount) * bps;
        let (floor, ceil) = (&product / BPS, ceil_div(product, &BPS.into()));
        prop_assert_eq!(bps_of_floor(amount, bps), fit(&floor).unwrap_or(MAX));
        prop_assert_eq!(bps_of_ceil(amount, bps), fit(&ceil).unwrap_or(MAX));
        if bps <= BPS {
            prop_assert!(bps_of_ceil(amount, bps) <= amount);
            // A part and the rest make the whole.
            prop_assert_eq!(bps_of_floor(amount, bps) + bps_of_ceil(amount, BPS - bps), amount);
        }
    }

    #[test]
    fn u128_conversions_keep_the_value_or_say_so(value in wide()) {
        let expected = u128::try_from(big(value)).ok();
        prop_assert_eq!(to_u128(value), expected);
        prop_assert_eq!(to_u128_saturating(value), expected.unwrap_or(u128::MAX));
    }
}

#[test]
fn mul_div_at_the_edges() {
    assert_eq!(mul_div_floor(MAX, MAX, MAX), Some(MAX));
    assert_eq!(mul_div_ceil(MAX, MAX, MAX), Some(MAX));
    assert_eq!(mul_div_floor(MAX, MAX, MAX - ONE), None);
    assert_eq!(mul_div_floor(ZERO, ZERO, ZERO), None);
    assert_eq!(mul_div_ceil(ZERO, MAX, ONE), Some(ZERO));
    // Floor fits, ceiling does not: (2^256 − 1)(2^256 − 2) + … just below 2^256 · d.
    let (a, b, d) = (MAX, MAX - ONE, MAX - ONE);
    assert_eq!(mul_div_floor(a, b, d), Some(MAX));
    let (a, b, d) = (ONE << 255, MAX, (ONE << 255) - ONE);
    assert_eq!(mul_div_floor(a, b, d), None);
    // 3 · (2^256 − 1) / 3 and a third above it.
    assert_eq!(mul_div_ceil(MAX, U256::from(3), U256::from(3)), Some(MAX));
    // x · y / d = MAX + 1/2: x · y = (2·MAX + 1) · 1 with d = 2. 2^257 − 1 = 535006138814359 · …
    let x = uint!(535006138814359_U256);
    let y = ((BigUint::from(1u8) << 257u32) - 1u8) / big(x);
    assert_eq!(&y * big(x), (BigUint::from(1u8) << 257u32) - 1u8);
    let y = fit(&y).unwrap();
    assert_eq!(mul_div_floor(x, y, U256::from(2)), Some(MAX));
    assert_eq!(mul_div_ceil(x, y, U256::from(2)), None);
    // The estimated word is the largest there is, and two too large.
    for (a, b, d) in [
        (
            U256::from_limbs([0, 0, 0, 1 << 63]),
            U256::from_limbs([0, 1, 0, 0]),
            U256::from_limbs([1, 0, 0, 1 << 63]),
        ),
        (
            U256::from_limbs([3, 0, u64::MAX, 1 << 63]),
            U256::from_limbs([0, 0, 1, 0]),
            U256::from_limbs([u64::MAX, u64::MAX, 0, 1 << 63]),
        ),
    ] {
        assert_eq!(
            mul_div_floor(a, b, d),
            fit(&(big(a) * big(b) / big(d))),
            "{a} {b} {d}"
        );
    }
}

#[test]
fn bps_examples() {
    assert_eq!(BPS, 10_000);
    let amount = U256::from(12_345);
    assert_eq!(bps_of_floor(amount, 10), U256::from(12));
    assert_eq!(bps_of_ceil(amount, 10), U256::from(13));
    assert_eq!(bps_of_floor(amount, BPS), amount);
    assert_eq!(bps_of_floor(MAX, BPS), MAX);
    assert_eq!(bps_of_floor(MAX, BPS + 1), MAX);
    assert_eq!(bps_of_ceil(ONE, 1), ONE);
    assert_eq!(bps_of_floor(ONE, BPS - 1), ZERO);
}

// --- Capacity ---

// Closures here take their numbers by reference: rustc 1.93 to 1.96 miscompile a closure that is called twice with the
// same large `Copy` value, and the second call sees what the first did to its argument.

fn sum_of(stakes: &[U256], cap: impl Fn(&U256) -> U256) -> BigUint {
    stakes.iter().map(|stake| big(cap(stake))).sum()
}

fn cap_sqrt(stake: U256, _: U256, unit: U256) -> U256 {
    capacity_cap_sqrt(stake, unit)
}

fn stake_for_sqrt(capacity: U256, _: U256, unit: U256) -> U256 {
    stake_for_capacity_sqrt(capacity, unit)
}

proptest! {
    #[test]
    fn cap_sqrt_is_the_floor_of_the_real_root(stake in wide(), unit in wide()) {
        let cap = big(capacity_cap_sqrt(stake, unit));
        if unit.is_zero() {
            prop_assert_eq!(cap, BigUint::ZERO);
        } else if cap < big(U128_MAX) {
            // cap² ≤ stake · 1e18 / unit < (cap + 1)² in real numbers.
            let scaled = big(stake) * pow10(18);
            let next = &cap + 1u8;
            prop_assert!(&cap * &cap * big(unit) <= scaled);
            prop_assert!(&next * &next * big(unit) > scaled);
        } else {
            prop_assert!(&cap * &cap * big(unit) <= big(stake) * pow10(18));
            prop_assert_eq!(cap, big(U128_MAX));
        }
    }

    #[test]
    fn cap_affine_is_the_floor_above_the_minimum(stake in wide(), min in wide(), unit in wide()) {
        let cap = big(capacity_cap_affine(stake, min, unit));
        let expected = if unit.is_zero() || stake < min {
            BigUint::ZERO
        } else {
            ((big(stake) - big(min)) * pow10(9) / big(unit)).min(big(U128_MAX))
        };
        prop_assert_eq!(cap, expected);
    }

    #[test]
    fn stake_for_capacity_is_the_least_that_suffices(
        capacity in wide(),
        min in wide(),
        unit in wide(),
    ) {
        type Cap = fn(U256, U256, U256) -> U256;
        let curves: [(Cap, Cap); 2] = [
            (cap_sqrt, stake_for_sqrt),
            (capacity_cap_affine, stake_for_capacity_affine),
        ];
        for (cap, stake_for) in curves {
            let stake = stake_for(capacity, min, unit);
            if let Some(less) = stake.checked_sub(ONE) {
                prop_assert!(cap(less, min, unit) < capacity);
            }
            if stake < MAX {
                prop_assert!(cap(stake, min, unit) >= capacity);
            }
        }
    }

    /// Cauchy–Schwarz: n identities multiply a concave cap by √n at most, and each needs the minimum stake.
    #[test]
    fn splitting_gains_at_most_the_root_under_the_sqrt_cap(
        stakes in proptest::collection::vec(1u64..1_000_000, 2..40),
    ) {
        let unit = TOKEN;
        let stakes: Vec<U256> = stakes.into_iter().map(|tokens| U256::from(tokens) * TOKEN).collect();
        let minimum = *stakes.iter().min().unwrap();
        let whole = stakes.iter().fold(ZERO, |sum, &stake| sum + stake);
        let split = sum_of(&stakes, |stake| capacity_cap_sqrt(*stake, unit));
        // split² ≤ n · S/unit · 1e18, and n ≤ S / minimum.
        let bound = big(whole) * pow10(18) / big(unit);
        prop_assert!(&split * &split <= &bound * stakes.len());
        prop_assert!(&split * &split * big(minimum) <= bound * big(whole));
    }

    #[test]
    fn splitting_is_a_strict_loss_under_the_affine_cap(
        extras in proptest::collection::vec(wide().prop_map(|stake| stake >> 8), 2..40),
        unit in wide(),
        surplus in wide(),
    ) {
        // min · 1e9 ≥ unit.
        let unit: U256 = unit >> 40;
        let unit = unit.max(ONE);
        let least: U256 = mul_div_ceil(unit, ONE, U256::from(CAPACITY_ONE)).unwrap();
        let min = least + (surplus >> 40);
        let stakes: Vec<U256> = extras.into_iter().map(|extra| min + extra).collect();
        let whole = stakes.iter().fold(ZERO, |sum, &stake| sum + stake);
        let cap = |stake: &U256| capacity_cap_affine(*stake, min, unit);
        if cap(&whole) < U128_MAX {
            prop_assert!(sum_of(&stakes, cap) < big(cap(&whole)));
        }
    }

    /// Stakes of any size, also below the minimum: no strict loss promised, but never a gain.
    #[test]
    fn splitting_never_gains_under_the_affine_cap(
        stakes in proptest::collection::vec(wide().prop_map(|stake| stake >> 6), 2..40),
        min in wide(),
        unit in wide(),
    ) {
        let whole = stakes.iter().fold(ZERO, |sum, &stake| sum + stake);
        let cap = |stake: &U256| capacity_cap_affine(*stake, min, unit);
        if cap(&whole) < U128_MAX {
            prop_assert!(sum_of(&stakes, cap) <= big(cap(&whole)));
        }
    }
}

#[test]
fn cap_examples() {
    let (stake, unit) = (U256::from(400) * TOKEN, U256::from(100) * TOKEN);
    assert_eq!(capacity_cap_sqrt(stake, unit), U256::from(2_000_000_000u64));
    assert_eq!(capacity_cap_sqrt(unit, unit), U256::from(CAPACITY_ONE));
    assert_eq!(
        capacity_cap_sqrt(unit + unit, unit),
        U256::from(1_414_213_562u64)
    );
    assert_eq!(capacity_cap_sqrt(MAX, ONE), U128_MAX);
    assert_eq!(capacity_cap_sqrt(stake, ZERO), ZERO);
    assert_eq!(
        stake_for_capacity_sqrt(U256::from(2_000_000_000u64), unit),
        stake
    );
    assert_eq!(stake_for_capacity_sqrt(ZERO, ZERO), ZERO);
    assert_eq!(stake_for_capacity_sqrt(ONE, ZERO), MAX);
    assert_eq!(stake_for_capacity_sqrt(U128_MAX + ONE, ONE), MAX);

    let min = U256::from(50) * TOKEN;
    assert_eq!(
        capacity_cap_affine(stake, min, unit),
        U256::from(3_500_000_000u64)
    );
    assert_eq!(capacity_cap_affine(min, min, unit), ZERO);
    assert_eq!(capacity_cap_affine(min - ONE, min, unit), ZERO);
    assert_eq!(capacity_cap_affine(stake, min, ZERO), ZERO);
    assert_eq!(capacity_cap_affine(MAX, ZERO, ONE), U128_MAX);
    assert_eq!(
        capacity_cap_affine(U128_MAX, ZERO, U256::from(CAPACITY_ONE)),
        U128_MAX
    );
    assert_eq!(
        capacity_cap_affine(U128_MAX + ONE, ZERO, U256::from(CAPACITY_ONE)),
        U128_MAX
    );
    assert_eq!(
        stake_for_capacity_affine(U256::from(3_500_000_000u64), min, unit),
        stake
    );
    assert_eq!(stake_for_capacity_affine(ZERO, min, unit), ZERO);
    assert_eq!(stake_for_capacity_affine(ONE, min, ZERO), MAX);
    assert_eq!(stake_for_capacity_affine(U128_MAX + ONE, ZERO, ONE), MAX);
}

/// The gain from splitting 10 000 tokens over n identities with a minimum stake of 100: what the docs promise.
#[test]
fn splitting_measured() {
    let (unit, min) = (U256::from(100) * TOKEN, U256::from(100) * TOKEN);
    let whole = U256::from(10_000) * TOKEN;
    // Capacity in units of 1e-9 over 1, 4, 25 and 100 identities.
    for (n, sqrt, affine) in [
        (1u64, 10_000_000_000u64, 99_000_000_000u64),
        (4, 20_000_000_000, 96_000_000_000),
        (25, 50_000_000_000, 75_000_000_000),
        (100, 100_000_000_000, 0),
    ] {
        let n = U256::from(n);
        let part = whole / n;
        assert_eq!(capacity_cap_sqrt(part, unit) * n, U256::from(sqrt));
        assert_eq!(capacity_cap_affine(part, min, unit) * n, U256::from(affine));
    }
}

// --- EWMA ---

proptest! {
    #[test]
    fn ewma_is_the_floored_average(raw in up_to_u128(), previous in up_to_u128()) {
        let sum = BigUint::from(raw) * 3000u32 + BigUint::from(previous) * 7000u32;
        prop_assert_eq!(BigUint::from(ewma(raw, previous)), sum / 10_000u32);
    }

    #[test]
    fn ewma_lies_between_and_is_monotone(
        raw in up_to_u128(),
        previous in up_to_u128(),
        step in up_to_u128(),
    ) {
        let value = ewma(raw, previous);
        prop_assert!(raw.min(previous) <= value && value <= raw.max(previous));
        prop_assert!(ewma(raw.saturating_add(step), previous) >= value);
        prop_assert!(ewma(raw, previous.saturating_add(step)) >= value);
        prop_assert_eq!(ewma(raw, raw), raw);
    }

    /// A constant input is reached from above, and from below up to three steps of 1e-9.
    #[test]
    fn ewma_converges(raw in 0..1u128 << 60, previous in 0..1u128 << 60) {
        let settled = (0..160).fold(previous, |value, _| ewma(raw, value));
        if previous >= raw {
            prop_assert_eq!(settled, raw);
        } else {
            prop_assert!(raw - settled <= 3);
        }
    }
}

#[test]
fn ewma_at_the_edges() {
    assert_eq!(ewma(u128::MAX, u128::MAX), u128::MAX);
    assert_eq!(ewma(u128::MAX, 0), u128::MAX / 10 * 3 + 1);
    assert_eq!(ewma(0, u128::MAX), u128::MAX / 10 * 7 + 3);
    assert_eq!(ewma(100_000_000_000, 0), 30_000_000_000);
    assert_eq!(ewma(0, 100_000_000_000), 70_000_000_000);
    // The fast path ends at 2^60.
    for value in [(1 << 60) - 1, 1 << 60] {
        assert_eq!(ewma(value, value), value);
        assert_eq!(ewma(value, 0), value * 3 / 10);
    }
    // A step up of three is floored away, one of four is not.
    assert_eq!(ewma(13, 10), 10);
    assert_eq!(ewma(14, 10), 11);
}

// --- Exponential ---

/// Fractional bits of the reference.
const PRECISION: u32 = 400;

fn unit() -> BigUint {
    BigUint::from(1u8) << PRECISION
}

/// `e^(−x)` by the plain series of `e^(x / 1024)`, ten squarings and a reciprocal: over 110 right digits.
fn reference(x_wad: u128) -> BigUint {
    // e^(−300) < 2^-400.
    if x_wad > 300 * WAD {
        return BigUint::ZERO;
    }
    let y = ((BigUint::from(x_wad) << PRECISION) / WAD) >> 10;
    let (mut sum, mut term) = (unit(), unit());
    for n in 1u32.. {
        term = ((term * &y) >> PRECISION) / n;
        if term == BigUint::ZERO {
            break;
        }
        sum += &term;
    }
    for _ in 0..10 {
        sum = (&sum * &sum) >> PRECISION;
    }
    (BigUint::from(1u8) << (2 * PRECISION)) / sum
}

/// `ln 2 = Σ 1 / (n · 2^n)`.
fn ln2() -> BigUint {
    (1..=PRECISION).map(|n| (unit() >> n) / n).sum()
}

/// The first 60 decimals of a reference value below 1.
fn decimals(value: &BigUint) -> String {
    format!("{:0>60}", (value * pow10(60)) >> PRECISION)
}

/// By how much the result falls short of `e^(−x)`, in 2^-20 units of 2^-127. Panics if it exceeds it.
fn shortfall(x_wad: u128) -> BigUint {
    // The reference itself is right to far more than this one unit.
    let exact = (reference(x_wad) >> (PRECISION - 127 - 20)) + 1u8;
    let value = BigUint::from(exp_neg_down(x_wad)) << 20u32;
    assert!(value <= exact, "e^(−{x_wad}) is too large");
    exact - value
}

/// The documented bound, `204 / 2^k + 1` units, in the same scale.
fn bound(x_wad: u128) -> BigUint {
    let k = (x_wad / LN2_WAD_CEIL as u128).min(200);
    BigUint::from((204u128 << 20 >> k.min(127)) + (1 << 20) + 2)
}

fn exponent() -> impl Strategy<Value = u128> {
    prop_oneof![
        2 => 0..WAD,
        2 => 0..3 * WAD,
        2 => 0..100 * WAD,
        1 => (0..130u128, 0..2000u128)
            .prop_map(|(k, off)| (k * LN2_WAD_CEIL as u128 + off).saturating_sub(1000)),
        1 => (0u32..127).prop_map(|bit| 1 << bit),
    ]
}

#[test]
fn the_reference_is_right() {
    // Published digits of 1/e, e^(−10) and ln 2.
    assert_eq!(
        decimals(&reference(WAD)),
        "367879441171442321595523770161460867445811131031767834507836"
    );
    assert_eq!(
        decimals(&reference(10 * WAD)),
        "000045399929762484851535591515560550610237918088866564969259"
    );
    assert_eq!(
        decimals(&ln2()),
        "693147180559945309417232121458176568075500134360255254120680"
    );
}

#[test]
fn the_constants_follow_from_the_series_of_ln2() {
    let scaled = ln2() * WAD;
    let ceil = (&scaled >> PRECISION) + 1u8;
    assert_eq!(BigUint::from(LN2_WAD_CEIL), ceil);
    let excess = (((ceil << PRECISION) - scaled) << 136u32 >> PRECISION) / WAD;
    assert_eq!(BigUint::from(LN2_WAD_EXCESS_Q136), excess);
    assert_eq!(
        BigUint::from(INVERSE_WAD_Q187),
        (BigUint::from(1u8) << 187u32) / WAD
    );
}

proptest! {
    #[test]
    fn exp_is_rounded_down_within_its_bound(x in exponent()) {
        prop_assert!(shortfall(x) <= bound(x), "{x}: {} of {}", shortfall(x), bound(x));
    }

    /// Ten years at up to the highest rate: the relative error promised by the specification, and our own.
    #[test]
    fn exp_over_ten_years(rate in 0..=7_000_000_000u128, seconds in 0..=315_576_000u128) {
        let x = rate * seconds;
        let (short, exact) = (shortfall(x), reference(x) >> (PRECISION - 127 - 20));
        prop_assert!(&short * pow10(15) <= exact);
        prop_assert!(short * pow10(36) <= exact * 2u8);
    }

    #[test]
    fn exp_never_increases(x in exponent(), step in prop_oneof![Just(1), 0..1000u128, exponent()]) {
        prop_assert!(exp_neg_down(x + step) <= exp_neg_down(x));
        if step > 0 && x < 40 * WAD {
            prop_assert!(exp_neg_down(x + step) < exp_neg_down(x));
        }
    }
}

#[test]
fn exp_at_the_edges() {
    assert_eq!(EXP_ONE, 1 << 127);
    assert_eq!(exp_neg_down(0), EXP_ONE);
    assert!(exp_neg_down(1) < EXP_ONE);
    // One unit of x is 2^127 / 1e18 = 170 141 183 460 469 231 731 of the result.
    assert!(EXP_ONE - exp_neg_down(1) - 170_141_183_460_469_231_731 < 205);
    assert_eq!(exp_neg_down(127 * LN2_WAD_CEIL as u128), 0);
    assert_eq!(exp_neg_down(126 * LN2_WAD_CEIL as u128), 1);
    assert_eq!(exp_neg_down(100 * WAD), 0);
    assert_eq!(exp_neg_down(u128::MAX), 0);
    // Every change of k, where the reduced argument jumps from ln 2 to 0.
    let mut previous = EXP_ONE;
    for k in 1..=128 {
        for x in k * LN2_WAD_CEIL as u128 - 40..k * LN2_WAD_CEIL as u128 + 40 {
            assert!(shortfall(x) <= bound(x), "{x}");
            let value = exp_neg_down(x);
            assert!(value <= previous, "{x}");
            previous = value;
        }
    }
}

/// Five per cent a year for ten years in daily updates, both ways of keeping the index.
#[test]
fn exp_compounds() {
    let day = 1_585_489_599u128 * 86_400;
    let (mut exponent, mut product) = (0, EXP_ONE);
    for _ in 0..3652 {
        exponent += day;
        let step = U256::from(exp_neg_down(day));
        product = to_u128(mul_div_floor(U256::from(product), step, U256::from(EXP_ONE)).unwrap())
            .unwrap();
    }
    let exact = u128::try_from(reference(3652 * day) >> (PRECISION - 127)).unwrap();
    assert!(exact - exp_neg_down(exponent) <= 205);
    // At most 206 units per update.
    assert!(product <= exact && exact - product <= 3652 * 206);
    // The ten years are 3652 days of 5 %: e^(−0.5) but for rounding of rate and days.
    let share = (exp_neg_down(exponent) >> 64) as f64 / (EXP_ONE >> 64) as f64;
    assert!((share - (-0.500_273_785_f64).exp()).abs() < 1e-5, "{share}");
}

// --- Prices ---

/// Any utilisation there is, and some there are not.
fn utilizations() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..=MAX_UTILIZATION,
        1 => any::<u64>(),
        1 => (0u64..=100).prop_map(|percent| percent * (WAD as u64 / 100)),
    ]
}

proptest! {
    #[test]
    fn utilization_is_the_floor_of_the_ratio_up_to_its_limit(load in up_to_u128(), capacity in up_to_u128()) {
        let most = BigUint::from(MAX_UTILIZATION);
        let expected = match capacity {
            0 => most,
            _ => (BigUint::from(load) * WAD / capacity).min(most),
        };
        prop_assert_eq!(BigUint::from(utilization(load, capacity)), expected);
    }

    /// `1 / (1 − u)` and `(8 + 2u) / (8 − 7u)`, floored.
    #[test]
    fn multipliers_are_the_floors_of_their_quotients(u in utilizations()) {
        let capped = BigUint::from(u.min(MAX_UTILIZATION));
        let wad = BigUint::from(WAD);
        let queue = &wad * &wad / (&wad - &capped);
        prop_assert_eq!(BigUint::from(queue_multiplier(u)), queue);
        let (above, below) = (&wad * 8u8 + &capped * 2u8, &wad * 8u8 - &capped * 7u8);
        prop_assert_eq!(BigUint::from(relay_multiplier(u)), above * &wad / below);
    }

    #[test]
    fn multipliers_never_decrease(a in utilizations(), b in utilizations()) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(queue_multiplier(low) <= queue_multiplier(high));
        prop_assert!(relay_multiplier(low) <= relay_multiplier(high));
        prop_assert!(relay_multiplier(high) <= queue_multiplier(high).max(2 * WAD));
    }

    #[test]
    fn congestion_price_is_floored_once(fee in up_to_u128(), pressure: u64, u in utilizations()) {
        let multiplier = queue_multiplier(u);
        let surcharge = BigUint::from(pressure.min(WAD as u64)) * ESCROW_SENSITIVITY / WAD;
        let expected = BigUint::from(fee) * (surcharge + WAD) * multiplier / (BigUint::from(WAD) * WAD);
        prop_assert_eq!(big(congestion_price(fee, pressure, multiplier)), expected);
    }

    #[test]
    fn eighths(fee in up_to_u128()) {
        let raised = BigUint::from(fee) * 9u8 / 8u8;
        prop_assert_eq!(BigUint::from(raise_by_eighth(fee)), raised.min(BigUint::from(u128::MAX)));
        prop_assert_eq!(BigUint::from(lower_by_eighth(fee)), BigUint::from(fee) * 7u8 / 8u8);
    }
}

#[test]
fn multipliers_at_the_points_that_define_them() {
    let percent = |percent: u64| percent * (WAD as u64 / 100);
    for (load, queue, relay) in [
        (0, WAD, WAD),
        (50, 2 * WAD, 2 * WAD),
        (80, 5 * WAD, 4 * WAD),
        (90, 10 * WAD, 5_764_705_882_352_941_176),
        (99, 100 * WAD, 9_327_102_803_738_317_757),
    ] {
        assert_eq!(queue_multiplier(percent(load)), queue, "{load} %");
        assert_eq!(relay_multiplier(percent(load)), relay, "{load} %");
    }
    assert_eq!(queue_multiplier(u64::MAX), 100 * WAD);
    assert_eq!(relay_multiplier(u64::MAX), relay_multiplier(percent(99)));
}

#[test]
fn utilization_at_the_edges() {
    assert_eq!(utilization(0, 0), MAX_UTILIZATION);
    assert_eq!(utilization(0, u128::MAX), 0);
    assert_eq!(utilization(98, 100), 980_000_000_000_000_000);
    assert_eq!(utilization(99, 100), MAX_UTILIZATION);
    assert_eq!(utilization(100, 100), MAX_UTILIZATION);
    assert_eq!(utilization(u128::MAX, 1), MAX_UTILIZATION);
}

#[test]
fn prices_do_not_overflow() {
    let most = congestion_price(u128::MAX, u64::MAX, queue_multiplier(u64::MAX));
    assert_eq!(most, U128_MAX * U256::from(180));
    let beyond = congestion_price(u128::MAX, u64::MAX, u128::MAX);
    let exact = BigUint::from(u128::MAX).pow(2) * 18u8 / (BigUint::from(WAD) * 10u8);
    assert_eq!(big(beyond), exact);
}

// --- Skills

/// The weights, as fractions of 10 000, of throughputs that are fractions themselves.
fn weighted(throughput: u64, latency: u64, errors: u64) -> BigUint {
    let (latency, errors) = (latency.min(30_000), errors.min(10_000));
    let in_time = BigUint::from(throughput) * (30_000 - latency);
    let right = BigUint::from(throughput) * (10_000 - errors);
    // All over 10 000 · 30 000 · 10 000.
    let sum = BigUint::from(throughput) * 5_000u64 * 300_000_000u64
        + in_time * 3_000u64 * 10_000u64
        + right * 2_000u64 * 30_000u64;
    sum * 1_000_000_000u64 / 3_000_000_000_000u64
}

proptest! {
    #[test]
    fn a_skill_is_worth_what_the_weights_say(
        throughput: u64,
        latency in prop_oneof![4 => 0u64..31_000, 1 => any::<u64>()],
        errors in prop_oneof![4 => 0u64..11_000, 1 => any::<u64>()],
    ) {
        let capacity = skill_capacity(U256::from(throughput), U256::from(latency), U256::from(errors));
        prop_assert_eq!(BigUint::from(capacity), weighted(throughput, latency, errors));
    }

    #[test]
    fn a_skill_is_total_and_monotonic(throughput in wide(), latency in wide(), errors in wide()) {
        let capacity = skill_capacity(throughput, latency, errors);
        prop_assert!(capacity < 1 << 94);
        prop_assert!(skill_capacity(throughput.saturating_add(ONE), latency, errors) >= capacity);
        prop_assert!(skill_capacity(throughput, latency.saturating_add(ONE), errors) <= capacity);
        prop_assert!(skill_capacity(throughput, latency, errors.saturating_add(ONE)) <= capacity);
    }
}

#[test]
fn skills_at_the_points_that_define_them() {
    for (throughput, latency, errors, tenths) in [
        (100, 0, 0, 1_000),
        (100, 2_000, 100, 978),
        (100, 15_000, 0, 850),
        (100, 30_000, 0, 700),
        (100, 0, 5_000, 900),
        (100, 0, 10_000, 800),
        (100, 30_000, 10_000, 500),
        (100, 60_000, 20_000, 500),
        (1, 0, 0, 10),
        (0, 0, 0, 0),
    ] {
        let capacity = skill_capacity(
            U256::from(throughput),
            U256::from(latency),
            U256::from(errors),
        );
        assert_eq!(capacity, tenths * u128::from(CAPACITY_ONE) / 10);
    }
    assert_eq!((MAX_LATENCY_MS, MAX_ERROR_RATE_BPS), (30_000, 10_000));
    let most = u128::from(u64::MAX) * u128::from(CAPACITY_ONE);
    assert_eq!(skill_capacity(MAX, ZERO, ZERO), most);
    assert_eq!(skill_capacity(MAX, MAX, MAX), most / 2);
}
