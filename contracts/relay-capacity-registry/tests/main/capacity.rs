//! What the three dimensions make for: weights, caps, smoothing, and whose word counts.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_common::{call::Revert, clock::testing::advance_blocks};
use motsu::prelude::*;

use crate::{contract::*, world::*};

/// A world whose aggregator is ANYONE, and a relay of 10 points.
fn world<'a>(
    relays: &'a Contract<RelayCapacityRegistry>,
    core: &Contract<Core>,
    stakes: &'a Contract<Stakes>,
    owner: Address,
    operator: Address,
) -> World<'a> {
    let world = World::new(relays, core, stakes, owner);
    relays.sender(owner).set_aggregator(ANYONE).motsu_unwrap();
    world.relay(operator, KEY, points(10));
    world
}

fn update(world: &World, capacity: RelayCapacity) {
    let it = world.relays.sender(ANYONE);
    { it }.update_relay_capacity(KEY, capacity).motsu_unwrap();
}

fn raw(world: &World) -> U256 {
    world.relays.sender(ANYONE).get_capacity_update(KEY).2
}

#[motsu::test]
fn each_dimension_has_its_weight(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = world(&relays, &core, &stakes, owner, operator);
    let half = units(1) / U256::from(2);
    for (dimensions, composite) in [
        ([1, 0, 0], half),
        ([0, 1, 0], half / U256::from(2)),
        ([0, 0, 1], half / U256::from(2)),
        ([1, 2, 3], U256::from(1_750_000_000_u64)),
        ([0, 0, 0], U256::ZERO),
    ] {
        update(&world, capacity(dimensions));
        assert_eq!(raw(&world), composite, "{dimensions:?}");
    }
    // The smallest weight counts exactly: 1e9 is a multiple of 10 000.
    let weights = [9_998, 1, 1].map(U256::from);
    relays
        .sender(owner)
        .set_capacity_weights(weights[0], weights[1], weights[2])
        .motsu_unwrap();
    update(&world, capacity([0, 1, 0]));
    assert_eq!(raw(&world), U256::from(100_000));
    update(&world, capacity([0, 0, 3]));
    assert_eq!(raw(&world), U256::from(300_000));
}

#[motsu::test]
fn capacity_is_smoothed_one_step_a_block(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = world(&relays, &core, &stakes, owner, operator);
    update(&world, points(20));
    assert_eq!(world.composite(KEY), units(10), "registered in this block");
    assert_eq!(raw(&world), units(20));
    advance_blocks(1);
    for _ in 0..3 {
        update(&world, points(20));
        assert_eq!(world.composite(KEY), units(13));
    }
    relays.assert_emitted(&RelayCapacityUpdated {
        nostrPubkey: KEY,
        eventsPerSecond: U256::from(20),
        storageGB: U256::from(20),
        bandwidthMbps: U256::from(20),
        compositeCapacity: units(13),
    });
    advance_blocks(7);
    update(&world, points(3));
    assert_eq!(world.composite(KEY), units(10));
    assert_eq!(world.sequence(KEY), U256::from(6));
}

#[motsu::test]
fn the_stake_is_the_cap(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
    other: Address,
) {
    let world = world(&relays, &core, &stakes, owner, operator);
    world.stake(other, units(5));
    world.register(other, OTHER_KEY, points(6)).unwrap();
    assert_eq!(world.composite(OTHER_KEY), units(5));
    // What was attested goes on as it is: who pays cuts by itself.
    let update_of_other = known(&relays, OTHER_KEY);
    assert_eq!(update_of_other, (other, units(5), units(6), U256::from(1)));

    advance_blocks(1);
    // 0.3 · 20 + 0.7 · 10, not 0.3 · 1000: the cap comes before the smoothing.
    world.stake(operator, units(20));
    update(&world, points(1_000));
    assert_eq!(world.composite(KEY), units(13));
    // A cap that fell counts at once, in the same block too.
    world.stake(operator, units(4));
    update(&world, points(1_000));
    assert_eq!(world.composite(KEY), units(4));
    advance_blocks(1);
    world.stake(operator, units(3));
    update(&world, points(1_000));
    assert_eq!(world.composite(KEY), units(3));
    world.stake(operator, U256::ZERO);
    update(&world, points(1_000));
    assert_eq!(world.composite(KEY), U256::ZERO);
}

#[motsu::test]
fn no_dimension_is_too_large(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = world(&relays, &core, &stakes, owner, operator);
    world.stake(operator, U256::MAX);
    let largest = (1 << 40) - 1;
    for dimension in [U256::MAX, U256::from(1) << 40, U256::from(largest)] {
        let most = RelayCapacity {
            eventsPerSecond: dimension,
            storageGB: dimension,
            bandwidthMbps: dimension,
        };
        update(&world, most);
        assert_eq!(raw(&world), units(largest));
        let info = relays.sender(owner).get_relay(KEY).info();
        assert_eq!(info.capacity, points(largest));
    }
    // It fits where it is kept.
    world.deregister(operator, KEY).unwrap();
    let other = Address::repeat_byte(0xb0);
    world.stake(other, U256::MAX);
    world.register(other, KEY, points(u64::MAX)).unwrap();
    assert_eq!(world.composite(KEY), units(largest));
}

#[motsu::test]
fn the_aggregator_needs_no_signature(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(operator, KEY, points(10));
    let update = |caller: Address, key| {
        relays
            .sender(caller)
            .update_relay_capacity(key, points(5))
            .motsu_res()
    };
    for caller in [owner, operator, ANYONE] {
        assert_eq!(update(caller, KEY), Err(NotAuthorizedAggregator {}.into()));
    }
    relays.sender(owner).set_aggregator(ANYONE).motsu_unwrap();
    for caller in [owner, operator] {
        assert_eq!(update(caller, KEY), Err(NotAuthorizedAggregator {}.into()));
    }
    assert_eq!(update(ANYONE, OTHER_KEY), Err(RelayNotRegistered {}.into()));
    update(ANYONE, KEY).unwrap();
    assert_eq!(
        relays.sender(owner).get_relay(KEY).info().capacity,
        points(5)
    );
}

#[motsu::test]
fn what_stake_manager_says_is_passed_on(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.stake(operator, units(10));
    stakes.sender(owner).set_reverts(true);
    let refused = Error::Revert(Revert(Refusal::from("no").abi_encode()));
    assert_eq!(world.register(operator, KEY, points(1)), Err(refused));
    assert_eq!(relays.sender(owner).get_relay_count(), U256::ZERO);
}
