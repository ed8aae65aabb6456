//! Pipeline on motsu: every function, error, event and access rule; what limits are applied; the breaker, phase by phase.

use std::borrow::Borrow;

use crate::contract::*;
use crate::world::*;
use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    returns::Returns,
};
use bpe_testing::Network;
use motsu::prelude::*;

const MAX: U256 = U256::MAX;

fn unauthorized<T>(account: Address) -> Result<T, Error> {
    let error = OwnableUnauthorizedAccount { account };
    Err(Error::Ownable(ownable::Error::Unauthorized(error)))
}

// --- Construction and ownership

#[motsu::test]
fn nobody_connects_the_contract_to_junk_pools() {
    let network = Network::new();
    let world = World::bare();
    let (gda, token) = (network.gda.address(), network.token.address());
    world.pools.sender(OWNER).wire(gda, token);
    let fresh = Contract::<Pipeline>::new();
    let (pools, registry) = (world.pools.address(), world.registry.address());
    let it = fresh.sender(ALICE).constructor(pools, registry, OWNER);
    it.motsu_unwrap();
    network.assert_forbidden(fresh.address());
    // Anybody undoes what was done before.
    fresh.sender(ALICE).disconnect(ALICE).motsu_unwrap();
    network.assert_disconnected(fresh.address(), ALICE);
}

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::bare();
    let it = world.pipeline.sender(ALICE);
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.escrow_buffer(), Address::ZERO);
    let ownable: &Ownable = (*it).borrow();
    assert_eq!(ownable.owner(), OWNER);
    assert_eq!(it.get_pipeline(ID), Returns((vec![], false)));
    assert_eq!(it.collapse_epoch_threshold(), 3);
    assert_eq!(it.epoch_duration(), n(300));
    assert_eq!(it.immediate_collapse_ratio(), percent(5));
    assert_eq!(it.low_throughput_ratio(), percent(20));
    assert_eq!(it.escrow_collapse_threshold(), percent(95));
    assert_eq!(it.escrow_shock_threshold(), percent(90));
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::bare();
    let (pools, registry) = (world.pools.address(), world.registry.address());
    let fresh = Contract::<Pipeline>::new();
    let construct = |pools, registry, owner| {
        let it = fresh.sender(ALICE).constructor(pools, registry, owner);
        it.motsu_unwrap_err()
    };
    let neighbour = ALICE;
    assert_eq!(
        construct(ALICE, registry, OWNER),
        NotAContract { account: neighbour }.into()
    );
    assert_eq!(
        construct(pools, ALICE, OWNER),
        NotAContract { account: neighbour }.into()
    );
    let no_owner = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        construct(pools, registry, Address::ZERO),
        Error::Ownable(no_owner.into())
    );
}

/// The reference's numbers, which views and events have.
#[test]
fn phases_are_numbered_as_in_the_solidity_deployment() {
    let number = |phase| bpe_testing::reference::number("Pipeline.PoolPhase", phase);
    let numbers = ["Steady", "Shock", "Recovery", "Collapse"].map(number);
    assert_eq!(numbers, [STEADY, SHOCK, RECOVERY, COLLAPSE]);
    assert!(!numbers.contains(&number("Bull")), "no stage is ever in it");
}

#[motsu::test]
fn only_the_owner_sets() {
    let world = World::new(&[100, 60, 80]);
    let it = world.pipeline.sender(ALICE).set_reporter(ALICE, true);
    assert_eq!(it.motsu_res(), unauthorized(ALICE));
    let it = world
        .pipeline
        .sender(ALICE)
        .set_escrow_buffer(Address::ZERO);
    assert_eq!(it.motsu_res(), unauthorized(ALICE));
}

#[motsu::test]
fn who_created_the_task_types_creates_and_closes_their_pipeline() {
    let world = World::new(&[100, 60, 80]);
    let own = |number, creator| {
        let mut it = world.registry.sender(OWNER);
        it.set_creator(stage(number), creator);
    };
    own(3, ALICE);
    let not_hers = |number| {
        Err(Error::from(NotTaskTypeCreator {
            taskTypeId: stage(number),
            caller: ALICE,
        }))
    };
    let create = |stages: &[u64]| {
        let stages: Vec<_> = stages.iter().map(|it| stage(*it)).collect();
        world.try_create(ALICE, OTHER, &stages)
    };
    assert_eq!(create(&[3, 4]), not_hers(4));
    assert_eq!(create(&[5, 3]), not_hers(5));
    // What was refused has used up nothing.
    own(4, ALICE);
    assert_eq!(create(&[3, 4]), Ok(()));
    let creator = |id| world.pipeline.sender(ALICE).get_pipeline_creator(id);
    assert_eq!([creator(OTHER), creator(ID)], [ALICE, OWNER]);
    assert_eq!(create(&[3, 4]), Err(PipelineAlreadyExists {}.into()));
    // Of others' pipelines she closes none, of hers she does; so may the owner.
    let close = |caller, id| world.pipeline.sender(caller).close_pipeline(id).motsu_res();
    let stranger = NotPipelineCreator { caller: ALICE };
    assert_eq!(close(ALICE, ID), Err(stranger.into()));
    let stranger = NotPipelineCreator { caller: REPORTER };
    assert_eq!(close(REPORTER, OTHER), Err(stranger.into()));
    assert_eq!(close(ALICE, OTHER), Ok(()));
    assert_eq!(close(OWNER, ID), Ok(()));
}

#[motsu::test]
fn escrow_and_reporters_are_set() {
    let world = World::new(&[100, 60]);
    world.pipeline.assert_emitted(&EscrowBufferSet {
        escrowBuffer: world.escrow.address(),
    });
    assert_eq!(
        world.pipeline.sender(ALICE).escrow_buffer(),
        world.escrow.address()
    );
    let it = world.pipeline.sender(OWNER).set_escrow_buffer(ALICE);
    let neighbour = ALICE;
    assert_eq!(
        it.motsu_res(),
        Err(NotAContract { account: neighbour }.into())
    );
    let it = world
        .pipeline
        .sender(OWNER)
        .set_escrow_buffer(Address::ZERO);
    it.motsu_unwrap();
    assert_eq!(world.pipeline.sender(ALICE).escrow_buffer(), Address::ZERO);

    assert!(world.pipeline.sender(ALICE).authorized_reporters(REPORTER));
    assert!(!world.pipeline.sender(ALICE).authorized_reporters(ALICE));
    let it = world.pipeline.sender(OWNER).set_reporter(REPORTER, false);
    it.motsu_unwrap();
    world.pipeline.assert_emitted(&ReporterSet {
        reporter: REPORTER,
        authorized: false,
    });
    assert!(!world.pipeline.sender(ALICE).authorized_reporters(REPORTER));
    assert_eq!(
        world.try_check(REPORTER, 0, units(50)),
        Err(NotReporter { caller: REPORTER }.into())
    );
}

/// Every field of the storage has a place of its own.
#[motsu::test]
fn storage_does_not_overlap() {
    let world = World::new(&[100, 60, 80]);
    world.create(OTHER, &[stage(5), stage(6)]);
    advance_time(1_000);
    world.check(1, units(0));
    let at = timestamp();
    for _ in 0..2 {
        world.check(2, units(10));
        advance_time(300);
    }
    world.close(OTHER);
    let it = world.pipeline.sender(ALICE);
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.escrow_buffer(), world.escrow.address());
    assert!(it.authorized_reporters(REPORTER));
    let all = vec![stage(0), stage(1), stage(2)];
    assert_eq!(it.get_pipeline(ID), Returns((all, true)));
    let others = vec![stage(5), stage(6)];
    assert_eq!(it.get_pipeline(OTHER), Returns((others, false)));
    assert_eq!(it.get_circuit_breaker(ID, n(0)), (STEADY, 0, 0, false));
    assert_eq!(it.get_circuit_breaker(ID, n(1)), (COLLAPSE, at, 0, true));
    assert_eq!(it.get_circuit_breaker(ID, n(2)), (STEADY, 0, 2, false));
}

// --- Creating and closing

#[motsu::test]
fn the_owner_creates_a_pipeline() {
    let world = World::new(&[100, 60, 80]);
    let stages = vec![stage(0), stage(1), stage(2)];
    world.pipeline.assert_emitted(&PipelineCreated {
        pipelineId: ID,
        stages: stages.clone(),
    });
    assert_eq!(
        world.pipeline.sender(ALICE).get_pipeline(ID),
        Returns((stages, true))
    );
    // Nothing is limited yet.
    assert_eq!(world.writes(), n(0));
}

#[motsu::test]
fn pipelines_have_two_to_sixteen_stages() {
    let world = World::bare();
    let many: Vec<B256> = (0..17).map(stage).collect();
    for id in &many {
        world.open_pool(*id);
    }
    let refused = Err(InsufficientStages {}.into());
    assert_eq!(world.try_create(OWNER, ID, &[]), refused);
    assert_eq!(world.try_create(OWNER, ID, &many[..1]), refused);
    let (count, max) = (n(17), n(16));
    let too_many = Err(TooManyStages { count, max }.into());
    assert_eq!(world.try_create(OWNER, ID, &many), too_many);
    assert_eq!(world.try_create(OWNER, ID, &many[..16]), Ok(()));
    assert_eq!(world.rebalance(), Ok(()));
}

#[motsu::test]
fn a_pipeline_is_created_once() {
    let world = World::new(&[100, 60]);
    let again = || world.try_create(OWNER, ID, &[stage(5), stage(6)]);
    assert_eq!(again(), Err(PipelineAlreadyExists {}.into()));
    world.close(ID);
    assert_eq!(again(), Err(PipelineAlreadyExists {}.into()));
}

#[motsu::test]
fn a_stage_has_a_pool() {
    let world = World::new(&[100, 60]);
    let task_type = B256::repeat_byte(0x99);
    assert_eq!(
        world.try_create(OWNER, OTHER, &[stage(5), task_type]),
        Err(StageWithoutPool {
            taskTypeId: task_type
        }
        .into())
    );
}

#[motsu::test]
fn a_task_type_is_one_stage_of_one_pipeline() {
    let world = World::new(&[100, 60]);
    let in_use = |id| Err(StageInUse { taskTypeId: id }.into());
    let twice = world.try_create(OWNER, OTHER, &[stage(5), stage(6), stage(5)]);
    assert_eq!(twice, in_use(stage(5)));
    let elsewhere = world.try_create(OWNER, OTHER, &[stage(5), stage(1)]);
    assert_eq!(elsewhere, in_use(stage(1)));
    // What was refused left nothing behind.
    assert_eq!(
        world.try_create(OWNER, OTHER, &[stage(5), stage(6)]),
        Ok(())
    );
}

#[motsu::test]
fn closing_lifts_limits_and_frees_stages() {
    let world = World::new(&[100, 60, 80]);
    world.rebalance().unwrap();
    assert_eq!(world.limits(3), [units(60), MAX, MAX]);
    world.close(ID);
    world
        .pipeline
        .assert_emitted(&PipelineClosed { pipelineId: ID });
    assert_eq!(world.limits(3), [MAX, MAX, MAX]);
    assert_eq!(world.writes(), n(2));
    let gone = || Err(PipelineDoesNotExist {}.into());
    assert_eq!(world.rebalance(), gone());
    assert_eq!(world.try_check(REPORTER, 0, units(1)), gone());
    let it = world.pipeline.sender(OWNER).close_pipeline(ID);
    assert_eq!(it.motsu_res(), gone());
    let it = world.pipeline.sender(OWNER).get_effective_capacities(ID);
    assert_eq!(it.motsu_res(), Err(PipelineDoesNotExist {}.into()));
    let stages = vec![stage(0), stage(1), stage(2)];
    assert_eq!(
        world.pipeline.sender(ALICE).get_pipeline(ID),
        Returns((stages.clone(), false))
    );
    assert_eq!(world.try_create(OWNER, OTHER, &stages), Ok(()));
}

/// Limits that cannot be lifted would outlive their pipeline.
#[motsu::test]
fn closing_fails_if_limits_cannot_be_lifted() {
    let world = World::new(&[100, 60]);
    world.rebalance().unwrap();
    world.pools.sender(OWNER).set_refuses(true);
    let it = world.pipeline.sender(OWNER).close_pipeline(ID);
    assert!(matches!(it.motsu_res(), Err(Error::Revert(_))));
    world.pools.sender(OWNER).set_refuses(false);
    world.close(ID);
    assert_eq!(world.limits(2), [MAX, MAX]);
}

// --- Limits

#[motsu::test]
fn a_stage_is_paid_for_what_follows_takes() {
    let world = World::new(&[100, 60, 80, 70]);
    let expected = [60, 60, 70, 70].map(units).to_vec();
    assert_eq!(world.effective(), expected);
    // A view applies nothing.
    assert_eq!(world.writes(), n(0));
    world.rebalance().unwrap();
    world.pipeline.assert_emitted(&PipelineRebalanced {
        pipelineId: ID,
        effectiveCapacities: expected,
    });
    assert_eq!(world.limits(4), [units(60), MAX, units(70), MAX]);
    assert_eq!(world.writes(), n(2));
}

#[motsu::test]
fn only_what_changed_is_written() {
    let world = World::new(&[100, 60, 80]);
    world.rebalance().unwrap();
    world.rebalance().unwrap();
    assert_eq!(world.writes(), n(1));
    // Wider downstream: the limit follows.
    world.set_capacity(1, 70);
    world.rebalance().unwrap();
    assert_eq!(world.limits(3), [units(70), MAX, MAX]);
    assert_eq!(world.writes(), n(2));
    // Just as wide: lifted.
    world.set_capacity(1, 100);
    world.rebalance().unwrap();
    assert_eq!(world.limits(3), [units(80), units(80), MAX]);
    world.set_capacity(2, 100);
    world.rebalance().unwrap();
    assert_eq!(world.limits(3), [MAX, MAX, MAX]);
    assert_eq!(world.writes(), n(6));
}

/// A limit that somebody else overwrote comes back.
#[motsu::test]
fn what_counts_is_the_limit_in_the_pool() {
    let world = World::new(&[100, 60]);
    world.rebalance().unwrap();
    let mut pools = world.pools.sender(OWNER);
    pools.set_effective_capacity(stage(0), MAX).motsu_unwrap();
    drop(pools);
    world.rebalance().unwrap();
    assert_eq!(world.limits(2), [units(60), MAX]);
}

#[motsu::test]
fn a_stage_without_sinks_stops_the_pay_upstream() {
    let world = World::new(&[100, 60, 0]);
    assert_eq!(world.effective(), [0, 0, 0].map(units));
    world.rebalance().unwrap();
    assert_eq!(world.limits(3), [n(0), n(0), MAX]);
}

#[motsu::test]
fn rebalancing_needs_a_pipeline_and_a_pool_that_agrees() {
    let world = World::new(&[100, 60]);
    let it = world.pipeline.sender(ALICE).rebalance_pipeline(OTHER);
    assert_eq!(it.motsu_res(), Err(PipelineDoesNotExist {}.into()));
    world.pools.sender(OWNER).set_refuses(true);
    assert_eq!(world.rebalance(), Err(Revert(refusal("no")).into()));
}

// --- The breaker

#[motsu::test]
fn only_reporters_report() {
    let world = World::new(&[100, 60]);
    for caller in [ALICE, OWNER] {
        let it = world.try_check(caller, 0, units(100));
        assert_eq!(it, Err(NotReporter { caller }.into()));
    }
    assert_eq!(world.try_check(REPORTER, 0, units(100)), Ok(()));
}

#[motsu::test]
fn only_stages_there_are_have_breakers() {
    let world = World::new(&[100, 60]);
    let check = |id, index| {
        let mut it = world.pipeline.sender(REPORTER);
        it.check_circuit_breaker(id, index, units(1)).motsu_res()
    };
    assert_eq!(check(OTHER, n(0)), Err(PipelineDoesNotExist {}.into()));
    for index in [n(2), MAX] {
        let error = StageDoesNotExist { stageIndex: index };
        assert_eq!(check(ID, index), Err(error.into()));
    }
}

#[motsu::test]
fn a_dead_stage_collapses_at_once_and_stops_the_pay_upstream() {
    let world = World::new(&[100, 60, 80, 70]);
    world.rebalance().unwrap();
    world.check(2, units(4) - n(1));
    world.pipeline.assert_emitted(&StageCollapse {
        pipelineId: ID,
        stageIndex: n(2),
        phase: COLLAPSE,
    });
    let effective = vec![n(0), n(0), units(70), units(70)];
    world.pipeline.assert_emitted(&PipelineRebalanced {
        pipelineId: ID,
        effectiveCapacities: effective.clone(),
    });
    assert_eq!(world.effective(), effective);
    assert_eq!(world.limits(4), [n(0), n(0), units(70), MAX]);
    assert_eq!(world.breaker(2), (COLLAPSE, timestamp(), 0, true));
    // Its neighbours' breakers are their own.
    assert_eq!(world.breaker(1), (STEADY, 0, 0, false));
    assert_eq!(world.breaker(3), (STEADY, 0, 0, false));
}

/// 5 % of 80 units are 4.
#[motsu::test]
fn thresholds_are_exact() {
    let world = World::new(&[100, 80]);
    world.check(1, units(4));
    assert_eq!(world.breaker(1), (STEADY, 0, 1, false));
    world.check(1, units(16));
    assert_eq!(world.breaker(1), (STEADY, 0, 0, false));
    world.check(1, units(16) - n(1));
    assert_eq!(world.breaker(1), (STEADY, 0, 1, false));
    world.press(1, percent(90));
    world.check(1, units(16));
    assert_eq!(world.breaker(1), (STEADY, 0, 0, false));
    world.press(1, percent(90) + n(1));
    world.check(1, MAX);
    assert_eq!(world.breaker(1), (STEADY, 0, 1, false));
    world.press(1, percent(95));
    world.check(1, units(80));
    assert_eq!(world.breaker(1), (STEADY, 0, 1, false));
    world.press(1, percent(95) + n(1));
    world.check(1, units(80));
    assert_eq!(world.breaker(1), (COLLAPSE, timestamp(), 0, true));
}

#[motsu::test]
fn without_capacity_no_throughput_is_owed() {
    let world = World::new(&[100, 0]);
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (STEADY, 0, 0, false));
    world.press(1, percent(100));
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (COLLAPSE, timestamp(), 0, true));
}

#[motsu::test]
fn without_escrow_throughput_alone_counts() {
    let world = World::new(&[100, 60]);
    world.press(1, percent(100));
    let it = world
        .pipeline
        .sender(OWNER)
        .set_escrow_buffer(Address::ZERO);
    it.motsu_unwrap();
    world.check(1, units(60));
    assert_eq!(world.breaker(1), (STEADY, 0, 0, false));
}

/// A pressure that nobody knows is not taken for low.
#[motsu::test]
fn an_escrow_that_fails_stops_the_check() {
    let world = World::new(&[100, 60]);
    world.escrow.sender(OWNER).set_refuses(true);
    let it = world.try_check(REPORTER, 1, units(60));
    assert_eq!(it, Err(Revert(refusal("no")).into()));
}

#[motsu::test]
fn three_epochs_of_trouble_are_a_shock() {
    let world = World::new(&[100, 60]);
    world.rebalance().unwrap();
    for count in 1..=2 {
        // As often as one likes: an epoch counts once.
        for _ in 0..5 {
            world.check(1, units(6));
        }
        assert_eq!(world.breaker(1), (STEADY, 0, count, false));
        advance_time(300);
    }
    world.check(1, units(6));
    world.pipeline.assert_emitted(&StageCollapse {
        pipelineId: ID,
        stageIndex: n(1),
        phase: SHOCK,
    });
    let since = timestamp();
    assert_eq!(world.breaker(1), (SHOCK, since, 3, false));
    // A warning: pay goes on as before.
    assert_eq!(world.effective(), [60, 60].map(units));
    assert_eq!(world.writes(), n(1));
    advance_time(300);
    world.check(1, units(6));
    assert_eq!(world.breaker(1), (SHOCK, since, 4, false));
}

#[motsu::test]
fn epochs_are_those_of_the_clock() {
    let world = World::new(&[100, 60]);
    // To one second before the next epoch.
    advance_time(299 - timestamp() % 300);
    world.check(1, units(6));
    advance_time(1);
    world.check(1, units(6));
    assert_eq!(world.breaker(1), (STEADY, 0, 2, false));
    advance_time(299);
    world.check(1, units(6));
    assert_eq!(world.breaker(1), (STEADY, 0, 2, false));
    advance_time(1);
    world.check(1, units(6));
    assert_eq!(world.breaker(1), (SHOCK, timestamp(), 3, false));
}

#[motsu::test]
fn trouble_in_a_row_only() {
    let world = World::new(&[100, 60]);
    for _ in 0..2 {
        world.check(1, units(6));
        advance_time(300);
    }
    assert_eq!(world.breaker(1).2, 2);
    world.check(1, units(60));
    assert_eq!(world.breaker(1), (STEADY, 0, 0, false));
    advance_time(300);
    world.check(1, units(6));
    // An epoch that nobody checked.
    advance_time(600);
    world.check(1, units(6));
    assert_eq!(world.breaker(1), (STEADY, 0, 1, false));
}

#[motsu::test]
fn a_shock_becomes_a_collapse_or_recovers() {
    let shocked = || {
        let world = World::new(&[100, 60]);
        for _ in 0..3 {
            world.check(1, units(6));
            advance_time(300);
        }
        assert_eq!(world.breaker(1).0, SHOCK);
        world
    };
    let world = shocked();
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (COLLAPSE, timestamp(), 0, true));
    let world = shocked();
    world.check(1, units(12));
    world.pipeline.assert_emitted(&StageRecovery {
        pipelineId: ID,
        stageIndex: n(1),
    });
    assert_eq!(world.breaker(1), (RECOVERY, timestamp(), 0, false));
    // It was coupled all along.
    assert_eq!(world.writes(), n(0));
}

#[motsu::test]
fn a_healthy_stage_is_coupled_again() {
    let world = World::new(&[100, 60]);
    world.rebalance().unwrap();
    world.check(1, n(0));
    assert_eq!(world.limits(2), [n(0), MAX]);
    // Neither healthy nor dead: it stays.
    let since = timestamp();
    advance_time(10);
    world.check(1, units(6));
    assert_eq!(world.breaker(1), (COLLAPSE, since, 0, true));
    world.check(1, units(12));
    let recovered = timestamp();
    world.pipeline.assert_emitted(&StageRecovery {
        pipelineId: ID,
        stageIndex: n(1),
    });
    assert_eq!(world.breaker(1), (RECOVERY, recovered, 0, false));
    assert_eq!(world.limits(2), [units(60), MAX]);
    // An epoch of probation.
    advance_time(299);
    world.check(1, units(60));
    assert_eq!(world.breaker(1), (RECOVERY, recovered, 0, false));
    advance_time(1);
    world.check(1, units(60));
    world.pipeline.assert_emitted(&StageSteady {
        pipelineId: ID,
        stageIndex: n(1),
    });
    assert_eq!(world.breaker(1), (STEADY, timestamp(), 0, false));
}

/// A stage that is cut off has no throughput to show.
#[motsu::test]
fn a_collapse_ends_in_a_trial() {
    let world = World::new(&[100, 60]);
    world.check(1, n(0));
    let since = timestamp();
    advance_time(899);
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (COLLAPSE, since, 0, true));
    advance_time(1);
    // Not with a full escrow, though.
    world.press(1, percent(91));
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (COLLAPSE, since, 0, true));
    world.press(1, percent(90));
    world.check(1, n(0));
    let trial = timestamp();
    assert_eq!(world.breaker(1), (RECOVERY, trial, 0, false));
    assert_eq!(world.limits(2), [units(60), MAX]);
    // What is reported now is of the time when it was cut off.
    advance_time(299);
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (RECOVERY, trial, 0, false));
    advance_time(1);
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (COLLAPSE, timestamp(), 0, true));
    assert_eq!(world.limits(2), [n(0), MAX]);
}

#[motsu::test]
fn pressure_is_judged_during_recovery_as_well() {
    let world = World::new(&[100, 60]);
    world.check(1, n(0));
    world.check(1, units(60));
    assert_eq!(world.breaker(1).0, RECOVERY);
    world.press(1, percent(91));
    world.check(1, n(0));
    assert_eq!(world.breaker(1), (RECOVERY, timestamp(), 1, false));
    world.press(1, percent(96));
    world.check(1, units(60));
    assert_eq!(world.breaker(1), (COLLAPSE, timestamp(), 0, true));
}

/// While a stage is decoupled, rebalancing keeps it so; upstream of two, the nearest counts.
#[motsu::test]
fn decoupled_stages_stay_decoupled() {
    let world = World::new(&[100, 60, 80]);
    world.check(0, n(0));
    // Nobody is upstream of the first.
    assert_eq!(world.effective(), [60, 60, 80].map(units));
    world.check(2, n(0));
    world.rebalance().unwrap();
    assert_eq!(world.limits(3), [n(0), n(0), MAX]);
    assert_eq!(world.writes(), n(3));
    world.check(2, units(80));
    assert_eq!(world.limits(3), [units(60), MAX, MAX]);
}
