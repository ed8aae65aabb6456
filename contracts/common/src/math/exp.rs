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

/// From here on (88.7e18) `e^(−x)` is below one unit of the result.
const UNDERFLOW_WAD: u128 = 128 * LN2_WAD_CEIL as u128;

/// The series runs on an eighth of the argument, and its result is squared three times.
const HALVINGS: u32 = 3;

/// More than the units of 2^-128 by which the sum in [`exp_neg_down`] can come out too small (at most 37).
const MARGIN: u128 = 64;

/// `e^(−x)`, rounded down: `x_wad` has 18 decimals, the result 127 fractional bits ([`EXP_ONE`] is 1).
///
/// With `k = floor(x / ln 2)` or one less at the boundary,
/// `0 ≤ 2^127 · e^(−x) − result ≤ 67 / 2^k + 1`: the absolute error is below 2^-120, the relative one below 1e-35 for
/// `x ≤ 2.3`, which is ten years at the highest decay rate (7e9 per second), and below 1e-15 up to `x = 53`.
/// `exp_neg_down(0) = EXP_ONE`; strictly smaller for any `x ≥ 1`; monotone (never increasing) over all `u128`, as one
/// step of `x` moves the value by 2^67 units before the final shift, far more than the error; zero from
/// `x = 88.7e18`.
///
/// An index kept as the *exponent* `Σ rate · seconds`, which is exact in integers, and put through this function when
/// read, has this error once, however often it is updated. An index kept as a product of results adds it up per update.
///
/// Method: `x = k · ln 2 + r`, and `1 − e^(−r) = r − r²/2! + r³/3! − …`, summed term by term until a term
/// vanishes (31 terms at most, for r = ln 2); then a shift by `k`. No table, no coefficients: the constants are the
/// three above, which the tests derive anew from the series of ln 2.
pub fn exp_neg_down(x_wad: u128) -> u128 {
    if x_wad == 0 {
        return EXP_ONE;
    }
    if x_wad >= UNDERFLOW_WAD {
        return 0;
    }
    // floor(x / LN2_WAD_CEIL), or one less just above a multiple; x < 2^67. Native division by rounding x / 16 down
    // and the divisor up, so that x − k · LN2_WAD_CEIL is never negative.
    let k = (x_wad >> 4) as u64 / (LN2_WAD_CEIL / 16 + 1);
    // Below 2^60, so that its low 64 bits are all of it.
    let rest = (x_wad as u64).wrapping_sub(k.wrapping_mul(LN2_WAD_CEIL));
    // r = rest / 1e18 + k · excess, in units of 2^-128: below 0.7 · 2^128, and at most 10 units too small.
    let r = (mul_high((rest as u128) << 68, INVERSE_WAD_Q187) << 1)
        .wrapping_add((k as u128).wrapping_mul(LN2_WAD_EXCESS_Q136) >> 8);

    // s = r / 8, and S = s − s²/2! + s³/3! − …. A term is at most 5 units too small, the sum at most 40.
    let s = r >> HALVINGS;
    // After the nth term: sₙ − sₙ₋₁ + … ± s₁, which is S or −S.
    let (mut sum, mut term, mut n) = (s, s, 1u32);
    while term != 0 {
        n = n.wrapping_add(1);
        term = div_small(mul_high(term, s), n);
        sum = term.wrapping_sub(sum);
    }
    if n & 1 == 0 {
        sum = sum.wrapping_neg();
    }
    // e^(−s), at most the true value: 2^128 − S − margin, which 2^128 ≡ 0 makes a negation.
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
