//! Agents by skill: what they execute is recorded once, moves reputation and judges their epochs; what they attest moves
//! the stream.

use alloy::{
    primitives::{bytes, keccak256, Address, Bytes, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol_types::{SolError, SolStruct, SolValue},
};
use bpe_abi::{
    typed_data::{self, OpenClawAttestation, SkillExecution},
    ICompletionTracker::{CompletionRecorded, ICompletionTrackerErrors},
    IOpenClawCapacityAdapter::{
        self, AgentInfo, CapacityUpdated, IOpenClawCapacityAdapterErrors,
        IOpenClawCapacityAdapterInstance, SkillCapacity,
    },
    IOpenClawCompletionVerifier::{
        self, IOpenClawCompletionVerifierErrors, IOpenClawCompletionVerifierInstance,
        InsufficientGas, ReputationReportFailed, SkillExecutionVerified,
    },
    IOpenClawReputationBridge::{
        self, IOpenClawReputationBridgeErrors, IOpenClawReputationBridgeInstance,
        SkillCompletionReported,
    },
    IReputationLedger::{self, IReputationLedgerInstance, ReputationUpdated},
    IUniversalCapacityAdapter::{
        self, IUniversalCapacityAdapterErrors, IUniversalCapacityAdapterInstance,
    },
};
use bpe_tests::{
    proof::{events, judged, sign, Proof},
    settlement::RATE,
    stage::{mined, revert},
    suite::{deploy, tokens, units, CODE, NOTICE},
};

const AGENT: B256 = B256::repeat_byte(0xae);
/// Signs for agents, requests, relays: funded accounts.
pub const OPERATOR: usize = 3;
const REQUESTER: usize = 4;
const RELAYER: usize = 8;

/// The proof stage, with [`CODE`] as a skill that asks for 100 tokens, and everything wired up to reputation and to the
/// registry. Account 0 owns all.
pub struct OpenClaw {
    pub proof: Proof,
    adapter: IOpenClawCapacityAdapterInstance<DynProvider>,
    verifier: IOpenClawCompletionVerifierInstance<DynProvider>,
    bridge: IOpenClawReputationBridgeInstance<DynProvider>,
    ledger: IReputationLedgerInstance<DynProvider>,
    universal: IUniversalCapacityAdapterInstance<DynProvider>,
}

fn domain_id() -> B256 {
    keccak256("OPENCLAW_AGENT")
}

impl OpenClaw {
    pub async fn start() -> Self {
        let proof = Proof::start().await;
        let base = &proof.core.base;
        let (devnet, owner, provider) = (&base.devnet, base.owner, base.provider.clone());
        let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
        let ledger = deploy(devnet, "reputation-ledger", owner.abi_encode()).await;
        let arguments = (ledger, owner).abi_encode_params();
        let bridge = deploy(devnet, "openclaw-reputation-bridge", arguments).await;
        let arguments = (registry, stakes, owner).abi_encode_params();
        let adapter = deploy(devnet, "openclaw-capacity-adapter", arguments).await;
        let arguments = (*proof.tracker.address(), adapter, bridge).abi_encode_params();
        let verifier = deploy(devnet, "openclaw-completion-verifier", arguments).await;
        let arguments = (registry, stakes, owner).abi_encode_params();
        let universal = deploy(devnet, "universal-capacity-adapter", arguments).await;
        let it = Self {
            adapter: IOpenClawCapacityAdapter::new(adapter, provider.clone()),
            verifier: IOpenClawCompletionVerifier::new(verifier, provider.clone()),
            bridge: IOpenClawReputationBridge::new(bridge, provider.clone()),
            ledger: IReputationLedger::new(ledger, provider.clone()),
            universal: IUniversalCapacityAdapter::new(universal, provider),
            proof,
        };
        let base = &it.proof.core.base;
        let domain = it.ledger.registerDomain(domain_id(), bridge);
        mined(domain.send().await).await;
        mined(it.bridge.authorizeReporter(verifier).send().await).await;
        mined(it.proof.tracker.setVerifier(CODE, verifier).send().await).await;
        let skill = (CODE, "code".to_owned(), tokens(100));
        let skill = it.adapter.registerSkillType(skill.0, skill.1, skill.2);
        mined(skill.send().await).await;
        for core_adapter in [universal, adapter] {
            let set = base.registry.setAdapter(core_adapter, true);
            mined(set.send().await).await;
        }
        let route = it.universal.registerAdapter_1(adapter, CODE);
        mined(route.send().await).await;
        it
    }

    fn key(&self, index: usize) -> PrivateKeySigner {
        self.proof.signer(index)
    }

    pub fn account(&self, index: usize) -> Address {
        self.key(index).address()
    }

    /// Makes account 3 a sink of so many units, and the operator of [`AGENT`], which declares as much.
    pub async fn agent(&self, capacity: u64) -> TransactionReceipt {
        let operator = self.proof.sink(&self.key(OPERATOR), capacity).await;
        let declared = skill(capacity, 0, 0);
        let register = self.adapter.registerAgent(AGENT, CODE, declared);
        mined(register.from(operator).send().await).await
    }

    /// The execution `number` by [`AGENT`] for account 4.
    fn execution(&self, number: u8) -> SkillExecution {
        SkillExecution {
            agentId: AGENT,
            skillTypeId: CODE,
            executionId: B256::repeat_byte(number),
            agentOperator: self.account(OPERATOR),
            requester: self.account(REQUESTER),
        }
    }

    fn chain_id(&self) -> u64 {
        self.proof.core.base.devnet.chain_id()
    }

    fn sign(&self, signer: usize, it: &SkillExecution) -> Bytes {
        let domain = typed_data::openclaw_verifier(self.chain_id(), *self.verifier.address());
        sign(&self.key(signer), it, &domain)
    }

    /// Relays the execution with the signatures of these accounts.
    fn relay(
        &self,
        it: &SkillExecution,
        agent: usize,
        requester: usize,
    ) -> alloy::contract::CallBuilder<
        &DynProvider,
        std::marker::PhantomData<IOpenClawCompletionVerifier::verifyExecution_1Call>,
    > {
        self.verifier
            .verifyExecution_1(
                it.agentId,
                it.skillTypeId,
                it.executionId,
                it.agentOperator,
                it.requester,
                self.sign(agent, it),
                self.sign(requester, it),
            )
            .from(self.account(RELAYER))
    }

    async fn record(&self, it: &SkillExecution) -> TransactionReceipt {
        mined(self.relay(it, OPERATOR, REQUESTER).send().await).await
    }

    async fn refusal(
        &self,
        it: &SkillExecution,
        agent: usize,
        requester: usize,
    ) -> IOpenClawCompletionVerifierErrors {
        revert(self.relay(it, agent, requester).call().await)
    }

    async fn is_recorded(&self, it: &SkillExecution) -> bool {
        let recorded = self.verifier.isExecutionRecorded_1(
            it.agentId,
            it.skillTypeId,
            it.executionId,
            it.agentOperator,
            it.requester,
        );
        recorded.call().await.unwrap()
    }

    async fn task_id(&self, it: &SkillExecution) -> B256 {
        let id = self.verifier.getTaskId(
            it.agentId,
            it.skillTypeId,
            it.executionId,
            it.agentOperator,
            it.requester,
        );
        id.call().await.unwrap()
    }

    /// Completions of the operator in this epoch, as tracker and verifier say.
    async fn completions(&self) -> u64 {
        let operator = self.account(OPERATOR);
        let tracked = self.proof.tracker.getCompletions(CODE, operator);
        let tracked = tracked.call().await.unwrap();
        let verified = self.verifier.getCompletions(CODE, operator);
        assert_eq!(verified.call().await.unwrap(), tracked);
        tracked.to()
    }

    async fn score(&self) -> u64 {
        let operator = self.account(OPERATOR);
        let reputation = self.bridge.getOpenClawReputation(operator);
        reputation.call().await.unwrap().score.to()
    }

    /// What account `signer` attests of [`AGENT`] now.
    fn attestation(&self, signer: usize, throughput: u64, nonce: u64) -> Bytes {
        let message = OpenClawAttestation {
            agentId: AGENT,
            throughput: U256::from(throughput),
            latencyMs: U256::from(15_000),
            errorRateBps: U256::from(1_000),
            timestamp: U256::from(self.proof.now()),
            nonce: U256::from(nonce),
        };
        let domain = typed_data::openclaw_adapter(self.chain_id(), *self.adapter.address());
        let signature = sign(&self.key(signer), &message, &domain);
        encode(&message, signature)
    }

    /// Gives the operator points, as a recorder of the domain.
    async fn earn(&self, operator: Address, points: u64) {
        let owner = self.proof.core.base.owner;
        let authorize = self.ledger.authorizeRecorder(domain_id(), owner);
        mined(authorize.send().await).await;
        let record = self
            .ledger
            .recordPositive(operator, domain_id(), U256::from(points));
        mined(record.send().await).await;
    }

    async fn verify(&self, attestation: &Bytes) -> (bool, Address, U256) {
        let verify = self.adapter.verifyAttestation(attestation.clone());
        let answer = verify.call().await.expect("never reverts");
        (answer.valid, answer.sink, answer.capacity)
    }
}

fn encode(it: &OpenClawAttestation, signature: Bytes) -> Bytes {
    let words = (
        it.agentId,
        it.throughput,
        it.latencyMs,
        it.errorRateBps,
        it.timestamp,
        it.nonce,
        signature,
    );
    words.abi_encode_params().into()
}

fn skill(throughput: u64, latency_ms: u64, error_rate_bps: u64) -> SkillCapacity {
    SkillCapacity {
        throughput: U256::from(throughput),
        latencyMs: U256::from(latency_ms),
        errorRateBps: U256::from(error_rate_bps),
    }
}

#[tokio::test]
async fn an_execution_signed_by_both_counts_once_and_moves_no_reputation() {
    let it = OpenClaw::start().await;
    let receipt = it.agent(100).await;
    println!("registerAgent, first: {} gas", receipt.gas_used);
    let (operator, requester) = (it.account(OPERATOR), it.account(REQUESTER));
    let first = it.execution(1);
    let verify = it.verifier.verifyExecution_0(
        AGENT,
        CODE,
        first.executionId,
        operator,
        it.sign(OPERATOR, &first),
        it.sign(REQUESTER, &first),
    );
    let receipt = mined(verify.from(requester).send().await).await;
    println!("verifyExecution, first: {} gas", receipt.gas_used);
    let verified = events::<SkillExecutionVerified>(&receipt);
    let expected = SkillExecutionVerified {
        agentId: AGENT,
        skillTypeId: CODE,
        executionId: first.executionId,
        requester,
    };
    assert_eq!(verified, [expected]);
    let task_id = it.task_id(&first).await;
    assert_eq!(task_id, first.eip712_hash_struct());
    let recorded = events::<CompletionRecorded>(&receipt);
    let expected = CompletionRecorded {
        taskTypeId: CODE,
        sink: operator,
        source: requester,
        taskId: task_id,
    };
    assert_eq!(recorded, [expected]);
    let reported = events::<SkillCompletionReported>(&receipt);
    assert_eq!(reported.len(), 1);
    assert!(reported[0].success && reported[0].operator == operator);
    // It costs gas only, and so is worth nothing.
    assert!(events::<ReputationUpdated>(&receipt).is_empty());
    assert_eq!((it.completions().await, it.score().await), (1, 0));
    assert!(it.is_recorded(&first).await);
    for recorded in [
        it.verifier
            .executionRecorded(first.executionId)
            .call()
            .await,
        it.verifier
            .isExecutionRecorded_0(first.executionId)
            .call()
            .await,
    ] {
        assert!(recorded.unwrap());
    }

    // Again, by whomever.
    let again = |error| {
        matches!(
            error,
            IOpenClawCompletionVerifierErrors::ExecutionAlreadyRecorded(_)
        )
    };
    assert!(again(it.refusal(&first, OPERATOR, REQUESTER).await));
    let repeated = it.verifier.verifyExecution_0(
        AGENT,
        CODE,
        first.executionId,
        operator,
        it.sign(OPERATOR, &first),
        it.sign(REQUESTER, &first),
    );
    assert!(again(revert(repeated.from(requester).call().await)));

    // One-sided, forged, for another agent, by an operator for itself.
    let second = it.execution(2);
    for (agent, requester) in [(REQUESTER, REQUESTER), (RELAYER, REQUESTER)] {
        let error = it.refusal(&second, agent, requester).await;
        let is_agents = matches!(
            error,
            IOpenClawCompletionVerifierErrors::InvalidAgentSignature(_)
        );
        assert!(is_agents, "{error:?}");
    }
    for (agent, requester) in [(OPERATOR, OPERATOR), (OPERATOR, RELAYER)] {
        let error = it.refusal(&second, agent, requester).await;
        let is_requesters = matches!(
            error,
            IOpenClawCompletionVerifierErrors::InvalidRequesterSignature(_)
        );
        assert!(is_requesters, "{error:?}");
    }
    let own = SkillExecution {
        requester: operator,
        ..second.clone()
    };
    let error = it.refusal(&own, OPERATOR, OPERATOR).await;
    assert!(matches!(
        error,
        IOpenClawCompletionVerifierErrors::OperatorIsRequester(_)
    ));
    let foreign = SkillExecution {
        agentOperator: it.account(RELAYER),
        ..second.clone()
    };
    let error = it.refusal(&foreign, RELAYER, REQUESTER).await;
    let expected = IOpenClawCompletionVerifier::UnknownAgent { agentId: AGENT };
    assert_eq!(
        error,
        IOpenClawCompletionVerifierErrors::UnknownAgent(expected)
    );
    assert_eq!((it.completions().await, it.score().await), (1, 0));
    assert!(!it.is_recorded(&second).await);

    // Another one, and a third under the same id for another requester.
    let receipt = it.record(&second).await;
    println!("verifyExecution, next: {} gas", receipt.gas_used);
    let namesake = SkillExecution {
        requester: it.account(RELAYER),
        ..second.clone()
    };
    assert!(!it.is_recorded(&namesake).await);
    let relay = it.relay(&namesake, OPERATOR, RELAYER);
    let receipt = mined(relay.send().await).await;
    println!("verifyExecution, of a namesake: {} gas", receipt.gas_used);
    assert_eq!((it.completions().await, it.score().await), (3, 0));
    assert!(again(it.refusal(&namesake, OPERATOR, RELAYER).await));
    assert!(again(it.refusal(&second, OPERATOR, REQUESTER).await));
}

#[tokio::test]
async fn reporters_move_reputation_by_failures_only() {
    let it = OpenClaw::start().await;
    let base = &it.proof.core.base;
    let operator = it.account(OPERATOR);
    let report = it.bridge.reportFailure(operator, CODE);
    let error = revert::<IOpenClawReputationBridgeErrors, _>(report.call().await);
    assert!(matches!(
        error,
        IOpenClawReputationBridgeErrors::NotAuthorized(_)
    ));
    let stranger = it.bridge.authorizeReporter(operator).from(operator);
    let error = revert::<IOpenClawReputationBridgeErrors, _>(stranger.call().await);
    assert!(matches!(
        error,
        IOpenClawReputationBridgeErrors::NotOwner(_)
    ));
    mined(it.bridge.authorizeReporter(base.owner).send().await).await;
    let batch = it
        .bridge
        .reportBatch(vec![operator; 10], vec![CODE; 10], vec![true; 10]);
    let receipt = mined(batch.send().await).await;
    println!("reportBatch of 10: {} gas", receipt.gas_used);
    assert_eq!(it.score().await, 0);
    it.earn(operator, 100).await;
    assert_eq!(it.score().await, 100);
    let receipt = mined(it.bridge.reportFailure(operator, CODE).send().await).await;
    println!("reportFailure: {} gas", receipt.gas_used);
    assert_eq!(it.score().await, 70);
    let receipt = mined(it.bridge.reportCompletion(operator, CODE).send().await).await;
    println!("reportCompletion: {} gas", receipt.gas_used);
    assert_eq!(it.score().await, 70);
    let reputation = it
        .bridge
        .getOpenClawReputation(operator)
        .call()
        .await
        .unwrap();
    assert_eq!(reputation.completions, U256::from(1));
    assert_eq!(reputation.slashCount, U256::from(1));
    assert_eq!(reputation.lastUpdated, U256::from(it.proof.now()));
    let aggregate = it.bridge.getAggregateReputation(operator).call().await;
    assert_eq!(aggregate.unwrap(), U256::from(70));
    // No discount in the domain itself, half of the score in another.
    let discount = it.bridge.getStakeDiscount(operator).call().await;
    assert_eq!(discount.unwrap(), U256::ZERO);
    let elsewhere = it
        .ledger
        .getStakeDiscount(operator, B256::ZERO)
        .call()
        .await;
    assert_eq!(elsewhere.unwrap(), U256::from(35));
    mined(it.bridge.revokeReporter(base.owner).send().await).await;
    assert!(report.call().await.is_err());
    let uneven = it.bridge.reportBatch(vec![operator], vec![], vec![true]);
    let verifier = *it.verifier.address();
    base.devnet.impersonate(verifier);
    let error = revert::<IOpenClawReputationBridgeErrors, _>(uneven.from(verifier).call().await);
    assert!(matches!(
        error,
        IOpenClawReputationBridgeErrors::LengthMismatch(_)
    ));
}

#[tokio::test]
async fn epochs_are_judged_by_executions() {
    let it = OpenClaw::start().await;
    it.agent(10).await;
    let operator = it.account(OPERATOR);
    it.proof.measure(false).await;
    // Ten units declared, a task is worth one.
    let mut number = 0;
    for (executions, rate) in [(4, 4_000), (5, 5_000), (10, 10_000)] {
        let epoch = it.proof.epoch();
        for _ in 0..executions {
            number += 1;
            it.record(&it.execution(number)).await;
        }
        assert_eq!(it.completions().await, executions);
        it.proof.to_next_epoch();
        assert_eq!(it.completions().await, 0);
        let receipt = it.proof.advance(operator).await;
        assert_eq!(judged(&receipt), [(operator, epoch, rate)]);
        let last = it.verifier.getCompletionRate(CODE, operator).call().await;
        assert_eq!(last.unwrap(), U256::from(rate));
        let recorded = it.proof.tracker.getEpoch(CODE, operator, U256::from(epoch));
        let recorded = recorded.call().await.unwrap();
        assert_eq!(recorded.completions, U256::from(executions));
    }
    // An execution alone makes no reputation.
    assert_eq!(it.score().await, 0);
}

#[tokio::test]
async fn an_execution_meets_the_assignment_of_its_task_id() {
    let it = OpenClaw::start().await;
    it.agent(10).await;
    it.proof.measure(true).await;
    let operator = it.account(OPERATOR);
    let due = it.proof.last_second();
    let epoch = U256::from(it.proof.epoch());
    let execution = it.execution(1);
    let keys = [OPERATOR, REQUESTER].map(|index| it.key(index));
    for id in [it.task_id(&execution).await, it.proof.new_task()] {
        let assignment = it.proof.assignment(&keys[0], &keys[1], id, due);
        let record = it.proof.tracker.recordAssignment(assignment);
        mined(record.send().await).await;
    }
    it.record(&execution).await;
    let judged = it.proof.tracker.getEpoch(CODE, operator, epoch);
    let judged = judged.call().await.unwrap();
    assert_eq!(judged.assigned, U256::from(2));
    assert_eq!(
        (judged.met, judged.completions),
        (U256::from(1), U256::from(1))
    );
    it.proof.to_next_epoch();
    it.proof.advance(operator).await;
    let rate = it.verifier.getCompletionRate(CODE, operator).call().await;
    assert_eq!(rate.unwrap(), U256::from(5_000));
}

#[tokio::test]
async fn what_the_tracker_refuses_leaves_nothing() {
    let it = OpenClaw::start().await;
    it.agent(10).await;
    let (operator, execution) = (it.account(OPERATOR), it.execution(1));
    let tracker = &it.proof.tracker;
    let verifier = *it.verifier.address();
    // The tracker's reason, word for word.
    mined(tracker.setVerifier(CODE, Address::ZERO).send().await).await;
    let refused = it.relay(&execution, OPERATOR, REQUESTER).call().await;
    let error = revert::<ICompletionTrackerErrors, _>(refused);
    assert!(matches!(error, ICompletionTrackerErrors::NoVerifier(_)));
    let relay = it.relay(&execution, OPERATOR, REQUESTER).gas(2_000_000);
    let sent = relay.send().await.unwrap().get_receipt().await.unwrap();
    assert!(!sent.status());
    assert!(!it.is_recorded(&execution).await);
    let any = it
        .verifier
        .executionRecorded(execution.executionId)
        .call()
        .await;
    assert!(!any.unwrap());
    assert_eq!((it.completions().await, it.score().await), (0, 0));
    mined(tracker.setVerifier(CODE, verifier).send().await).await;
    it.proof.core.base.devnet.advance_time(NOTICE).unwrap();
    let receipt = it.record(&execution).await;
    assert!(events::<ReputationReportFailed>(&receipt).is_empty());
    assert_eq!((it.completions().await, it.score().await), (1, 0));

    // A bridge that refuses holds up no completion.
    mined(it.bridge.revokeReporter(verifier).send().await).await;
    let receipt = it.record(&it.execution(2)).await;
    let failed = events::<ReputationReportFailed>(&receipt);
    assert_eq!(
        (failed[0].agentOperator, failed[0].skillTypeId),
        (operator, CODE)
    );
    assert_eq!(failed[0].executionId, it.execution(2).executionId);
    assert_eq!((it.completions().await, it.score().await), (2, 0));
    // Nor can anyone else be the verifier's voice at the tracker.
    let answer = (true, CODE, operator, B256::ZERO).abi_encode();
    let evidence = tracker.recordEvidence(CODE, it.account(REQUESTER), answer.into());
    let error = revert::<ICompletionTrackerErrors, _>(evidence.call().await);
    assert!(matches!(
        error,
        ICompletionTrackerErrors::EvidenceRejected(_)
    ));
    // And for a sink only that serves.
    let registry = &it.proof.core.base.registry;
    let leave = registry.deregisterSink(CODE).from(operator);
    mined(leave.send().await).await;
    let refused = it.relay(&it.execution(3), OPERATOR, REQUESTER).call().await;
    let error = revert::<ICompletionTrackerErrors, _>(refused);
    assert!(matches!(
        error,
        ICompletionTrackerErrors::SinkNotRegistered(_)
    ));
    assert_eq!((it.completions().await, it.score().await), (2, 0));
}

/// However little gas the caller brings, there is no completion without its report, unless the bridge fails with all that it
/// may have.
#[tokio::test]
async fn nobody_saves_an_agents_report_by_saving_gas() {
    let it = OpenClaw::start().await;
    it.agent(10).await;
    let (devnet, bridge) = (&it.proof.core.base.devnet, *it.bridge.address());
    let execution = it.execution(1);
    // Notes the report in slot 0 after 12 000 rounds of 26 gas: more than bridge and ledger use, less than they may.
    let slow = bytes!("612ee05b600190038060035760016000550000");
    let endless = bytes!("5b600056");
    for (name, code) in [
        ("its own", None),
        ("slow", Some(slow)),
        ("endless", Some(endless)),
    ] {
        let is_endless = name == "endless";
        if let Some(code) = &code {
            devnet.set_code(bridge, code.clone());
        }
        let (mut recorded, mut refused, mut asked) = (0, 0, 0);
        for gas in (100_000_u64..1_000_000).step_by(20_000) {
            let snapshot = devnet.snapshot();
            let relay = it.relay(&execution, OPERATOR, REQUESTER).gas(gas);
            if let Err(error) = relay.call().await {
                let data = error.as_revert_data().unwrap_or_default();
                asked += usize::from(data.starts_with(&InsufficientGas::SELECTOR));
            }
            let receipt = relay.send().await.unwrap().get_receipt().await.unwrap();
            let reported = match code {
                None => !events::<SkillCompletionReported>(&receipt).is_empty(),
                Some(_) => {
                    it.proof
                        .core
                        .base
                        .provider
                        .get_storage_at(bridge, U256::ZERO)
                        .await
                        .unwrap()
                        == U256::ONE
                }
            };
            let failed = !events::<ReputationReportFailed>(&receipt).is_empty();
            match (receipt.status(), it.completions().await, reported, failed) {
                (true, 1, true, false) if !is_endless => recorded += 1,
                (true, 1, false, true) if is_endless => recorded += 1,
                (false, 0, false, false) => refused += 1,
                outcome => panic!("{outcome:?} with {gas} gas, bridge {name}"),
            }
            assert!(devnet.revert(snapshot));
        }
        println!("bridge {name}: {recorded} recorded, {refused} refused, {asked} of them asked for more gas");
        assert!(recorded > 10 && refused > 3);
        assert!(code.is_none() || asked > 3);
    }
}

#[tokio::test]
async fn agents_are_listed_with_what_their_operators_declare() {
    let it = OpenClaw::start().await;
    let base = &it.proof.core.base;
    it.agent(100).await;
    let operator = it.account(OPERATOR);
    let agent = it.adapter.getAgent(AGENT).call().await.unwrap();
    let expected = AgentInfo {
        operator,
        skillTypeId: CODE,
        smoothedCapacity: units(100),
        lastUpdated: U256::from(it.proof.now()),
        active: true,
    };
    assert_eq!(agent, expected);
    assert_eq!(it.adapter.skillNames(CODE).call().await.unwrap(), "code");
    assert!(it.adapter.skillTypes(CODE).call().await.unwrap());
    let min_stake = it.adapter.skillMinStake(CODE).call().await;
    assert_eq!(min_stake.unwrap(), tokens(100));
    let description = it.adapter.domainDescription().call().await.unwrap();
    assert!(description.starts_with("OpenClaw"));
    assert_eq!(it.adapter.domainId().call().await.unwrap(), domain_id());

    // One step a block: 0.3 · 50 + 0.7 · 100.
    devnet_block(&it);
    for gas in ["first", "again in the block"] {
        let update = it.adapter.updateCapacity(AGENT, skill(50, 0, 0));
        let receipt = mined(update.from(operator).send().await).await;
        println!("updateCapacity, {gas}: {} gas", receipt.gas_used);
        let updated = events::<CapacityUpdated>(&receipt);
        assert_eq!(updated[0].rawCapacity, units(50));
        assert_eq!(updated[0].smoothedCapacity, units(85));
    }
    // Without stake, or another's.
    let poor = base.sink(0x77, 99).await;
    let stake = base.stakes.stake(tokens(99)).from(poor);
    mined(stake.send().await).await;
    let other = B256::repeat_byte(0x0e);
    let register = it.adapter.registerAgent(other, CODE, skill(1, 0, 0));
    let refused = register.from(poor).call().await;
    let error = revert::<IOpenClawCapacityAdapterErrors, _>(refused);
    assert!(matches!(
        error,
        IOpenClawCapacityAdapterErrors::InsufficientStake(_)
    ));
    let update = it.adapter.updateCapacity(AGENT, skill(1, 0, 0)).from(poor);
    let error = revert::<IOpenClawCapacityAdapterErrors, _>(update.call().await);
    assert!(matches!(
        error,
        IOpenClawCapacityAdapterErrors::NotAgentOperator(_)
    ));

    // No more than the stake backs; lists and pages.
    let register = it.adapter.registerAgent(other, CODE, skill(1_000, 0, 0));
    let refused = register.clone().from(operator).call().await;
    let error = revert::<IOpenClawCapacityAdapterErrors, _>(refused);
    assert!(matches!(
        error,
        IOpenClawCapacityAdapterErrors::OperatorHasAgent(_)
    ));
    let second = base.sink(0x78, 10_000).await;
    let stake = base.stakes.stake(tokens(10_000)).from(second);
    mined(stake.send().await).await;
    let receipt = mined(register.from(second).send().await).await;
    println!("registerAgent, next: {} gas", receipt.gas_used);
    let smoothed = it.adapter.getSmoothedCapacity(other).call().await;
    assert_eq!(smoothed.unwrap(), units(100));
    let all = it.adapter.getAgentsForSkill(CODE).call().await.unwrap();
    assert_eq!(all, [AGENT, other]);
    let page = |from: u64| {
        it.adapter
            .getAgentsForSkillPage(CODE, U256::from(from), U256::from(1))
    };
    assert_eq!(page(1).call().await.unwrap(), [other]);
    let leave = it.adapter.deregisterAgent(AGENT).from(operator);
    let receipt = mined(leave.send().await).await;
    println!("deregisterAgent: {} gas", receipt.gas_used);
    let is_sink = base.registry.isRegistered(CODE, operator).call().await;
    assert!(!is_sink.unwrap(), "paid no longer");
    assert_eq!(page(0).call().await.unwrap(), [other]);
    let count = it.adapter.getAgentCount(CODE).call().await;
    assert_eq!(count.unwrap(), U256::from(1));
    // Who left executes nothing any more.
    let error = it.refusal(&it.execution(1), OPERATOR, REQUESTER).await;
    assert!(matches!(
        error,
        IOpenClawCompletionVerifierErrors::UnknownAgent(_)
    ));
}

fn devnet_block(it: &OpenClaw) {
    it.proof.core.base.devnet.mine(1).unwrap();
}

#[tokio::test]
async fn attestations_are_read_on_chain_and_move_the_stream() {
    let it = OpenClaw::start().await;
    let base = &it.proof.core.base;
    it.agent(100).await;
    let operator = it.account(OPERATOR);
    println!("throughput | latency | errors | capacity");
    for (throughput, latency, errors, tenths) in [
        (100, 0, 0, 1_000),
        (100, 2_000, 100, 978),
        (100, 15_000, 0, 850),
        (100, 30_000, 0, 700),
        (100, 0, 10_000, 800),
        (100, 60_000, 10_000, 500),
        (1, 0, 0, 10),
        (0, 0, 0, 0),
    ] {
        let signal = [throughput, latency, errors].map(U256::from).abi_encode();
        let capacity = it.adapter.normalizeCapacity(signal.into()).call().await;
        assert_eq!(capacity.unwrap(), units(tenths) / U256::from(10));
        println!(
            "{throughput} | {latency} | {errors} | {}",
            tenths as f64 / 10.0
        );
    }
    let short = it
        .adapter
        .normalizeCapacity(vec![0; 95].into())
        .call()
        .await;
    let error = revert::<IOpenClawCapacityAdapterErrors, _>(short);
    assert!(matches!(
        error,
        IOpenClawCapacityAdapterErrors::MalformedSignal(_)
    ));

    // 50 · (0.5 + 0.15 + 0.18).
    let good = it.attestation(OPERATOR, 50, 1);
    let worth = U256::from(41_500_000_000_u64);
    assert_eq!(it.verify(&good).await, (true, operator, worth));
    let nonce = it.adapter.attestationNonce(good.clone()).call().await;
    assert_eq!(nonce.unwrap(), U256::from(1));
    let bad = (false, Address::ZERO, U256::ZERO);
    let forged = it.attestation(RELAYER, 50, 1);
    assert_eq!(it.verify(&forged).await, bad);
    let check = it.adapter.checkAttestation(forged).call().await;
    let error = revert::<IOpenClawCapacityAdapterErrors, _>(check);
    assert!(matches!(
        error,
        IOpenClawCapacityAdapterErrors::InvalidSignature(_)
    ));
    for garbage in [
        vec![],
        vec![0xff; 31],
        vec![0xff; 320],
        good[..300].to_vec(),
    ] {
        let garbage = Bytes::from(garbage);
        assert_eq!(it.verify(&garbage).await, bad);
        let nonce = it.adapter.attestationNonce(garbage).call().await;
        assert_eq!(nonce.unwrap(), U256::ZERO);
    }

    // By way of UniversalCapacityAdapter into the registry, and from there into the pool: 0.3 · 41.5 + 0.7 · 100.
    let stays = it.proof.sink(&it.key(5), 100).await;
    mined(it.proof.core.pools.rebalance(CODE).send().await).await;
    let source = it.proof.core.source(6, 1_000).await;
    it.proof.core.stream(source, CODE, RATE).await;
    let before = it.proof.flow_to(operator).await;
    devnet_block(&it);
    let route = it.universal.routeAttestation(domain_id(), good.clone());
    let route = route.from(it.account(RELAYER));
    let receipt = mined(route.send().await).await;
    println!("routeAttestation: {} gas", receipt.gas_used);
    assert_eq!(
        it.proof.capacity(operator).await,
        units(8_245) / U256::from(100)
    );
    let rebalance = it.proof.core.pools.rebalanceSink(CODE, operator);
    mined(rebalance.send().await).await;
    let shares = [it.proof.units(operator).await, it.proof.units(stays).await];
    assert_eq!(shares, [412_250_000, 500_000_000]);
    let flows = [
        it.proof.flow_to(operator).await,
        it.proof.flow_to(stays).await,
    ];
    assert!(flows[0] < before && before < flows[1], "{before} {flows:?}");
    assert_eq!(flows[0] / shares[0], flows[1] / shares[1]);
    // Once.
    let error = revert::<IUniversalCapacityAdapterErrors, _>(route.call().await);
    assert!(matches!(
        error,
        IUniversalCapacityAdapterErrors::NonceAlreadyUsed(_)
    ));
    let next = it.attestation(OPERATOR, 50, 2);
    assert_eq!(it.verify(&next).await, (true, operator, worth));
    base.devnet.advance_time(600).unwrap();
    assert!(it.verify(&next).await.0);
    base.devnet.advance_time(1).unwrap();
    assert_eq!(it.verify(&next).await, bad);
}
