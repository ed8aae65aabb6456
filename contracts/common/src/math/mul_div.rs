use core::num::NonZeroU64;

use alloy_primitives::U256;

/// `floor(a · b / d)`, with the product kept in 512 bits. `None` if `d` is zero or the result exceeds 256 bits.
///
/// Exact. The cost follows the operands' actual lengths, in 32-bit digits.
pub fn mul_div_floor(a: U256, b: U256, d: U256) -> Option<U256> {
    mul_div(a, b, d).map(|(quotient, _)| quotient)
}

/// `ceil(a · b / d)`, with the product kept in 512 bits. `None` if `d` is zero or the result exceeds 256 bits.
///
/// Exact. The cost follows the operands' actual lengths, in 32-bit digits.
pub fn mul_div_ceil(a: U256, b: U256, d: U256) -> Option<U256> {
    match mul_div(a, b, d)? {
        (quotient, true) => Some(quotient),
        (quotient, false) => quotient.checked_add(U256::ONE),
    }
}

/// The floored quotient, and whether it is exact.
///
/// Schoolbook multiplication and division (Knuth, TAOCP volume 2, 4.3.1, algorithms M and D) in base 2^32.
fn mul_div(a: U256, b: U256, d: U256) -> Option<(U256, bool)> {
    // 16 digits of product and one that the normalising shift may spill into.
    let mut product = [0; 17];
    multiply(&mut product, &digits(a), &digits(b));

    let mut divisor = digits(d);
    let n = significant(&divisor);
    // The top digit is not zero: no divisor of zero gets past here.
    let shift = divisor.get(n.wrapping_sub(1))?.leading_zeros();
    shift_left(&mut divisor, shift);
    shift_left(&mut product, shift);
    let divisor = divisor.get(..n)?;
    let (&high, lower) = divisor.split_last()?;
    let high = NonZeroU64::new(high as u64)?;
    let next = lower.last().map_or(0, |&digit| digit as u64);

    let mut quotient = [0; 8];
    // A product of m digits has a quotient of at most m − n + 1; the window for digit j is product[j ..= j + n].
    let m = significant(&product).max(n);
    for j in (0..=m.wrapping_sub(n).min(16usize.wrapping_sub(n))).rev() {
        let window = product.get_mut(j..=j.wrapping_add(n))?;
        let digit = divide_step(window, divisor, high, next);
        match quotient.get_mut(j) {
            Some(place) => *place = digit,
            None if digit == 0 => {}
            None => return None,
        }
    }
    let exact = significant(&product) == 0;
    Some((from_digits(quotient), exact))
}

/// One digit of the quotient: `window`, one digit longer than `divisor` and less than `divisor · 2^32`, becomes the
/// remainder. `high` (its top bit set) and `next` are the divisor's leading digits.
fn divide_step(window: &mut [u32], divisor: &[u32], high: NonZeroU64, next: u64) -> u32 {
    let mut leading = window.iter().rev().map(|&digit| digit as u64);
    let top = leading.next().unwrap_or(0) << 32 | leading.next().unwrap_or(0);
    let third = leading.next().unwrap_or(0);

    // Knuth's estimate from three digits over two: the true digit or one more. `top < high · 2^32 + 2^32`, so the
    // first guess is at most 2^32, and `estimate · next` fits 64 bits.
    let mut estimate = (top / high).min(0xffff_ffff);
    let mut remainder = top.wrapping_sub(estimate.wrapping_mul(high.get()));
    while remainder >> 32 == 0 && estimate.wrapping_mul(next) > (remainder << 32 | third) {
        estimate = estimate.wrapping_sub(1);
        remainder = remainder.wrapping_add(high.get());
    }
    if estimate == 0 {
        return 0;
    }

    // window −= estimate · divisor. `carry`, what the digits so far owe the next one, is at most 2^32 − 1: `owed` is at
    // most (2^32 − 1)² + 2^32 − 1 = (2^32 − 1) · 2^32, and where its high half is 2^32 − 1 its low half borrows nothing.
    let mut carry = 0u64;
    for (place, &digit) in window.iter_mut().zip(divisor) {
        let owed = estimate.wrapping_mul(digit as u64).wrapping_add(carry);
        let (difference, borrow) = place.overflowing_sub(owed as u32);
        *place = difference;
        carry = (owed >> 32).wrapping_add(borrow as u64);
    }
    let Some(last) = window.last_mut() else {
        return 0;
    };
    let (difference, negative) = last.overflowing_sub(carry as u32);
    *last = difference;
    if negative {
        // One too many, about once in 2^31: give one divisor back.
        estimate = estimate.wrapping_sub(1);
        let mut carry = 0u64;
        for (place, &digit) in window.iter_mut().zip(divisor) {
            let sum = (*place as u64)
                .wrapping_add(digit as u64)
                .wrapping_add(carry);
            *place = sum as u32;
            carry = sum >> 32;
        }
        if let Some(last) = window.last_mut() {
            *last = last.wrapping_add(carry as u32);
        }
    }
    estimate as u32
}

/// `product = a · b`; `product` starts as zeros.
fn multiply(product: &mut [u32; 17], a: &[u32; 8], b: &[u32; 8]) {
    let a = a.get(..significant(a)).unwrap_or_default();
    let b = b.get(..significant(b)).unwrap_or_default();
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0u64;
        let mut places = product.iter_mut().skip(i);
        for &y in b {
            // At most (2^32 − 1)² + 2·(2^32 − 1) = 2^64 − 1.
            if let Some(place) = places.next() {
                let sum = (x as u64)
                    .wrapping_mul(y as u64)
                    .wrapping_add(*place as u64)
                    .wrapping_add(carry);
                *place = sum as u32;
                carry = sum >> 32;
            }
        }
        if let Some(place) = places.next() {
            *place = carry as u32;
        }
    }
}

/// Shifts the number left by less than 32 bits, dropping what spills over the last digit.
fn shift_left(digits: &mut [u32], shift: u32) {
    let mut carry = 0u64;
    for digit in digits {
        let shifted = (*digit as u64).wrapping_shl(shift) | carry;
        *digit = shifted as u32;
        carry = shifted >> 32;
    }
}

/// The number of digits without leading zeros.
fn significant(digits: &[u32]) -> usize {
    digits
        .iter()
        .rposition(|&digit| digit != 0)
        .map_or(0, |last| last.wrapping_add(1))
}

fn digits(value: U256) -> [u32; 8] {
    let [a, b, c, d] = *value.as_limbs();
    [
        a as u32,
        (a >> 32) as u32,
        b as u32,
        (b >> 32) as u32,
        c as u32,
        (c >> 32) as u32,
        d as u32,
        (d >> 32) as u32,
    ]
}

fn from_digits([a, b, c, d, e, f, g, h]: [u32; 8]) -> U256 {
    let limb = |low: u32, high: u32| (high as u64) << 32 | low as u64;
    U256::from_limbs([limb(a, b), limb(c, d), limb(e, f), limb(g, h)])
}
