//! OverflowMeter on motsu: who may settle, and what it counts.

use crate::contract::*;
use crate::neighbours::{Decimal, Pools, Registry};
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{
    call::NotAContract,
    clock::testing::{advance_time, timestamp},
};
use bpe_testing::superfluid::GdaPool;
use motsu::prelude::*;
use proptest::prelude::*;

const CODE: B256 = B256::repeat_byte(0xc0);
const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);

fn n(number: u64) -> U256 {
    U256::from(number)
}

fn world() -> (Contract<OverflowMeter>, Contract<Pools>, Contract<Registry>) {
    let (meter, pools, registry) = (Contract::new(), Contract::new(), Contract::new());
    let zero = Address::ZERO;
    let set = |it: &Contract<Pools>, registry: &Contract<Registry>| {
        it.sender(OWNER).wire(zero, registry.address(), zero, zero);
    };
    set(&pools, &registry);
    let it: &Contract<OverflowMeter> = &meter;
    it.sender(OWNER).constructor(pools.address()).motsu_unwrap();
    (meter, pools, registry)
}

#[motsu::test]
fn constructor_links_pool_and_registry() {
    let (meter, pools, registry) = world();
    let it = meter.sender(ALICE);
    assert_eq!(it.backpressure_pool(), pools.address());
    assert_eq!(it.capacity_registry(), registry.address());
    drop(it);
    let refused = meter.sender(ALICE).constructor(ALICE).motsu_res();
    assert_eq!(refused, Err(NotAContract { account: ALICE }.into()));
}

#[motsu::test]
fn only_the_pool_settles() {
    let (meter, pools, _registry) = world();
    let caller = ALICE;
    let unauthorized = UnauthorizedCaller { caller };
    let settle = meter.sender(ALICE).settle_by_work(CODE, ALICE, n(0));
    assert_eq!(settle.motsu_res(), Err(unauthorized.into()));
    let unauthorized = UnauthorizedCaller { caller };
    let (pool, max) = (pools.address(), U256::MAX);
    let settle = meter
        .sender(ALICE)
        .settle(CODE, pool, n(1), n(1), n(0), n(0), max, true);
    assert_eq!(settle.motsu_res(), Err(unauthorized.into()));
}

// --- What flows

/// Units of all sinks together, and the anchor: one capacity unit.
const UNITS: u64 = 1_000_000_000;
/// What the sinks' capacity is worth, in wei per second.
const WORTH: u128 = 250_000_000_000_000;

/// A pool that the meter follows.
struct Followed {
    meter: Contract<OverflowMeter>,
    pools: Contract<Pools>,
    pool: Contract<GdaPool>,
    /// What is paid for is kept here, only because it has to live.
    _registry: Contract<Registry>,
}

impl Followed {
    fn new() -> Self {
        let (meter, pools, registry) = world();
        let it = Self {
            meter,
            pools,
            pool: Contract::new(),
            _registry: registry,
        };
        it.pool.sender(OWNER).set_admin(OWNER);
        it
    }

    /// With this price and limit, the overflow's units.
    fn settle(&self, price: u128, limit: U256, forced: bool) -> u128 {
        self.settle_sinks(UNITS, price, limit, forced)
    }

    fn settle_sinks(&self, sinks: u64, price: u128, limit: U256, forced: bool) -> u128 {
        let pool = self.pool.address();
        let price = U256::from(price);
        let it = self.meter.sender(self.pools.address()).settle(
            CODE,
            pool,
            n(sinks),
            n(UNITS),
            n(0),
            price,
            limit,
            forced,
        );
        let overflow = it.motsu_unwrap().2.to();
        let units = u128::from(sinks) + overflow;
        let update = self.pool.sender(OWNER).update_member_units(ALICE, units);
        update.motsu_unwrap();
        overflow
    }

    fn priced(&self) -> u128 {
        self.settle(WORTH, U256::MAX, false)
    }

    fn flow(&self, amount: u128, seconds: u64) {
        self.pool.sender(OWNER).accrue(U256::from(amount));
        advance_time(seconds);
    }

    fn inflow(&self) -> (u128, u64) {
        let (inflow, time) = self.meter.sender(ALICE).get_inflow(CODE);
        (inflow.to(), time.to())
    }

    fn free(&self) -> (bool, u128) {
        let (bound, value) = self.meter.sender(ALICE).get_free_value(CODE).motsu_unwrap();
        (bound, value.to())
    }
}

/// Within what a pool of whole wei per unit rounds off.
fn is_about(value: u128, expected: u128, units: u128) -> bool {
    value.abs_diff(expected) <= units
}

#[motsu::test]
fn inflow_is_an_average_over_a_minute_at_least() {
    let it = Followed::new();
    assert_eq!(it.inflow(), (0, 0));
    let start = timestamp();
    // Nothing is known: the escrow has the unit that it has always.
    assert_eq!(it.priced(), 1);
    assert_eq!(it.inflow(), (0, start));
    it.flow(WORTH * 4 * 60, 59);
    assert_eq!(it.priced(), 1);
    assert_eq!(it.inflow(), (0, start));
    advance_time(1);
    // A quarter of what flows is what the capacity is worth.
    let overflow = it.priced();
    it.meter.assert_emitted(&InflowMeasured {
        taskTypeId: CODE,
        inflow: n(0) + U256::from(it.inflow().0),
        elapsed: n(60),
    });
    let (inflow, time) = it.inflow();
    assert!(is_about(inflow, WORTH * 4, u128::from(UNITS)), "{inflow}");
    assert_eq!(time, start + 60);
    let expected = u128::from(UNITS) * 3;
    assert!(
        overflow.abs_diff(expected) <= expected / 10_000,
        "{overflow}"
    );
    // What flowed in a second counts for a sixtieth, and looks in between take nothing away.
    it.flow(WORTH * 4, 30);
    it.priced();
    it.flow(0, 30);
    it.priced();
    let inflow = it.inflow().0;
    assert!(
        is_about(inflow, WORTH * 4 / 60, u128::from(UNITS) * 4),
        "{inflow}"
    );
    // Late is an average over all of it.
    it.flow(WORTH * 1_000, 1_000);
    it.priced();
    assert!(is_about(it.inflow().0, WORTH, u128::from(UNITS)));
}

#[motsu::test]
fn what_no_time_passes_in_moves_nothing() {
    let it = Followed::new();
    it.priced();
    it.flow(WORTH * 240, 60);
    let overflow = it.priced();
    let (inflow, free) = (it.inflow(), it.free());
    for _ in 0..3 {
        assert_eq!(it.priced(), overflow);
        assert_eq!(it.settle(WORTH, U256::MAX, true), overflow);
    }
    assert_eq!((it.inflow(), it.free()), (inflow, free));
}

#[motsu::test]
fn what_capacity_is_worth_beyond_its_pay_is_free() {
    let it = Followed::new();
    it.priced();
    // Nothing flows for 100 seconds.
    advance_time(100);
    assert_eq!(it.free(), (true, WORTH * 100));
    it.priced();
    assert_eq!(it.free(), (true, WORTH * 100));
    // Paid half of it.
    it.flow(WORTH * 50, 100);
    let (_, value) = it.free();
    let rounded = u128::from(UNITS) * 2;
    assert!(
        value >= WORTH * 150 && value - WORTH * 150 <= rounded,
        "{value}"
    );
    it.priced();
    // Paid tenfold: that takes nothing from what was free before.
    it.flow(WORTH * 1_000_000, 100);
    assert_eq!(it.free(), (true, value));
    it.priced();
    assert_eq!(it.free(), (true, value));
}

#[motsu::test]
fn a_price_counts_while_it_is_there() {
    let it = Followed::new();
    assert_eq!(it.settle(0, U256::MAX, false), 1);
    assert_eq!(it.free(), (false, 0));
    // What flowed before is not measured.
    it.flow(WORTH * 4_000, 100);
    it.priced();
    assert_eq!(it.free(), (true, 0));
    advance_time(60);
    it.priced();
    assert_eq!((it.free(), it.inflow().0), ((true, WORTH * 60), 0));
    // Off: all is let go at once. What was counted stays.
    assert_eq!(it.settle(0, U256::MAX, true), 1);
    assert_eq!(it.free(), (false, WORTH * 60));
    it.flow(WORTH * 4_000, 1_000);
    // On again, at another one: from here on.
    it.settle(WORTH * 2, U256::MAX, true);
    assert_eq!(it.free(), (true, WORTH * 60));
    advance_time(10);
    assert_eq!(it.free(), (true, WORTH * 80));
    // A price that changes counts from then on.
    it.priced();
    advance_time(10);
    assert_eq!(it.free(), (true, WORTH * 90));
}

#[motsu::test]
fn a_limit_bounds_what_capacity_is_worth() {
    let it = Followed::new();
    let half = n(UNITS / 2);
    it.settle(WORTH, half, true);
    advance_time(60);
    it.settle(WORTH, half, false);
    assert_eq!(it.free(), (true, WORTH * 30));
    // Above the capacity it binds nothing.
    it.settle(WORTH, n(UNITS * 2), false);
    advance_time(60);
    assert_eq!(it.free(), (true, WORTH * 90));
    // To nothing.
    it.settle(WORTH, n(0), false);
    advance_time(60);
    assert_eq!(it.free(), (true, WORTH * 90));
}

#[motsu::test]
fn a_limit_without_a_price_drains_nothing_nor_in_the_hour_after() {
    let it = Followed::new();
    // A quarter of the capacity gets a quarter of the flow, before anything has flowed.
    let limit = n(UNITS / 4);
    assert_eq!(it.settle(0, limit, true), u128::from(UNITS) * 3);
    advance_time(10_000);
    assert_eq!(it.free(), (true, 0));
    it.settle(0, limit, false);
    assert_eq!(it.settle(0, U256::MAX, true), 1);
    advance_time(3_599);
    assert_eq!(it.free(), (true, 0));
    advance_time(1);
    assert_eq!(it.free(), (false, 0));
    // A price takes the limit's place: an hour, if it goes at once.
    it.settle(0, limit, true);
    it.settle(WORTH, limit, true);
    it.settle(0, U256::MAX, true);
    assert_eq!(it.free(), (true, 0));
    advance_time(3_600);
    assert_eq!(it.free(), (false, 0));
}

#[motsu::test]
fn carve_outs_follow_when_sinks_have_moved_by_five_percent() {
    let it = Followed::new();
    let settle = |sinks: u64, forced: bool| {
        let cuts = uint!(1_000_U256) << 16;
        let pool = it.pool.address();
        let meter = it.meter.sender(it.pools.address());
        let mut meter = meter;
        let units = meter.settle(
            CODE,
            pool,
            n(sinks),
            n(UNITS),
            cuts,
            n(0),
            U256::MAX,
            forced,
        );
        units.motsu_unwrap()
    };
    assert_eq!(settle(900, true), (n(100), n(0), n(1)));
    assert_eq!(settle(944, false).0, n(100));
    assert_eq!(settle(945, false).0, n(105));
    assert_eq!(settle(899, false).0, n(105));
    assert_eq!(settle(899, true).0, n(99));
    assert_eq!(settle(0, false), (n(0), n(0), n(1)));
    assert_eq!(settle(9, false).0, n(1));
    let units = it.meter.sender(ALICE).get_units(CODE);
    assert_eq!(units, (n(9), n(1), n(0), n(1)));
}

// --- What sinks have served

fn weigh(
    meter: &Contract<OverflowMeter>,
    page: (u64, u64),
    span: (u64, u64),
) -> Vec<(Address, u64)> {
    let weighed = meter
        .sender(ALICE)
        .weigh(CODE, n(page.0), n(page.1), n(span.0), n(span.1))
        .motsu_unwrap();
    let (sinks, weights) = weighed.0;
    sinks
        .into_iter()
        .zip(weights.iter().map(|it| it.to()))
        .collect()
}

#[motsu::test]
fn sinks_weigh_what_they_served_in_the_span() {
    let (meter, _pools, registry) = world();
    let sinks: Vec<_> = (1..=3).map(Address::repeat_byte).collect();
    let (capacities, since) = ([10, 20, 30].map(n), [0, 500, 2_000].map(n));
    let it = registry.sender(OWNER);
    let mut it = it;
    it.set_sinks(CODE, sinks.clone(), capacities.to_vec(), since.to_vec());
    drop(it);
    let all = [(sinks[0], 10_000), (sinks[1], 10_000), (sinks[2], 0)];
    assert_eq!(weigh(&meter, (0, 9), (0, 1_000)), all);
    assert_eq!(weigh(&meter, (1, 1), (900, 1_000)), [(sinks[1], 2_000)]);
    assert_eq!(weigh(&meter, (3, 9), (0, 1_000)), []);
    assert_eq!(weigh(&meter, (0, 1), (1_000, 1_000)), [(sinks[0], 0)]);
}

#[motsu::test]
fn what_the_registry_refuses_is_passed_on() {
    let (meter, _pools, registry) = world();
    registry
        .sender(OWNER)
        .set_sinks(CODE, vec![ALICE], vec![n(10)], vec![n(0)]);
    registry.sender(OWNER).set_fails(true);
    let weighed = meter.sender(ALICE).weigh(CODE, n(0), n(1), n(0), n(9));
    assert!(matches!(weighed.motsu_res(), Err(Error::Revert(_))));
}

// --- By work

/// Who has the units that cuts leave.
const RESERVE: Address = Address::repeat_byte(0xee);

/// An escrow with a ledger, which is itself, that knows the reserve.
fn escrow() -> Contract<Decimal> {
    let escrow = Contract::<Decimal>::new();
    escrow.sender(OWNER).set_links(escrow.address(), RESERVE);
    escrow
}

#[motsu::test]
fn by_work_the_reserve_is_found_by_the_escrow() {
    let (meter, pools, _registry) = world();
    let escrow = Contract::<Decimal>::new();
    let settle = |escrow: Address| {
        let it = meter.sender(pools.address());
        let mut it = it;
        it.settle_by_work(CODE, escrow, n(0)).motsu_res()
    };
    let none = |escrow| Err(NoWorkReserve { escrow }.into());
    let at = escrow.address();
    assert_eq!(settle(at), none(at));
    escrow.sender(OWNER).set_links(at, Address::ZERO);
    assert_eq!(settle(at), none(at));
    // No pool by work begins without one.
    assert_eq!(meter.sender(ALICE).get_unit_seconds(CODE, n(9)), n(0));
    escrow.sender(OWNER).set_links(at, RESERVE);
    assert_eq!(settle(at), Ok(RESERVE));
    assert!(matches!(settle(pools.address()), Err(Error::Revert(_))));
}

/// Whoever changes a recipient, and nothing else, does not use up the hour.
#[motsu::test]
fn by_work_the_same_cuts_are_no_change() {
    let (meter, pools, _registry) = world();
    let escrow = escrow();
    let settle = |fee: u64| {
        let it = meter.sender(pools.address());
        let mut it = it;
        let it = it.settle_by_work(CODE, escrow.address(), n(fee << 16));
        it.motsu_unwrap() == RESERVE
    };
    assert!(settle(10));
    advance_time(3_600);
    assert!(settle(10));
    advance_time(1);
    assert!(settle(20));
    advance_time(3_599);
    assert!(settle(20) && !settle(30));
    advance_time(1);
    assert!(settle(30));
}

#[motsu::test]
fn by_work_every_change_is_on_record() {
    let (meter, pools, _registry) = world();
    let escrow = escrow();
    let settle = |cuts: U256| {
        let at = escrow.address();
        let it = meter.sender(pools.address()).settle_by_work(CODE, at, cuts);
        it.motsu_unwrap() == RESERVE
    };
    let start = timestamp();
    // No cuts: all 10 000 units are the reserve's.
    assert!(settle(n(0)));
    advance_time(3_599);
    let fee = uint!(500_U256) << 16;
    assert!(!settle(fee));
    advance_time(1);
    assert!(settle(fee));
    advance_time(10);
    let index = meter.sender(ALICE).get_overflow_index(CODE);
    assert_eq!(index, (n(0), n(3_600 * 10_000 + 10 * 9_500)));
    let at = |time: u64| meter.sender(ALICE).get_unit_seconds(CODE, n(time));
    assert_eq!((at(start - 1), at(start)), (n(0), n(0)));
    assert_eq!(at(start + 7), n(70_000));
    assert_eq!(at(start + 3_601), n(36_009_500));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every second of a pool by work counts by the units that the escrow had in it.
    #[test]
    fn unit_seconds_are_those_of_a_list(
        changes in prop::collection::vec((0u64..9_000, 0u64..9_000), 1..40),
        asked in prop::collection::vec(0u64..1_000, 20),
    ) {
        let _turn = bpe_testing::turn();
        let (meter, pools, _registry) = world();
        let escrow = escrow();
        let start = timestamp();
        // When the reserve's units changed, and to what.
        let mut list: Vec<(u64, u64)> = vec![];
        for (elapsed, fee) in changes {
            advance_time(elapsed);
            let now = timestamp();
            let at = escrow.address();
            let it = meter.sender(pools.address()).settle_by_work(CODE, at, n(fee << 16));
            let applied = it.motsu_unwrap() == RESERVE;
            let last = list.last().map_or(u64::MAX, |it| now - it.0);
            let same = list.last().is_some_and(|it| it.1 == 10_000 - fee);
            prop_assert_eq!(applied, same || !(1..3_600).contains(&last));
            match (applied, last) {
                _ if same => {}
                (true, 0) => list.last_mut().unwrap().1 = 10_000 - fee,
                (true, _) => list.push((now, 10_000 - fee)),
                _ => {}
            }
        }
        advance_time(5_000);
        let now = timestamp();
        let expected = |time: u64| {
            let ends = list.iter().skip(1).map(|it| it.0).chain([u64::MAX]);
            let each = list.iter().zip(ends);
            each.map(|((from, units), end)| time.min(end).saturating_sub(*from) * units).sum::<u64>()
        };
        let at = |time: u64| meter.sender(ALICE).get_unit_seconds(CODE, n(time));
        for part in asked {
            let time = start - 50 + (now - start + 100) * part / 1_000;
            prop_assert_eq!(at(time), n(expected(time.min(now))));
        }
        prop_assert_eq!(at(u64::MAX), n(expected(now)));
        let total = meter.sender(ALICE).get_overflow_index(CODE);
        prop_assert_eq!(total, (n(0), n(expected(now))));
    }

    /// The index is the sum of e / u over all seconds, whoever looked when.
    #[test]
    fn the_index_is_the_part_of_the_escrow_by_time(
        stretches in prop::collection::vec((0u64..100_000, 1u64..4_000_000_000, 0u64..=100, any::<bool>()), 1..40),
    ) {
        let _turn = bpe_testing::turn();
        let it = Followed::new();
        let one = U256::from(1_000_000_000_000_000_000_u64);
        let (mut index, mut seconds, mut looks) = (U256::ZERO, U256::ZERO, 0);
        let (mut escrow, mut total) = (0_u128, 0_u128);
        for (elapsed, sinks, percent, forced) in stretches {
            advance_time(elapsed);
            let grown = U256::from(escrow) * n(elapsed);
            seconds += grown;
            // With 18 digits more than the meter has.
            index += (grown * one * one).checked_div(U256::from(total)).unwrap_or_default();
            looks += 1;
            let counted = it.meter.sender(ALICE).get_overflow_index(CODE);
            prop_assert_eq!(counted.1, seconds);
            prop_assert!(counted.0 <= index / one + n(1));
            prop_assert!(index / one <= counted.0 + n(looks));
            let limit = n(sinks) * n(percent) / n(100);
            escrow = it.settle_sinks(sinks, 0, limit, forced);
            total = u128::from(sinks) + escrow;
            let (sinks, fee, budget, overflow) = it.meter.sender(ALICE).get_units(CODE);
            prop_assert_eq!((sinks + fee + budget + overflow).to::<u128>(), total);
        }
    }
}
