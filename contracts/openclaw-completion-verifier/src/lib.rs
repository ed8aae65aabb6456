//! OpenClawCompletionVerifier: executions of skills that the agent and its requester have both signed, recorded as
//! completions of the agent's operator in CompletionTracker, and good for its reputation.
//!
//! | who | may |
//! |---|---|
//! | a requester | bring an execution that it requested |
//! | anyone | bring an execution of others, signed by both |
//!
//! There is no owner, as there is nothing to set. That an execution counts takes two acts of others: the owner of
//! CompletionTracker makes this contract the verifier of the skill type (`setVerifier`), and the owner of
//! OpenClawReputationBridge makes it a reporter.
//!
//! # Two signatures become one completion
//!
//! Agent and requester sign the same `SkillExecution` (EIP-712 for this contract; ERC-1271 for contract accounts). They need
//! no `CompletionReceipt` besides: CompletionTracker takes this contract's word for the completion, because the verifier of a
//! task type may bring its own answer, `recordEvidence(skillTypeId, requester, abi.encode(true, skillTypeId, agentOperator,
//! taskId))`. The skill type is the core's task type, the operator its sink, the requester the source. What CompletionTracker
//! refuses reverts as a whole, with its reason.
//!
//! The agent has to be a registered one of that operator, with that skill, in OpenClawCapacityAdapter; the operator a sink of
//! the task type in CapacityRegistry.
//!
//! # Once, and nobody in nobody's way
//!
//! What counts once is the execution as signed: agent, skill, execution id, operator and requester together. Their hash is
//! also the id of the task in CompletionTracker ([`get_task_id`](OpenClawCompletionVerifier::get_task_id)), where the parties
//! can assign it beforehand. So whoever uses another's execution id, and sees to it first, has recorded an execution of its
//! own and blocks none. [`is_execution_recorded`](OpenClawCompletionVerifier::is_execution_recorded) with the id alone says
//! whether there is any with it; to know of a certain one, name its parties. Who copies both signatures out of a
//! transaction that waits records what its sender wanted recorded.
//!
//! # What two signatures do not prove
//!
//! An operator that is its own requester, by another key, can sign itself executions. No time is signed: an execution counts
//! in the epoch in which it is brought, whenever it was signed, so a requester that does not want its work to count later
//! brings it at once. Where that is not good enough, CompletionTracker's receipts are dated, and its yardstick *assigned* asks
//! for deadlines.
//!
//! # Reputation follows, and holds up nothing
//!
//! After the record the bridge is told, with a fixed allowance of gas. If it fails, [`ReputationReportFailed`] says so and the
//! completion stands; if it may have failed because the caller brought too little gas, all reverts, so that nobody saves the
//! agent's points by saving gas.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::{SolCall, SolValue};
use bpe_common::{
    call::{call, calldata, invoke, query_words, require_contract, require_gas, to_address},
    eip712::{hash_words, Domain, DomainFields},
    emit,
    interfaces::{IAgentDirectory, ICompletionReporter, ICompletionTracker},
    signature::is_signed,
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// The domain of the signatures.
pub const DOMAIN: Domain = Domain {
    name: "Pura-OpenClawVerifier",
    version: "1",
};
/// `keccak256("SkillExecution(bytes32 agentId,bytes32 skillTypeId,bytes32 executionId,address agentOperator,address requester)")`
pub const SKILL_EXECUTION_TYPEHASH: B256 =
    b256!("f1de6f7820f47f8f664cec31077837d498922b85c8f6641bcdecabc8732447b9");
/// What bridge and ledger may use for a report: about four times what they do.
pub const REPORT_GAS: u64 = 500_000;

/// The contract. Slots 0–2: the neighbours. Then the mappings.
#[entrypoint]
#[storage]
pub struct OpenClawCompletionVerifier {
    completion_tracker: StorageAddress,
    capacity_adapter: StorageAddress,
    reputation_bridge: StorageAddress,
    /// By execution id: the task id of the first execution that had it.
    executions: StorageMap<B256, StorageB256>,
    /// By task id: the executions whose id was taken.
    namesakes: StorageMap<B256, StorageBool>,
}

#[public]
impl OpenClawCompletionVerifier {
    /// Sets the contract up: where completions are recorded, where agents are registered, and who reports reputation; nobody,
    /// if that is zero.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`]
    #[constructor]
    pub fn constructor(
        &mut self,
        completion_tracker: Address,
        capacity_adapter: Address,
        reputation_bridge: Address,
    ) -> Result<(), Error> {
        require_contract(self.vm(), completion_tracker)?;
        require_contract(self.vm(), capacity_adapter)?;
        if !reputation_bridge.is_zero() {
            require_contract(self.vm(), reputation_bridge)?;
        }
        self.completion_tracker.set(completion_tracker);
        self.capacity_adapter.set(capacity_adapter);
        self.reputation_bridge.set(reputation_bridge);
        Ok(())
    }

    // --- Recording

    /// Records an execution that the caller requested. Both have signed it.
    ///
    /// # Errors
    ///
    /// * [`ExecutionAlreadyRecorded`], [`OperatorIsRequester`], [`UnknownAgent`], [`InvalidAgentSignature`],
    ///   [`InvalidRequesterSignature`]
    /// * [`signature::ECDSAInvalidSignature`], [`signature::ECDSAInvalidSignatureLength`],
    ///   [`signature::ECDSAInvalidSignatureS`] if the signature of an account without code is malformed.
    /// * What CompletionTracker reverts with: the operator is no sink of the task type, or this contract not its verifier.
    /// * [`InsufficientGas`] if the report may have failed for want of gas.
    ///
    /// # Events
    ///
    /// * [`SkillExecutionVerified`], [`ReputationReportFailed`]
    pub fn verify_execution(
        &mut self,
        agent_id: B256,
        skill_type_id: B256,
        execution_id: B256,
        agent_operator: Address,
        agent_sig: Bytes,
        requester_sig: Bytes,
    ) -> Result<(), Error> {
        let execution = Execution::new(
            agent_id,
            skill_type_id,
            execution_id,
            agent_operator,
            self.vm().msg_sender(),
        );
        self.verify(&execution, &agent_sig, &requester_sig)
    }

    /// Records an execution that `requester` requested. Both have signed it; the caller is whoever brings it.
    ///
    /// # Errors
    ///
    /// * As [`OpenClawCompletionVerifier::verify_execution`].
    ///
    /// # Events
    ///
    /// * As [`OpenClawCompletionVerifier::verify_execution`].
    #[selector(name = "verifyExecution")]
    #[allow(clippy::too_many_arguments)]
    pub fn verify_execution_for(
        &mut self,
        agent_id: B256,
        skill_type_id: B256,
        execution_id: B256,
        agent_operator: Address,
        requester: Address,
        agent_sig: Bytes,
        requester_sig: Bytes,
    ) -> Result<(), Error> {
        let execution = Execution::new(
            agent_id,
            skill_type_id,
            execution_id,
            agent_operator,
            requester,
        );
        self.verify(&execution, &agent_sig, &requester_sig)
    }

    // --- Views

    /// Whether an execution with this id has been recorded, whosever it was.
    pub fn is_execution_recorded(&self, execution_id: B256) -> bool {
        !self.executions.get(execution_id).is_zero()
    }

    /// Whether this very execution has been recorded.
    #[selector(name = "isExecutionRecorded")]
    pub fn is_execution_recorded_of(
        &self,
        agent_id: B256,
        skill_type_id: B256,
        execution_id: B256,
        agent_operator: Address,
        requester: Address,
    ) -> bool {
        let execution = Execution::new(
            agent_id,
            skill_type_id,
            execution_id,
            agent_operator,
            requester,
        );
        self.is_recorded(execution_id, execution.task_id())
    }

    /// As [`OpenClawCompletionVerifier::is_execution_recorded`].
    pub fn execution_recorded(&self, execution_id: B256) -> bool {
        self.is_execution_recorded(execution_id)
    }

    /// The id that the execution has as a task in CompletionTracker: its EIP-712 struct hash.
    ///
    /// # Returns
    ///
    /// * `taskId`
    pub fn get_task_id(
        agent_id: B256,
        skill_type_id: B256,
        execution_id: B256,
        agent_operator: Address,
        requester: Address,
    ) -> B256 {
        let execution = Execution::new(
            agent_id,
            skill_type_id,
            execution_id,
            agent_operator,
            requester,
        );
        execution.task_id()
    }

    /// Completions of the operator's agents with this skill, recorded in this epoch by CompletionTracker, by whatever proof.
    ///
    /// # Errors
    ///
    /// * What CompletionTracker reverts with.
    pub fn get_completions(
        &self,
        skill_type_id: B256,
        agent_operator: Address,
    ) -> Result<U256, Error> {
        let selector = ICompletionTracker::getCompletionsCall::SELECTOR;
        self.ask_tracker(selector, skill_type_id, agent_operator)
    }

    /// How much the operator did, in basis points, of what it owed in the epoch that CompletionTracker judged last.
    ///
    /// # Errors
    ///
    /// * What CompletionTracker reverts with.
    pub fn get_completion_rate(
        &self,
        skill_type_id: B256,
        agent_operator: Address,
    ) -> Result<U256, Error> {
        let selector = ICompletionTracker::getCompletionRateCall::SELECTOR;
        self.ask_tracker(selector, skill_type_id, agent_operator)
    }

    /// Where completions are recorded.
    pub fn completion_tracker(&self) -> Address {
        self.completion_tracker.get()
    }

    /// Where agents are registered.
    pub fn capacity_adapter(&self) -> Address {
        self.capacity_adapter.get()
    }

    /// Who reports reputation; zero if nobody does.
    pub fn reputation_bridge(&self) -> Address {
        self.reputation_bridge.get()
    }

    /// The domain of the signatures (EIP-5267).
    ///
    /// # Returns
    ///
    /// * `fields`
    /// * `name`
    /// * `version`
    /// * `chainId`
    /// * `verifyingContract`
    /// * `salt`
    /// * `extensions`
    #[selector(name = "eip712Domain")]
    pub fn eip712_domain(&self) -> DomainFields {
        DOMAIN.fields(self.vm())
    }

    /// The type hash of what both sign.
    #[selector(name = "SKILL_EXECUTION_TYPEHASH")]
    pub fn skill_execution_typehash(&self) -> B256 {
        SKILL_EXECUTION_TYPEHASH
    }
}

/// What both sign.
struct Execution {
    agent: B256,
    skill_type: B256,
    id: B256,
    operator: Address,
    requester: Address,
}

impl Execution {
    fn new(agent: B256, skill_type: B256, id: B256, operator: Address, requester: Address) -> Self {
        Self {
            agent,
            skill_type,
            id,
            operator,
            requester,
        }
    }

    fn task_id(&self) -> B256 {
        hash_words(&[
            SKILL_EXECUTION_TYPEHASH,
            self.agent,
            self.skill_type,
            self.id,
            self.operator.into_word(),
            self.requester.into_word(),
        ])
    }
}

impl OpenClawCompletionVerifier {
    fn verify(
        &mut self,
        execution: &Execution,
        agent_sig: &[u8],
        requester_sig: &[u8],
    ) -> Result<(), Error> {
        let task_id = execution.task_id();
        if self.is_recorded(execution.id, task_id) {
            return Err(ExecutionAlreadyRecorded {}.into());
        }
        if execution.operator == execution.requester {
            return Err(OperatorIsRequester {}.into());
        }
        self.require_agent(execution)?;
        let digest = DOMAIN.digest(self.vm(), task_id);
        if !is_signed(self.vm(), execution.operator, digest, agent_sig)? {
            return Err(InvalidAgentSignature {}.into());
        }
        if !is_signed(self.vm(), execution.requester, digest, requester_sig)? {
            return Err(InvalidRequesterSignature {}.into());
        }

        self.book(execution.id, task_id);
        emit!(
            self.vm(),
            SkillExecutionVerified[execution.agent, execution.skill_type, execution.id](execution.requester)
        );
        let (skill_type, operator) = (execution.skill_type, execution.operator);
        let record = ICompletionTracker::recordEvidenceCall {
            taskTypeId: skill_type,
            source: execution.requester,
            attestation: (true, skill_type, operator, task_id).abi_encode().into(),
        };
        invoke(self.vm(), self.completion_tracker.get(), &record)?;
        self.report(execution)
    }

    fn require_agent(&self, execution: &Execution) -> Result<(), Error> {
        let [operator, skill_type, _, _, active] = query_words(
            self.vm(),
            self.capacity_adapter.get(),
            IAgentDirectory::getAgentCall::SELECTOR,
            &[execution.agent],
        )?;
        let is_theirs = to_address(operator) == execution.operator
            && B256::from(skill_type) == execution.skill_type;
        match is_theirs && !active.is_zero() {
            true => Ok(()),
            false => Err(UnknownAgent {
                agentId: execution.agent,
            }
            .into()),
        }
    }

    fn report(&self, execution: &Execution) -> Result<(), Error> {
        let bridge = self.reputation_bridge.get();
        if bridge.is_zero() {
            return Ok(());
        }
        let report = calldata(
            ICompletionReporter::reportCompletionCall::SELECTOR,
            &[execution.operator.into_word(), execution.skill_type],
        );
        let brought = require_gas(self.vm(), REPORT_GAS);
        if !call(self.vm(), bridge, &report, REPORT_GAS, 0).success {
            brought?;
            emit!(
                self.vm(),
                ReputationReportFailed[execution.operator, execution.skill_type, execution.id]
            );
        }
        Ok(())
    }

    fn is_recorded(&self, execution_id: B256, task_id: B256) -> bool {
        self.executions.get(execution_id) == task_id || self.namesakes.get(task_id)
    }

    fn book(&mut self, execution_id: B256, task_id: B256) {
        let mut first = self.executions.setter(execution_id);
        match first.get().is_zero() {
            true => first.set(task_id),
            false => self.namesakes.setter(task_id).set(true),
        }
    }

    fn ask_tracker(
        &self,
        selector: [u8; 4],
        skill_type_id: B256,
        agent_operator: Address,
    ) -> Result<U256, Error> {
        let arguments = [skill_type_id, agent_operator.into_word()];
        let tracker = self.completion_tracker.get();
        let [answer] = query_words(self.vm(), tracker, selector, &arguments)?;
        Ok(answer)
    }
}
