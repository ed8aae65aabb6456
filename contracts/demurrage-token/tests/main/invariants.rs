//! SPEC §5, invariant 5, over random sequences of everything that can happen to the token, with amounts of a few wei, of
//! tokens, and of all there is:
//!
//! - Σ balances ≤ totalSupply ≤ underlying held, and short of it by less than a wei for each account that decays;
//! - the supply is what was wrapped less what was unwrapped;
//! - what decayed is what recipients got: the sum of all balances at their last touch less what is left, to the rounding;
//! - nobody's balance grows but by what it gets, and none shrinks but by what it gives, by decay, and by a wei;
//! - at the end all unwrap all they have, in any order, and nothing is left.
//!
//! 256 sequences of 40 actions by default; `PROPTEST_CASES=10000` for the full depth.

use alloy_primitives::{Address, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::Behaviour;
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::MAX_DECAY_RATE, world::*};

const ACCOUNTS: [Address; 5] = [ALICE, BOB, CAROL, STAKES, TREASURY];

/// How much: so many wei, so many tokens, or so many 255ths of all that the account has.
#[derive(Clone, Copy, Debug)]
enum Much {
    Wei(u64),
    Tokens(u64),
    Part(u8),
}

#[derive(Clone, Debug)]
enum Action {
    Wrap(usize, Much),
    Unwrap(usize, Much),
    Transfer(usize, usize, Much),
    Exempt(usize, bool),
    Recipient(usize),
    Rate(u64),
    Rebase(usize),
    Wait(u64),
    Fee(bool),
}

fn much() -> impl Strategy<Value = Much> {
    prop_oneof![
        (1u64..10).prop_map(Much::Wei),
        (1u64..1_000_000).prop_map(Much::Tokens),
        any::<u8>().prop_map(Much::Part),
        Just(Much::Part(255)),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let one = || 0..ACCOUNTS.len();
    prop_oneof![
        4 => (one(), much()).prop_map(|(who, much)| Action::Wrap(who, much)),
        3 => (one(), much()).prop_map(|(who, much)| Action::Unwrap(who, much)),
        8 => (one(), one(), much()).prop_map(|(from, to, much)| Action::Transfer(from, to, much)),
        4 => (one(), any::<bool>()).prop_map(|(who, exempt)| Action::Exempt(who, exempt)),
        2 => one().prop_map(Action::Recipient),
        2 => (0..=MAX_DECAY_RATE).prop_map(Action::Rate),
        2 => one().prop_map(Action::Rebase),
        6 => prop_oneof![1u64..3, 1..DAY, 1..2 * YEAR].prop_map(Action::Wait),
        1 => any::<bool>().prop_map(Action::Fee),
    ]
}

impl Much {
    fn of(self, balance: U256) -> U256 {
        match self {
            Self::Wei(amount) => wei(amount),
            Self::Tokens(amount) => tokens(amount),
            Self::Part(part) => balance * wei(part.into()) / wei(255),
        }
    }
}

fn balances(it: &World) -> [U256; 5] {
    ACCOUNTS.map(|account| it.balance(account))
}

fn recipient(it: &World) -> usize {
    let recipient = it.token.sender(OWNER).decay_recipient();
    ACCOUNTS.iter().position(|it| *it == recipient).unwrap()
}

/// Plays an action, and returns by how much each balance should have changed.
fn play(it: &World, action: &Action, in_and_out: &mut (U256, U256)) -> ([U256; 5], [U256; 5]) {
    let (mut got, mut gave) = ([U256::ZERO; 5], [U256::ZERO; 5]);
    match *action {
        Action::Wrap(who, much) => {
            let amount = much.of(tokens(1)).max(wei(1));
            it.underlying.sender(OWNER).mint(ACCOUNTS[who], amount);
            let held = it.held();
            if it
                .token
                .sender(ACCOUNTS[who])
                .wrap(amount)
                .motsu_res()
                .is_ok()
            {
                got[who] = it.held() - held;
                in_and_out.0 += got[who];
            }
        }
        Action::Unwrap(who, much) => {
            let balance = it.balance(ACCOUNTS[who]);
            let amount = much.of(balance);
            let possible = amount <= balance && !amount.is_zero();
            assert_eq!(it.unwrap(ACCOUNTS[who], amount).is_ok(), possible);
            if possible {
                gave[who] = amount;
                in_and_out.1 += amount;
            }
        }
        Action::Transfer(from, to, much) => {
            let balance = it.balance(ACCOUNTS[from]);
            let amount = much.of(balance);
            let moved = it.transfer(ACCOUNTS[from], ACCOUNTS[to], amount);
            assert_eq!(moved.is_ok(), amount <= balance);
            if moved.is_ok() && from != to {
                (gave[from], got[to]) = (amount, amount);
            }
        }
        Action::Exempt(who, exempt) => it.exempt(ACCOUNTS[who], exempt),
        Action::Recipient(who) => it.set_recipient(ACCOUNTS[who]).unwrap(),
        Action::Rate(rate) => it.set_rate(rate),
        Action::Rebase(who) => it.rebase(ACCOUNTS[who]),
        Action::Wait(_) => {}
        Action::Fee(fee) => it.behave(if fee {
            Behaviour::Fee
        } else {
            Behaviour::Standard
        }),
    }
    (got, gave)
}

fn check_sums(it: &World, in_and_out: (U256, U256)) {
    let sum = balances(it).iter().fold(U256::ZERO, |sum, it| sum + *it);
    let supply = it.supply();
    assert!(sum <= supply, "{sum} of {supply}");
    assert!(supply - sum < wei(5), "{sum} of {supply}");
    assert_eq!(supply, in_and_out.0 - in_and_out.1);
    assert_eq!(it.held(), supply);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_created_and_nothing_is_owed_that_is_not_there(
        actions in prop::collection::vec(action(), 40),
        order in Just([0usize, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let it = World::new();
        let mut in_and_out = (U256::ZERO, U256::ZERO);
        for action in &actions {
            if let Action::Wait(seconds) = action {
                let (before, decayed) = (balances(&it), it.decayed());
                let taker = recipient(&it);
                advance_time(*seconds);
                let now = balances(&it);
                let mut lost = U256::ZERO;
                for who in (0..5).filter(|who| *who != taker) {
                    prop_assert!(now[who] <= before[who]);
                    lost += before[who] - now[who];
                }
                // What others lost, to a wei each, is what the recipient got, and what is said to have decayed.
                let got = now[taker] - before[taker];
                prop_assert!(got.abs_diff(lost) < wei(5), "{} {}", got, lost);
                prop_assert_eq!(it.decayed() - decayed, got);
            } else {
                let (before, decayed) = (balances(&it), it.decayed());
                let (got, gave) = play(&it, action, &mut in_and_out);
                let now = balances(&it);
                let taker = recipient(&it);
                for who in 0..5 {
                    let should = before[who] + got[who] - gave[who];
                    // Fractions of a wei carry over, or go to the recipient.
                    let slack = wei(if who == taker { 2 } else { 1 });
                    prop_assert!(now[who].abs_diff(should) <= slack, "{:?}: {} {}", action, now[who], should);
                }
                prop_assert!(it.decayed().abs_diff(decayed) <= wei(2));
            }
            check_sums(&it, in_and_out);
        }
        it.behave(Behaviour::Standard);
        for who in order {
            let balance = it.balance(ACCOUNTS[who]);
            if !balance.is_zero() {
                it.unwrap(ACCOUNTS[who], balance).unwrap();
            }
        }
        // The dust of those who came after it is the recipient's, who comes last.
        let taker = ACCOUNTS[recipient(&it)];
        let dust = it.balance(taker);
        prop_assert!(dust < wei(5));
        if !dust.is_zero() {
            it.unwrap(taker, dust).unwrap();
        }
        prop_assert!(it.supply() <= wei(4), "{}", it.supply());
        prop_assert_eq!(it.supply(), it.held());
    }
}
