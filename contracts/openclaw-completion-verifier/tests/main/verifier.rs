//! Every function, error, event and access rule, with exact values.

use alloy_primitives::FixedBytes;
use alloy_sol_types::SolValue;
use bpe_common::{
    call::{NotAContract, Revert},
    returns::Returns,
    signature::{self, ECDSAInvalidSignature, ECDSAInvalidSignatureLength, ECDSAInvalidSignatureS},
};
use bpe_testing::Wallet;

use super::{
    neighbours::{Evidence, Reported},
    *,
};

const ORDER: U256 = alloy_primitives::uint!(
    0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
);

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::new();
    let it = world.verifier.sender(ANYONE);
    assert_eq!(it.completion_tracker(), world.tracker.address());
    assert_eq!(it.capacity_adapter(), world.directory.address());
    assert_eq!(it.reputation_bridge(), world.bridge.address());
    assert_eq!(
        it.skill_execution_typehash(),
        keccak256("SkillExecution(bytes32 agentId,bytes32 skillTypeId,bytes32 executionId,address agentOperator,address requester)")
    );
    let expected = Returns((
        FixedBytes([0x0f]),
        "Pura-OpenClawVerifier".to_owned(),
        "1".to_owned(),
        U256::from(42_161),
        world.verifier.address(),
        B256::ZERO,
        vec![],
    ));
    assert_eq!(it.eip712_domain(), expected);
    drop(it);
    let without = World::without_bridge();
    let it = without.verifier.sender(ANYONE);
    assert_eq!(it.reputation_bridge(), Address::ZERO);
}

#[motsu::test]
fn neighbours_are_contracts(it: Contract<OpenClawCompletionVerifier>, some: Contract<Tracker>) {
    let some = some.address();
    for arguments in [
        [ANYONE, some, some],
        [some, ANYONE, some],
        [some, some, ANYONE],
    ] {
        let [tracker, directory, bridge] = arguments;
        let refused = it.sender(ANYONE).constructor(tracker, directory, bridge);
        let error = NotAContract { account: ANYONE };
        assert_eq!(refused.motsu_unwrap_err(), error.into());
    }
    for zero in [[Address::ZERO, some], [some, Address::ZERO]] {
        let refused = it.sender(ANYONE).constructor(zero[0], zero[1], some);
        let error = NotAContract {
            account: Address::ZERO,
        };
        assert_eq!(refused.motsu_unwrap_err(), error.into());
    }
}

#[motsu::test]
fn an_execution_is_recorded_once_and_reported() {
    let world = World::new();
    let it = world.execution();
    let digest = world.digest(&it);
    let signatures = || {
        (
            sign(&world.operator, digest),
            sign(&world.requester, digest),
        )
    };
    assert_eq!(world.state(&it), (U256::ZERO, U256::ZERO, false, false));
    let (agent, requester) = signatures();
    world.verify(&it, agent, requester).unwrap();
    let one = U256::from(1);
    assert_eq!(world.state(&it), (one, one, true, true));
    assert!(world.verifier.sender(ANYONE).execution_recorded(JOB));
    world.verifier.assert_emitted(&SkillExecutionVerified {
        agentId: AGENT,
        skillTypeId: RESEARCH,
        executionId: JOB,
        requester: it.requester,
    });
    // The very bytes that CompletionTracker takes from a verifier.
    let answer = (true, RESEARCH, it.agentOperator, task_id(&it)).abi_encode();
    assert_eq!(answer.len(), 128);
    world.tracker.assert_emitted(&Evidence {
        verifier: world.verifier.address(),
        taskTypeId: RESEARCH,
        source: it.requester,
        attestation: answer.into(),
    });
    world.bridge.assert_emitted(&Reported {
        reporter: world.verifier.address(),
        operator: it.agentOperator,
        skillTypeId: RESEARCH,
    });

    // Whoever brings it again.
    let (agent, requester) = signatures();
    let refused = world.verify(&it, agent, requester);
    assert_eq!(refused, Err(ExecutionAlreadyRecorded {}.into()));
    assert_eq!(world.record(&it), Err(ExecutionAlreadyRecorded {}.into()));
    assert_eq!(world.state(&it), (one, one, true, true));
}

#[motsu::test]
fn the_requester_is_the_caller_or_is_named() {
    let world = World::new();
    let it = world.execution();
    let digest = world.digest(&it);
    let (agent, requester) = (
        sign(&world.operator, digest),
        sign(&world.requester, digest),
    );
    // Somebody else as the caller is somebody else as the requester.
    let stolen = SkillExecution {
        requester: ANYONE,
        ..world.execution()
    };
    let refused = world.verify(&stolen, agent.clone(), requester.clone());
    assert_eq!(refused, Err(InvalidAgentSignature {}.into()));
    world.relay(&it, agent, requester).unwrap();
    world.verifier.assert_emitted(&SkillExecutionVerified {
        agentId: AGENT,
        skillTypeId: RESEARCH,
        executionId: JOB,
        requester: it.requester,
    });
    assert!(world.is_recorded(&it));
}

#[motsu::test]
fn both_have_to_sign() {
    let world = World::new();
    let it = world.execution();
    let digest = world.digest(&it);
    let agent = || sign(&world.operator, digest);
    let requester = || sign(&world.requester, digest);
    let before = world.state(&it);
    let agents_fault = Err(Error::from(InvalidAgentSignature {}));
    let requesters_fault = Err(Error::from(InvalidRequesterSignature {}));
    assert_eq!(world.relay(&it, requester(), requester()), agents_fault);
    assert_eq!(world.relay(&it, requester(), agent()), agents_fault);
    assert_eq!(world.relay(&it, agent(), agent()), requesters_fault);
    let stranger = sign(&key(3), digest);
    assert_eq!(
        world.relay(&it, agent(), stranger.clone()),
        requesters_fault
    );
    assert_eq!(world.relay(&it, stranger, requester()), agents_fault);

    let length = |length| signature::Error::from(ECDSAInvalidSignatureLength { length });
    let none = Err(length(U256::ZERO).into());
    assert_eq!(world.relay(&it, vec![], requester()), none);
    let short = Err(length(U256::from(64)).into());
    assert_eq!(world.relay(&it, agent(), requester()[..64].to_vec()), short);
    let mut nobody = requester();
    nobody[64] = 0;
    let invalid = signature::Error::from(ECDSAInvalidSignature {});
    assert_eq!(world.relay(&it, agent(), nobody), Err(invalid.into()));
    let low = agent();
    let s = ORDER - U256::from_be_slice(&low[32..64]);
    let v = [27 + 28 - low[64]];
    let twin = [&low[..32], &s.to_be_bytes::<32>()[..], &v].concat();
    let high = signature::Error::from(ECDSAInvalidSignatureS { s: s.into() });
    assert_eq!(world.relay(&it, twin, requester()), Err(high.into()));
    assert_eq!(world.state(&it), before);
}

#[motsu::test]
fn every_word_is_signed() {
    let world = World::new();
    world.enter(OTHER, address(&world.operator), RESEARCH, true);
    let digest = world.digest(&world.execution());
    let other = world.execution();
    for changed in [
        SkillExecution {
            agentId: OTHER,
            ..world.execution()
        },
        SkillExecution {
            executionId: OTHER,
            ..world.execution()
        },
        SkillExecution {
            requester: address(&key(3)),
            ..other
        },
    ] {
        let refused = world.relay(
            &changed,
            sign(&world.operator, digest),
            sign(&world.requester, digest),
        );
        assert_eq!(refused, Err(InvalidAgentSignature {}.into()));
    }
    // The skill, for an agent that changed its own in between.
    world.enter(AGENT, address(&world.operator), REVIEW, true);
    let changed = SkillExecution {
        skillTypeId: REVIEW,
        ..world.execution()
    };
    let refused = world.relay(
        &changed,
        sign(&world.operator, digest),
        sign(&world.requester, digest),
    );
    assert_eq!(refused, Err(InvalidAgentSignature {}.into()));
}

#[motsu::test]
fn the_agent_is_a_registered_one_of_that_operator_and_skill() {
    let world = World::new();
    let it = world.execution();
    let unknown = |id| Err(Error::from(UnknownAgent { agentId: id }));
    let operator = address(&world.operator);
    for (holder, skill, active) in [
        (ANYONE, RESEARCH, true),
        (operator, REVIEW, true),
        (operator, RESEARCH, false),
    ] {
        world.enter(AGENT, holder, skill, active);
        assert_eq!(world.record(&it), unknown(AGENT));
    }
    let nobody = SkillExecution {
        agentId: OTHER,
        ..world.execution()
    };
    assert_eq!(world.record(&nobody), unknown(OTHER));
    world.directory.sender(ANYONE).refuse();
    assert_eq!(world.record(&it), Err(Error::Revert(Revert(vec![0xde]))));
    assert_eq!(world.state(&it), (U256::ZERO, U256::ZERO, false, false));
}

#[motsu::test]
fn nobody_requests_of_itself() {
    let world = World::new();
    let own = SkillExecution {
        requester: address(&world.operator),
        ..world.execution()
    };
    let digest = world.digest(&own);
    let signature = sign(&world.operator, digest);
    for refused in [
        world.verify(&own, signature.clone(), signature.clone()),
        world.relay(&own, signature.clone(), signature.clone()),
    ] {
        assert_eq!(refused, Err(OperatorIsRequester {}.into()));
    }
}

/// Who gets in first with another's execution id blocks nobody, and each still counts once.
#[motsu::test]
fn an_id_can_be_taken_from_nobody() {
    let world = World::new();
    let mallory = (key(7), key(8));
    world.enter(OTHER, address(&mallory.0), RESEARCH, true);
    let theirs = SkillExecution {
        agentId: OTHER,
        agentOperator: address(&mallory.0),
        requester: address(&mallory.1),
        ..world.execution()
    };
    let digest = world.digest(&theirs);
    let (agent, requester) = (sign(&mallory.0, digest), sign(&mallory.1, digest));
    let refused = || Err(Error::from(ExecutionAlreadyRecorded {}));
    world
        .relay(&theirs, agent.clone(), requester.clone())
        .unwrap();
    let ours = world.execution();
    let (one, two) = (U256::from(1), U256::from(2));
    assert_eq!(world.state(&ours), (one, one, false, true));
    world.record(&ours).unwrap();
    assert_eq!(world.state(&ours), (two, two, true, true));
    assert!(world.is_recorded(&theirs));
    assert_eq!(world.record(&ours), refused());
    assert_eq!(world.relay(&theirs, agent, requester), refused());
    // Another of the same requester, with the same agent.
    let next = SkillExecution {
        executionId: OTHER,
        ..world.execution()
    };
    assert!(!world.is_recorded(&next));
    world.record(&next).unwrap();
    let it = world.verifier.sender(ANYONE);
    assert!(it.is_execution_recorded(OTHER));
    assert!(!it.is_execution_recorded(AGENT));
}

#[motsu::test]
fn the_task_id_is_the_struct_hash() {
    let world = World::new();
    let it = world.execution();
    let id = OpenClawCompletionVerifier::get_task_id(
        it.agentId,
        it.skillTypeId,
        it.executionId,
        it.agentOperator,
        it.requester,
    );
    assert_eq!(id, task_id(&it));
}

#[motsu::test]
fn what_the_tracker_refuses_did_not_happen() {
    let world = World::new();
    let it = world.execution();
    world.tracker.sender(ANYONE).refuse(true);
    let refused = world.record(&it);
    assert_eq!(refused, Err(Error::Revert(Revert(vec![0xbe, 0xef]))));
    assert_eq!(world.state(&it), (U256::ZERO, U256::ZERO, false, false));
    let it_view = world.verifier.sender(ANYONE);
    let answer = it_view.get_completions(RESEARCH, it.agentOperator);
    assert_eq!(
        answer.motsu_unwrap_err(),
        Error::Revert(Revert(vec![0xbe, 0xef]))
    );
    world.tracker.sender(ANYONE).refuse(false);
    world.record(&it).unwrap();
    assert!(world.is_recorded(&it));
}

#[motsu::test]
fn reputation_holds_up_nothing() {
    let world = World::new();
    let it = world.execution();
    world.bridge.sender(ANYONE).refuse(true);
    world.record(&it).unwrap();
    assert_eq!(world.state(&it), (U256::from(1), U256::ZERO, true, true));
    let failed = ReputationReportFailed {
        agentOperator: it.agentOperator,
        skillTypeId: RESEARCH,
        executionId: JOB,
    };
    world.verifier.assert_emitted(&failed);

    let fine = World::new();
    fine.record(&fine.execution()).unwrap();
    assert!(!fine.verifier.emitted(&failed));
    let without = World::without_bridge();
    let it = without.execution();
    without.record(&it).unwrap();
    assert_eq!(without.state(&it), (U256::from(1), U256::ZERO, true, true));
    assert!(!without.verifier.emitted(&failed));
}

#[motsu::test]
fn views_are_the_trackers() {
    let world = World::new();
    let it = world.verifier.sender(ANYONE);
    let skill: U256 = RESEARCH.into();
    let completions = it.get_completions(RESEARCH, ANYONE).motsu_unwrap();
    assert_eq!(completions, skill + U256::from(1));
    let rate = it.get_completion_rate(RESEARCH, ANYONE).motsu_unwrap();
    assert_eq!(rate, skill + U256::from(2));
}

#[motsu::test]
fn contract_accounts_sign_by_their_word(operator: Contract<Wallet>, requester: Contract<Wallet>) {
    let world = World::new();
    world.enter(OTHER, operator.address(), RESEARCH, true);
    let it = SkillExecution {
        agentId: OTHER,
        agentOperator: operator.address(),
        requester: requester.address(),
        ..world.execution()
    };
    let record = || world.relay(&it, vec![1], vec![2]);
    assert_eq!(record(), Err(InvalidAgentSignature {}.into()));
    operator.sender(ANYONE).approve(world.digest(&it));
    assert_eq!(record(), Err(InvalidRequesterSignature {}.into()));
    requester.sender(ANYONE).approve(world.digest(&it));
    for how in 1..=5 {
        requester.sender(ANYONE).misbehave(how);
        assert_eq!(record(), Err(InvalidRequesterSignature {}.into()));
    }
    requester.sender(ANYONE).misbehave(0);
    record().unwrap();
    assert!(world.is_recorded(&it));
}
