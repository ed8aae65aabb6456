//! Integers narrower than a word, as they stand packed in storage slots.

use alloy_primitives::{Uint, U256};

/// The value as a whole word. Exact.
pub fn widen<const BITS: usize, const LIMBS: usize>(value: Uint<BITS, LIMBS>) -> U256 {
    let mut limbs = [0; 4];
    for (to, from) in limbs.iter_mut().zip(value.as_limbs()) {
        *to = *from;
    }
    U256::from_limbs(limbs)
}

/// The value in `BITS` bits, or `None` if it needs more.
pub fn narrow<const BITS: usize, const LIMBS: usize>(value: U256) -> Option<Uint<BITS, LIMBS>> {
    (value.bit_len() <= BITS).then(|| Uint::wrapping_from(value))
}

/// The value in `BITS` bits, at most 128, or the largest there is if it needs more.
pub fn pack<const BITS: usize, const LIMBS: usize>(value: u128) -> Uint<BITS, LIMBS> {
    const { assert!(BITS <= 128 && LIMBS <= 2) };
    let unused = 128_u32.wrapping_sub(BITS as u32);
    let value = value.min(u128::MAX >> unused);
    let mut limbs = [0; LIMBS];
    for (limb, part) in limbs.iter_mut().zip([value as u64, (value >> 64) as u64]) {
        *limb = part;
    }
    Uint::from_limbs(limbs)
}

/// The value of at most 128 bits as `u128`. Exact.
pub fn to_u128<const BITS: usize, const LIMBS: usize>(value: Uint<BITS, LIMBS>) -> u128 {
    const { assert!(BITS <= 128) };
    let mut limbs = value.as_limbs().iter();
    let low = limbs.next().map_or(0, |limb| u128::from(*limb));
    let high = limbs.next().map_or(0, |limb| u128::from(*limb));
    high << 64 | low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn narrow_refuses_exactly_what_does_not_fit(limbs: [u64; 4], shift in 0usize..256) {
            let value = U256::from_limbs(limbs) >> shift;
            let fits = value < U256::from(1) << 112;
            prop_assert_eq!(narrow::<112, 2>(value).is_some(), fits);
            if let Some(narrowed) = narrow::<112, 2>(value) {
                prop_assert_eq!(widen(narrowed), value);
                prop_assert_eq!(U256::from(to_u128(narrowed)), value);
                prop_assert_eq!(pack::<112, 2>(to_u128(narrowed)), narrowed);
            }
        }
    }

    #[test]
    fn boundaries() {
        let max = (U256::from(1) << 80) - U256::from(1);
        assert_eq!(narrow::<80, 2>(max).map(widen), Some(max));
        assert_eq!(narrow::<80, 2>(max + U256::from(1)), None);
        assert_eq!(narrow::<80, 2>(U256::MAX), None);
        assert_eq!(pack::<40, 1>(u128::MAX), Uint::MAX);
        assert_eq!(pack::<40, 1>(1 << 39), Uint::from(1_u64 << 39));
        assert_eq!(pack::<128, 2>(u128::MAX), Uint::MAX);
        assert_eq!(to_u128(Uint::<128, 2>::MAX), u128::MAX);
        assert_eq!(to_u128(Uint::<32, 1>::from(7)), 7);
        assert_eq!(widen(Uint::<32, 1>::from(u32::MAX)), U256::from(u32::MAX));
    }
}
