use alloy_primitives::U256;

use super::{mul_div_floor, to_u128};

/// Integer square root: the largest `s` with `s² ≤ n`. Always below 2^128.
///
/// Exact for every input.
///
/// Source: the adaptive-precision Newton iteration of CPython's `math.isqrt` (M. Dickinson; proof in
/// `Modules/mathmodule.c`). If `a` approximates the root of the leading `2e + 2` bits of `n`, in the sense
/// `(a − 1)² < n >> 2(c − e) < (a + 1)²` for an `n` of `2c + 1` or `2c + 2` bits, then
/// `a' = (a << (d − e − 1)) + (n >> (2c − e − d + 1)) / a` does so for the leading `2d + 2` bits, for any
/// `e < d ≤ 2e + 1`. So the precision doubles with every division, from 1 bit to 32 in four native divisions, to 64
/// in two more, to 128 in one long one. There is no loop, and the number of steps does not depend on the input.
pub fn isqrt(n: U256) -> U256 {
    if let Some(n) = to_u128(n) {
        return U256::from(isqrt_u128(n));
    }
    // An even shift that leaves the top bit or the one below it set: √(n·4^k) = √n·2^k, and flooring commutes.
    let shift = n.leading_zeros() & !1;
    let normalized = n.wrapping_shl(shift);
    let [_, _, l2, l3] = *normalized.as_limbs();
    let a = isqrt_normalized((l3 as u128) << 64 | l2 as u128);
    // The step for c = 127, e = 63, d = 127. `a ≥ 2^63`, so the quotient is below 2^128 and there is one.
    let quotient = mul_div_floor(normalized.wrapping_shr(65), U256::ONE, U256::from(a))
        .and_then(to_u128)
        .unwrap_or_default();
    let a = (a as u128) << 63;
    let root = match a.checked_add(quotient) {
        // `a < √normalized + 1`, so it is the root or one above it. Its square fits 256 bits.
        Some(a) => {
            let wide = U256::from(a);
            if wide.wrapping_mul(wide) > normalized {
                a.wrapping_sub(1)
            } else {
                a
            }
        }
        // The candidate is 2^128, one above the root.
        None => u128::MAX,
    };
    U256::from(root >> (shift / 2))
}

/// The square root of a number that fits 128 bits: no long arithmetic.
fn isqrt_u128(n: u128) -> u64 {
    if n == 0 {
        return 0;
    }
    let shift = n.leading_zeros() & !1;
    isqrt_normalized(n.wrapping_shl(shift)).wrapping_shr(shift / 2)
}

/// The square root of `n ≥ 2^126`.
fn isqrt_normalized(n: u128) -> u64 {
    let top = (n >> 64) as u64;
    // c = 31 and d = 1, 3, 7, 15, 31. `a ≥ 2^d`, so no divisor is zero and `max(1)` is never taken.
    let a = 1 + (top >> 62);
    let a = (a << 1).wrapping_add((top >> 59) / a.max(1));
    let a = (a << 3).wrapping_add((top >> 53) / a.max(1));
    let a = (a << 7).wrapping_add((top >> 41) / a.max(1));
    let a = (a << 15).wrapping_add((top >> 17) / a.max(1));
    // c = 63, e = 31, d = 63: `n >> 33` has 95 bits and `a ≤ 2^32`: two digits of 32 bits.
    let a = a.max(1);
    let high = top >> 1;
    let low = (n >> 33) as u64 & 0xffff_ffff;
    let q1 = high / a;
    let q0 = (high.wrapping_sub(q1.wrapping_mul(a)) << 32 | low) / a;
    let quotient = (q1 << 32).wrapping_add(q0);
    // At most the root and one. It stays below 2^64: only `a = 2^32 − 1` over `n ≥ 2^128 − 2^64` would reach that, and
    // there `a = 2^32`.
    let a = (a << 31).wrapping_add(quotient);
    if (a as u128).wrapping_mul(a as u128) > n {
        a.wrapping_sub(1)
    } else {
        a
    }
}
