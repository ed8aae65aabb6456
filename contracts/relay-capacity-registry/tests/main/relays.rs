//! Who registers and deregisters relays.

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_blocks, timestamp},
    returns::Returns,
};
use motsu::prelude::*;

use crate::{contract::*, world::*};

#[motsu::test]
fn an_operator_registers_a_relay(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    assert_eq!(
        relays.sender(owner).get_relay(KEY).info(),
        RelayInfo::default()
    );
    world.stake(operator, units(1_000));
    world
        .register(operator, KEY, capacity([100, 40, 80]))
        .unwrap();
    relays.assert_emitted(&RelayRegistered {
        nostrPubkey: KEY,
        operator,
        relayUrl: URL.into(),
        compositeCapacity: units(80),
    });
    relays.assert_emitted(&RelayCapacityUpdated {
        nostrPubkey: KEY,
        eventsPerSecond: U256::from(100),
        storageGB: U256::from(40),
        bandwidthMbps: U256::from(80),
        compositeCapacity: units(80),
    });
    let it = relays.sender(owner);
    assert_eq!(
        it.get_relay(KEY).info(),
        RelayInfo {
            nostrPubkey: KEY,
            operator,
            relayUrl: URL.into(),
            capacity: capacity([100, 40, 80]),
            compositeCapacity: units(80),
            registered: true,
        }
    );
    assert_eq!(it.get_operator(KEY), operator);
    assert_eq!(it.get_relay_of(operator), KEY);
    assert_eq!(it.get_composite_capacity(KEY), units(80));
    let one = U256::from(1);
    assert_eq!(
        it.get_capacity_update(KEY),
        (operator, units(80), units(80), one, U256::from(timestamp()))
    );
    assert_eq!(it.get_relay_count(), one);
}

#[motsu::test]
fn a_relay_needs_the_stake_of_a_sink(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    let one = U256::from(1);
    stakes
        .sender(owner)
        .set(operator, MIN_STAKE - one, units(1_000));
    let insufficient = InsufficientStake {
        required: MIN_STAKE,
        available: MIN_STAKE - one,
    };
    assert_eq!(
        world.register(operator, KEY, points(1)),
        Err(insufficient.into())
    );
    assert_eq!(relays.sender(owner).get_operator(KEY), Address::ZERO);
    // With a discount, half of it will do, and less will not.
    stakes.sender(owner).give_discount(operator);
    let half = MIN_STAKE / U256::from(2);
    stakes.sender(owner).set(operator, half - one, units(1_000));
    let insufficient = InsufficientStake {
        required: half,
        available: half - one,
    };
    assert_eq!(
        world.register(operator, KEY, points(1)),
        Err(insufficient.into())
    );
    stakes.sender(owner).set(operator, half, units(1_000));
    world.register(operator, KEY, points(1)).unwrap();
}

#[motsu::test]
fn a_key_has_one_operator_and_an_operator_one_key(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    alice: Address,
    bob: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(alice, KEY, points(10));
    world.stake(bob, units(1_000));
    assert_eq!(
        world.register(bob, KEY, points(10)),
        Err(RelayAlreadyRegistered {}.into())
    );
    for key in [KEY, OTHER_KEY] {
        assert_eq!(
            world.register(alice, key, points(10)),
            Err(OperatorHasRelay { nostrPubkey: KEY }.into())
        );
    }
    world.deregister(alice, KEY).unwrap();
    world.register(bob, KEY, points(20)).unwrap();
    assert_eq!(relays.sender(owner).get_operator(KEY), bob);
    assert_eq!(world.composite(KEY), units(20), "Bob's own, not Alice's");
    world.register(alice, OTHER_KEY, points(10)).unwrap();
}

#[motsu::test]
fn urls_are_bounded_and_leave_nothing_behind(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.stake(operator, units(1_000));
    world.keys.sender(ANYONE).set(KEY, operator);
    let register = |length: usize| {
        relays
            .sender(operator)
            .register_relay(KEY, "r".repeat(length), points(1))
            .motsu_res()
    };
    let too_long = RelayUrlTooLong {
        length: U256::from(256),
        maximum: U256::from(255),
    };
    assert_eq!(register(256), Err(too_long.into()));
    for length in [255, 31, 32, 0] {
        register(length).unwrap();
        let info = relays.sender(owner).get_relay(KEY).info();
        assert_eq!(info.relayUrl, "r".repeat(length));
        world.deregister(operator, KEY).unwrap();
        assert_eq!(
            relays.sender(owner).get_relay(KEY).info(),
            RelayInfo::default()
        );
    }
}

#[motsu::test]
fn the_operator_deregisters(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    assert_eq!(
        world.deregister(operator, KEY),
        Err(RelayNotRegistered {}.into())
    );
    world.relay(operator, KEY, points(10));
    for caller in [owner, ANYONE] {
        assert_eq!(world.deregister(caller, KEY), Err(NotOperator {}.into()));
    }
    world.deregister(operator, KEY).unwrap();
    relays.assert_emitted(&RelayDeregistered {
        nostrPubkey: KEY,
        operator,
    });
    let it = relays.sender(owner);
    assert_eq!(it.get_relay(KEY).info(), RelayInfo::default());
    assert_eq!(it.get_operator(KEY), Address::ZERO);
    assert_eq!(it.get_relay_of(operator), B256::ZERO);
    assert_eq!(it.get_composite_capacity(KEY), U256::ZERO);
    let zero = U256::ZERO;
    assert_eq!(
        it.get_capacity_update(KEY),
        (Address::ZERO, zero, zero, zero, zero)
    );
    assert_eq!(it.get_all_relays(), Returns((vec![], vec![])));
    drop(it);
    assert_eq!(
        world.deregister(operator, KEY),
        Err(RelayNotRegistered {}.into())
    );
}

#[motsu::test]
fn anyone_takes_off_a_relay_without_a_stake(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(operator, KEY, points(10));
    let less = MIN_STAKE - U256::from(1);
    stakes.sender(owner).set(operator, less, units(1_000));
    // Its discount is still its own.
    stakes.sender(owner).give_discount(operator);
    assert_eq!(world.deregister(ANYONE, KEY), Err(NotOperator {}.into()));
    stakes
        .sender(owner)
        .set(operator, U256::from(49), units(1_000));
    world.deregister(ANYONE, KEY).unwrap();
    relays.assert_emitted(&RelayDeregistered {
        nostrPubkey: KEY,
        operator,
    });
    assert_eq!(relays.sender(owner).get_operator(KEY), Address::ZERO);
}

#[motsu::test]
fn the_list_pages(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    let keys: Vec<B256> = (1..=4).map(B256::repeat_byte).collect();
    for (number, key) in (1_u8..).zip(&keys) {
        let operator = Address::repeat_byte(0xa0 + number);
        world.relay(operator, *key, points(u64::from(number)));
    }
    let capacities: Vec<U256> = (1..=4).map(units).collect();
    let page = |from: u64, count: u64| {
        let (from, count) = (U256::from(from), U256::from(count));
        relays.sender(owner).get_relays_page(from, count).0
    };
    let all = relays.sender(owner).get_all_relays();
    assert_eq!(all.0, (keys.clone(), capacities.clone()));
    assert_eq!(page(1, 2), (keys[1..3].to_vec(), capacities[1..3].to_vec()));
    assert_eq!(page(3, 9), (keys[3..].to_vec(), capacities[3..].to_vec()));
    assert_eq!(page(4, 1), (vec![], vec![]));
    world
        .deregister(Address::repeat_byte(0xa1), keys[0])
        .unwrap();
    let left = vec![keys[3], keys[1], keys[2]];
    assert_eq!(page(0, 9), (left, vec![units(4), units(2), units(3)]));
    assert_eq!(relays.sender(owner).get_relay_count(), U256::from(3));
}

#[motsu::test]
fn leaving_is_no_way_around_smoothing(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(operator, KEY, points(10));
    // In the same block no step is taken, whatever the key.
    world.deregister(operator, KEY).unwrap();
    world.register(operator, OTHER_KEY, points(110)).unwrap();
    assert_eq!(world.composite(OTHER_KEY), units(10));
    world.deregister(operator, OTHER_KEY).unwrap();
    advance_blocks(1);
    world.register(operator, KEY, points(110)).unwrap();
    assert_eq!(world.composite(KEY), units(40));
    assert_eq!(world.sequence(KEY), U256::from(3), "and numbers go on");
}
