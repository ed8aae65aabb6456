//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    signature,
};
use stylus_sdk::prelude::*;

sol! {
    /// The agent executed its skill for `requester`. Its operator has a completion more.
    #[derive(Debug, PartialEq, Eq)]
    event SkillExecutionVerified(bytes32 indexed agentId, bytes32 indexed skillTypeId, bytes32 indexed executionId, address requester);
    /// The completion is recorded, but the reputation of `agentOperator` did not hear of it.
    #[derive(Debug, PartialEq, Eq)]
    event ReputationReportFailed(address indexed agentOperator, bytes32 indexed skillTypeId, bytes32 indexed executionId);

    /// This execution has been recorded.
    #[derive(Debug, PartialEq, Eq)]
    error ExecutionAlreadyRecorded();
    /// The agent's operator did not sign this.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidAgentSignature();
    /// The requester did not sign this.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidRequesterSignature();
    /// The operator of an agent cannot be its requester.
    #[derive(Debug, PartialEq, Eq)]
    error OperatorIsRequester();
    /// No agent of this id, operator and skill is registered.
    #[derive(Debug, PartialEq, Eq)]
    error UnknownAgent(bytes32 agentId);
}

/// Why a call was refused. [`Error::Revert`] is what CompletionTracker or OpenClawCapacityAdapter reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ExecutionAlreadyRecorded(ExecutionAlreadyRecorded),
    InvalidAgentSignature(InvalidAgentSignature),
    InvalidRequesterSignature(InvalidRequesterSignature),
    OperatorIsRequester(OperatorIsRequester),
    UnknownAgent(UnknownAgent),
    Signature(signature::Error),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
}
