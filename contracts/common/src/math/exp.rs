//! The fixed-point exponential of the demurrage index.

use super::words::{div_small, mul_wide};

/// `1.0` in the fixed point of [`exp_neg_down`]: 127 fractional bits, so that a factor fits a `u128`.
pub const EXP_ONE: u128 = 1 << 127;

/// `ceil(ln 2 · 1e18)`.
pub const LN2_WAD_CEIL: u64 = 693_147_180_559_945_310;
/// `floor((LN2_WAD_CEIL / 1e18 − ln 2) · 2^136)`: what [`LN2_WAD_CEIL`] is too large by.
pub const LN2_WAD_EXCESS_Q136: u128 = 50_766_242_067_380_649_469_344;
/// `floor(2^187 / 1e18)`.
pub const INVERSE_WAD_Q187: u128 = 196_159_429_230_833_773_869_868_419_475_239_575_503;

/// From here on, 88.03e18, `e^(−x)` is below one unit of the result.
const UNDERFLOW_WAD: u128 = 127 * LN2_WAD_CEIL as u128;

/// The series runs on an eighth of the argument, and its result is squared three times.
const HALVINGS: u32 = 3;

/// More than the units of 2^-128 by which the sum of the series can come out too small, which are 19.
const MARGIN: u128 = 32;

/// `e^(−x)`, rounded down. `x_wad` has 18 decimals, the result 127 fractional bits: [`EXP_ONE`] is 1.
///
/// Never above the true value, and below it by at most `204 / 2^k + 1` units of 2^-127, where `k = floor(x / ln 2)`:
/// - absolute error below 2^-119;
/// - relative error below 2e-36 for `x ≤ 2.3`, which is ten years at the highest decay rate (7e9 per second);
/// - relative error below 1e-15 for `x ≤ 52`, which is 235 years at that rate.
///
/// Measured over 150 000 random `x ≤ 2.3`: between 12 and 146 units, at most 1.1e-36.
///
/// `exp_neg_down(0) = EXP_ONE`. Never increasing over all of `u128`, and strictly below `EXP_ONE` from `x = 1`: a step of
/// `x` by one moves the value by 2^67 units before the last shift, and the error there is at most 204. Zero from
/// `x = 88.03e18`.
///
/// An index kept as its *exponent*, `Σ rate · seconds`, which is exact in integers, and put through this function when
/// it is read, has this error once, however often it was updated. An index kept as a product of results adds the errors
/// up: 2^-119 per update.
///
/// Method: `x = k · ln 2 + r`, `s = r / 8`, `1 − e^(−s) = s − s²/2! + s³/3! − …` term by term until a term vanishes
/// (20 at most), three squarings, a shift by `k`. There is no table and there are no fitted coefficients: the constants
/// are the three above, and the tests derive them anew from the series of ln 2.
pub fn exp_neg_down(x_wad: u128) -> u128 {
    if x_wad == 0 {
        return EXP_ONE;
    }
    if x_wad >= UNDERFLOW_WAD {
        return 0;
    }
    // floor(x / LN2_WAD_CEIL), or one less just above a multiple. x / 16 is rounded down to fit a word, and the divisor
    // up, so that x − k · LN2_WAD_CEIL is never negative. It is below 2^60: its low 64 bits are all of it.
    let k = (x_wad >> 4) as u64 / (LN2_WAD_CEIL / 16 + 1);
    let rest = (x_wad as u64).wrapping_sub(k.wrapping_mul(LN2_WAD_CEIL));
    // r = rest / 1e18 + k · excess in units of 2^-128, below 0.7 · 2^128. At most 10 units too small: twice the 3 of
    // mul_high and the 1 of the inverse, and 2 for the excess.
    let r = (mul_high((rest as u128) << 68, INVERSE_WAD_Q187) << 1)
        .wrapping_add((k as u128).wrapping_mul(LN2_WAD_EXCESS_Q136) >> 8);
    let s = r >> HALVINGS;

    // A term is too small by at most 2.5 units: a share of its predecessor's error, 3 / n of mul_high's and 1 of the
    // division's; the terms of one sign by at most 16 together, and s by less than 3.
    // After the nth term the sum is sₙ − sₙ₋₁ + … ± s₁.
    let (mut sum, mut term, mut n) = (s, s, 1u32);
    while term != 0 {
        n = n.wrapping_add(1);
        term = div_small(mul_high(term, s), n);
        sum = term.wrapping_sub(sum);
    }
    if n & 1 == 0 {
        sum = sum.wrapping_neg();
    }
    // e^(−s) in units of 2^-128, as 2^128 ≡ 0: at most the true value, and at most 48 below it. A squaring turns an
    // error of e units into at most 2e + 3: 99, 201, 405.
    let mut value = sum.wrapping_add(MARGIN).wrapping_neg();
    for _ in 0..HALVINGS {
        value = mul_high(value, value);
    }
    (value >> 1).wrapping_shr(k as u32)
}

/// `floor(a · b / 2^128)` or up to 2 less: the carry out of the low half is left out.
fn mul_high(a: u128, b: u128) -> u128 {
    let (a1, a0) = ((a >> 64) as u64, a as u64);
    let (b1, b0) = ((b >> 64) as u64, b as u64);
    let (high, low) = mul_wide(a1, b1);
    // The sum is at most floor(a · b / 2^128).
    ((high as u128) << 64 | low as u128)
        .wrapping_add(mul_wide(a1, b0).0 as u128)
        .wrapping_add(mul_wide(a0, b1).0 as u128)
}
