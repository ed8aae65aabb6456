//! Events, errors, and what is signed.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    ownable, signature,
};
use stylus_sdk::{abi, prelude::*};

sol! {
    /// `sink` completed `taskId` for `source`; for nobody in particular, if that is zero.
    #[derive(Debug, PartialEq, Eq)]
    event CompletionRecorded(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId);
    /// A receipt in a batch was not accepted. `reason` is the selector of the error that it would have reverted with alone.
    #[derive(Debug, PartialEq, Eq)]
    event CompletionRejected(bytes32 indexed taskTypeId, address indexed sink, bytes32 taskId, bytes4 reason);
    /// `sink` owes `source` the completion of `taskId` by `deadline`.
    #[derive(Debug, PartialEq, Eq)]
    event AssignmentRecorded(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, uint256 deadline);
    /// An assignment in a batch was not accepted. `reason` as of [`CompletionRejected`].
    #[derive(Debug, PartialEq, Eq)]
    event AssignmentRejected(bytes32 indexed taskTypeId, address indexed sink, bytes32 taskId, bytes4 reason);
    /// `sink` did `completionRate` (in basis points) of what it owed in `epoch`.
    #[derive(Debug, PartialEq, Eq)]
    event EpochAdvanced(bytes32 indexed taskTypeId, address indexed sink, uint256 epoch, uint256 completionRate);
    /// `sink` is slashed by `slashAmount`, the last of its epochs with `completionRate`. What it lost at once, at most 30 % of
    /// its stake a day, StakeManager's `Slashed` says.
    #[derive(Debug, PartialEq, Eq)]
    event AutoSlashed(bytes32 indexed taskTypeId, address indexed sink, uint256 slashAmount, uint256 completionRate);
    /// From epoch `fromEpoch` on a completion of the task type stands for `weight` of capacity, and sinks are measured by
    /// `yardstick`: 0 not at all, 1 by what they declare, 2 by what was assigned to them, 3 by what they missed of it, where `weight` is
    /// the wei of stake that 1e18 wei of payment stand for.
    #[derive(Debug, PartialEq, Eq)]
    event YardstickSet(bytes32 indexed taskTypeId, uint256 fromEpoch, uint256 weight, uint8 yardstick);
    /// Evidence for the task type is checked by `verifier` from `from` on, in seconds since 1970; by nobody, if `verifier` is
    /// zero.
    #[derive(Debug, PartialEq, Eq)]
    event VerifierSet(bytes32 indexed taskTypeId, address indexed verifier, uint256 from);
    /// Sinks are judged and slashed by `judge`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event JudgeSet(address indexed judge);
    /// This task has been recorded as completed already.
    #[derive(Debug, PartialEq, Eq)]
    error TaskAlreadyRecorded();
    /// This task has been assigned already.
    #[derive(Debug, PartialEq, Eq)]
    error TaskAlreadyAssigned();
    /// The sink did not sign this.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSinkSignature();
    /// The source did not sign this.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSourceSignature();
    /// A sink cannot be its own source.
    #[derive(Debug, PartialEq, Eq)]
    error SinkIsSource();
    /// A receipt of `timestamp` is too old, or from the future.
    #[derive(Debug, PartialEq, Eq)]
    error StaleReceipt(uint256 timestamp);
    /// The `deadline` has passed, or is too far away.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidDeadline(uint256 deadline);
    /// There is no Judge yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoJudge();
    /// Judge has been set already.
    #[derive(Debug, PartialEq, Eq)]
    error JudgeAlreadySet();
    /// The Judge at `judge` is that of another CompletionTracker, CapacityRegistry or StakeManager.
    #[derive(Debug, PartialEq, Eq)]
    error ForeignJudge(address judge);
    /// No epoch has ended that is still to be judged.
    #[derive(Debug, PartialEq, Eq)]
    error EpochNotElapsed();
    /// The sink does not serve this task type.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered();
    /// The task type has no verifier.
    #[derive(Debug, PartialEq, Eq)]
    error NoVerifier(bytes32 taskTypeId);
    /// `verifier` does not say that this proves a completion of the task type.
    #[derive(Debug, PartialEq, Eq)]
    error EvidenceRejected(address verifier);
    /// `length` is more than a batch can have.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length);
    /// A completion `weight` is from 1 to 2^72 − 1.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeight(uint256 weight);
    /// There is no `yardstick` of that number: 0 is none, 1 declared, 2 assigned, 3 missed.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidYardstick(uint8 yardstick);
    /// Stakes unbond in `period` seconds, and misses are known only after `required`.
    #[derive(Debug, PartialEq, Eq)]
    error UnbondingTooShort(uint256 period, uint256 required);

    /// What sink and source have both signed of a task: a receipt, `CompletionReceipt(bytes32 taskTypeId,address sink,address
    /// source,bytes32 taskId,uint256 timestamp)`, or an assignment, `TaskAssignment(bytes32 taskTypeId,address sink,address
    /// source,bytes32 taskId,uint256 deadline)`. `time` is the timestamp or the deadline.
    #[derive(Debug)]
    struct SignedTask {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 time;
        bytes sinkSig;
        bytes sourceSig;
    }
}

bpe_common::abi_struct!(SignedTask(
    B256,
    Address,
    Address,
    B256,
    U256,
    abi::Bytes,
    abi::Bytes
));

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    TaskAlreadyRecorded(TaskAlreadyRecorded),
    TaskAlreadyAssigned(TaskAlreadyAssigned),
    InvalidSinkSignature(InvalidSinkSignature),
    InvalidSourceSignature(InvalidSourceSignature),
    SinkIsSource(SinkIsSource),
    StaleReceipt(StaleReceipt),
    InvalidDeadline(InvalidDeadline),
    NoJudge(NoJudge),
    JudgeAlreadySet(JudgeAlreadySet),
    ForeignJudge(ForeignJudge),
    EpochNotElapsed(EpochNotElapsed),
    SinkNotRegistered(SinkNotRegistered),
    NoVerifier(NoVerifier),
    EvidenceRejected(EvidenceRejected),
    BatchTooLarge(BatchTooLarge),
    InvalidWeight(InvalidWeight),
    InvalidYardstick(InvalidYardstick),
    UnbondingTooShort(UnbondingTooShort),
    NotAContract(NotAContract),
    Signature(signature::Error),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// The selector of an error, as the word that an event holds.
pub(super) fn selector(error: Error) -> B256 {
    let encoded: Vec<u8> = error.into();
    let mut selector = B256::ZERO;
    for (to, from) in selector.iter_mut().take(4).zip(encoded) {
        *to = from;
    }
    selector
}
