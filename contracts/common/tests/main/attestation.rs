//! What is attested and not renewed.

use alloy_primitives::U256;
use bpe_common::attestation::{decayed, half_life, is_old, InvalidHalfLife};
use proptest::prelude::*;

const EPOCH: u64 = 300;
/// The most that is asked for.
const MOST: u128 = (1 << 92) - 1;

#[test]
fn it_halves_in_a_straight_line() {
    let at = |epochs: u64| decayed(1_000_000, 1_000, 1_000 + epochs * EPOCH, 10);
    assert_eq!(
        [0, 1, 5, 9, 10].map(at),
        [1_000_000, 950_000, 750_000, 550_000, 500_000]
    );
    assert_eq!([15, 20, 30, 190].map(at), [375_000, 250_000, 125_000, 1]);
    assert_eq!([199, 1_000, 1_280, u64::MAX / 301].map(at), [0; 4]);
    // Whole epochs count, and nothing is attested later than now.
    assert_eq!(decayed(1_000_000, 1_000, 1_299, 10), 1_000_000);
    assert_eq!(decayed(1_000_000, 1_030, 1_000, 10), 1_000_000);
    assert_eq!(
        [999, 1_000, 1_299, 1_300].map(|now| is_old(1_000, now)),
        [false, false, false, true]
    );
}

#[test]
fn a_half_life_is_2_to_288_epochs() {
    for epochs in [2, 12, 288] {
        assert_eq!(half_life(U256::from(epochs)), Ok(epochs));
    }
    for epochs in [
        U256::ZERO,
        U256::from(1),
        U256::from(289),
        U256::from(65_538),
        U256::MAX,
    ] {
        assert_eq!(half_life(epochs), Err(InvalidHalfLife { epochs }));
    }
}

proptest! {
    #[test]
    fn it_never_grows_and_a_half_life_is_a_half(
        value in 0..=MOST, time in 0..u64::from(u32::MAX), age in 0..1_000_000_u64, life in 2..=288_u16
    ) {
        let at = |age: u64| decayed(value, time, time + age, life);
        let half = u64::from(life) * EPOCH;
        prop_assert!(at(age) <= value);
        prop_assert!(at(age + 1) <= at(age));
        prop_assert!((at(age) / 2).abs_diff(at(age + half)) <= 1);
        if value >= 1 << 40 && age < 2 * half {
            prop_assert!(at(age) >= value / 4);
        }
    }
}
