//! Attacks on the split of a pool, each of which gained something by earlier rules.

use crate::world::*;

/// Who gets what pools by work take in.
const RESERVE: Address = Address::repeat_byte(0xee);

impl World {
    fn nested(&self) -> Address {
        self.curve.address()
    }

    fn nest(&self, capacity: U256) -> Result<(), Error> {
        let nested = self.nested();
        let _ = self.pools.sender(OWNER).set_nested_pool(nested).motsu_res();
        self.pools
            .sender(nested)
            .set_nested_capacity(CODE, capacity)
            .motsu_res()
    }
}

#[motsu::test]
fn a_first_sink_of_a_billionth_does_not_set_the_anchor() {
    let world = World::new();
    world.set_capacities(CODE, &[(X, n(1))]);
    world.rebalance_sink(X).unwrap();
    assert_eq!((world.anchor(), world.units(X)), (units(1), 1));
    // The honest one has what there is room for, which is all but one unit, and its share at the rebalance that anyone can
    // call.
    world.set_capacities(CODE, &[(X, n(1)), (Y, units(100))]);
    world.rebalance_sink(Y).unwrap();
    assert_eq!((world.units(X), world.units(Y)), (1, 3_999_999_999));
    assert!(world.needs_rebalance());
    world.rebalance().unwrap();
    assert_eq!((world.units(X), world.units(Y)), (0, 999_999_999));
}

#[motsu::test]
fn streams_of_one_moment_move_nothing() {
    let world = World::balanced();
    world.set_price(UNIT * n(1_000)).unwrap();
    world.flow(4_000_000_000_000, 60);
    // Opened, looked at, closed, at two moments: no time passes while it is open.
    for _ in 0..2 {
        let before = (world.carve_outs(), world.free_value());
        world.set_rate(u128::MAX >> 40);
        world.rebalance_overflow().unwrap();
        world.rebalance().unwrap();
        world.set_rate(0);
        world.rebalance_overflow().unwrap();
        assert_eq!((world.carve_outs(), world.free_value()), before);
        let amount = U256::from(4_000_000_000_000_u64) * n(30);
        world.pool.sender(OWNER).accrue(amount);
        advance_time(30);
        world.rebalance_overflow().unwrap();
        assert_eq!(world.carve_outs(), before.0);
    }
}

#[motsu::test]
fn what_really_flows_above_the_price_overflows() {
    let world = World::balanced();
    world.set_price(UNIT * n(1_000)).unwrap();
    world.flow(10_000_000_000_000, 60);
    let [sinks, _, _, overflow] = world.carve_outs();
    // 4 of 10 wei for the sinks.
    assert_eq!(sinks, 1_000_000_000);
    assert!(overflow.abs_diff(1_497_500_000) < 10_000, "{overflow}");
}

#[motsu::test]
fn a_limit_to_nothing_without_a_price_binds_before_anything_flowed() {
    let world = World::balanced();
    world.set_limit(n(0)).unwrap();
    let total = world.total_units();
    assert!(world.sink_units() * n(400) < U256::from(total), "{total}");
    advance_time(1_000);
    assert_eq!(world.free_value(), (true, n(0)), "nothing drains");
    world.set_limit(U256::MAX).unwrap();
    assert!(world.free_value().0, "nor in the hour after");
    advance_time(3_600);
    assert_eq!(world.free_value(), (false, n(0)));
}

#[motsu::test]
fn anybodys_rebalance_leaves_a_child_its_share() {
    let world = World::balanced();
    world.nest(units(4)).unwrap();
    let nested = world.nested();
    let share = |world: &World| world.units(nested) as f64 / world.units(X) as f64;
    assert_eq!(share(&world), 4.0);
    world.set_sinks(CODE, &[(X, 1), (Y, 11)]);
    world.rebalance().unwrap();
    assert_eq!(world.anchor(), units(16));
    assert_eq!(share(&world), 4.0);
}

#[motsu::test]
fn by_spare_capacity_without_a_curve_who_left_loses_its_units() {
    let world = World::balanced();
    world.set_weighting(BY_SPARE_CAPACITY);
    world.set_sinks(CODE, &[(Y, 3)]);
    world.rebalance_sink(X).unwrap();
    assert_eq!(world.units(X), 0);
    assert_eq!(world.reduce(Y, n(0)), Ok(()));
    assert_eq!(world.units(Y), 0);
}

#[motsu::test]
fn who_reviews_or_gets_the_fee_stays_a_sink() {
    let world = World::balanced();
    world.set_reviewer(X);
    world.set_fee(10, X);
    world.set_budget(500).unwrap();
    let [_, fee, budget, _] = world.carve_outs();
    assert_eq!(world.units(X), 250_000_000 + u128::from(fee + budget));
    world.set_capacities(CODE, &[(X, n(0)), (Y, units(3))]);
    world.rebalance_sink(X).unwrap();
    let [sinks, fee, budget, _] = world.carve_outs();
    assert_eq!(sinks, 750_000_000);
    assert_eq!(world.units(X), u128::from(fee + budget));
}

#[motsu::test]
fn by_work_only_cuts_have_units_and_nothing_changes_that() {
    let world = World::bare();
    world.set_meter().unwrap();
    world.set_escrow().unwrap();
    let weigh = |weighting| {
        let it = world.pools.sender(OWNER).set_weighting(CODE, weighting);
        it.motsu_res()
    };
    assert_eq!(weigh(3), Ok(()));
    // Nobody could pay out what it takes in.
    assert!(matches!(world.create(ALICE, CODE), Err(Error::Revert(_))));
    world.escrow.sender(OWNER).set_reserve(RESERVE);
    world.create(ALICE, CODE).unwrap();
    assert_eq!((world.units(OWNER), world.units(RESERVE)), (10, 9_990));
    assert_eq!(world.overflow_units(), 0);
    assert_eq!(weigh(0), Err(WeightingFixed {}.into()));
    assert_eq!(world.rebalance_sink(X), Err(PaidByWork {}.into()));
    assert_eq!(world.reduce(X, n(0)), Ok(()));
    assert_eq!(world.nest(n(1)), Err(PaidByWork {}.into()));
    // A further change waits for its hour.
    world.set_fee(20, OWNER);
    world.rebalance().unwrap();
    assert_eq!(world.units(RESERVE), 9_980);
    advance_time(10);
    world.set_fee(30, OWNER);
    world.rebalance().unwrap();
    assert_eq!(world.units(RESERVE), 9_980);
    advance_time(3_600);
    world.rebalance().unwrap();
    assert_eq!(world.units(RESERVE), 9_970);
    advance_time(5);
    let counted = world.meter.sender(X).get_overflow_index(CODE).1;
    assert_eq!(counted, n(9_980 * 3_610 + 9_970 * 5));
}

/// Whoever names WorkReserve as a recipient stops the change, not the streams: its units would be both together, and the later
/// change of one would take away of the other, so that sources were noted for more than WorkReserve gets.
#[motsu::test]
fn by_work_the_reserve_gets_no_cut() {
    let world = World::bare();
    world.set_meter().unwrap();
    world.set_escrow().unwrap();
    world.escrow.sender(OWNER).set_reserve(RESERVE);
    world.set_weighting(3);
    world.set_fee(10, RESERVE);
    assert_eq!(world.create(ALICE, CODE), invalid(RESERVE));
    world.set_fee(10, OWNER);
    world.create(ALICE, CODE).unwrap();
    let units = || (world.units(OWNER), world.units(RESERVE));
    for (fee, wait) in [(10, 0), (20, 0), (20, 3_600), (0, 3_600)] {
        advance_time(wait);
        world.set_fee(fee, RESERVE);
        // A fee of nothing is nobody's.
        if fee > 0 {
            assert_eq!(world.rebalance(), invalid(RESERVE));
            assert_eq!(units(), (10, 9_990));
        }
    }
    world.set_reviewer(RESERVE);
    assert_eq!(world.set_budget(500), invalid(RESERVE));
    world.set_reviewer(OWNER);
    world.rebalance().unwrap();
    assert_eq!(units(), (0, 10_000));
    // A recipient alone changes without notice.
    world.set_fee(30, OWNER);
    advance_time(3_600);
    world.rebalance().unwrap();
    world.set_fee(30, X);
    world.rebalance().unwrap();
    assert_eq!((world.units(X), units()), (30, (0, 9_970)));
}

#[motsu::test]
fn nobody_connects_the_contract_to_junk_pools() {
    let world = World::new();
    world.gda.assert_emitted(&ConnectPermissionSet {
        caller: world.pools.address(),
        allow: false,
    });
}

/// Many changes of units leave over more than a wei for each: that is taken back into the streams in the same call.
#[motsu::test]
fn what_rounding_leaves_over_is_taken_back_from_a_wei_per_unit_on() {
    let world = World::balanced();
    let units = world.pool.sender(OWNER).get_total_units();
    let taken_back = Distributed {
        pool: world.pool.address(),
        from: world.pools.address(),
        flowRate: flow_rate(0),
    };
    let rebalance_with = |left_over: u128| {
        let it = &world.gda;
        it.sender(OWNER).set_adjustment(flow_rate(left_over));
        world.rebalance().unwrap();
    };
    rebalance_with(units - 1);
    assert!(!world.host.emitted(&taken_back));
    rebalance_with(units);
    world.host.assert_emitted(&taken_back);
}

/// A pool's address is known before there is a pool, so a recipient can become one, and Superfluid changes the units of none.
/// Were it replaced all the same, the pool had more units than are counted, and WorkReserve less of it than sources are noted for.
#[motsu::test]
fn by_work_a_recipient_that_has_become_a_pool_keeps_its_cut_and_no_more() {
    let world = World::bare();
    world.set_meter().unwrap();
    world.set_escrow().unwrap();
    world.escrow.sender(OWNER).set_reserve(RESERVE);
    world.set_weighting(3);
    world.set_fee(1_000, X);
    world.create(ALICE, CODE).unwrap();
    world.pool.sender(OWNER).refuse(X, true);
    let counted = || {
        let (_, units) = world.meter.sender(X).get_overflow_index(CODE);
        (world.units(RESERVE), world.total_units(), units)
    };
    for (fee, recipient) in [
        (1_000, Y),
        (0, Y),
        (0, X),
        (900, X),
        (500, Y),
        (1_000, OWNER),
    ] {
        advance_time(3_600);
        let before = counted();
        assert_eq!((before.0, before.1), (9_000, 10_000));
        world.set_fee(fee, recipient);
        assert_eq!(world.rebalance(), invalid(X), "{fee} to {recipient}");
        assert_eq!(counted(), before);
    }
    // The budget is another's: it changes.
    world.set_fee(1_000, X);
    world.set_budget(500).unwrap();
    assert_eq!((world.units(RESERVE), world.total_units()), (8_500, 10_000));
    // One that is a pool from the beginning gets nothing, and stops nobody.
    world.set_reviewer(Y);
    world.pool.sender(OWNER).refuse(Y, true);
    world.rebalance().unwrap();
    assert_eq!((world.units(RESERVE), world.total_units()), (8_500, 9_500));
}
