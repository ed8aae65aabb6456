//! Construction, the pools, and what the owner sets.

use std::borrow::Borrow;

use alloy_primitives::{keccak256, Address, B256, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    ownable::{Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use motsu::prelude::*;

use crate::{contract::*, world::*};

#[motsu::test]
fn starts_with_what_it_is_given() {
    let it = World::bare();
    let view = it.payment.sender(ANYONE);
    assert_eq!(view.backpressure_pool(), it.split.address());
    assert_eq!(view.capacity_registry(), it.core.address());
    assert_eq!(view.relay_registry(), it.relays.address());
    assert_eq!(view.pricing_curve(), Address::ZERO);
    assert_eq!(view.relay_write(), keccak256("RELAY_WRITE"));
    assert_eq!(view.relay_read(), keccak256("RELAY_READ"));
    assert_eq!(view.relay_store(), keccak256("RELAY_STORE"));
    let ownable: &Ownable = (*view).borrow();
    assert_eq!(ownable.owner(), it.owner);
    for pool_type in POOL_TYPES {
        assert_eq!(view.get_task_type_id(pool_type).unwrap(), it.id(pool_type));
        assert_eq!(view.get_pool_address(pool_type).unwrap(), Address::ZERO);
        assert_eq!(view.get_base_min_payment(pool_type).unwrap(), U256::ZERO);
        assert_eq!(
            view.get_min_payment_per_event(pool_type).unwrap(),
            U256::ZERO
        );
    }
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    payment: Contract<RelayPaymentPool>,
    split: Contract<Split>,
    core: Contract<Core>,
    relays: Contract<Relays>,
) {
    let [split, core, relays] = [split.address(), core.address(), relays.address()];
    let construct = |split: Address, core: Address, relays: Address, owner: Address| {
        payment
            .sender(ANYONE)
            .constructor(split, core, relays, owner)
            .motsu_unwrap_err()
    };
    let not = Error::from(NotAContract { account: ANYONE });
    assert_eq!(construct(ANYONE, core, relays, ANYONE), not);
    assert_eq!(construct(split, ANYONE, relays, ANYONE), not);
    assert_eq!(construct(split, core, ANYONE, ANYONE), not);
    let nobody = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        construct(split, core, relays, Address::ZERO),
        Error::Ownable(nobody.into())
    );
}

#[motsu::test]
fn anyone_sets_the_pools_up_once() {
    let it = World::bare();
    it.initialize().unwrap();
    for pool_type in POOL_TYPES {
        let id = it.id(pool_type);
        it.payment.assert_emitted(&RelayPoolCreated {
            poolType: pool_type,
            taskTypeId: id,
            pool: POOL,
        });
        let view = it.payment.sender(ANYONE);
        assert_eq!(view.get_pool_address(pool_type).unwrap(), POOL);
        drop(view);
        let (min_stake, ..) = it.core.sender(ANYONE).get_task_type(id);
        assert_eq!(min_stake, MIN_STAKE, "the relay registry's");
    }
    assert_eq!(it.split.sender(ANYONE).created(), U256::from(3));
    assert_eq!(it.initialize(), Err(PoolsAlreadyInitialized {}.into()));
}

#[motsu::test]
fn what_is_there_is_taken_over() {
    let it = World::bare();
    let (write, read) = (it.id(RELAY_WRITE), it.id(RELAY_READ));
    for id in [write, read] {
        it.core
            .sender(ANYONE)
            .register_task_type(id, MIN_STAKE)
            .motsu_unwrap();
        it.core.sender(ANYONE).require_attestations(id);
    }
    it.split.sender(ANYONE).create_pool(read).motsu_unwrap();
    it.initialize().unwrap();
    assert_eq!(it.split.sender(ANYONE).created(), U256::from(3));
}

/// The attack: a stranger's task type of the same id, in which sinks declare what they like.
#[motsu::test]
fn a_task_type_without_attestations_is_not() {
    let it = World::bare();
    let id = it.id(RELAY_WRITE);
    let create = it.core.sender(ANYONE).register_task_type(id, MIN_STAKE);
    create.motsu_unwrap();
    let taken = TaskTypeTaken {
        taskTypeId: id,
        minStake: MIN_STAKE,
        required: MIN_STAKE,
    };
    assert_eq!(it.initialize(), Err(taken.into()));
    it.core.sender(ANYONE).require_attestations(id);
    it.initialize().unwrap();
}

#[motsu::test]
fn a_task_type_on_other_terms_is_not() {
    for min_stake in [MIN_STAKE - U256::from(1), MIN_STAKE + U256::from(1)] {
        let it = World::bare();
        let id = it.id(RELAY_STORE);
        it.core
            .sender(ANYONE)
            .register_task_type(id, min_stake)
            .motsu_unwrap();
        let taken = TaskTypeTaken {
            taskTypeId: id,
            minStake: min_stake,
            required: MIN_STAKE,
        };
        assert_eq!(it.initialize(), Err(taken.into()));
        // Nothing is half done.
        let view = it.payment.sender(ANYONE);
        let pool = view.get_pool_address(RELAY_WRITE).unwrap();
        assert_eq!(pool, Address::ZERO);
    }
}

#[motsu::test]
fn what_neighbours_refuse_is_passed_on() {
    let it = World::bare();
    let error = || Err(Error::Revert(Revert(refused())));
    it.core.sender(ANYONE).set_refuses(true);
    assert_eq!(it.initialize(), error());
    it.core.sender(ANYONE).set_refuses(false);
    it.split.sender(ANYONE).set_refuses(1);
    assert_eq!(it.initialize(), error());
    it.split.sender(ANYONE).set_refuses(0);
    it.initialize().unwrap();
}

#[motsu::test]
fn there_are_three_pool_types() {
    let it = World::new();
    let view = it.payment.sender(ANYONE);
    for unknown in [B256::ZERO, keccak256("RELAY_DELETE"), it.id(RELAY_WRITE)] {
        let error = || Error::from(InvalidPoolType {});
        assert_eq!(view.get_task_type_id(unknown), Err(error()));
        assert_eq!(view.get_pool_address(unknown), Err(error()));
        assert_eq!(view.get_base_min_payment(unknown), Err(error()));
        assert_eq!(view.get_min_payment_per_event(unknown), Err(error()));
        let at = view.get_min_payment_per_event_at(unknown, KEY);
        assert_eq!(at, Err(error()));
        assert!(!view.is_relay_in_pool(unknown, KEY));
    }
}

#[motsu::test]
fn the_owner_sets_payments_and_the_curve_and_nobody_else_does() {
    let it = World::bare();
    let payment = U256::from(77);
    let stranger = Error::Ownable(OwnableUnauthorizedAccount { account: ANYONE }.into());
    let set = |caller: Address, pool_type: B256, payment: U256| {
        it.payment
            .sender(caller)
            .set_min_payment_per_event(pool_type, payment)
            .motsu_res()
    };
    let curve = |caller: Address, curve: Address| {
        it.payment
            .sender(caller)
            .set_pricing_curve(curve)
            .motsu_res()
    };
    assert_eq!(set(ANYONE, RELAY_WRITE, payment), Err(stranger));
    let stranger = Error::Ownable(OwnableUnauthorizedAccount { account: ANYONE }.into());
    assert_eq!(curve(ANYONE, it.loads.address()), Err(stranger));

    let unknown = B256::repeat_byte(7);
    let error = Err(InvalidPoolType {}.into());
    assert_eq!(set(it.owner, unknown, payment), error);
    let most = (U256::from(1) << 96) - U256::from(1);
    let too_large = MinPaymentTooLarge {
        minPaymentPerEvent: most + U256::from(1),
    };
    let error = Err(too_large.into());
    assert_eq!(set(it.owner, RELAY_WRITE, most + U256::from(1)), error);
    // Beside the pool, in one slot.
    set(it.owner, RELAY_WRITE, most).unwrap();
    it.initialize().unwrap();
    set(it.owner, RELAY_READ, payment).unwrap();
    for (pool_type, payment) in [(RELAY_WRITE, most), (RELAY_READ, payment)] {
        it.payment.assert_emitted(&AntiSpamConfigUpdated {
            poolType: pool_type,
            minPaymentPerEvent: payment,
        });
        let view = it.payment.sender(ANYONE);
        assert_eq!(view.get_base_min_payment(pool_type).unwrap(), payment);
        assert_eq!(view.get_pool_address(pool_type).unwrap(), POOL);
    }

    let error = Err(NotAContract { account: ANYONE }.into());
    assert_eq!(curve(it.owner, ANYONE), error);
    for neighbour in [it.loads.address(), Address::ZERO] {
        curve(it.owner, neighbour).unwrap();
        it.payment.assert_emitted(&PricingCurveSet {
            pricingCurve: neighbour,
        });
        assert_eq!(it.payment.sender(ANYONE).pricing_curve(), neighbour);
    }
}
