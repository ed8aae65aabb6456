//! Who is paid for a slash, and how much.

use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::Behaviour;
use motsu::prelude::*;

use crate::{
    reputation_ledger::ReputationLedger,
    stake_manager::{SlashRewarded, SlashedPaid, BURNT},
    world::{declared, tokens, World, CALLER, CODE, ONE, OWNER, REWARD, SINK},
};

/// Three bad epochs, judged by `caller`: what it and the treasury got of the 1 000 tokens.
fn slashed(world: &World, caller: (Address, u64)) -> (U256, U256) {
    advance_time(900);
    let before = (world.balance(caller.0), world.balance(BURNT));
    let verdicts = world.advance(declared(0), caller);
    assert_eq!(
        verdicts.last().map(|it| it.slashed),
        Some(tokens(1_000).to())
    );
    (
        world.balance(caller.0) - before.0,
        world.balance(BURNT) - before.1,
    )
}

#[test]
fn whoever_comes_first_is_paid_and_the_treasury_the_rest() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let paid = slashed(&world, (CALLER, 0));
    assert_eq!(paid, (REWARD, tokens(1_000) - REWARD));
    world.stakes.assert_emitted(&SlashRewarded {
        to: CALLER,
        amount: REWARD,
    });
    world.stakes.assert_emitted(&SlashedPaid {
        treasury: BURNT,
        amount: tokens(999),
    });
    // Who comes later finds nothing.
    let (next, _, until) = world.span((0, 0));
    assert_eq!(next, until);
    assert_eq!(world.balance(world.stakes.address()), world.stake());
}

/// However much the deployment promised.
#[test]
fn the_reward_is_at_most_a_hundredth() {
    let _precompiles = deploy_precompiles();
    let world = World::with_reward(tokens(500));
    assert_eq!(slashed(&world, (CALLER, 0)), (tokens(10), tokens(990)));
    let world = World::with_reward(U256::ZERO);
    assert_eq!(slashed(&world, (CALLER, 0)), (U256::ZERO, tokens(1_000)));
}

/// Neither the sink nor those whose tasks it may have missed: a source that kept the receipt back would be paid for it.
#[test]
fn neither_the_sink_nor_its_sources_are_paid() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    assert_eq!(slashed(&world, (SINK, 0)), (U256::ZERO, tokens(1_000)));
    for (due, paid) in [(0, false), (1, false), (9, false), (-1, true)] {
        let world = World::new();
        let due = world.first.saturating_add_signed(due);
        let reward = if paid { REWARD } else { U256::ZERO };
        let expected = (reward, tokens(1_000) - reward);
        assert_eq!(slashed(&world, (CALLER, due)), expected, "{due}");
    }
}

/// The attack of issue 13: a token that returns false, lies or reverts on a slash. It is booked, and reaches the capacity.
#[test]
fn a_token_that_refuses_stops_no_slash() {
    let _precompiles = deploy_precompiles();
    for behaviour in [Behaviour::ReturnsFalse, Behaviour::Lies, Behaviour::Reverts] {
        let world = World::new();
        world.token.sender(OWNER).behave(behaviour as u8);
        let paid = slashed(&world, (CALLER, 0));
        assert_eq!(paid, (U256::ZERO, U256::ZERO), "{behaviour:?}");
        assert_eq!(world.stake(), tokens(9_000));
        let unpaid = world.stakes.sender(OWNER).unpaid_slashed();
        assert_eq!(unpaid, tokens(1_000));
        let smoothed = world
            .registry
            .sender(OWNER)
            .get_smoothed_capacity(CODE, SINK);
        let cap = world.stakes.sender(OWNER).get_capacity_cap(SINK);
        assert_eq!(smoothed, cap.motsu_unwrap());
    }
}

/// What cannot be paid to whoever comes goes where the rest does, and nothing stops the slash.
#[test]
fn one_that_cannot_be_paid_does_not_stop_the_slash() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.token.sender(OWNER).refuse(CALLER, true);
    assert_eq!(slashed(&world, (CALLER, 0)), (U256::ZERO, tokens(1_000)));
    assert_eq!(world.stake(), tokens(9_000));
    // Nor the treasury: the reward is paid, and the rest waits.
    let world = World::new();
    world.token.sender(OWNER).refuse(BURNT, true);
    assert_eq!(slashed(&world, (CALLER, 0)), (ONE, U256::ZERO));
    let unpaid = world.stakes.sender(OWNER).unpaid_slashed();
    assert_eq!(unpaid, tokens(999));
    assert_eq!(
        world.balance(world.stakes.address()),
        world.stake() + unpaid
    );
}

/// A slash is reputation, in the domain of the task type; a ledger that refuses stops no slash.
#[test]
fn a_slash_is_recorded_as_reputation() {
    let _precompiles = deploy_precompiles();
    let domain = B256::repeat_byte(0xd0);
    for is_recorder in [true, false] {
        let world = World::new();
        let ledger = Contract::<ReputationLedger>::new();
        ledger.sender(OWNER).constructor(OWNER).motsu_unwrap();
        let recorder = match is_recorder {
            true => world.judge.address(),
            false => OWNER,
        };
        let mut it = ledger.sender(OWNER);
        it.register_domain(domain, recorder).motsu_unwrap();
        it.set_task_type_domain(CODE, domain).motsu_unwrap();
        drop(it);
        let mut it = world.stakes.sender(OWNER);
        it.set_reputation_ledger(ledger.address(), B256::ZERO)
            .motsu_unwrap();
        drop(it);
        assert_eq!(slashed(&world, (CALLER, 0)).0, REWARD);
        let reputation = ledger.sender(OWNER).get_domain_reputation(SINK, domain);
        let owed = ledger.sender(OWNER).get_owed(SINK, domain);
        let expected = match is_recorder {
            true => (U256::from(1), U256::from(1_500)),
            false => (U256::ZERO, U256::ZERO),
        };
        assert_eq!((reputation.slashCount, owed), expected);
    }
}
