//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::call::{InsufficientGas, NotAContract, Revert};
use stylus_sdk::prelude::*;

sol! {
    /// `creator` described the task type. `nameHash` is the Keccak hash of its name; zero, if it has none.
    #[derive(Debug, PartialEq, Eq)]
    event TaskTypeDescribed(bytes32 indexed taskTypeId, bytes32 indexed nameHash, address indexed creator, string metadata);
    /// `sink` is reached at `uri` for the task type; nowhere, if it is empty.
    #[derive(Debug, PartialEq, Eq)]
    event ServiceSet(bytes32 indexed taskTypeId, address indexed sink, string uri);
    /// `sink` is agent `agentId` of `identityRegistry`, as long as that says so.
    #[derive(Debug, PartialEq, Eq)]
    event AgentLinked(address indexed sink, address indexed identityRegistry, uint256 indexed agentId);
    /// `sink` is no agent any more.
    #[derive(Debug, PartialEq, Eq)]
    event AgentUnlinked(address indexed sink);

    /// Metadata of `length` bytes is more than `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error MetadataTooLong(uint256 length, uint256 maximum);
    /// A uri of `length` bytes is more than `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error UriTooLong(uint256 length, uint256 maximum);
    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// CapacityRegistry has no BackpressurePool yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoBackpressurePool();
    /// Only a task type whose id follows from its creator and name may be paid by work from the start.
    #[derive(Debug, PartialEq, Eq)]
    error NotDerived(bytes32 taskTypeId);
    /// `caller` did not create the task type.
    #[derive(Debug, PartialEq, Eq)]
    error NotTaskTypeCreator(bytes32 taskTypeId, address caller);
    /// Nothing was said of the task type.
    #[derive(Debug, PartialEq, Eq)]
    error EmptyMetadata();
    /// The task type has been described already, for ever.
    #[derive(Debug, PartialEq, Eq)]
    error AlreadyDescribed(bytes32 taskTypeId);
    /// `sink` does not serve this task type.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered(bytes32 taskTypeId, address sink);
    /// Neither the owner nor the wallet of agent `agentId` of `identityRegistry` is `sink`.
    #[derive(Debug, PartialEq, Eq)]
    error NotAgent(address identityRegistry, uint256 agentId, address sink);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    MetadataTooLong(MetadataTooLong),
    UriTooLong(UriTooLong),
    InsufficientStake(InsufficientStake),
    NoBackpressurePool(NoBackpressurePool),
    NotDerived(NotDerived),
    NotTaskTypeCreator(NotTaskTypeCreator),
    EmptyMetadata(EmptyMetadata),
    AlreadyDescribed(AlreadyDescribed),
    SinkNotRegistered(SinkNotRegistered),
    NotAgent(NotAgent),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
}
