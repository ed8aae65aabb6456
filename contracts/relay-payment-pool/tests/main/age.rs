//! What is attested and not renewed, and relays that are taken off.

use alloy_primitives::{Address, U256};
use bpe_common::{attestation::InvalidHalfLife, clock::testing::advance_time};
use motsu::prelude::*;

use crate::{contract::*, world::*};

const DAY: u64 = 86_400;
/// 12 epochs of 300 s.
const HALF_LIFE: u64 = 3_600;

#[motsu::test]
fn an_attestation_of_ninety_days_ago_pays_nothing(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 80, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    advance_time(90 * DAY);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    it.payment.assert_emitted(&RelayRefreshed {
        poolType: RELAY_WRITE,
        nostrPubkey: KEY,
        capacity: U256::ZERO,
        sequence: U256::from(1),
    });
    assert_eq!(it.capacity(RELAY_WRITE, operator), U256::ZERO);
    assert_eq!(it.rebalanced(RELAY_WRITE, operator), 2);
    // Nor does it when it joins with it.
    it.join(operator, RELAY_READ, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_READ, operator), U256::ZERO);
    // The next one counts again.
    it.relay(KEY, operator, 80, 60, 2);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_WRITE, operator), units(60));
}

#[motsu::test]
fn it_halves_with_each_half_life(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 80, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    // Not within an epoch.
    advance_time(299);
    let sequence = U256::from(1);
    let known = || Err(NothingNew { sequence }.into());
    assert_eq!(it.refresh(RELAY_WRITE, KEY), known());
    advance_time(HALF_LIFE / 2 - 299);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_WRITE, operator), units(60));
    assert_eq!(it.refresh(RELAY_WRITE, KEY), known(), "once");
    for left in [40, 20, 10] {
        advance_time(if left == 40 { HALF_LIFE / 2 } else { HALF_LIFE });
        it.refresh(RELAY_WRITE, KEY).unwrap();
        assert_eq!(it.capacity(RELAY_WRITE, operator), units(left));
    }
    // An old one that is passed on late is worth no more.
    it.relay(KEY, operator, 80, 80, 2);
    advance_time(HALF_LIFE);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_WRITE, operator), units(40));
}

/// The attack: who attests nothing keeps what smoothing left it.
#[motsu::test]
fn an_attestation_of_nothing_grows_old_too(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 0, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    it.core
        .sender(ANYONE)
        .smooth_to(it.id(RELAY_WRITE), operator, units(56));
    advance_time(300);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_WRITE, operator), U256::ZERO);
}

#[motsu::test]
fn the_owner_sets_the_half_life(operator: Address) {
    let it = World::new();
    let set = |caller: Address, epochs: u64| {
        let payment = it.payment.sender(caller).set_half_life(U256::from(epochs));
        payment.motsu_res()
    };
    assert!(matches!(set(ANYONE, 24), Err(Error::Ownable(_))));
    for epochs in [0, 1, 289, 65_538] {
        let epochs_ = U256::from(epochs);
        let error = InvalidHalfLife { epochs: epochs_ };
        assert_eq!(set(it.owner, epochs), Err(error.into()));
    }
    assert_eq!(it.payment.sender(ANYONE).half_life(), U256::from(12));
    set(it.owner, 24).unwrap();
    it.payment.assert_emitted(&HalfLifeSet {
        epochs: U256::from(24),
    });
    assert_eq!(it.payment.sender(ANYONE).half_life(), U256::from(24));
    it.relay(KEY, operator, 80, 80, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    advance_time(2 * HALF_LIFE);
    it.refresh(RELAY_WRITE, KEY).unwrap();
    assert_eq!(it.capacity(RELAY_WRITE, operator), units(40));
}

#[motsu::test]
fn a_relay_that_is_taken_off_leaves_all_its_pools(operator: Address) {
    let it = World::new();
    it.relay(KEY, operator, 80, 80, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    it.join(operator, RELAY_STORE, KEY).unwrap();
    for caller in [operator, it.owner, ANYONE] {
        let gone = it.payment.sender(caller).relay_gone(KEY).motsu_res();
        assert_eq!(gone, Err(NotRelayOperator {}.into()));
    }
    let registry = it.relays.address();
    let gone = |key| it.payment.sender(registry).relay_gone(key).motsu_res();
    gone(OTHER_KEY).unwrap();
    assert!(it.is_in(RELAY_WRITE, KEY));
    gone(KEY).unwrap();
    for pool_type in POOL_TYPES {
        assert!(!it.is_in(pool_type, KEY));
        assert!(!it.serves(pool_type, operator));
    }
    it.payment.assert_emitted(&RelayLeftPool {
        poolType: RELAY_STORE,
        nostrPubkey: KEY,
        operator,
    });
}
