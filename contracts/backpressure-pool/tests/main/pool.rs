//! BackpressurePool on motsu: every function, error, event and access rule. What InsufficientGas is about, and re-entry,
//! only the devnet can show.

use crate::world::*;

// --- Construction

#[motsu::test]
fn constructor_sets_what_it_is_given() {
    let world = World::bare();
    let it = world.pools.sender(ALICE);
    assert_eq!(it.gda(), world.gda.address());
    assert_eq!(it.super_token(), world.token.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.fee_recipient(), OWNER);
    assert_eq!(it.reviewer(), OWNER);
    assert_eq!(it.protocol_fee(), n(10));
    assert_eq!(it.exploration_rate(), n(50_000_000_000_000_000));
    assert_eq!(it.escrow_buffer(), Address::ZERO);
    assert_eq!(it.pricing_curve(), Address::ZERO);
    assert_eq!(it.share_submitter(), Address::ZERO);
    assert_eq!(it.temperature_oracle(), Address::ZERO);
    assert_eq!(it.bps(), n(10_000));
    assert_eq!(it.unit_scale(), 1_000_000_000);
    assert_eq!(it.rebalance_threshold_bps(), n(500));
    assert_eq!(it.max_exploration_rate(), n(200_000_000_000_000_000));
    drop(it);
    let mut it = world.pools.sender(ALICE);
    assert_eq!(ownable_of(&mut it).owner(), OWNER);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::bare();
    let (gda, token) = (world.gda.address(), world.token.address());
    let registry = world.registry.address();
    let build = |gda: Address, token: Address, registry: Address, owner: Address| {
        let pools = Contract::<BackpressurePool>::new();
        let result = pools.sender(ALICE).constructor(gda, token, registry, owner);
        result.motsu_res()
    };
    assert_eq!(build(ALICE, token, registry, OWNER), no_contract(ALICE));
    assert_eq!(build(gda, BOB, registry, OWNER), no_contract(BOB));
    assert_eq!(build(gda, token, X, OWNER), no_contract(X));
    let no_owner = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        build(gda, token, registry, Address::ZERO),
        Err(Error::Ownable(no_owner.into()))
    );
    let plain = Contract::<Token>::new();
    let result = build(gda, plain.address(), registry, OWNER);
    assert!(matches!(result, Err(Error::Revert(_))));
}

/// Every field of the storage has a place of its own.
#[motsu::test]
fn storage_does_not_overlap() {
    let world = World::new();
    let curve = world.curve.address();
    world
        .pools
        .sender(OWNER)
        .set_pricing_curve(curve)
        .motsu_unwrap();
    world
        .pools
        .sender(OWNER)
        .set_temperature_oracle(Z)
        .motsu_unwrap();
    world
        .pools
        .sender(OWNER)
        .set_exploration_rate(n(1_234))
        .motsu_unwrap();
    world.allow_shares();
    world.set_fee(777, ALICE);
    world.set_reviewer(BOB);
    world.rebalance().unwrap();
    world.set_limit(units(2)).unwrap();
    world.set_price(n(99)).unwrap();
    world.set_budget(321).unwrap();
    world.set_weighting(1);
    advance_time(10);
    let it = world.pools.sender(X);
    assert_eq!(it.pricing_curve(), curve);
    assert_eq!(it.temperature_oracle(), Z);
    assert_eq!(it.exploration_rate(), n(1_234));
    assert_eq!(it.share_submitter(), SUBMITTER);
    assert_eq!(it.protocol_fee(), n(777));
    assert_eq!(it.fee_recipient(), ALICE);
    assert_eq!(it.reviewer(), BOB);
    assert_eq!(it.escrow_buffer(), world.escrow.address());
    assert_eq!(it.gda(), world.gda.address());
    assert_eq!(it.super_token(), world.token.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert!(it.authorized_pipelines(PIPELINE));
    assert_eq!(it.get_pool(CODE), world.pool.address());
    assert_eq!(it.get_effective_capacity(CODE), units(2));
    assert_eq!(it.get_capacity_price(CODE), n(99));
    assert_eq!(it.get_verification_budget(CODE), n(321));
    assert_eq!(it.get_weighting(CODE), n(1));
    assert_eq!(it.get_anchor(CODE), units(4));
    assert_eq!(world.sink_units(), units(1));
    assert_eq!(it.overflow_meter(), world.meter.address());
    assert_eq!(world.free_value(), (true, n(10 * 2 * 99)));
    assert!(!it.needs_rebalance(CODE).motsu_unwrap());
    // Nothing of it is another task type's.
    assert_eq!(it.get_pool(CHAT), Address::ZERO);
    assert_eq!(it.get_effective_capacity(CHAT), U256::MAX);
}

// --- createPool

#[motsu::test]
fn anyone_creates_the_pool_of_a_task_type() {
    let world = World::bare();
    world.set_meter().unwrap();
    world.set_escrow().unwrap();
    assert_eq!(world.create(ALICE, CODE), Ok(()));
    world.gda.assert_emitted(&PoolRequested {
        token: world.token.address(),
        admin: world.pools.address(),
        transferable: false,
        fromAnyAddress: true,
    });
    world.pools.assert_emitted(&PoolCreated {
        taskTypeId: CODE,
        pool: world.pool.address(),
    });
    assert_eq!(world.carve_outs(), [0, 0, 0, 1]);
    assert_eq!(world.pools.sender(BOB).get_pool(CODE), world.pool.address());
    assert_eq!(world.create(BOB, CODE), Err(PoolAlreadyExists {}.into()));
    assert_eq!(
        world.create(BOB, NOWHERE),
        Err(TaskTypeDoesNotExist {}.into())
    );
    assert_eq!(world.pools.sender(BOB).get_pool(NOWHERE), Address::ZERO);
}

#[motsu::test]
fn an_empty_pool_pays_the_escrow() {
    let world = World::new();
    assert_eq!(world.carve_outs(), [0, 0, 0, 1]);
    assert_eq!(world.overflow_units(), 1);
    assert_eq!(world.total_units(), 1);
}

#[motsu::test]
fn the_registry_sets_the_weighting_of_a_new_task_type_and_is_not_asked() {
    let world = World::bare();
    world.set_meter().unwrap();
    world.set_escrow().unwrap();
    let set = |who: Address, weighting| {
        let mut pools = world.pools.sender(who);
        pools.set_weighting(CODE, weighting).motsu_res()
    };
    world.registry.sender(OWNER).set_open(true);
    assert_eq!(set(world.registry.address(), 1), Ok(()));
    assert_eq!(world.create(ALICE, CODE), refused());
    world.registry.sender(OWNER).set_open(false);
    assert!(set(ALICE, 1).is_err(), "nobody else");
    assert_eq!(world.create(ALICE, CODE), Ok(()));
    let weighting = world.pools.sender(BOB).get_weighting(CODE);
    assert_eq!(weighting, n(1));
    // By work it would be for ever, and there is a pool.
    let fixed = Err(WeightingFixed {}.into());
    assert_eq!(set(world.registry.address(), 3), fixed);
}

#[motsu::test]
fn what_superfluid_refuses_is_passed_on() {
    let world = World::bare();
    world.set_meter().unwrap();
    world.set_escrow().unwrap();
    world.gda.sender(OWNER).set_refuses(true);
    assert_eq!(world.create(ALICE, CODE), refused());
    assert_eq!(world.pools.sender(BOB).get_pool(CODE), Address::ZERO);
}

#[motsu::test]
fn without_a_pool_nothing_is_rebalanced() {
    let world = World::bare();
    world.set_escrow().unwrap();
    world.allow_shares();
    assert_eq!(world.rebalance(), no_pool());
    assert_eq!(world.rebalance_sink(X), no_pool());
    assert_eq!(world.rebalance_range(0, 1), no_pool());
    assert_eq!(world.rebalance_overflow(), no_pool());
    assert_eq!(world.submit(&[X], &[n(1)]), no_pool());
    assert_eq!(world.set_limit(n(1)), no_pool());
    assert_eq!(world.set_price(n(1)), no_pool());
    assert_eq!(world.set_budget(1), no_pool());
    let it = world.pools.sender(OWNER).get_member_units(CODE, X);
    assert_eq!(it.motsu_res(), no_pool());
    let it = world.pools.sender(OWNER).needs_rebalance(CODE);
    assert_eq!(it.motsu_res(), no_pool());
    // The registry may tell of a task type that never got a pool.
    assert_eq!(world.reduce(X, n(0)), Ok(()));
}

// --- Rebalancing

#[motsu::test]
fn sinks_get_units_by_capacity() {
    let world = World::new();
    assert!(world.needs_rebalance());
    assert_eq!(world.rebalance(), Ok(()));
    assert_eq!((world.units(X), world.units(Y)), (250_000_000, 750_000_000));
    assert_eq!(world.anchor(), units(4));
    assert_eq!(world.sink_units(), units(1));
    world.pools.assert_emitted(&rebalanced(2, units(4)));
    let it = world.pools.sender(ALICE);
    assert_eq!(it.get_member_units(CODE, Y).motsu_unwrap(), 750_000_000);
    // 10 bps of the total units: 1 001 001 001 of which 1 001 001; and the escrow's unit.
    assert_eq!(world.carve_outs(), [1_000_000_000, 1_001_001, 0, 1]);
    assert_eq!(world.units(OWNER), 1_001_001);
    assert_eq!(world.overflow_units(), 1);
    assert_eq!(world.total_units(), 1_001_001_002);
    assert!(!world.needs_rebalance());
}

#[motsu::test]
fn units_round_down() {
    let world = World::new();
    world.set_sinks(CODE, &[(X, 1), (Y, 1), (Z, 1)]);
    world.rebalance().unwrap();
    for sink in [X, Y, Z] {
        assert_eq!(world.units(sink), 333_333_333);
    }
    assert_eq!(world.sink_units(), n(999_999_999));
}

#[motsu::test]
fn unchanged_units_are_not_written_again() {
    let world = World::balanced();
    let before = world.updates();
    world.rebalance().unwrap();
    world.rebalance_sink(X).unwrap();
    world.rebalance_range(0, 2).unwrap();
    assert_eq!(world.updates(), before);
    world.set_sinks(CODE, &[(X, 2), (Y, 6)]);
    world.rebalance().unwrap();
    assert_eq!(world.updates(), before);
}

#[motsu::test]
fn one_sink_costs_one_update_against_the_anchor() {
    let world = World::balanced();
    let before = world.updates();
    world.set_capacities(CODE, &[(X, n(1_100_000_000)), (Y, units(3))]);
    world.rebalance_sink(X).unwrap();
    assert_eq!(world.updates(), before + n(1));
    assert_eq!((world.units(X), world.units(Y)), (275_000_000, 750_000_000));
    assert_eq!(world.anchor(), units(4));
    assert_eq!(world.sink_units(), n(1_025_000_000));
    // One that left.
    world.set_sinks(CODE, &[(Y, 3)]);
    world.rebalance_sink(X).unwrap();
    assert_eq!((world.units(X), world.units(Y)), (0, 750_000_000));
    assert_eq!(world.sink_units(), n(750_000_000));
}

#[motsu::test]
fn the_first_sink_sets_the_anchor() {
    let world = World::new();
    assert_eq!(world.rebalance_sink(X), Ok(()));
    assert_eq!(world.anchor(), units(4));
    assert_eq!((world.units(X), world.units(Y)), (250_000_000, 0));
    assert_eq!(world.carve_outs(), [250_000_000, 250_250, 0, 1]);
    // It was not a full one.
    assert!(world.needs_rebalance());
    assert_eq!(world.events::<Rebalanced>(), vec![]);
}

#[motsu::test]
fn a_full_rebalance_sets_a_new_anchor() {
    let world = World::balanced();
    world.set_sinks(CODE, &[(X, 1), (Y, 3), (Z, 4)]);
    world.rebalance_sink(Z).unwrap();
    assert_eq!(world.units(Z), 1_000_000_000);
    world.rebalance().unwrap();
    assert_eq!(world.anchor(), units(8));
    assert_eq!((world.units(X), world.units(Y)), (125_000_000, 375_000_000));
    assert_eq!(world.units(Z), 500_000_000);
    assert_eq!(world.sink_units(), units(1));
}

#[motsu::test]
fn new_sinks_are_connected() {
    let world = World::new();
    world.rebalance().unwrap();
    let connected = |member| MemberConnected {
        caller: world.pools.address(),
        pool: world.pool.address(),
        member,
    };
    world.host.assert_emitted(&connected(X));
    world.host.assert_emitted(&connected(Y));
    assert_eq!(world.host.all_events().len(), 2);
    // Once is enough.
    world.set_sinks(CODE, &[(X, 2), (Y, 3)]);
    world.rebalance().unwrap();
    assert_eq!(world.host.all_events().len(), 2);
}

#[motsu::test]
fn a_sink_that_cannot_be_connected_has_its_units() {
    let world = World::new();
    world.host.sender(OWNER).refuse_connections();
    assert_eq!(world.rebalance(), Ok(()));
    assert_eq!((world.units(X), world.units(Y)), (250_000_000, 750_000_000));
    assert_eq!(world.host.all_events().len(), 0);
}

#[motsu::test]
fn a_refused_sink_does_not_stop_the_others() {
    let world = World::new();
    world.pool.sender(OWNER).refuse(X, true);
    assert_eq!(world.rebalance(), Ok(()));
    world.pools.assert_emitted(&skipped(X));
    assert_eq!((world.units(X), world.units(Y)), (0, 750_000_000));
    assert_eq!(world.sink_units(), n(750_000_000));
    world.pools.assert_emitted(&rebalanced(2, units(4)));
    assert_eq!(world.rebalance_range(0, 2), Ok(()));
    assert_eq!(world.events::<SinkSkipped>(), vec![skipped(X), skipped(X)]);
    // Alone, it is told.
    assert_eq!(world.rebalance_sink(X), invalid(X));
}

#[motsu::test]
fn at_most_40_sinks_in_a_call() {
    let world = World::new();
    let sinks: Vec<_> = (1..=41u16)
        .map(|index| (Address::left_padding_from(&index.to_be_bytes()), 1))
        .collect();
    world.set_sinks(CODE, &sinks);
    let too_many = |value: u64| {
        let maximum = n(40);
        let value = n(value);
        Err(Error::ExceedsMaximum(ExceedsMaximum { value, maximum }))
    };
    assert_eq!(world.rebalance(), too_many(41));
    assert_eq!(world.rebalance_range(0, 41), too_many(41));
    let it = world
        .pools
        .sender(ALICE)
        .rebalance_range(CODE, n(0), U256::MAX);
    assert_eq!(it.motsu_res(), too_many(u64::MAX));
    assert_eq!(world.rebalance_range(0, 40), Ok(()));
    assert_eq!(world.events::<Rebalanced>(), vec![]);
    assert_eq!(world.sink_units(), n(40 * 24_390_243));
    assert_eq!(world.rebalance_range(40, 40), Ok(()));
    assert_eq!(world.last::<Rebalanced>(), rebalanced(41, units(41)));
    assert_eq!(world.sink_units(), n(41 * 24_390_243));
    world.set_sinks(CODE, &sinks[..40]);
    assert_eq!(world.rebalance(), Ok(()));
}

#[motsu::test]
fn pages_are_a_full_rebalance_if_they_follow_each_other() {
    let world = World::new();
    world.set_sinks(CODE, &[(X, 1), (Y, 1), (Z, 1), (BOB, 1)]);
    let count = || world.events::<Rebalanced>().len();
    // From the middle it is none, to whatever end.
    world.rebalance_range(1, 3).unwrap();
    assert_eq!(count(), 0);
    world.rebalance_range(0, 1).unwrap();
    // A gap.
    world.rebalance_range(2, 2).unwrap();
    assert_eq!(count(), 0);
    // What was skipped is made up for, and the walk goes on.
    world.rebalance_range(1, 1).unwrap();
    world.rebalance_range(2, 1).unwrap();
    assert_eq!(count(), 0);
    assert!(world.needs_rebalance());
    world.rebalance_range(3, 40).unwrap();
    assert_eq!(world.events::<Rebalanced>(), vec![rebalanced(4, units(4))]);
    assert!(!world.needs_rebalance());
    // The next walk starts over.
    world.rebalance_range(3, 1).unwrap();
    assert_eq!(count(), 1);
    world.rebalance_range(0, 4).unwrap();
    assert_eq!(count(), 2);
    // Beyond the end there is nobody.
    world.rebalance_range(0, 2).unwrap();
    world.rebalance_range(50, 10).unwrap();
    assert_eq!(count(), 2);
}

#[motsu::test]
fn pages_keep_the_anchor_within_a_factor_of_four() {
    let world = World::balanced();
    world.set_sinks(CODE, &[(X, 1), (Y, 15)]);
    world.rebalance_range(0, 1).unwrap();
    world.rebalance_range(1, 1).unwrap();
    assert_eq!(world.anchor(), units(4));
    assert_eq!(
        (world.units(X), world.units(Y)),
        (250_000_000, 3_750_000_000)
    );
    world.set_capacities(CODE, &[(X, units(1)), (Y, units(15) + n(1))]);
    // Only a walk that starts anew sets it.
    world.rebalance_range(1, 1).unwrap();
    assert_eq!(world.anchor(), units(4));
    world.rebalance_range(0, 2).unwrap();
    assert_eq!(world.anchor(), units(16) + n(1));
    assert_eq!(world.units(X), 62_499_999);
    world.set_sinks(CODE, &[(X, 1), (Y, 3)]);
    world.rebalance_range(0, 2).unwrap();
    assert_eq!(world.anchor(), units(4));
    world.set_sinks(CODE, &[(X, 1)]);
    world.rebalance_range(0, 2).unwrap();
    assert_eq!(world.anchor(), units(4));
    world.set_capacities(CODE, &[(X, units(1) - n(1))]);
    world.rebalance_range(0, 2).unwrap();
    assert_eq!(world.anchor(), units(4), "one unit at least");
}

#[motsu::test]
fn a_change_of_five_percent_calls_for_a_rebalance() {
    let world = World::balanced();
    for (capacity, needed) in [
        (4_199_999_999, false),
        (4_200_000_000, true),
        (3_800_000_001, false),
        (3_800_000_000, true),
        (0, true),
        (4_000_000_000, false),
    ] {
        world.set_capacities(CODE, &[(X, n(capacity))]);
        assert_eq!(world.needs_rebalance(), needed, "{capacity}");
    }
    world.set_sinks(CODE, &[]);
    world.rebalance().unwrap();
    assert!(!world.needs_rebalance());
    world.set_capacities(CODE, &[(X, n(1))]);
    assert!(world.needs_rebalance());
}

#[motsu::test]
fn when_no_sink_is_left_all_goes_to_the_escrow() {
    let world = World::balanced();
    world.set_budget(500).unwrap();
    world.set_sinks(CODE, &[]);
    world.rebalance_sink(X).unwrap();
    world.rebalance_sink(Y).unwrap();
    assert_eq!(world.carve_outs(), [0, 0, 0, 1]);
    assert_eq!(world.total_units(), 1);
    assert_eq!(world.overflow_units(), 1);
    world.set_sinks(CODE, &[(Z, 5)]);
    world.rebalance().unwrap();
    assert_eq!((world.units(Z), world.overflow_units()), (1_000_000_000, 1));
}

// --- CapacityRegistry

#[motsu::test]
fn the_registry_takes_units_away() {
    let world = World::balanced();
    let before = world.updates();
    assert_eq!(world.reduce(Y, n(2_980_000_000)), Ok(()));
    assert_eq!(world.units(Y), 745_000_000);
    assert_eq!(world.sink_units(), n(995_000_000));
    assert_eq!(world.updates(), before + n(1));
    assert_eq!(world.reduce(Y, n(0)), Ok(()));
    assert_eq!((world.units(X), world.units(Y)), (250_000_000, 0));
    // The carve-outs followed.
    assert_eq!(world.carve_outs(), [250_000_000, 250_250, 0, 1]);
    for caller in [ALICE, OWNER, Y] {
        let it = world
            .pools
            .sender(caller)
            .on_capacity_reduced(CODE, X, n(0));
        let error = UnauthorizedCaller { caller };
        assert_eq!(it.motsu_res(), Err(error.into()));
    }
    world.pool.sender(OWNER).refuse(X, true);
    assert_eq!(world.reduce(X, n(0)), invalid(X));
}

#[motsu::test]
fn a_reduction_before_the_first_rebalance_is_nothing() {
    let world = World::new();
    assert_eq!(world.reduce(X, units(1)), Ok(()));
    assert_eq!(world.units(X), 0);
}

#[motsu::test]
fn a_reduction_leaves_carve_outs_alone() {
    let world = World::balanced();
    assert_eq!(world.reduce(OWNER, n(0)), Ok(()));
    assert_eq!(world.reduce(world.escrow.address(), n(0)), Ok(()));
    assert_eq!(world.units(OWNER), 1_001_001);
}

#[motsu::test]
fn a_reduction_never_adds_to_shares() {
    let world = World::balanced();
    world.allow_shares();
    world.submit(&[X, Y], &[n(9), n(1)]).unwrap();
    assert_eq!((world.units(X), world.units(Y)), (880_000_000, 120_000_000));
    // Y has more capacity than its share stands for, X has less.
    assert_eq!(world.reduce(Y, units(2)), Ok(()));
    assert_eq!(world.units(Y), 120_000_000);
    assert_eq!(world.reduce(X, units(1)), Ok(()));
    assert_eq!(world.units(X), 250_000_000);
    assert_eq!(world.reduce(X, n(0)), Ok(()));
    assert_eq!(world.units(X), 0);
}

// --- Carve-outs

#[motsu::test]
fn fee_and_budget_are_exact_parts_of_the_total() {
    let world = World::balanced();
    // 10 and 500 bps of 1 053 740 779, for one account.
    world.set_budget(500).unwrap();
    world.pools.assert_emitted(&VerificationBudgetSet {
        taskTypeId: CODE,
        budgetBps: n(500),
    });
    assert_eq!(world.pools.sender(X).get_verification_budget(CODE), n(500));
    assert_eq!(
        world.carve_outs(),
        [1_000_000_000, 1_053_740, 52_687_038, 1]
    );
    assert_eq!(world.units(OWNER), 53_740_778);
    world.set_reviewer(BOB);
    world.pools.assert_emitted(&ReviewerSet { reviewer: BOB });
    assert_eq!(world.units(BOB), 0);
    world.rebalance().unwrap();
    assert_eq!(
        world.carve_outs(),
        [1_000_000_000, 1_053_740, 52_687_038, 1]
    );
    assert_eq!(
        (world.units(OWNER), world.units(BOB)),
        (1_053_740, 52_687_038)
    );
    world.set_fee(0, OWNER);
    world.set_budget(0).unwrap();
    assert_eq!(world.carve_outs(), [1_000_000_000, 0, 0, 1]);
    assert_eq!(world.total_units(), 1_000_000_001);
}

#[motsu::test]
fn carve_outs_follow_a_change_of_five_percent() {
    let world = World::balanced();
    let count = || world.events::<CarveOutsSet>().len();
    let before = count();
    world.set_capacities(CODE, &[(X, n(1_199_999_999)), (Y, units(3))]);
    world.rebalance_sink(X).unwrap();
    assert_eq!((count(), world.units(OWNER)), (before, 1_001_001));
    assert_eq!(world.sink_units(), n(1_049_999_999));
    world.set_capacities(CODE, &[(X, n(1_200_000_000)), (Y, units(3))]);
    world.rebalance_sink(X).unwrap();
    assert_eq!(world.carve_outs(), [1_050_000_000, 1_051_051, 0, 1]);
    assert_eq!((count(), world.units(OWNER)), (before + 1, 1_051_051));
    // And downwards, from there.
    world.reduce(Y, n(2_790_000_004)).unwrap();
    assert_eq!(count(), before + 1);
    world.reduce(Y, n(2_790_000_000)).unwrap();
    assert_eq!((count(), world.carve_outs()[0]), (before + 2, 997_500_000));
}

#[motsu::test]
fn a_new_fee_recipient_takes_the_units_over() {
    let world = World::balanced();
    world.set_fee(20, ALICE);
    world.pools.assert_emitted(&ProtocolFeeSet {
        feeBps: n(20),
        recipient: ALICE,
    });
    assert_eq!((world.units(OWNER), world.units(ALICE)), (1_001_001, 0));
    world.rebalance().unwrap();
    // OWNER is the reviewer still, without a budget.
    assert_eq!((world.units(OWNER), world.units(ALICE)), (0, 2_004_008));
    world.set_reviewer(BOB);
    world.set_fee(20, OWNER);
    world.rebalance().unwrap();
    assert_eq!((world.units(OWNER), world.units(ALICE)), (2_004_008, 0));
    // Each in the other's place.
    world.set_budget(300).unwrap();
    let (fee, budget) = (world.units(OWNER), world.units(BOB));
    assert_eq!((fee, budget), (2_066_115, 30_991_735));
    world.set_fee(20, BOB);
    world.set_reviewer(OWNER);
    world.rebalance().unwrap();
    assert_eq!((world.units(OWNER), world.units(BOB)), (budget, fee));
    assert_eq!(world.sink_units(), units(1));
}

#[motsu::test]
fn the_escrow_cannot_be_a_sink() {
    let world = World::balanced();
    let escrow = world.escrow.address();
    world.set_sinks(CODE, &[(X, 1), (escrow, 1), (OWNER, 2)]);
    world.rebalance().unwrap();
    assert_eq!(world.events::<SinkSkipped>(), vec![skipped(escrow)]);
    let error = ReservedMember { account: escrow };
    assert_eq!(world.rebalance_sink(escrow), Err(error.into()));
}

// --- Overflow

#[motsu::test]
fn only_pipelines_limit() {
    let world = World::balanced();
    let limit = |caller: Address| {
        let it = world
            .pools
            .sender(caller)
            .set_effective_capacity(CODE, n(1));
        it.motsu_res()
    };
    let refused = |caller: Address| Err(UnauthorizedCaller { caller }.into());
    assert_eq!(limit(OWNER), refused(OWNER));
    let set = |authorized: bool| {
        let it = world.pools.sender(OWNER).set_pipeline(PIPELINE, authorized);
        it.motsu_unwrap();
        world.pools.assert_emitted(&PipelineSet {
            pipeline: PIPELINE,
            authorized,
        });
        assert_eq!(
            world.pools.sender(X).authorized_pipelines(PIPELINE),
            authorized
        );
    };
    set(true);
    assert_eq!(limit(PIPELINE), Ok(()));
    set(false);
    assert_eq!(limit(PIPELINE), refused(PIPELINE));
}

#[motsu::test]
fn without_bounds_the_overflow_has_nothing_to_follow() {
    let world = World::balanced();
    let before = world.events::<CarveOutsSet>().len();
    world.flow(10_000_000_000, 60);
    assert_eq!(world.events::<CarveOutsSet>().len(), before);
}

// --- Weighting

#[motsu::test]
fn spare_capacity_weighs() {
    let world = World::balanced();
    let curve = world.curve.address();
    world
        .pools
        .sender(OWNER)
        .set_pricing_curve(curve)
        .motsu_unwrap();
    world.pools.assert_emitted(&PricingCurveSet {
        pricingCurve: curve,
    });
    world.set_weighting(BY_SPARE_CAPACITY);
    let load = |sink, load| world.curve.sender(sink).set_load(CODE, sink, load);
    load(X, n(400_000_000));
    load(Y, units(2));
    assert_eq!(world.units(X), 250_000_000);
    world.rebalance().unwrap();
    assert_eq!((world.units(X), world.units(Y)), (150_000_000, 250_000_000));
    assert_eq!(world.sink_units(), n(400_000_000));
    load(Y, units(3) + n(1));
    world.rebalance_sink(Y).unwrap();
    assert_eq!(world.units(Y), 0);
    load(X, U256::MAX);
    // The registry's word takes, and asks nobody: X has what it had.
    world.reduce(X, units(1)).unwrap();
    assert_eq!(world.units(X), 150_000_000);
    world.rebalance_sink(X).unwrap();
    assert_eq!(world.units(X), 0);
    world.set_weighting(BY_CAPACITY);
    world.rebalance().unwrap();
    assert_eq!((world.units(X), world.units(Y)), (250_000_000, 750_000_000));
}

#[motsu::test]
fn shares_are_mixed_with_an_equal_split() {
    let world = World::balanced();
    world.allow_shares();
    assert_eq!(world.submit(&[X, Y], &[n(1), n(3)]), Ok(()));
    // 0.95 of a quarter, 0.05 of a half.
    assert_eq!((world.units(X), world.units(Y)), (262_500_000, 737_500_000));
    assert_eq!(world.last::<WeightingSet>().weighting, BY_SHARES);
    assert_eq!(world.pools.sender(X).get_weighting(CODE), n(2));
    assert_eq!(world.last::<Rebalanced>(), rebalanced(2, units(4)));
    world
        .pools
        .sender(OWNER)
        .set_exploration_rate(n(0))
        .motsu_unwrap();
    // However large the numbers are, and small a share is.
    let shares = [n(1), U256::MAX - n(1)];
    assert_eq!(world.submit(&[X, Y], &shares), Ok(()));
    assert_eq!((world.units(X), world.units(Y)), (1, 1_000_000_000));
    assert_eq!(world.submit(&[X, Y], &[n(0), n(7)]), Ok(()));
    assert_eq!((world.units(X), world.units(Y)), (0, 1_000_000_000));
    // Nobody without a share is left out at 20 %.
    world
        .pools
        .sender(OWNER)
        .set_exploration_rate(n(200_000_000_000_000_000))
        .motsu_unwrap();
    assert_eq!(world.submit(&[X, Y], &[n(0), n(7)]), Ok(()));
    assert_eq!((world.units(X), world.units(Y)), (100_000_000, 900_000_000));
}

#[motsu::test]
fn shares_are_for_registered_sinks() {
    let world = World::new();
    world.set_sinks(CODE, &[(X, 1), (Y, 1), (BOB, 2)]);
    world.rebalance().unwrap();
    world.allow_shares();
    world.pool.sender(OWNER).refuse(Y, true);
    let sinks = [X, Y, Z, OWNER];
    world.submit(&sinks, &[n(4), n(8), n(2), n(2)]).unwrap();
    // Z is not registered, Y is refused, OWNER gets the fee; BOB is not mentioned.
    assert_eq!(
        world.events::<SinkSkipped>(),
        vec![skipped(Y), skipped(Z), skipped(OWNER)]
    );
    assert_eq!(world.units(X), 250_000_000);
    assert_eq!((world.units(Y), world.units(Z)), (250_000_000, 0));
    assert_eq!(world.units(BOB), 500_000_000);
    assert_eq!(world.sink_units(), units(1));
    // A registered one that has the fee besides.
    world.set_sinks(CODE, &[(X, 1), (OWNER, 1)]);
    let fee = world.units(OWNER);
    world.submit(&[OWNER], &[n(1)]).unwrap();
    assert_eq!(world.events::<SinkSkipped>().len(), 3);
    assert!(world.units(OWNER) >= 1_000_000_000 + fee);
}

#[motsu::test]
fn shares_are_checked() {
    let world = World::balanced();
    let no_submitter = || Err(NotShareSubmitter {}.into());
    assert_eq!(world.submit(&[X], &[n(1)]), no_submitter());
    world.allow_shares();
    world.pools.assert_emitted(&ShareSubmitterSet {
        submitter: SUBMITTER,
    });
    let it = world
        .pools
        .sender(OWNER)
        .rebalance_with_shares(CODE, vec![X], vec![n(1)]);
    assert_eq!(it.motsu_res(), no_submitter());
    let mismatch = || Err(ArrayLengthMismatch {}.into());
    assert_eq!(world.submit(&[X, Y], &[n(1)]), mismatch());
    assert_eq!(world.submit(&[X], &[n(1), n(1)]), mismatch());
    let none = || Err(NoShares {}.into());
    assert_eq!(world.submit(&[], &[]), none());
    assert_eq!(world.submit(&[X, Y], &[n(0), n(0)]), none());
    assert_eq!(world.submit(&[X, Y], &[U256::MAX, n(1)]), none());
    let too_many = ExceedsMaximum {
        value: n(41),
        maximum: n(40),
    };
    assert_eq!(world.submit(&[X; 41], &[n(1); 41]), Err(too_many.into()));
    assert_eq!(world.submit(&[X; 40], &[n(1); 40]), Ok(()));
    world
        .pools
        .sender(OWNER)
        .set_share_submitter(Address::ZERO)
        .motsu_unwrap();
    assert_eq!(world.submit(&[X], &[n(1)]), no_submitter());
}

#[motsu::test]
fn what_follows_shares_is_not_rebalanced_by_capacity() {
    let world = World::balanced();
    world.set_weighting(BY_SHARES);
    let by_shares = || Err(WeightedByShares {}.into());
    assert_eq!(world.rebalance(), by_shares());
    assert_eq!(world.rebalance_sink(X), by_shares());
    assert_eq!(world.rebalance_range(0, 1), by_shares());
    // Carve-outs follow even so.
    assert_eq!(world.set_budget(500), Ok(()));
    assert_eq!(world.units(OWNER), 53_740_778);
    world.set_weighting(BY_CAPACITY);
    assert_eq!(world.rebalance(), Ok(()));
}

// --- The owner

#[motsu::test]
fn only_the_owner_sets_things() {
    let world = World::balanced();
    let account = ALICE;
    let refused = || {
        Err(Error::Ownable(ownable::Error::Unauthorized(
            OwnableUnauthorizedAccount { account },
        )))
    };
    let it = world
        .pools
        .sender(ALICE)
        .set_escrow_buffer(world.escrow.address());
    assert_eq!(it.motsu_res(), refused());
    let contract = world.curve.address();
    let it = world.pools.sender(ALICE).set_overflow_meter(contract);
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_nested_pool(contract);
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_protocol_fee(n(1), ALICE);
    assert_eq!(it.motsu_res(), refused());
    let it = world
        .pools
        .sender(ALICE)
        .set_verification_budget(CODE, n(1));
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_reviewer(ALICE);
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_capacity_price(CODE, n(1));
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_weighting(CODE, 1);
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_exploration_rate(n(1));
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_share_submitter(ALICE);
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_pipeline(ALICE, true);
    assert_eq!(it.motsu_res(), refused());
    let it = world
        .pools
        .sender(ALICE)
        .set_pricing_curve(world.curve.address());
    assert_eq!(it.motsu_res(), refused());
    let it = world.pools.sender(ALICE).set_temperature_oracle(ALICE);
    assert_eq!(it.motsu_res(), refused());
}

#[motsu::test]
fn settings_have_bounds() {
    let world = World::balanced();
    let exceeds = |value: U256, maximum: U256| Err(Error::from(ExceedsMaximum { value, maximum }));
    let fee = |bps: U256, recipient: Address| {
        let it = world.pools.sender(OWNER).set_protocol_fee(bps, recipient);
        it.motsu_res()
    };
    assert_eq!(fee(n(1_001), ALICE), exceeds(n(1_001), n(1_000)));
    assert_eq!(fee(U256::MAX, ALICE), exceeds(U256::MAX, n(1_000)));
    assert_eq!(fee(n(1_000), ALICE), Ok(()));
    assert_eq!(world.pools.sender(X).protocol_fee(), n(1_000));
    let review = |reviewer: Address| {
        let it = world.pools.sender(OWNER).set_reviewer(reviewer);
        it.motsu_res()
    };
    for recipient in [Address::ZERO, world.escrow.address()] {
        assert_eq!(fee(n(1), recipient), invalid(recipient));
        assert_eq!(review(recipient), invalid(recipient));
    }
    assert_eq!(world.set_budget(9_000), Err(BudgetExceedsBps {}.into()));
    assert_eq!(world.set_budget(8_999), Ok(()));
    // With both at their highest the sinks get a thousandth.
    assert_eq!(world.sink_units(), units(1));
    world.rebalance().unwrap();
    assert_eq!(world.total_units(), 1_000_000_000_000);
    let most = n(1) << 95;
    assert_eq!(world.set_price(most), exceeds(most, most - n(1)));
    assert_eq!(world.set_price(most - n(1)), Ok(()));
    assert_eq!(world.pools.sender(X).get_capacity_price(CODE), most - n(1));
    let weigh = |weighting: u8| {
        let it = world.pools.sender(OWNER).set_weighting(CODE, weighting);
        it.motsu_res()
    };
    assert_eq!(weigh(3), Err(WeightingFixed {}.into()));
    for weighting in [4, u8::MAX] {
        assert_eq!(weigh(weighting), Err(InvalidWeighting { weighting }.into()));
    }
    for weighting in [2, 1, 0] {
        assert_eq!(weigh(weighting), Ok(()));
        world.pools.assert_emitted(&WeightingSet {
            taskTypeId: CODE,
            weighting,
        });
    }
    let explore = |rate: u64| {
        let it = world.pools.sender(OWNER).set_exploration_rate(n(rate));
        it.motsu_res()
    };
    assert_eq!(
        explore(200_000_000_000_000_001),
        Err(ExplorationRateTooHigh {}.into())
    );
    assert_eq!(explore(200_000_000_000_000_000), Ok(()));
    world.pools.assert_emitted(&ExplorationRateSet {
        rate: n(200_000_000_000_000_000),
    });
    assert_eq!(
        world.pools.sender(X).exploration_rate(),
        n(200_000_000_000_000_000)
    );
    let it = world.pools.sender(OWNER).set_pricing_curve(ALICE);
    assert_eq!(it.motsu_res(), no_contract(ALICE));
    let it = world.pools.sender(OWNER).set_temperature_oracle(BOB);
    assert_eq!(it.motsu_res(), Ok(()));
    world
        .pools
        .assert_emitted(&TemperatureOracleSet { oracle: BOB });
}

#[motsu::test]
fn the_escrow_is_set_once() {
    let world = World::bare();
    let escrow = world.escrow.address();
    let set = |escrow: Address| {
        let it = world.pools.sender(OWNER).set_escrow_buffer(escrow);
        it.motsu_res()
    };
    assert_eq!(set(ALICE), no_contract(ALICE));
    for reviewer in [false, true] {
        world.set_fee(10, if reviewer { OWNER } else { escrow });
        world.set_reviewer(if reviewer { escrow } else { OWNER });
        assert_eq!(set(escrow), invalid(escrow));
    }
    world.set_reviewer(OWNER);
    assert_eq!(set(escrow), Ok(()));
    world.pools.assert_emitted(&EscrowBufferSet {
        escrowBuffer: escrow,
    });
    assert_eq!(
        set(world.curve.address()),
        Err(EscrowBufferAlreadySet {}.into())
    );
    assert_eq!(world.pools.sender(X).escrow_buffer(), escrow);
}

/// Two task types share nothing but the settings for all.
#[motsu::test]
fn task_types_are_apart() {
    let world = World::balanced();
    world.gda.sender(OWNER).set_next(world.other.address());
    world.create(ALICE, CHAT).unwrap();
    world.set_sinks(CHAT, &[(X, 2), (Z, 2)]);
    world.pools.sender(ALICE).rebalance(CHAT).motsu_unwrap();
    assert_eq!(world.other.sender(X).get_units(X), 500_000_000);
    assert_eq!(world.other.sender(X).get_units(Z), 500_000_000);
    assert_eq!(
        (world.units(X), world.units(Y), world.units(Z)),
        (250_000_000, 750_000_000, 0)
    );
    world.other.assert_emitted(&UnitsUpdated {
        member: OWNER,
        units: 1_001_001,
    });
    world.set_budget(500).unwrap();
    assert_eq!(world.pools.sender(X).get_verification_budget(CHAT), n(0));
}
