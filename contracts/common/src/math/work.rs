//! How much of the capacity of a market is used, and what that makes of its fee.
//!
//! Work and capacity are in capacity-seconds of 1e-9 units, fees in payment-token wei.

use alloy_primitives::U256;

use super::{mul_div_floor, pricing::WAD, split::scale, to_u128_saturating};

/// From so many epochs without work on, nothing is left of any capacity: 0.7^208 is below 2^-107.
pub const FORGOTTEN: u64 = 208;

/// 1.0 where the powers below are: 127 fractional bits.
const ONE: U256 = U256::from_limbs([0, 1 << 63, 0, 0]);
/// 0.7^1, 0.7^2, 0.7^4 … 0.7^128, rounded down, with 127 fractional bits.
const POWERS: [u128; 8] = [
    0x59999999999999999999999999999999,
    0x3eb851eb851eb851eb851eb851eb851e,
    0x1ebb98c7e28240b780346dc5d6388659,
    0x0761028ed092d50453ccb0c83461b175,
    0x006ce5cd7f5143b4040806878d9161d9,
    0x00005ca567596e9b54f73e85b1754e93,
    0x00000000430e9a4d55029f18a3a126c1,
    0x000000000000000023214b336feb9a67,
];

/// `floor(amount · 0.7^epochs)`, less than two units too low. Zero from [`FORGOTTEN`] epochs on. At most eight products,
/// however many epochs.
pub fn faded(amount: u128, epochs: u64) -> u128 {
    if epochs >= FORGOTTEN {
        return 0;
    }
    let mut factor = ONE;
    for (bit, power) in POWERS.iter().enumerate() {
        if epochs >> bit & 1 == 1 {
            factor = mul_div_floor(factor, U256::from(*power), ONE).unwrap_or(U256::ZERO);
        }
    }
    mul_div_floor(U256::from(amount), factor, ONE).map_or(0, to_u128_saturating)
}

/// Utilization at which the base fee of a market by work stays: 80 %.
pub const TARGET: u64 = 800_000_000_000_000_000;

/// How much of the capacity that served was used, 1e18 is all of it; nothing if none served.
pub fn used(work: u128, capacity: u128) -> Option<u64> {
    if capacity == 0 {
        return None;
    }
    let share = scale(work, u128::from(WAD), capacity).min(u128::from(WAD));
    u64::try_from(share).ok()
}

/// The base fee after an epoch in which `used` (1e18 is all) of the capacity was: up by 12.5 % at all of it, down by 12.5 % at
/// nothing, unchanged at [`TARGET`], linear on both sides. Rounded down, then kept from `floor` to `ceiling`.
pub fn fee_by_use(fee: u128, used: u64, floor: u128, ceiling: u128) -> u128 {
    let used = used.min(WAD);
    let factor = match used.checked_sub(TARGET) {
        // An eighth of a fifth: 0.125 / 0.2 = 5 / 8.
        Some(above) => WAD.saturating_add(above / 8 * 5),
        // 0.125 / 0.8 = 5 / 32.
        None => WAD.saturating_sub(TARGET.saturating_sub(used) / 32 * 5),
    };
    scale(fee, u128::from(factor), u128::from(WAD))
        .min(ceiling)
        .max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    const WORK: u128 = 1 << 104;

    fn exactly_faded(amount: u128, epochs: u64) -> u128 {
        let exact = BigUint::from(amount) * BigUint::from(7u8).pow(epochs as u32)
            / BigUint::from(10u8).pow(epochs as u32);
        exact.try_into().expect("no more than the amount")
    }

    proptest! {
        #[test]
        fn fading_by_powers_is_fading_epoch_by_epoch(amount in 0..WORK, epochs in 0u64..260) {
            let exact = exactly_faded(amount, epochs);
            let fast = faded(amount, epochs);
            prop_assert!(fast <= exact && exact - fast < 2, "{} {}", fast, exact);
        }

        #[test]
        fn a_fee_moves_by_an_eighth_at_most(fee in 8u128..1 << 96, used in 0..=WAD) {
            let next = fee_by_use(fee, used, 0, u128::MAX);
            prop_assert!(next <= fee + fee / 8 && next + 1 >= fee - fee / 8);
            match used.cmp(&TARGET) {
                core::cmp::Ordering::Less => prop_assert!(next <= fee),
                core::cmp::Ordering::Equal => prop_assert_eq!(next, fee),
                core::cmp::Ordering::Greater => prop_assert!(next >= fee),
            }
        }
    }

    #[test]
    fn forgotten_is_when_nothing_is_left_of_any_work() {
        assert_eq!(exactly_faded((1 << 107) - 1, FORGOTTEN), 0);
        assert_eq!(exactly_faded(1 << 107, FORGOTTEN - 1), 1);
        assert_eq!(faded(u128::MAX, FORGOTTEN), 0);
        assert_eq!(faded(u128::MAX, u64::MAX), 0);
        assert_eq!(faded(1_000, 1), 699 + u128::from(faded(1_000, 1) == 700));
    }

    #[test]
    fn fees_by_use() {
        let fee = 1_000_000_000_000;
        assert_eq!(fee_by_use(fee, WAD, 0, u128::MAX), fee + fee / 8);
        assert_eq!(fee_by_use(fee, 0, 0, u128::MAX), fee - fee / 8);
        assert_eq!(fee_by_use(fee, TARGET, 0, u128::MAX), fee);
        assert_eq!(fee_by_use(fee, WAD / 10 * 9, 0, u128::MAX), fee + fee / 16);
        assert_eq!(fee_by_use(fee, WAD / 10 * 4, 0, u128::MAX), fee - fee / 16);
        assert_eq!(fee_by_use(fee, WAD, 0, fee), fee);
        assert_eq!(fee_by_use(fee, 0, fee, u128::MAX), fee);
        assert_eq!(used(5, 0), None);
        assert_eq!(used(5, 10), Some(WAD / 2));
        assert_eq!(used(50, 10), Some(WAD));
    }
}
