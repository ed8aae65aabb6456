//! Who may have what judged, and what the verdict is.

use alloy_primitives::{keccak256, Address, U256};
use bpe_common::{
    call::NotAContract,
    clock::testing::advance_time,
    judging::{EpochRecord, Verdict, ASSIGNED, NONE},
};
use motsu::prelude::*;

use crate::{
    contract::*,
    world::{declared, epoch, to_next_epoch, tokens, World, CALLER, CODE, ONE, OWNER, SINK, UNIT},
};

const ANYONE: (Address, u64) = (CALLER, 0);

fn bad(rate: u16) -> Verdict {
    Verdict {
        rate: Some(rate),
        slashed: 0,
    }
}

#[test]
fn the_reason_is_the_hash_of_what_it_says() {
    assert_eq!(SLASH_REASON, keccak256("COMPLETION_UNDERPERFORMANCE"));
}

#[test]
fn its_neighbours_and_the_reward_are_for_ever() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let it = world.judge.sender(OWNER);
    let links = [
        world.tracker.address(),
        world.registry.address(),
        world.stakes.address(),
        Address::ZERO,
    ];
    assert_eq!(<[Address; 4]>::from(it.get_links()), links);
    let each = [
        it.completion_tracker(),
        it.capacity_registry(),
        it.stake_manager(),
        it.work_ledger(),
    ];
    assert_eq!((each, it.reward()), (links, ONE));
    for place in 0..4 {
        let mut links = links;
        links[place] = CALLER;
        let [tracker, registry, stakes, ledger] = links;
        let judge = Contract::<Judge>::new();
        let it = judge
            .sender(OWNER)
            .constructor(tracker, registry, stakes, ONE, ledger);
        let expected = NotAContract { account: CALLER };
        assert_eq!(it.motsu_res(), Err(expected.into()));
    }
    let amount = U256::from(1) << 96;
    let [tracker, registry, stakes, ledger] = links;
    let judge = Contract::<Judge>::new();
    let build = |reward| {
        let mut it = judge.sender(OWNER);
        it.constructor(tracker, registry, stakes, reward, ledger)
            .motsu_res()
    };
    assert_eq!(build(amount), Err(RewardTooLarge { amount }.into()));
    assert_eq!(build(amount - U256::from(1)), Ok(()));
    assert_eq!(judge.sender(OWNER).reward(), amount - U256::from(1));
}

#[test]
fn nobody_but_the_tracker_has_anybody_judged() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    advance_time(900);
    let (next, from, _) = world.span((0, 0));
    for caller in [OWNER, SINK, CALLER, world.stakes.address(), Address::ZERO] {
        let records = vec![declared(0).word().into(); 3];
        let it =
            world
                .judge
                .sender(caller)
                .judge(CODE, SINK, next, from, CALLER, U256::ZERO, records);
        assert_eq!(it.motsu_res(), Err(UnauthorizedCaller { caller }.into()));
    }
    assert_eq!(world.stake(), tokens(10_000));
    assert_eq!(world.standing(), [U256::ZERO; 11]);
}

/// The attack: epochs that are to come, or were judged, or are left out on the way, or have no number that fits.
#[test]
fn epochs_are_judged_once_in_order_and_when_they_have_ended() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let refused = |next: U256, from: U256, count: usize| {
        let known = world.standing()[0];
        let expected = NotToBeJudged {
            from,
            until: from.saturating_add(U256::from(count)),
            next: known,
        };
        let it = world.tell((next, from), &vec![declared(0); count], ANYONE);
        assert_eq!(it, Err(expected.into()));
    };
    let first = U256::from(world.first);
    refused(first, first, 1);
    refused(U256::MAX, U256::MAX, 0);
    refused(U256::MAX, U256::MAX, 3);
    advance_time(900);
    let one = U256::from(1);
    refused(first, first, 4);
    refused(first + one, first, 1);
    refused(first, first + U256::from(3), 1);
    let verdicts = world.tell((first, first), &[declared(0); 2], ANYONE);
    assert_eq!(verdicts, Ok(vec![bad(0); 2]));
    refused(first, first, 1);
    refused(first, first + U256::from(2), 1);
    refused(first + one, first + one, 2);
    assert_eq!(
        (world.stake(), world.standing()[1]),
        (tokens(10_000), U256::from(2))
    );
}

#[test]
fn three_bad_epochs_cost_a_tenth_and_the_cap_bounds_what_is_owed_then() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    advance_time(1_200);
    let verdicts = world.advance(declared(48), ANYONE);
    let slash = Verdict {
        rate: Some(4_800),
        slashed: tokens(1_000).to(),
    };
    // 48 of √9 000 units, not of 100.
    assert_eq!(verdicts, [bad(4_800), bad(4_800), slash, bad(5_059)]);
    assert_eq!(world.stake(), tokens(9_000));
    let cap = world.stakes.sender(OWNER).get_capacity_cap(SINK);
    let cap = cap.motsu_unwrap();
    let it = world.registry.sender(OWNER);
    assert_eq!(it.get_smoothed_capacity(CODE, SINK), cap);
    let [next, below, absent, rate, stake, since, bound, until, ..] = world.standing();
    let now = U256::from(epoch());
    assert_eq!((next, until, bound), (now, now, cap));
    let none = U256::ZERO;
    assert_eq!((below, absent, rate), (none, none, U256::from(5_059)));
    assert_eq!((stake, since), (tokens(10_000), U256::from(world.first)));
}

/// By assignments: at most the capacity then or when they were accepted, and nothing of it is owed by who accepted none.
#[test]
fn what_is_assigned_is_owed_up_to_the_capacity() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let assigned = |assigned, done, accepted: u64| EpochRecord {
        yardstick: ASSIGNED,
        weight: UNIT.to(),
        accepted: u128::from(accepted) * 1_000_000_000,
        done,
        assigned,
    };
    for (record, rate) in [
        (assigned(0, 0, 0), 10_000),
        (assigned(10, 6, 0), 6_000),
        // 60 of its 100 units, whatever it accepted beyond.
        (assigned(200, 60, 0), 6_000),
        // 60 of the 120 that it had when it accepted them.
        (assigned(200, 60, 120), 5_000),
        (assigned(10, 20, 0), 10_000),
    ] {
        to_next_epoch();
        assert_eq!(world.advance(record, ANYONE), [bad(rate)]);
    }
    assert_eq!(world.standing()[1], U256::ZERO);
    to_next_epoch();
    assert_eq!(world.advance(assigned(10, 4, 0), ANYONE), [bad(4_000)]);
    // Nothing due: neither good nor bad, and without capacity not worth a word.
    to_next_epoch();
    assert_eq!(world.advance(assigned(0, 0, 0), ANYONE), [bad(10_000)]);
    world.leave();
    to_next_epoch();
    // It had capacity for no second of that epoch.
    let nothing = [Verdict::default()];
    assert_eq!(world.advance(assigned(0, 0, 0), ANYONE), nothing);
    assert_eq!(world.standing()[1], U256::from(1));
    let none = EpochRecord {
        yardstick: NONE,
        ..declared(0)
    };
    to_next_epoch();
    assert_eq!(world.advance(none, ANYONE), nothing);
    assert_eq!(
        (world.stake(), world.standing()[1]),
        (tokens(10_000), U256::from(1))
    );
}

/// The span passes over what cannot matter, and no deadline.
#[test]
fn spans_are_what_can_be_due() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let at = |epochs: u64| U256::from(world.first + epochs);
    assert_eq!(world.span((0, 0)), (at(0), at(0), at(0)), "none has ended");
    advance_time(600);
    world.leave();
    advance_time(300 * 100);
    // Two epochs with capacity come first, and then nothing.
    assert_eq!(world.span((0, 0)), (at(0), at(0), at(64)));
    let two = world.tell((at(0), at(0)), &[declared(0); 2], ANYONE);
    assert_eq!(two, Ok(vec![bad(0); 2]));
    assert_eq!(world.span((0, 0)), (at(2), at(102), at(102)));
    // Deadlines fall into epochs 30 to 40.
    let dues = (world.first + 30, world.first + 40);
    assert_eq!(world.span(dues), (at(2), at(30), at(94)));
    // And into those before, which were judged.
    assert_eq!(
        world.span((world.first, world.first + 1)),
        (at(2), at(102), at(102))
    );
    // It comes back.
    world.add_stake(20_000);
    world.register(100);
    advance_time(300);
    assert_eq!(world.span((0, 0)), (at(2), at(102), at(103)));
    let verdicts = world.tell((at(2), at(102)), &[declared(0)], ANYONE);
    // A hundred epochs are no day: it is remembered what was before. A tenth of the least at the three ends.
    let slash = Verdict {
        rate: Some(0),
        slashed: tokens(1_000).to(),
    };
    assert_eq!(verdicts, Ok(vec![slash]));
    assert_eq!(world.stake(), tokens(29_000));
}

/// The attack: a stake of a token while the bad epochs run and of a million afterwards; and free stake that leaves before it
/// is judged.
#[test]
fn the_least_stake_counts_whenever_it_is_judged() {
    let _precompiles = deploy_precompiles();
    for (add, expected) in [(0_u64, 1_000_u64), (1_000_000, 1_000)] {
        let world = World::new();
        advance_time(900);
        if add > 0 {
            world.add_stake(add);
        }
        world.advance(declared(0), ANYONE);
        assert_eq!(world.stake(), tokens(10_000 + add - expected));
    }
    let world = World::new();
    world.add_stake(50_000);
    advance_time(900);
    let it = world.stakes.sender(SINK).unstake(tokens(50_000));
    it.motsu_unwrap();
    world.advance(declared(0), ANYONE);
    assert_eq!(world.stake(), tokens(9_000));
}

/// Whoever was away for a day starts afresh; who was not, does not.
#[test]
fn memory_ends_after_a_day_without_capacity() {
    let _precompiles = deploy_precompiles();
    for (away, below) in [(MEMORY - 1, 2_u64), (MEMORY, 0)] {
        let world = World::new();
        advance_time(600);
        world.leave();
        world.advance(declared(0), ANYONE);
        advance_time(300 * u64::from(away));
        let (next, from, until) = world.span((0, 0));
        assert_eq!((from - next, until), (U256::from(away), from));
        assert_eq!(world.tell((next, from), &[], ANYONE), Ok(vec![]));
        let [known, counted, absent, ..] = world.standing();
        assert_eq!((known, counted), (until, U256::from(below)));
        assert_eq!(absent, U256::from(away));
    }
}
