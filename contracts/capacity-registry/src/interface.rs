//! Events and errors of CapacityRegistry.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// `creator` registered the task type; its sinks stake at least `minStake`.
    #[derive(Debug, PartialEq, Eq)]
    event TaskTypeRegistered(bytes32 indexed taskTypeId, address indexed creator, uint256 minStake);
    /// Adapters alone say what sinks of the task type can do, from now on.
    #[derive(Debug, PartialEq, Eq)]
    event AttestationsRequired(bytes32 indexed taskTypeId);
    /// `sink` serves the task type, at first with `initialCapacity`, which its stake backs.
    #[derive(Debug, PartialEq, Eq)]
    event SinkRegistered(bytes32 indexed taskTypeId, address indexed sink, uint256 initialCapacity);
    /// `sink` serves the task type no more.
    #[derive(Debug, PartialEq, Eq)]
    event SinkDeregistered(bytes32 indexed taskTypeId, address indexed sink);
    /// `sink` will declare the capacity whose hash is `commitHash`.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityCommitted(bytes32 indexed taskTypeId, address indexed sink, bytes32 commitHash);
    /// `sink` declared, or had attested, `rawCapacity` as far as its stake backs it.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityRevealed(bytes32 indexed taskTypeId, address indexed sink, uint256 rawCapacity, uint256 smoothedCapacity);
    /// The stake of `sink` no longer backs what it had.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityClipped(bytes32 indexed taskTypeId, address indexed sink, uint256 rawCapacity, uint256 smoothedCapacity);
    /// The pool failed when it was told that `sink` now has `capacity`: rebalance that sink there.
    #[derive(Debug, PartialEq, Eq)]
    event ListenerFailed(bytes32 indexed taskTypeId, address indexed sink, uint256 capacity);
    /// StakeManager refused to unbond the stake of `sink`: this registry has lost its authority there. See
    /// `StakeManager.leaveRevokedRegistry`.
    #[derive(Debug, PartialEq, Eq)]
    event UnbondingFailed(address indexed sink);
    /// The aggregator is now `aggregator`.
    #[derive(Debug, PartialEq, Eq)]
    event AggregatorSet(address indexed aggregator);
    /// `adapter` may now act for sinks, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event AdapterSet(address indexed adapter, bool authorized);
    /// `serviceDirectory` now says who created a task type; nobody does, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event ServiceDirectorySet(address indexed serviceDirectory);
    /// The pool is now `pool`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event PoolSet(address indexed pool);

    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// There is such a task type already.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeAlreadyExists();
    /// The sink serves this task type already.
    #[derive(Debug, PartialEq, Eq)]
    error SinkAlreadyRegistered();
    /// The sink does not serve this task type.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered();
    /// Not even a part of `declared` fits into the sink's `cap`: other task types have taken it all.
    #[derive(Debug, PartialEq, Eq)]
    error CapacityExceedsCap(uint256 declared, uint256 cap);
    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// There is nothing to reveal.
    #[derive(Debug, PartialEq, Eq)]
    error NoCommitPending();
    /// A commitment is pending: reveal it, or wait until it has expired.
    #[derive(Debug, PartialEq, Eq)]
    error CommitNotExpired();
    /// The commitment is more than 20 blocks old.
    #[derive(Debug, PartialEq, Eq)]
    error CommitExpired();
    /// The commitment is of this block, `commitBlock`: reveal in a later one.
    #[derive(Debug, PartialEq, Eq)]
    error RevealTooEarly(uint256 commitBlock);
    /// This is not what was committed to.
    #[derive(Debug, PartialEq, Eq)]
    error CommitHashMismatch();
    /// The caller is neither the aggregator nor an adapter.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedAggregator();
    /// `caller` did not create the task type.
    #[derive(Debug, PartialEq, Eq)]
    error NotTaskTypeCreator(address caller);
    /// What was attested at `timestamp` is older than what the sink declared itself, at `declaredAt`.
    #[derive(Debug, PartialEq, Eq)]
    error OlderThanDeclared(uint256 timestamp, uint256 declaredAt);
    /// `caller` is not an adapter.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedAdapter(address caller);
    /// `caller` is not ServiceDirectory.
    #[derive(Debug, PartialEq, Eq)]
    error NotServiceDirectory(address caller);
    /// A minimum stake of `minStake` is more than can be kept (2^112 − 1).
    #[derive(Debug, PartialEq, Eq)]
    error MinStakeTooLarge(uint256 minStake);
    /// `time`, in seconds since 1970, has not come yet.
    #[derive(Debug, PartialEq, Eq)]
    error TimeNotReached(uint256 time);
    /// A task type has at most 2^24 − 1 sinks.
    #[derive(Debug, PartialEq, Eq)]
    error TooManySinks();
}

/// Why a call was refused. [`Error::Revert`] is what StakeManager or the pool reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    TaskTypeAlreadyExists(TaskTypeAlreadyExists),
    SinkAlreadyRegistered(SinkAlreadyRegistered),
    SinkNotRegistered(SinkNotRegistered),
    CapacityExceedsCap(CapacityExceedsCap),
    InsufficientStake(InsufficientStake),
    NoCommitPending(NoCommitPending),
    CommitNotExpired(CommitNotExpired),
    CommitExpired(CommitExpired),
    RevealTooEarly(RevealTooEarly),
    CommitHashMismatch(CommitHashMismatch),
    NotAuthorizedAggregator(NotAuthorizedAggregator),
    NotTaskTypeCreator(NotTaskTypeCreator),
    OlderThanDeclared(OlderThanDeclared),
    NotAuthorizedAdapter(NotAuthorizedAdapter),
    NotServiceDirectory(NotServiceDirectory),
    MinStakeTooLarge(MinStakeTooLarge),
    TimeNotReached(TimeNotReached),
    TooManySinks(TooManySinks),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}
