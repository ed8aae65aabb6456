//! What a listing locks, what taking one off does, and weights that wait.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    curve::KeyNotProven,
    powers::{PowerAnnounced, MIN_NOTICE},
};
use motsu::prelude::*;

use crate::{contract::*, world::*};

/// The attack: one stake that moves from account to account lists eight relays.
#[motsu::test]
fn a_listing_locks_its_stake_and_lasts_as_long(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    alice: Address,
    bob: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(alice, KEY, points(10));
    assert!(core.sender(owner).is_registered(RELAY_TYPE, alice));
    assert_eq!(world.deregister(ANYONE, KEY), Err(NotOperator {}.into()));
    // Once it leaves the core its stake is free, and so is the key.
    let leave = core.sender(alice).deregister_sink_for(RELAY_TYPE, alice);
    leave.motsu_unwrap();
    world.deregister(ANYONE, KEY).unwrap();
    world.relay(bob, KEY, points(10));
    assert_eq!(relays.sender(owner).get_operator(KEY), bob);
    // Where the core does not lock, nobody is listed.
    core.sender(owner).set_refuses(true);
    let refused = || Err(Error::Revert(Revert(Refusal::from("no").abi_encode())));
    assert_eq!(world.register(alice, OTHER_KEY, points(1)), refused());
    assert_eq!(relays.sender(owner).get_relay_count(), U256::from(1));
    assert_eq!(world.deregister(bob, KEY), refused());
    core.sender(owner).set_refuses(false);
    world.deregister(bob, KEY).unwrap();
    assert!(!core.sender(owner).is_registered(RELAY_TYPE, bob));
}

/// The attack: whoever comes first has the entry of another one's relay.
#[motsu::test]
fn a_relay_is_whose_its_key_says(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    alice: Address,
    bob: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.stake(alice, units(10));
    world.stake(bob, units(10));
    let register = |caller: Address, key| {
        let mut it = relays.sender(caller);
        it.register_relay(key, URL.into(), points(1)).motsu_res()
    };
    for key in [KEY, B256::ZERO] {
        let error = KeyNotProven { key };
        assert_eq!(register(bob, key), Err(error.into()));
    }
    world.keys.sender(owner).set(KEY, alice);
    assert_eq!(register(bob, KEY), Err(KeyNotProven { key: KEY }.into()));
    register(alice, KEY).unwrap();
    assert_eq!(world.deregister(bob, KEY), Err(NotOperator {}.into()));
    // The key names another operator: anyone takes the entry off, which is his then.
    world.keys.sender(owner).set(KEY, bob);
    assert_eq!(register(bob, KEY), Err(RelayAlreadyRegistered {}.into()));
    world.deregister(bob, KEY).unwrap();
    register(bob, KEY).unwrap();
    assert_eq!(relays.sender(owner).get_operator(KEY), bob);
}

/// The attack: a relay that is taken off goes on earning in its pools.
#[motsu::test]
fn a_relay_that_is_taken_off_leaves_its_pools(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    payment: Contract<Payment>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    let name =
        |caller: Address, pool: Address| relays.sender(caller).set_payment_pool(pool).motsu_res();
    let pool = payment.address();
    assert!(matches!(name(ANYONE, pool), Err(Error::Ownable(_))));
    let error = NotAContract { account: ANYONE };
    assert_eq!(name(owner, ANYONE), Err(error.into()));
    // Before there is a pool there is nothing to leave.
    world.relay(operator, OTHER_KEY, points(10));
    world.deregister(operator, OTHER_KEY).unwrap();
    name(owner, pool).unwrap();
    relays.assert_emitted(&PaymentPoolSet { paymentPool: pool });
    assert_eq!(name(owner, pool), Err(PaymentPoolAlreadySet {}.into()));
    assert_eq!(relays.sender(ANYONE).payment_pool(), pool);

    world.register(operator, KEY, points(10)).unwrap();
    assert_eq!(payment.sender(ANYONE).gone(), B256::ZERO);
    world.deregister(operator, KEY).unwrap();
    assert_eq!(payment.sender(ANYONE).gone(), KEY);
    // By anyone, after a slash, as well.
    world.register(operator, OTHER_KEY, points(10)).unwrap();
    stakes
        .sender(owner)
        .set(operator, U256::from(1), units(1_000));
    world.deregister(ANYONE, OTHER_KEY).unwrap();
    assert_eq!(payment.sender(ANYONE).gone(), OTHER_KEY);
    assert!(!core.sender(owner).is_registered(RELAY_TYPE, operator));
}

/// The attack: an owner that names a contract of its own, which says of relays what nobody signed.
#[motsu::test]
fn what_brings_attestations_waits_for_the_notice_and_is_named_once(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(operator, KEY, points(10));
    stakes.sender(owner).set_notice(MIN_NOTICE);
    let brings = core.address();
    let name =
        |caller: Address, to: Address| relays.sender(caller).set_attestations(to).motsu_res();
    let update = || {
        let mut it = relays.sender(brings);
        it.update_relay_capacity(KEY, points(20)).motsu_res()
    };
    assert!(matches!(name(ANYONE, brings), Err(Error::Ownable(_))));
    let error = NotAContract { account: ANYONE };
    assert_eq!(name(owner, ANYONE), Err(error.into()));
    name(owner, brings).unwrap();
    relays.assert_emitted(&AttestationsSet {
        attestations: brings,
    });
    let from = U256::from(timestamp() + MIN_NOTICE);
    relays.assert_emitted(&PowerAnnounced {
        at: relays.address(),
        power: ATTESTATIONS,
        to: brings,
        from,
    });
    assert_eq!(relays.sender(ANYONE).attestations_from(), from);
    assert_eq!(
        name(owner, stakes.address()),
        Err(AttestationsAlreadySet {}.into())
    );
    advance_time(MIN_NOTICE - 1);
    assert_eq!(relays.sender(ANYONE).attestations(), Address::ZERO);
    assert_eq!(update(), Err(NotAuthorizedAggregator {}.into()));
    advance_time(1);
    assert_eq!(relays.sender(ANYONE).attestations(), brings);
    update().unwrap();
    assert_eq!(world.sequence(KEY), U256::from(2));
}

/// The attack: new weights raise what relays owe from one block to the next.
#[motsu::test]
fn weights_wait_for_the_notice_of_stakes(
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
    operator: Address,
) {
    let world = World::new(&relays, &core, &stakes, owner);
    world.relay(operator, KEY, capacity([100, 0, 0]));
    stakes.sender(owner).set_notice(MIN_NOTICE);
    let [all, none] = [U256::from(10_000), U256::ZERO];
    let set = relays.sender(owner).set_capacity_weights(all, none, none);
    set.motsu_unwrap();
    let from = U256::from(timestamp() + MIN_NOTICE);
    relays.assert_emitted(&PowerAnnounced {
        at: relays.address(),
        power: WEIGHTS,
        to: Address::ZERO,
        from,
    });
    let raw = || known(&relays, KEY).2;
    let weight = || relays.sender(ANYONE).throughput_weight();
    advance_time(MIN_NOTICE - 1);
    assert_eq!((weight(), raw()), (U256::from(5_000), units(50)));
    let announced = relays.sender(ANYONE).announced_capacity_weights();
    assert_eq!(announced, (all, none, none, from));
    advance_time(1);
    assert_eq!((weight(), raw()), (all, units(100)));
    // Other ones start from what counts by then.
    let set = relays.sender(owner).set_capacity_weights(none, all, none);
    set.motsu_unwrap();
    assert_eq!((weight(), raw()), (all, units(100)));
    advance_time(MIN_NOTICE);
    assert_eq!((weight(), raw()), (none, U256::ZERO));
}
