use alloy_primitives::U256;

use super::words::{div_wide, mul_wide};

/// `floor(a · b / d)`, with the product kept in 512 bits. `None` if `d` is zero or the result exceeds 256 bits.
///
/// Exact. Cheap where all three fit 64 bits; otherwise the cost follows the operands' actual lengths.
pub fn mul_div_floor(a: U256, b: U256, d: U256) -> Option<U256> {
    mul_div(a, b, d).map(|(quotient, _)| quotient)
}

/// `ceil(a · b / d)`, with the product kept in 512 bits. `None` if `d` is zero or the result exceeds 256 bits.
///
/// Exact. Cheap where all three fit 64 bits; otherwise the cost follows the operands' actual lengths.
pub fn mul_div_ceil(a: U256, b: U256, d: U256) -> Option<U256> {
    match mul_div(a, b, d)? {
        (quotient, true) => Some(quotient),
        (quotient, false) => quotient.checked_add(U256::ONE),
    }
}

/// The floored quotient, and whether it is exact.
fn mul_div(a: U256, b: U256, d: U256) -> Option<(U256, bool)> {
    if d.is_zero() {
        return None;
    }
    let (&[a0, a1, a2, a3], &[b0, b1, b2, b3], &[d0, d1, d2, d3]) =
        (a.as_limbs(), b.as_limbs(), d.as_limbs());
    if a1 | a2 | a3 | b1 | b2 | b3 | d1 | d2 | d3 == 0 {
        mul_div_words(a0, b0, d0)
    } else {
        mul_div_long(a.as_limbs(), b.as_limbs(), *d.as_limbs())
    }
}

/// [`mul_div`] of single words: the quotient has at most two.
fn mul_div_words(a: u64, b: u64, d: u64) -> Option<(U256, bool)> {
    let (high, low) = mul_wide(a, b);
    if high == 0 {
        let quotient = low.checked_div(d)?;
        let exact = quotient.wrapping_mul(d) == low;
        return Some((U256::from(quotient), exact));
    }
    let q1 = high.checked_div(d)?;
    let high = high.wrapping_sub(q1.wrapping_mul(d));
    // `high < d`, so the shifted number's high word stays below the shifted divisor.
    let shift = d.leading_zeros();
    let (q0, rest) = div_wide(
        high.wrapping_shl(shift) | spill(low, shift),
        low.wrapping_shl(shift),
        d.wrapping_shl(shift),
    );
    Some((U256::from_limbs([q0, q1, 0, 0]), rest == 0))
}

/// [`mul_div`] by schoolbook multiplication and division (Knuth, TAOCP volume 2, 4.3.1, algorithms M and D) in base
/// 2^64.
fn mul_div_long(a: &[u64; 4], b: &[u64; 4], mut d: [u64; 4]) -> Option<(U256, bool)> {
    let a = a.get(..significant(a))?;
    let b = b.get(..significant(b))?;
    let n = significant(&d);
    let divisor = d.get_mut(..n)?;

    // Eight words of product and one that the normalising shift spills into.
    let mut product = [0; 9];
    multiply(&mut product, a, b);
    let m = a.len().wrapping_add(b.len());
    let shift = divisor.last()?.leading_zeros();
    shift_left(divisor, shift);
    shift_left(product.get_mut(..=m)?, shift);

    let mut quotient = [0; 4];
    // The word of the quotient at j comes from the window product[j ..= j + n], which is below divisor · 2^64: the
    // first because its highest word holds only what the shift spilled, the next because it starts with a remainder.
    // A product shorter than the divisor has no words of quotient: the range is empty.
    for j in (0..m.wrapping_add(1).saturating_sub(n)).rev() {
        let window = product.get_mut(j..=j.wrapping_add(n))?;
        let word = divide_step(window, divisor);
        match quotient.get_mut(j) {
            Some(place) => *place = word,
            None if word == 0 => {}
            None => return None,
        }
    }
    let exact = product.iter().all(|&word| word == 0);
    Some((U256::from_limbs(quotient), exact))
}

/// One word of the quotient: `window`, one word longer than `divisor` and less than `divisor · 2^64`, becomes the
/// remainder. The divisor's top bit is set.
fn divide_step(window: &mut [u64], divisor: &[u64]) -> u64 {
    let (Some((top, window)), Some(&high)) = (window.split_last_mut(), divisor.last()) else {
        return 0;
    };
    let Some((second, lower)) = window.split_last_mut() else {
        return 0;
    };
    // Two words over one: the true word or at most two more (TAOCP 4.3.1, theorem B).
    let mut estimate = if *top < high {
        let (quotient, rest) = div_wide(*top, *second, high);
        if lower.is_empty() {
            // A divisor of one word: that is all.
            (*second, *top) = (rest, 0);
            return quotient;
        }
        quotient
    } else {
        u64::MAX
    };

    // window −= estimate · divisor. `carry`, what the words so far owe the next one, is at most 2^64 − 1: `owed` is at
    // most (2^64 − 1) · 2^64, and where its high word is 2^64 − 1, its low word is 0 and borrows nothing.
    let mut carry = 0u64;
    for (place, &word) in window.iter_mut().zip(divisor) {
        let (owed_high, owed_low) = mul_wide(estimate, word);
        let (owed_low, carried) = owed_low.overflowing_add(carry);
        let (difference, borrowed) = place.overflowing_sub(owed_low);
        *place = difference;
        carry = owed_high
            .wrapping_add(carried as u64)
            .wrapping_add(borrowed as u64);
    }
    // Below zero, the highest word is: give divisors back until it is not.
    *top = top.wrapping_sub(carry);
    while *top != 0 {
        estimate = estimate.wrapping_sub(1);
        let mut carry = false;
        for (place, &word) in window.iter_mut().zip(divisor) {
            let (sum, over) = place.overflowing_add(word);
            let (sum, over_again) = sum.overflowing_add(carry as u64);
            *place = sum;
            carry = over | over_again;
        }
        *top = top.wrapping_add(carry as u64);
    }
    estimate
}

/// `product = a · b`. `product` starts as zeros and has room for it.
fn multiply(product: &mut [u64; 9], a: &[u64], b: &[u64]) {
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0u64;
        let mut places = product.iter_mut().skip(i);
        for (&y, place) in b.iter().zip(&mut places) {
            // At most (2^64 − 1)² + 2·(2^64 − 1) = 2^128 − 1.
            let (high, low) = mul_wide(x, y);
            let (low, over) = low.overflowing_add(*place);
            let (low, over_again) = low.overflowing_add(carry);
            *place = low;
            carry = high
                .wrapping_add(over as u64)
                .wrapping_add(over_again as u64);
        }
        if let Some(place) = places.next() {
            *place = carry;
        }
    }
}

/// Shifts the number left by less than 64 bits, dropping what spills over the last word.
fn shift_left(words: &mut [u64], shift: u32) {
    let mut carry = 0;
    for word in words {
        let spilled = spill(*word, shift);
        *word = word.wrapping_shl(shift) | carry;
        carry = spilled;
    }
}

/// What a shift to the left by less than 64 bits pushes out of a word.
#[inline(always)]
const fn spill(word: u64, shift: u32) -> u64 {
    (word >> 1).wrapping_shr(63 ^ shift)
}

/// The number of words without leading zeros, at least 1.
const fn significant(&[_, w1, w2, w3]: &[u64; 4]) -> usize {
    match (w1, w2, w3) {
        (_, _, 1..) => 4,
        (_, 1.., 0) => 3,
        (1.., 0, 0) => 2,
        (0, 0, 0) => 1,
    }
}
