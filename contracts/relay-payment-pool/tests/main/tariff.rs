//! What an event costs at least, as relays and pools get busy.

use alloy_primitives::{uint, Address, U256};
use bpe_common::{
    call::Revert,
    clock::testing::{advance_time, timestamp},
};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::*, world::*};

const BASE: U256 = uint!(1_000_000_000_000_U256);

/// A relay of 100 units in the pool for writing, where an event costs at least [`BASE`], and a PricingCurve.
fn world(operator: Address) -> World {
    let it = World::new();
    it.relay(KEY, operator, 100, 100, 1);
    it.join(operator, RELAY_WRITE, KEY).unwrap();
    let owner = || it.payment.sender(it.owner);
    owner()
        .set_min_payment_per_event(RELAY_WRITE, BASE)
        .motsu_unwrap();
    owner().set_pricing_curve(it.loads.address()).motsu_unwrap();
    it
}

fn of_pool(it: &World) -> U256 {
    let view = it.payment.sender(ANYONE);
    view.get_min_payment_per_event(RELAY_WRITE).unwrap()
}

fn at_relay(it: &World) -> U256 {
    let view = it.payment.sender(ANYONE);
    let payment = view.get_min_payment_per_event_at(RELAY_WRITE, KEY);
    payment.unwrap()
}

fn demand(it: &World, load: U256) {
    let now = U256::from(timestamp());
    it.loads.sender(ANYONE).set_epoch(now, load);
}

/// Percent of load, and what an event costs then: the guide's tariff is the lines of 50 and 80.
const TARIFF: [(u64, u64); 8] = [
    (0, 1_000_000_000_000),
    (25, 1_360_000_000_000),
    (50, 2_000_000_000_000),
    (80, 4_000_000_000_000),
    (90, 5_764_705_882_352),
    (99, 9_327_102_803_738),
    (100, 9_327_102_803_738),
    (250, 9_327_102_803_738),
];

#[motsu::test]
fn payments_follow_the_relay_tariff(operator: Address) {
    let it = world(operator);
    for (percent, payment) in TARIFF {
        it.loads.sender(ANYONE).set_load(operator, units(percent));
        assert_eq!(at_relay(&it), U256::from(payment), "{percent} % at a relay");
        demand(&it, units(percent));
        assert_eq!(of_pool(&it), U256::from(payment), "{percent} % in a pool");
    }
}

#[motsu::test]
fn a_pool_is_as_busy_as_all_of_it(operator: Address, other: Address) {
    let it = world(operator);
    it.relay(OTHER_KEY, other, 300, 300, 1);
    it.join(other, RELAY_WRITE, OTHER_KEY).unwrap();
    it.loads.sender(ANYONE).set_load(operator, units(80));
    demand(&it, units(80));
    // 80 of 100 there, 80 of 400 here: 1 + 9u / (8 − 7u) = 1 + 1.8 / 6.6.
    assert_eq!(at_relay(&it), BASE * U256::from(4));
    assert_eq!(of_pool(&it), U256::from(1_272_727_272_727_u64));
    let view = it.payment.sender(ANYONE);
    let idle = view.get_min_payment_per_event_at(RELAY_WRITE, OTHER_KEY);
    assert_eq!(idle.unwrap(), BASE);
    // Another pool by its own figure, 1e12 wei until the owner sets one: the same demand over no capacity.
    assert_eq!(
        view.get_base_min_payment(RELAY_READ).unwrap(),
        U256::from(1_000_000_000_000_u64)
    );
    assert_eq!(
        view.get_min_payment_per_event(RELAY_READ).unwrap(),
        U256::from(9_327_102_803_738_u64)
    );
}

#[motsu::test]
fn demand_of_long_ago_counts_no_more(operator: Address) {
    let it = world(operator);
    demand(&it, units(50));
    assert_eq!(of_pool(&it), BASE * U256::from(2));
    advance_time(119);
    assert_eq!(of_pool(&it), BASE * U256::from(2));
    advance_time(1);
    assert_eq!(of_pool(&it), BASE);
}

#[motsu::test]
fn a_pool_without_relays_is_idle_until_somebody_says_otherwise(operator: Address) {
    let it = world(operator);
    it.leave(operator, RELAY_WRITE, KEY).unwrap();
    assert_eq!(of_pool(&it), BASE);
    demand(&it, U256::from(1));
    assert_eq!(of_pool(&it), U256::from(9_327_102_803_738_u64));
}

#[motsu::test]
fn without_a_curve_nothing_rises(operator: Address) {
    let it = world(operator);
    it.loads.sender(ANYONE).set_load(operator, units(80));
    demand(&it, units(80));
    it.payment
        .sender(it.owner)
        .set_pricing_curve(Address::ZERO)
        .motsu_unwrap();
    assert_eq!(of_pool(&it), BASE);
    assert_eq!(at_relay(&it), BASE);
    let view = it.payment.sender(ANYONE);
    let absent = view.get_min_payment_per_event_at(RELAY_WRITE, OTHER_KEY);
    assert_eq!(absent, Err(RelayNotInPool {}.into()));
}

#[motsu::test]
fn a_curve_that_fails_is_passed_on(operator: Address) {
    let it = world(operator);
    it.loads.sender(ANYONE).set_reverts(true);
    let error = || Err(Error::Revert(Revert(refused())));
    let view = it.payment.sender(ANYONE);
    assert_eq!(view.get_min_payment_per_event(RELAY_WRITE), error());
    let at = view.get_min_payment_per_event_at(RELAY_WRITE, KEY);
    assert_eq!(at, error());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// More load never makes an event cheaper, and never costs more than 9.33 times as much.
    #[test]
    fn payments_rise_with_load(
        base in 0u128..1 << 96, mut loads in prop::collection::vec(0u64..2_000_000, 2..8)
    ) {
        let operator = Address::repeat_byte(0xa1);
        let it = world(operator);
        let base = U256::from(base);
        it.payment.sender(it.owner).set_min_payment_per_event(RELAY_WRITE, base).motsu_unwrap();
        loads.sort_unstable();
        let mut last = base;
        for load in loads {
            // Up to twenty times the capacity.
            it.loads.sender(ANYONE).set_load(operator, U256::from(load) * U256::from(1_000_000));
            let payment = at_relay(&it);
            prop_assert!(payment >= last);
            prop_assert!(payment <= base * U256::from(9_328) / U256::from(1_000));
            last = payment;
        }
    }
}
