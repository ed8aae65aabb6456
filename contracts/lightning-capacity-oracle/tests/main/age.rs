//! What is attested and not renewed.

use alloy_primitives::U256;
use bpe_common::{attestation::InvalidHalfLife, clock::testing::advance_time};
use motsu::prelude::*;

use crate::{contract::*, node, number, operator, units, World, OWNER, RELAYER};

const DAY: u64 = 86_400;
/// 12 epochs of 300 s.
const HALF_LIFE: u64 = 3_600;

impl World {
    fn refresh(&self, seed: u8) -> Result<(), Error> {
        self.oracle.sender(RELAYER).refresh(node(seed)).motsu_res()
    }
}

/// The attack: an attestation of ninety days ago is paid like a new one.
#[motsu::test]
fn an_attestation_of_ninety_days_ago_is_worth_nothing() {
    let world = World::new();
    world.member(1, 60_000_000);
    assert_eq!(world.core_capacity(operator(1)), units(18));
    advance_time(90 * DAY);
    // Routes do not choose it, whether anybody called or not.
    assert_eq!(world.smoothed(node(1)), U256::ZERO);
    assert_eq!(world.oracle.sender(RELAYER).get_node(node(1)).3, U256::ZERO);
    world.refresh(1).unwrap();
    assert_eq!(world.core_capacity(operator(1)), U256::ZERO);
    // The next one counts again.
    world.attest(1, 60_000_000, 0, 1);
    assert_eq!(world.core_capacity(operator(1)), units(18));
}

#[motsu::test]
fn it_halves_with_each_half_life() {
    let world = World::new();
    world.member(1, 60_000_000);
    for nonce in 1..30 {
        world.attest(1, 60_000_000, 0, nonce);
    }
    let before = world.core_capacity(operator(1));
    assert!(before > number(59_900_000_000));
    // Not within an epoch.
    advance_time(299);
    world.refresh(1).unwrap();
    assert_eq!(world.core_capacity(operator(1)), before);
    assert!(world.smoothed(node(1)) > number(59_900_000));
    advance_time(HALF_LIFE / 2 - 299);
    for left in [45_000_000, 30_000_000, 15_000_000] {
        assert_eq!(world.smoothed(node(1)), number(left));
        world.refresh(1).unwrap();
        assert_eq!(world.core_capacity(operator(1)), number(left * 1_000));
        advance_time(if left == 45_000_000 {
            HALF_LIFE / 2
        } else {
            HALF_LIFE
        });
    }
    // What was attested of a congested node counts as such: a third of 7.5 units.
    world.attest(1, 60_000_000, 2, 100);
    advance_time(3 * HALF_LIFE);
    world.refresh(1).unwrap();
    assert_eq!(world.core_capacity(operator(1)), number(2_500_000_000));
}

/// The attack: who attests nothing keeps what smoothing left it.
#[motsu::test]
fn an_attestation_of_nothing_grows_old_too() {
    let world = World::new();
    world.member(1, 60_000_000);
    world.attest(1, 0, 0, 1);
    assert_eq!(world.smoothed(node(1)), number(12_600_000));
    advance_time(300);
    assert_eq!(world.smoothed(node(1)), U256::ZERO);
    world.refresh(1).unwrap();
    assert_eq!(world.core_capacity(operator(1)), U256::ZERO);
}

#[motsu::test]
fn only_nodes_are_refreshed_and_the_owner_sets_the_half_life() {
    let world = World::new();
    assert_eq!(world.refresh(1), Err(NodeNotRegistered {}.into()));
    let set = |caller, epochs: u64| {
        let mut it = world.oracle.sender(caller);
        it.set_half_life(number(epochs)).motsu_res()
    };
    assert!(matches!(set(RELAYER, 24), Err(Error::Ownable(_))));
    for epochs in [0, 1, 289, 65_538] {
        let error = InvalidHalfLife {
            epochs: number(epochs),
        };
        assert_eq!(set(OWNER, epochs), Err(error.into()));
    }
    assert_eq!(world.oracle.sender(RELAYER).half_life(), number(12));
    set(OWNER, 24).unwrap();
    world
        .oracle
        .assert_emitted(&HalfLifeSet { epochs: number(24) });
    assert_eq!(world.oracle.sender(RELAYER).half_life(), number(24));
    // A layout in which fields overlap would show here.
    assert_eq!(
        world.oracle.sender(RELAYER).sats_per_unit(),
        number(1_000_000)
    );
    world.member(1, 10_000_000);
    advance_time(4 * HALF_LIFE);
    // A quarter of 10 is less than the 3 that smoothing has let through.
    assert_eq!(world.smoothed(node(1)), number(2_500_000));
}
