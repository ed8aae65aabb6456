//! Construction, and what the owner sets.

use std::borrow::Borrow;

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::NotAContract,
    clock::testing::{advance_time, timestamp},
    ownable::{Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    powers::{PowerAnnounced, MIN_NOTICE},
};
use motsu::prelude::*;

use crate::{contract::*, world::*};

fn weights(relays: &Contract<RelayCapacityRegistry>) -> [U256; 3] {
    let it = relays.sender(ANYONE);
    [
        it.throughput_weight(),
        it.storage_weight(),
        it.bandwidth_weight(),
    ]
}

#[motsu::test]
fn starts_with_what_it_is_given(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    assert_eq!(weights(&relays), [5_000, 2_500, 2_500].map(U256::from));
    let it = relays.sender(owner);
    assert_eq!(it.key_registry(), world.keys.address());
    assert_eq!(it.core_registry(), core.address());
    assert_eq!(it.stake_manager(), stakes.address());
    assert_eq!(it.relay_task_type_id(), RELAY_TYPE);
    assert_eq!(it.relay_task_type_id_constant(), RELAY_TYPE);
    assert_eq!(it.authorized_aggregator(), Address::ZERO);
    assert_eq!(it.bps(), U256::from(10_000));
    assert_eq!(it.ewma_alpha_bps(), U256::from(3_000));
    assert_eq!(it.get_relay_count(), U256::ZERO);
    let ownable: &Ownable = (*it).borrow();
    assert_eq!(ownable.owner(), owner);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let construct = |neighbours: [Address; 3], id: B256, owner: Address| {
        let [core, stakes, keys] = neighbours;
        relays
            .sender(ANYONE)
            .constructor(core, stakes, keys, id, owner)
            .motsu_unwrap_err()
    };
    let (core, stakes) = (core.address(), stakes.address());
    let good = [core, stakes, stakes];
    for place in 0..3 {
        let mut neighbours = good;
        neighbours[place] = ANYONE;
        let not = Error::from(NotAContract { account: ANYONE });
        assert_eq!(construct(neighbours, RELAY_TYPE, owner), not);
    }
    assert_eq!(construct(good, KEY, owner), TaskTypeDoesNotExist {}.into());
    // A stand-in that knows no task types is no obstacle.
    let fresh = Contract::<RelayCapacityRegistry>::new();
    let mut it = fresh.sender(ANYONE);
    let it = it.constructor(stakes, stakes, stakes, RELAY_TYPE, owner);
    assert_eq!(it.motsu_res(), Ok(()));
    let nobody = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        construct(good, RELAY_TYPE, Address::ZERO),
        Error::Ownable(nobody.into())
    );
}

#[motsu::test]
fn weights_sum_to_everything(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    World::new(&relays, &core, &stakes, owner);
    let set = |weights: [U256; 3]| {
        let [throughput, storage, bandwidth] = weights;
        relays
            .sender(owner)
            .set_capacity_weights(throughput, storage, bandwidth)
            .motsu_res()
    };
    let small = |weights: [u64; 3]| weights.map(U256::from);
    let two_to_16 = U256::from(65_536);
    for refused in [
        small([5_000, 2_500, 2_499]),
        small([5_000, 2_500, 2_501]),
        small([0, 0, 0]),
        // What sums to it by wrapping around.
        [U256::MAX, small([10_001; 3])[0], U256::ZERO],
        [two_to_16, small([10_000; 3])[0], U256::ZERO],
    ] {
        assert_eq!(set(refused), Err(InvalidWeights {}.into()));
    }
    assert_eq!(weights(&relays), small([5_000, 2_500, 2_500]));
    for accepted in [[10_000, 0, 0], [1, 9_998, 1], [0, 0, 10_000]] {
        let accepted = small(accepted);
        set(accepted).unwrap();
        assert_eq!(weights(&relays), accepted);
        let [throughput, storage, bandwidth] = accepted;
        relays.assert_emitted(&CapacityWeightsUpdated {
            throughputWeight: throughput,
            storageWeight: storage,
            bandwidthWeight: bandwidth,
        });
    }
}

#[motsu::test]
fn the_owner_names_the_aggregator_and_nobody_else_does(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    World::new(&relays, &core, &stakes, owner);
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account: ANYONE }.into());
    let it = relays.sender(ANYONE).set_aggregator(ANYONE);
    assert_eq!(it.motsu_unwrap_err(), refused);
    let [all, none] = [U256::from(10_000), U256::ZERO];
    let it = relays.sender(ANYONE).set_capacity_weights(all, none, none);
    assert_eq!(it.motsu_unwrap_err(), refused);

    relays.sender(owner).set_aggregator(ANYONE).motsu_unwrap();
    relays.assert_emitted(&AggregatorSet { aggregator: ANYONE });
    assert_eq!(relays.sender(owner).authorized_aggregator(), ANYONE);
    assert_eq!(weights(&relays), [5_000, 2_500, 2_500].map(U256::from));
}

/// The attack: an aggregator that says of relays that they can do more than they can, which they then owe.
#[motsu::test]
fn an_aggregator_waits_for_the_notice_of_stakes(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    World::new(&relays, &core, &stakes, owner);
    stakes.sender(owner).set_notice(MIN_NOTICE);
    relays.sender(owner).set_aggregator(ANYONE).motsu_unwrap();
    let from = U256::from(timestamp() + MIN_NOTICE);
    relays.assert_emitted(&PowerAnnounced {
        at: relays.address(),
        power: AGGREGATOR,
        to: ANYONE,
        from,
    });
    let read = || {
        let it = relays.sender(owner);
        (it.authorized_aggregator(), it.get_aggregator(from))
    };
    advance_time(MIN_NOTICE - 1);
    assert_eq!(read(), (Address::ZERO, ANYONE));
    advance_time(1);
    assert_eq!(read(), (ANYONE, ANYONE));
    let none = relays.sender(owner).set_aggregator(Address::ZERO);
    none.motsu_unwrap();
    assert_eq!(read().0, Address::ZERO);
}

/// As `satsPerUnit` of nodes: the greater, the less of a relay's capacity there is at the core, and the less stake it needs.
#[motsu::test]
fn points_are_scaled_against_stake(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    let set = |by, scale| relays.sender(by).set_points_per_unit(scale).motsu_res();
    let billion = U256::from(1_000_000_000);
    assert_eq!(relays.sender(ANYONE).points_per_unit(), billion);
    for scale in [U256::ZERO, U256::from(1) << 64, U256::MAX] {
        let error = InvalidPointsPerUnit {
            pointsPerUnit: scale,
        };
        assert_eq!(set(owner, scale), Err(error.into()));
    }
    assert!(set(ANYONE, billion).is_err());
    let raw = || {
        world.relay(ANYONE, KEY, points(40));
        let raw = relays.sender(ANYONE).get_capacity_update(KEY).2;
        world.deregister(ANYONE, KEY).unwrap();
        raw
    };
    assert_eq!(raw(), units(40));
    set(owner, billion * U256::from(4)).unwrap();
    relays.assert_emitted(&PointsPerUnitSet {
        pointsPerUnit: billion * U256::from(4),
    });
    assert_eq!(raw(), units(10));
    set(owner, billion / U256::from(2)).unwrap();
    assert_eq!(raw(), units(80));
    // Weights keep the scale, the scale keeps weights.
    let all = U256::from(10_000);
    let mut it = relays.sender(owner);
    it.set_capacity_weights(all, U256::ZERO, U256::ZERO)
        .motsu_unwrap();
    drop(it);
    assert_eq!(raw(), units(80));
    set(owner, U256::from(1)).unwrap();
    assert_eq!(weights(&relays)[0], all);
    world.relay(ANYONE, KEY, capacity([u64::MAX; 3]));
    let raw = relays.sender(ANYONE).get_capacity_update(KEY).2;
    assert_eq!(raw, (U256::from(1) << 70) - U256::from(1));
    // After the notice of powers over stakes.
    stakes.sender(ANYONE).set_notice(1_000);
    set(owner, billion).unwrap();
    let it = relays.sender(ANYONE);
    assert_eq!(it.points_per_unit(), U256::from(1));
    assert_eq!(it.announced_points_per_unit().0, billion);
}
