//! What a hostile reviewer found: how an honest sink was slashed, and how a dishonest one was not.

use alloy_primitives::{B256, U256};
use bpe_common::{
    clock::testing::{advance_blocks, advance_time, timestamp},
    judging::{EpochRecord, ASSIGNED},
};
use motsu::prelude::*;

use crate::world::{declared, epoch, to_next_epoch, tokens, World, CODE, ONE, OWNER, SINK, UNIT};

impl World {
    /// Lets `epochs` pass, with a change of capacity in each: between 90 and 91 units.
    fn change_for(&self, epochs: u64) {
        for turn in 0..epochs {
            advance_time(300);
            advance_blocks(25);
            self.attest(UNIT * U256::from(90 + turn % 2));
        }
    }

    fn seconds(&self) -> U256 {
        let it = self.registry.sender(OWNER);
        it.get_capacity_seconds(CODE, SINK, U256::from(timestamp()))
            .motsu_unwrap()
    }
}

/// The sink comes 30 days after the yardstick began, does all that it declares, and changes its capacity in each of 70
/// epochs in which nobody has it judged. Then a stranger does.
#[test]
fn nothing_is_due_of_epochs_before_a_sink_came() {
    let _precompiles = deploy_precompiles();
    let mut world = World::new();
    let came = world.first - 1;
    world.first -= 8_640;
    world.change_for(70);
    let verdicts = world.advance_by(|it| declared(if it >= came { 100 } else { 0 }));
    assert!(verdicts
        .iter()
        .all(|it| it.rate.is_none_or(|rate| rate == 10_000)));
    assert!(verdicts.len() < 75, "what was before is passed over");
    assert_eq!(world.stake(), tokens(10_000));
    assert_eq!(world.standing()[0], U256::from(epoch()));
}

/// Late or in time: a sink that was idle, and then changed its capacity often.
#[test]
fn what_was_owed_long_ago_is_owed() {
    let _precompiles = deploy_precompiles();
    let (mut early, late) = (World::new(), World::new());
    // One was made an epoch before the other.
    early.first = late.first;
    let first = late.first;
    let work = |it: u64| declared(if it < first + 9 { 0 } else { 100 });
    for _ in 0..80 {
        advance_time(300);
        advance_blocks(25);
        for world in [&early, &late] {
            world.attest(UNIT * U256::from(90 + epoch() % 2));
        }
        early.advance_by(work);
    }
    late.advance_by(work);
    assert_eq!(late.stake(), tokens(7_290), "three slashes");
    assert_eq!(
        (early.stake(), early.standing()[1]),
        (late.stake(), U256::ZERO)
    );
}

/// A sink that grows from one unit to a hundred, and one that was away for a week, do what they declare, and are judged
/// late.
#[test]
fn growing_and_being_away_are_no_fault_when_judged_late() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.leave();
    world.add_stake(10_000);
    to_next_epoch();
    world.register(1);
    let came = epoch();
    for turn in 1..=70_u64 {
        advance_time(300);
        advance_blocks(25);
        world.attest(UNIT * U256::from((1 + 2 * turn).min(100)));
    }
    let slow = |it: u64| declared((1 + 2 * it.saturating_sub(came)).min(100) as u32);
    world.leave();
    let left = epoch();
    advance_time(7 * 86_400);
    world.add_stake(20_000);
    world.register(100);
    let back = epoch();
    world.change_for(70);
    let verdicts = world.advance_by(|it| match it {
        _ if it < left => slow(it),
        _ if it < back => declared(0),
        _ => declared(100),
    });
    let bad = verdicts
        .iter()
        .filter(|it| it.rate.is_some_and(|rate| rate < 5_000));
    assert_eq!(bad.count(), 0);
    assert_eq!(world.stake(), tokens(40_000));
}

/// Idle for two epochs, there for five seconds of the third, with one task. For a day.
#[test]
fn a_moment_and_a_task_do_not_clear_the_count() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    // A task type of its own, so that it never leaves its last one and nothing unbonds.
    let own = B256::repeat_byte(0x77);
    world.add_stake(1);
    let mut it = world.registry.sender(SINK);
    it.register_task_type(own, ONE).motsu_unwrap();
    it.register_sink(own, U256::ZERO).motsu_unwrap();
    let before = world.seconds();
    for _ in 0..96 {
        advance_time(601);
        world.leave();
        advance_time(295);
        world.register(90);
        advance_time(4);
        advance_blocks(75);
    }
    assert!(
        world.seconds() - before > U256::from(96 * 600 * 90) * UNIT,
        "paid for two thirds"
    );
    let first = world.first;
    let verdicts = world.advance_by(|it| declared(u32::from((it - first) % 3 == 2)));
    // As many as a day allows: from then on its stake backs nothing.
    let slashes = verdicts.iter().filter(|it| it.slashed > 0);
    assert!(slashes.count() >= 3);
    assert!(world.stake() < tokens(7_300));
}

/// Good epochs of a tenth of the capacity clear the count once half a bad one was due in them, not before, and not with
/// a bad one in between.
#[test]
fn good_epochs_of_less_clear_the_count_together() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let assigned = |assigned, done| EpochRecord {
        yardstick: ASSIGNED,
        weight: UNIT.to(),
        accepted: 0,
        done,
        assigned,
    };
    let judge = |record: EpochRecord| {
        to_next_epoch();
        let verdicts = world.advance(record, (OWNER, 0));
        (verdicts[0].slashed > 0, world.standing()[1].to::<u64>())
    };
    let units = |units: u64| UNIT * U256::from(300 * units);
    assert_eq!(judge(assigned(80, 0)), (false, 1));
    assert_eq!(judge(assigned(40, 0)), (false, 2));
    assert_eq!(world.standing()[9..], [units(120), U256::ZERO]);
    // Half of the mean is 30.
    assert_eq!(judge(assigned(10, 5)), (false, 2));
    assert_eq!(judge(assigned(19, 19)), (false, 2));
    assert_eq!(world.standing()[9..], [units(120), units(29)]);
    assert_eq!(judge(assigned(1, 1)), (false, 0));
    assert_eq!(judge(assigned(80, 0)), (false, 1));
    assert_eq!(judge(assigned(30, 30)), (false, 1));
    assert_eq!(judge(assigned(80, 0)), (false, 2));
    assert_eq!(judge(assigned(30, 30)), (false, 2));
    assert_eq!(judge(assigned(1, 0)), (true, 0));
    // One is enough, where it is as large.
    assert_eq!(judge(assigned(40, 0)), (false, 1));
    assert_eq!(judge(assigned(20, 10)), (false, 0));
}

/// A sink of a fifth of a task an epoch.
fn small() -> World {
    let mut world = World::new();
    world.leave();
    world.add_stake(10_000);
    to_next_epoch();
    let mut it = world.registry.sender(SINK);
    it.register_sink(CODE, UNIT / U256::from(5)).motsu_unwrap();
    world.first = epoch();
    world
}

/// It does all that it declares: a task in each five epochs, whenever in them.
#[test]
fn a_small_sink_that_does_all_is_not_slashed() {
    let _precompiles = deploy_precompiles();
    for tasks in [[0, 5, 10, 15], [0, 9, 10, 19], [4, 5, 14, 15]] {
        let world = small();
        advance_time(300 * 20);
        let first = world.first;
        world.advance_by(|it| declared(u32::from(tasks.contains(&(it - first)))));
        assert_eq!(world.stake(), tokens(20_000), "{tasks:?}");
    }
}

/// One that does nothing is, when half of what it declared is a task: after ten epochs. In each of them it was paid.
#[test]
fn a_small_sink_that_does_nothing_is_slashed() {
    let _precompiles = deploy_precompiles();
    let world = small();
    advance_time(300 * 9);
    world.advance(declared(0), (OWNER, 0));
    assert_eq!(
        (world.stake(), world.standing()[1]),
        (tokens(20_000), U256::from(9))
    );
    advance_time(300);
    world.advance(declared(0), (OWNER, 0));
    assert_eq!(
        (world.stake(), world.standing()[1]),
        (tokens(18_000), U256::ZERO)
    );
}

/// What it left undone as a small one is no fault of a large one.
#[test]
fn a_row_of_next_to_nothing_does_not_count_with_more() {
    let _precompiles = deploy_precompiles();
    let world = small();
    advance_time(300 * 8);
    world.advance(declared(0), (OWNER, 0));
    advance_blocks(25);
    world.attest(UNIT * U256::from(100));
    for (stake, below) in [(20_000, 1), (20_000, 2), (18_000, 0)] {
        advance_time(300);
        world.advance(declared(0), (OWNER, 0));
        let it = (world.stake(), world.standing()[1]);
        assert_eq!(it, (tokens(stake), U256::from(below)));
    }
}
