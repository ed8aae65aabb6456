//! `bpe_common::math` against arbitrary-precision integers. `PROPTEST_CASES=10000` runs ten thousand cases per property.

use alloy_primitives::U256;
use bpe_common::math::{ewma, isqrt, mul_div_ceil, mul_div_floor, to_u128_saturating};
use num_bigint::BigUint;
use proptest::prelude::*;

const MAX: U256 = U256::MAX;
const ONE: U256 = U256::ONE;
const ZERO: U256 = U256::ZERO;

fn big(value: impl TryInto<U256>) -> BigUint {
    let value = value.try_into().ok().unwrap();
    BigUint::from_bytes_le(&value.to_le_bytes::<32>())
}

/// The number as 256 bits, if it fits.
fn small(value: &BigUint) -> Option<U256> {
    U256::try_from_le_slice(&value.to_bytes_le())
}

/// 256-bit numbers of every length, with runs of zeros and ones: where long division goes wrong.
fn wide() -> impl Strategy<Value = U256> {
    let digit = prop_oneof![3 => any::<u32>(), 1 => Just(0), 1 => Just(u32::MAX), 1 => Just(1 << 31), 1 => Just(1)];
    let digits = proptest::array::uniform8(digit).prop_map(|digits| {
        digits
            .iter()
            .fold(ZERO, |value, &digit| value << 32 | U256::from(digit))
    });
    prop_oneof![
        8 => (digits, 0usize..256).prop_map(|(value, shift)| value >> shift),
        1 => (0usize..256).prop_map(|bit| ONE << bit),
        1 => (0usize..256).prop_map(|bit| MAX >> bit),
        1 => Just(ZERO),
    ]
}

/// 128-bit numbers of every length.
fn narrow() -> impl Strategy<Value = u128> {
    wide().prop_map(|value| to_u128_saturating(value & U256::from(u128::MAX)))
}

proptest! {
    #[test]
    fn isqrt_is_the_floor_of_the_root(n in wide()) {
        prop_assert_eq!(big(isqrt(n)), big(n).sqrt());
    }

    #[test]
    fn isqrt_around_squares(root in 1..=u128::MAX) {
        let root = U256::from(root);
        let square = root * root;
        prop_assert_eq!(isqrt(square), root);
        prop_assert_eq!(isqrt(square - ONE), root - ONE);
        prop_assert_eq!(isqrt(square + root + root), root);
    }

    #[test]
    fn mul_div_is_exact(a in wide(), b in wide(), d in wide()) {
        let product = big(a) * big(b);
        if d.is_zero() {
            prop_assert_eq!(mul_div_floor(a, b, d), None);
            prop_assert_eq!(mul_div_ceil(a, b, d), None);
        } else {
            let ceil = (&product + big(d) - 1u8) / big(d);
            prop_assert_eq!(mul_div_floor(a, b, d), small(&(product / big(d))));
            prop_assert_eq!(mul_div_ceil(a, b, d), small(&ceil));
        }
    }

    #[test]
    fn ewma_is_the_floored_average(raw in narrow(), previous in narrow()) {
        let average: BigUint = (big(raw) * 3000u32 + big(previous) * 7000u32) / 10_000u32;
        prop_assert_eq!(big(ewma(raw, previous)), average);
    }
}
