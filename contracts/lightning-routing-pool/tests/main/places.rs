//! Who tries to close the list of nodes, and cannot.

use alloy_primitives::U256;
use bpe_common::clock::testing::{advance_time, timestamp};
use motsu::prelude::*;

use crate::{contract::*, node, number, operator, units, World, ANYONE, LIGHTNING, MILLION, TOKEN};

const EPOCH: u64 = 300;

impl World {
    fn claim(&self, seed: u8) -> Result<(), Error> {
        let mut it = self.pool.sender(operator(seed));
        it.claim_place(node(seed)).motsu_res()
    }

    /// 64 nodes, of which each has the least stake there is locked.
    fn squatted() -> Self {
        let world = Self::new();
        for seed in 1..=64 {
            world.member(seed, MILLION, 0);
        }
        world
    }
}

/// The attack: after one share submission nobody can join.
#[motsu::test]
fn joining_works_whatever_the_weighting() {
    let world = World::new();
    world.units.sender(ANYONE).submit_shares();
    world.equip(1, 30 * MILLION, 0);
    world.join(1).unwrap();
    assert!(world.is_sink(1));
    assert_eq!(world.members(), [node(1)]);
}

/// The attack: 64 squatters close the list of nodes for ever.
#[motsu::test]
fn the_one_with_the_least_stake_is_displaced_by_one_with_a_tenth_more() {
    let world = World::squatted();
    // 30 units: of 100 tokens each squatter has locked, 900 are more than a tenth more.
    world.equip(65, 30 * MILLION, 0);
    let nothing = LessStakeLocked {
        locked: U256::ZERO,
        required: TOKEN * number(110),
    };
    assert_eq!(world.claim(65), Err(nothing.into()), "it has to be locked");
    let register = world
        .registry
        .sender(operator(65))
        .register_sink(LIGHTNING, units(30));
    register.motsu_unwrap();
    world.claim(65).unwrap();
    let from = number(timestamp() + EPOCH);
    world.pool.assert_emitted(&PlaceClaimed {
        nodePubkey: node(65),
        least: node(64),
        from,
    });
    assert_eq!(world.pool.sender(ANYONE).get_claim(node(65)), from);
    // Not before the other one had an epoch to lock more.
    advance_time(EPOCH - 1);
    assert_eq!(world.join(65), Err(TooManyNodes {}.into()));
    advance_time(1);
    world.join(65).unwrap();
    world.pool.assert_emitted(&NodeLeftPool {
        nodePubkey: node(64),
        operator: operator(64),
    });
    assert_eq!(world.members().len(), 64);
    assert!(world.members().contains(&node(65)));
    assert!(!world.members().contains(&node(64)));
    assert!(world.is_sink(64), "and is paid as before");
    assert_eq!(world.pool.sender(ANYONE).get_claim(node(65)), U256::ZERO);
    // It can be in the pool again, when there is room.
    world.leave_by(operator(1), 1).unwrap();
    world.join(64).unwrap();
}

#[motsu::test]
fn a_claim_needs_more_stake_a_node_and_a_full_pool() {
    let world = World::new();
    world.equip(65, 30 * MILLION, 0);
    assert_eq!(world.claim(65), Err(PoolNotFull {}.into()));
    for seed in 1..=64 {
        world.member(seed, MILLION, 0);
    }
    assert_eq!(world.claim(64), Err(NodeAlreadyInPool {}.into()));
    assert_eq!(world.claim(66), Err(NotNodeOperator {}.into()));
    // As much as the others is not a tenth more: 10 units, 100 tokens.
    let register = world
        .registry
        .sender(operator(65))
        .register_sink(LIGHTNING, units(10));
    register.motsu_unwrap();
    let less = LessStakeLocked {
        locked: TOKEN * number(100),
        required: TOKEN * number(110),
    };
    assert_eq!(world.claim(65), Err(less.into()));
    assert_eq!(world.join(65), Err(TooManyNodes {}.into()));
}

#[motsu::test]
fn who_locks_more_meanwhile_keeps_its_place_and_claims_end() {
    let world = World::squatted();
    world.equip(65, 30 * MILLION, 0);
    let register = |seed, capacity| {
        let mut it = world.registry.sender(operator(seed));
        it.register_sink(LIGHTNING, capacity).motsu_unwrap();
    };
    // 121 tokens.
    register(65, units(11));
    world.claim(65).unwrap();
    advance_time(EPOCH + CLAIM_PERIOD + 1);
    assert_eq!(world.join(65), Err(TooManyNodes {}.into()), "too late");
    world.claim(65).unwrap();
    for seed in 1..=64 {
        world.leave_by(operator(seed), seed).unwrap();
        advance_time(2 * CLAIM_PERIOD);
        register(seed, units(12));
        world.join(seed).unwrap();
    }
    advance_time(EPOCH);
    world.claim(65).unwrap_err();
    assert_eq!(world.members().len(), 64);
}
