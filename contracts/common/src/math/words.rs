//! Arithmetic on 64-bit words, from instructions that WASM has. The compiler's own `u128` product and quotient are
//! calls to `__multi3` and `__udivti3`, several times as dear there.

const LOW: u64 = 0xffff_ffff;

/// The full product of two words: its high and its low word.
#[inline(always)]
pub(super) const fn mul_wide(a: u64, b: u64) -> (u64, u64) {
    let (a1, a0) = (a >> 32, a & LOW);
    let (b1, b0) = (b >> 32, b & LOW);
    let low = a0.wrapping_mul(b0);
    // None of the sums can overflow: (2^32 − 1)² + 2·(2^32 − 1) < 2^64.
    let middle = a1.wrapping_mul(b0).wrapping_add(low >> 32);
    let cross = a0.wrapping_mul(b1).wrapping_add(middle & LOW);
    let high = a1
        .wrapping_mul(b1)
        .wrapping_add(middle >> 32)
        .wrapping_add(cross >> 32);
    (high, cross << 32 | low & LOW)
}

/// The quotient and the remainder of `high · 2^64 + low` by `d`.
///
/// Requires `high < d` and `d ≥ 2^63`. Knuth's algorithm D for two digits of 32 bits, as in Warren, Hacker's Delight,
/// `divlu`.
pub(super) const fn div_wide(high: u64, low: u64, d: u64) -> (u64, u64) {
    let (q1, rest) = div_half(high, low >> 32, d);
    let (q0, rest) = div_half(rest, low & LOW, d);
    (q1 << 32 | q0, rest)
}

/// The quotient (32 bits) and the remainder of `high · 2^32 + digit` by `d`, for `high < d` and `d ≥ 2^63`.
#[inline(always)]
const fn div_half(high: u64, digit: u64, d: u64) -> (u64, u64) {
    // The bit is set already; saying so spares a check for zero.
    let (d1, d0) = (d >> 32 | 1 << 31, d & LOW);
    // The estimate is the true digit or at most two more (TAOCP 4.3.1, theorem B): `q ≤ 2^32 + 1`, and `q · d0` fits.
    // Too large, it takes more than is left. From 2^32 on it always is, as `high < d` leaves less than `d0`.
    let mut q = high / d1;
    let mut rest = high.wrapping_sub(q.wrapping_mul(d1));
    while rest >> 32 == 0 && q.wrapping_mul(d0) > (rest << 32 | digit) {
        q = q.wrapping_sub(1);
        rest = rest.wrapping_add(d1);
    }
    // The true remainder is below 2^64, so its low 64 bits are all of it.
    (q, (high << 32 | digit).wrapping_sub(q.wrapping_mul(d)))
}

/// The quotient of `a` by `d`, rounded down, for `0 < d < 2^32`.
#[inline(always)]
pub(super) const fn div_small(a: u128, d: u32) -> u128 {
    // Zero is no divisor here; saying so spares a check.
    let d = if d == 0 { 1 } else { d as u64 };
    let high = (a >> 64) as u64;
    let q2 = high / d;
    let middle = high.wrapping_sub(q2.wrapping_mul(d)) << 32 | a as u64 >> 32;
    let q1 = middle / d;
    let low = middle.wrapping_sub(q1.wrapping_mul(d)) << 32 | a as u64 & LOW;
    let q0 = low / d;
    (q2 as u128) << 64 | (q1 << 32 | q0) as u128
}
