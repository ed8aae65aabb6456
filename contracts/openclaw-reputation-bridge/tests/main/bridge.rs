//! Every function, error, event and access rule, with exact values.

use alloy_primitives::keccak256;
use alloy_sol_types::SolEvent;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable::{self, OwnableInvalidOwner},
};

use super::{contract::*, *};

fn recorded(account: Address, points: u64, positive: bool) -> Recorded {
    Recorded {
        account,
        domain: keccak256("OPENCLAW_AGENT"),
        points: U256::from(points),
        positive,
    }
}

fn reported(operator: Address, skill: B256, success: bool) -> SkillCompletionReported {
    SkillCompletionReported {
        operator,
        skillTypeId: skill,
        success,
    }
}

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::new();
    let it = world.bridge.sender(BOB);
    assert_eq!(it.reputation_ledger(), world.ledger.address());
    assert_eq!(it.completion_points(), U256::ZERO);
    assert_eq!(it.failure_points(), U256::from(10));
    assert_eq!(it.openclaw_domain(), keccak256("OPENCLAW_AGENT"));
    assert!(it.authorized_reporters(REPORTER));
    assert!(!it.authorized_reporters(OWNER));
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    it: Contract<OpenClawReputationBridge>,
    ledger: Contract<Ledger>,
) {
    let owner = Address::ZERO;
    let refused = it.sender(BOB).constructor(ledger.address(), owner);
    let error = ownable::Error::InvalidOwner(OwnableInvalidOwner { owner });
    assert_eq!(refused.motsu_unwrap_err(), Error::Ownable(error));
    let refused = it.sender(BOB).constructor(ALICE, OWNER);
    let error = NotAContract { account: ALICE };
    assert_eq!(refused.motsu_unwrap_err(), error.into());
}

#[motsu::test]
fn failures_move_reputation_and_completions_do_not() {
    let world = World::new();
    let mut it = world.bridge.sender(REPORTER);
    it.report_completion(ALICE, RESEARCH).motsu_unwrap();
    drop(it);
    assert_eq!(world.count(), 0);
    world
        .bridge
        .assert_emitted(&reported(ALICE, RESEARCH, true));
    let mut it = world.bridge.sender(REPORTER);
    it.report_failure(BOB, REVIEW).motsu_unwrap();
    drop(it);
    world.ledger.assert_emitted(&recorded(BOB, 10, false));
    world.bridge.assert_emitted(&reported(BOB, REVIEW, false));
    assert_eq!(world.count(), 1);
}

/// They made a perfect reputation, and halved the stake.
#[motsu::test]
fn a_thousand_self_signed_executions_move_nothing() {
    let world = World::new();
    for _ in 0..10 {
        let mut it = world.bridge.sender(REPORTER);
        it.report_batch(vec![ALICE; 100], vec![RESEARCH; 100], vec![true; 100])
            .motsu_unwrap();
    }
    assert_eq!(world.count(), 0);
}

#[motsu::test]
fn only_reporters_report() {
    let world = World::new();
    for caller in [OWNER, ALICE] {
        let refused = world
            .bridge
            .sender(caller)
            .report_completion(ALICE, RESEARCH);
        assert_eq!(refused.motsu_unwrap_err(), NotAuthorized {}.into());
        let refused = world.bridge.sender(caller).report_failure(ALICE, RESEARCH);
        assert_eq!(refused.motsu_unwrap_err(), NotAuthorized {}.into());
        let refused = world
            .bridge
            .sender(caller)
            .report_batch(vec![], vec![], vec![]);
        assert_eq!(refused.motsu_unwrap_err(), NotAuthorized {}.into());
    }
    assert_eq!(world.count(), 0);
}

#[motsu::test]
fn the_owner_names_reporters() {
    let world = World::new();
    let it = &world.bridge;
    for caller in [REPORTER, ALICE] {
        let refused = it.sender(caller).authorize_reporter(caller);
        assert_eq!(refused.motsu_unwrap_err(), NotOwner {}.into());
        let refused = it.sender(caller).revoke_reporter(REPORTER);
        assert_eq!(refused.motsu_unwrap_err(), NotOwner {}.into());
    }
    assert!(it.sender(BOB).authorized_reporters(REPORTER));
    it.sender(OWNER).authorize_reporter(ALICE).motsu_unwrap();
    it.assert_emitted(&ReporterAuthorized { reporter: ALICE });
    assert!(it.sender(BOB).authorized_reporters(ALICE));
    it.sender(OWNER).revoke_reporter(REPORTER).motsu_unwrap();
    it.assert_emitted(&ReporterRevoked { reporter: REPORTER });
    assert!(!it.sender(BOB).authorized_reporters(REPORTER));
    let refused = it.sender(REPORTER).report_completion(ALICE, RESEARCH);
    assert_eq!(refused.motsu_unwrap_err(), NotAuthorized {}.into());
    it.sender(ALICE)
        .report_failure(ALICE, RESEARCH)
        .motsu_unwrap();
    assert_eq!(world.count(), 1);
}

#[motsu::test]
fn batches_report_each_in_order() {
    let world = World::new();
    let before = world.bridge.all_events().len();
    let mut it = world.bridge.sender(REPORTER);
    it.report_batch(
        vec![ALICE, BOB, ALICE],
        vec![RESEARCH, REVIEW, REVIEW],
        vec![true, false, true],
    )
    .motsu_unwrap();
    drop(it);
    let events = world.bridge.all_events().split_off(before);
    let expected = [
        reported(ALICE, RESEARCH, true),
        reported(BOB, REVIEW, false),
        reported(ALICE, REVIEW, true),
    ];
    assert_eq!(events, expected.map(|event| event.encode_log_data()));
    let events = world.ledger.all_events();
    assert_eq!(events, [recorded(BOB, 10, false).encode_log_data()]);
}

#[motsu::test]
fn batches_are_bounded_and_agree_with_themselves() {
    let world = World::new();
    let report = |operators: usize, skills: usize, successes: usize| {
        let mut it = world.bridge.sender(REPORTER);
        it.report_batch(
            vec![ALICE; operators],
            vec![RESEARCH; skills],
            vec![false; successes],
        )
        .motsu_res()
    };
    for (operators, skills, successes) in [(2, 1, 2), (2, 2, 1), (1, 2, 2), (0, 0, 1), (101, 1, 1)]
    {
        let mismatch = LengthMismatch {
            operators: U256::from(operators),
            skillTypeIds: U256::from(skills),
            successes: U256::from(successes),
        };
        assert_eq!(report(operators, skills, successes), Err(mismatch.into()));
    }
    let too_large = BatchTooLarge {
        length: U256::from(101),
        maximum: U256::from(100),
    };
    assert_eq!(report(101, 101, 101), Err(too_large.into()));
    assert_eq!(world.count(), 0);
    assert_eq!(report(0, 0, 0), Ok(()));
    assert_eq!(report(100, 100, 100), Ok(()));
    assert_eq!(world.count(), 100);
}

#[motsu::test]
fn what_the_ledger_refuses_did_not_happen() {
    let world = World::new();
    world.ledger.sender(OWNER).refuse(BOB);
    let refused = || Error::Revert(Revert(vec![0xbe, 0xef]));
    let mut it = world.bridge.sender(REPORTER);
    let answer = it.report_failure(BOB, RESEARCH);
    assert_eq!(answer.motsu_unwrap_err(), refused());
    drop(it);
    let mut it = world.bridge.sender(REPORTER);
    let answer = it.report_batch(vec![ALICE, BOB], vec![RESEARCH; 2], vec![false; 2]);
    assert_eq!(answer.motsu_unwrap_err(), refused());
    drop(it);
    assert_eq!(world.count(), 0);
    let it = world.bridge.sender(ALICE);
    let answer = it.get_aggregate_reputation(BOB);
    assert_eq!(answer.motsu_unwrap_err(), refused());
}

#[motsu::test]
fn views_are_the_ledgers() {
    let world = World::new();
    let it = world.bridge.sender(BOB);
    let domain: U256 = keccak256("OPENCLAW_AGENT").into();
    let reputation = it.get_open_claw_reputation(ALICE).motsu_unwrap();
    let expected = DomainReputation {
        score: word(ALICE),
        stakeDuration: domain,
        completions: U256::from(2),
        slashCount: U256::from(3),
        lastUpdated: U256::from(4),
    };
    assert_eq!(reputation, expected);
    let aggregate = it.get_aggregate_reputation(ALICE).motsu_unwrap();
    assert_eq!(aggregate, word(ALICE));
    let discount = it.get_stake_discount(ALICE).motsu_unwrap();
    assert_eq!(discount, word(ALICE) ^ domain);
}
