//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// The pipeline consists of these task types, the most upstream first.
    #[derive(Debug, PartialEq, Eq)]
    event PipelineCreated(bytes32 indexed pipelineId, bytes32[] stages);
    /// The pipeline is no more: its stages have no limits, and are free for another.
    #[derive(Debug, PartialEq, Eq)]
    event PipelineClosed(bytes32 indexed pipelineId);
    /// The stages are now paid for these capacities at most.
    #[derive(Debug, PartialEq, Eq)]
    event PipelineRebalanced(bytes32 indexed pipelineId, uint256[] effectiveCapacities);
    /// The stage is in shock (2), or has collapsed (4) and is decoupled.
    #[derive(Debug, PartialEq, Eq)]
    event StageCollapse(bytes32 indexed pipelineId, uint256 indexed stageIndex, uint8 phase);
    /// The stage is recovering from shock or collapse, and coupled.
    #[derive(Debug, PartialEq, Eq)]
    event StageRecovery(bytes32 indexed pipelineId, uint256 indexed stageIndex);
    /// The stage has recovered.
    #[derive(Debug, PartialEq, Eq)]
    event StageSteady(bytes32 indexed pipelineId, uint256 indexed stageIndex);
    /// `reporter` may report throughput, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event ReporterSet(address indexed reporter, bool authorized);
    /// The escrow buffer is now `escrowBuffer`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event EscrowBufferSet(address indexed escrowBuffer);

    /// A pipeline has two stages at least.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStages();
    /// `count` stages are more than the `max` of a pipeline.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyStages(uint256 count, uint256 max);
    /// There is, or was, a pipeline of that number.
    #[derive(Debug, PartialEq, Eq)]
    error PipelineAlreadyExists();
    /// There is no such pipeline, or it was closed.
    #[derive(Debug, PartialEq, Eq)]
    error PipelineDoesNotExist();
    /// The task type has no pool that could be limited.
    #[derive(Debug, PartialEq, Eq)]
    error StageWithoutPool(bytes32 taskTypeId);
    /// The task type is a stage already, of this or of another pipeline.
    #[derive(Debug, PartialEq, Eq)]
    error StageInUse(bytes32 taskTypeId);
    /// `caller` is neither the owner nor the creator of the task type.
    #[derive(Debug, PartialEq, Eq)]
    error NotTaskTypeCreator(bytes32 taskTypeId, address caller);
    /// `caller` is neither the owner nor the one who created the pipeline.
    #[derive(Debug, PartialEq, Eq)]
    error NotPipelineCreator(address caller);
    /// The pipeline has no stage of that number.
    #[derive(Debug, PartialEq, Eq)]
    error StageDoesNotExist(uint256 stageIndex);
    /// `caller` may not report throughput.
    #[derive(Debug, PartialEq, Eq)]
    error NotReporter(address caller);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    InsufficientStages(InsufficientStages),
    TooManyStages(TooManyStages),
    PipelineAlreadyExists(PipelineAlreadyExists),
    PipelineDoesNotExist(PipelineDoesNotExist),
    StageWithoutPool(StageWithoutPool),
    StageInUse(StageInUse),
    NotTaskTypeCreator(NotTaskTypeCreator),
    NotPipelineCreator(NotPipelineCreator),
    StageDoesNotExist(StageDoesNotExist),
    NotReporter(NotReporter),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
