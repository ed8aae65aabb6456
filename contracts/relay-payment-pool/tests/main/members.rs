//! Joining, refreshing and leaving.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolError;
use bpe_common::call::Revert;
use motsu::prelude::*;

use crate::{contract::*, world::*};

#[motsu::test]
fn an_operator_joins_and_is_the_sink(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 100, 3);
    for (count, pool_type) in (1..).zip(POOL_TYPES) {
        assert!(!it.is_in(pool_type, KEY));
        it.join(operator, pool_type, KEY).unwrap();
        it.payment.assert_emitted(&RelayJoinedPool {
            poolType: pool_type,
            nostrPubkey: KEY,
            operator,
        });
        assert!(it.is_in(pool_type, KEY));
        assert_eq!(it.capacity(pool_type, operator), units(100), "as attested");
        assert_eq!(it.rebalanced(pool_type, operator), 1);
        assert!(!it.serves(pool_type, it.payment.address()));
        let view = it.payment.sender(ANYONE);
        assert_eq!(view.get_member(pool_type, KEY), (operator, U256::from(3)));
        assert_eq!(view.get_joined_relay(pool_type, operator), KEY);
        drop(view);
        // The others are not touched.
        let serving = POOL_TYPES.iter().filter(|it_| it.serves(**it_, operator));
        assert_eq!(serving.count(), count);
    }
}

#[motsu::test]
fn only_the_operator_joins(operator: Address) {
    let it = World::bare();
    let unknown = B256::repeat_byte(7);
    let error = Err(InvalidPoolType {}.into());
    assert_eq!(it.join(operator, unknown, KEY), error);
    let error = Err(PoolNotInitialized {}.into());
    assert_eq!(it.join(operator, RELAY_READ, KEY), error);
    it.initialize().unwrap();
    let refused = || Err(NotRelayOperator {}.into());
    assert_eq!(it.join(operator, RELAY_READ, KEY), refused(), "no relay");
    it.relay(KEY, operator, 80, 80, 1);
    for caller in [it.owner, ANYONE] {
        assert_eq!(it.join(caller, RELAY_READ, KEY), refused());
    }
    assert!(!it.is_in(RELAY_READ, KEY));
    it.join(operator, RELAY_READ, KEY).unwrap();
}

#[motsu::test]
fn nobody_joins_twice(alice: Address, bob: Address) {
    let it = World::new();
    it.relay(KEY, alice, 80, 80, 1);
    it.join(alice, RELAY_WRITE, KEY).unwrap();
    let twice = || Err(RelayAlreadyInPool {}.into());
    assert_eq!(it.join(alice, RELAY_WRITE, KEY), twice());
    // With another relay, even when it left the core by itself: who then had the first one leave would have it lose the
    // second.
    it.relay(KEY, Address::ZERO, 0, 0, 0);
    it.relay(OTHER_KEY, alice, 80, 80, 2);
    assert_eq!(it.join(alice, RELAY_WRITE, OTHER_KEY), twice());
    let id = it.id(RELAY_WRITE);
    it.core
        .sender(alice)
        .deregister_sink_for(id, alice)
        .motsu_unwrap();
    assert_eq!(it.join(alice, RELAY_WRITE, OTHER_KEY), twice());
    // And another operator of the same relay has to have the first one leave.
    it.relay(KEY, bob, 70, 70, 1);
    assert_eq!(it.join(bob, RELAY_WRITE, KEY), twice());
    it.leave(bob, RELAY_WRITE, KEY).unwrap();
    it.join(bob, RELAY_WRITE, KEY).unwrap();
    it.join(alice, RELAY_WRITE, OTHER_KEY).unwrap();
}

#[motsu::test]
fn what_the_core_refuses_is_passed_on(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 80, 1);
    it.core.sender(ANYONE).set_refuses(true);
    let error = || Err(Error::Revert(Revert(refused())));
    assert_eq!(it.join(operator, RELAY_READ, KEY), error());
    assert!(!it.is_in(RELAY_READ, KEY));
    it.core.sender(ANYONE).set_refuses(false);
    it.split.sender(ANYONE).set_refuses(2);
    assert_eq!(it.join(operator, RELAY_READ, KEY), error());
    assert!(!it.is_in(RELAY_READ, KEY));
    it.split.sender(ANYONE).set_refuses(0);
    it.join(operator, RELAY_READ, KEY).unwrap();
    it.core.sender(ANYONE).set_refuses(true);
    assert_eq!(it.leave(operator, RELAY_READ, KEY), error());
    assert!(it.is_in(RELAY_READ, KEY));
}

#[motsu::test]
fn units_by_shares_wait_for_shares(operator: Address) {
    let it = World::new();
    it.split.sender(ANYONE).set_refuses(3);
    it.relay(KEY, operator, 80, 80, 1);
    it.join(operator, RELAY_READ, KEY).unwrap();
    it.relay(KEY, operator, 80, 90, 2);
    it.refresh(RELAY_READ, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_READ, operator), units(90));
    assert_eq!(it.rebalanced(RELAY_READ, operator), 0);
}

#[motsu::test]
fn an_attestation_is_passed_on_once_in_each_pool(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 100, 3);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    it.join(operator, RELAY_READ, KEY).unwrap();
    // What it joined with is known.
    let known = |sequence: u64| {
        let sequence = U256::from(sequence);
        Err(NothingNew { sequence }.into())
    };
    assert_eq!(it.refresh(RELAY_WRITE, KEY), known(3));
    assert_eq!(it.core.sender(ANYONE).updates(), U256::ZERO);

    it.relay(KEY, operator, 85, 97, 4);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    it.payment.assert_emitted(&RelayRefreshed {
        poolType: RELAY_WRITE,
        nostrPubkey: KEY,
        capacity: units(97),
        sequence: U256::from(4),
    });
    assert_eq!(it.capacity(RELAY_WRITE, operator), units(97), "as attested");
    assert_eq!(it.rebalanced(RELAY_WRITE, operator), 2);
    for _ in 0..3 {
        assert_eq!(it.refresh(RELAY_WRITE, KEY), known(4));
    }
    assert_eq!(it.core.sender(ANYONE).updates(), U256::from(1));
    let member = it.payment.sender(ANYONE).get_member(RELAY_WRITE, KEY);
    assert_eq!(member, (operator, U256::from(4)));
    // The other pool has not heard of it.
    assert_eq!(it.capacity(RELAY_READ, operator), units(100));
    it.refresh(RELAY_READ, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_READ, operator), units(97));
    // Numbers that start over are others as well.
    it.relay(KEY, operator, 85, 50, 0);
    it.refresh(RELAY_READ, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_READ, operator), units(50));
}

#[motsu::test]
fn only_members_are_refreshed(alice: Address, bob: Address) {
    let it = World::new();
    let unknown = B256::repeat_byte(7);
    assert_eq!(it.refresh(unknown, KEY), Err(InvalidPoolType {}.into()));
    it.relay(KEY, alice, 80, 80, 1);
    let error = Err(RelayNotInPool {}.into());
    assert_eq!(it.refresh(RELAY_STORE, KEY), error);
    it.join(alice, RELAY_STORE, KEY).unwrap();
    // A relay whose operator is another, or nobody.
    for operator in [bob, Address::ZERO] {
        it.relay(KEY, operator, 10, 10, 2);
        let error = Err(NotRelayOperator {}.into());
        assert_eq!(it.refresh(RELAY_STORE, KEY), error);
    }
    assert_eq!(it.capacity(RELAY_STORE, alice), units(80));
    // A sink that has left the core by itself.
    it.relay(KEY, alice, 80, 90, 3);
    let id = it.id(RELAY_STORE);
    it.core
        .sender(alice)
        .deregister_sink_for(id, alice)
        .motsu_unwrap();
    let error = Error::Revert(Revert(SinkNotRegistered {}.abi_encode()));
    assert_eq!(it.refresh(RELAY_STORE, KEY), Err(error));
}

#[motsu::test]
fn the_operator_leaves(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 80, 1);
    let unknown = B256::repeat_byte(7);
    let error = Err(InvalidPoolType {}.into());
    assert_eq!(it.leave(operator, unknown, KEY), error);
    let absent = || Err(RelayNotInPool {}.into());
    assert_eq!(it.leave(operator, RELAY_WRITE, KEY), absent());
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    it.join(operator, RELAY_READ, KEY).unwrap();
    for caller in [it.owner, ANYONE] {
        let error = Err(NotRelayOperator {}.into());
        assert_eq!(it.leave(caller, RELAY_WRITE, KEY), error);
    }
    it.leave(operator, RELAY_WRITE, KEY).unwrap();
    it.payment.assert_emitted(&RelayLeftPool {
        poolType: RELAY_WRITE,
        nostrPubkey: KEY,
        operator,
    });
    assert!(!it.is_in(RELAY_WRITE, KEY));
    assert!(!it.serves(RELAY_WRITE, operator));
    assert!(it.is_in(RELAY_READ, KEY), "one pool is not the other");
    assert!(it.serves(RELAY_READ, operator));
    let view = it.payment.sender(ANYONE);
    let nothing = (Address::ZERO, U256::ZERO);
    assert_eq!(view.get_member(RELAY_WRITE, KEY), nothing);
    assert_eq!(view.get_joined_relay(RELAY_WRITE, operator), B256::ZERO);
    drop(view);
    assert_eq!(it.leave(operator, RELAY_WRITE, KEY), absent());
    // And comes back.
    it.join(operator, RELAY_WRITE, KEY).unwrap();
}

#[motsu::test]
fn anyone_has_a_relay_leave_that_is_no_longer_the_operators(alice: Address, bob: Address) {
    let it = World::new();
    for next in [Address::ZERO, bob] {
        it.relay(KEY, alice, 80, 80, 1);
        it.join(alice, RELAY_WRITE, KEY).unwrap();
        it.relay(KEY, next, 0, 0, 0);
        it.leave(ANYONE, RELAY_WRITE, KEY).unwrap();
        it.payment.assert_emitted(&RelayLeftPool {
            poolType: RELAY_WRITE,
            nostrPubkey: KEY,
            operator: alice,
        });
        assert!(!it.serves(RELAY_WRITE, alice));
    }
    // She can herself, too.
    it.relay(KEY, alice, 80, 80, 1);
    it.join(alice, RELAY_WRITE, KEY).unwrap();
    it.relay(KEY, Address::ZERO, 0, 0, 0);
    it.leave(alice, RELAY_WRITE, KEY).unwrap();
}

#[motsu::test]
fn who_left_the_core_leaves_here_all_the_same(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 80, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    let id = it.id(RELAY_WRITE);
    it.core
        .sender(operator)
        .deregister_sink_for(id, operator)
        .motsu_unwrap();
    it.leave(operator, RELAY_WRITE, KEY).unwrap();
    assert!(!it.is_in(RELAY_WRITE, KEY));
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    assert!(it.serves(RELAY_WRITE, operator));
}
