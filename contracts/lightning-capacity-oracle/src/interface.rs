//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    attestation,
    call::{NotAContract, Revert},
    curve::KeyNotProven,
    ownable,
};
use stylus_sdk::{abi::Bytes, prelude::*};

sol! {
    /// What an operator signs:
    /// `LightningAttestation(bytes32 nodePubkey,address operator,uint256 outboundCapacitySats,uint256 channelCount,uint256 pendingHTLCs,uint256 timestamp,uint256 nonce)`,
    /// and its signature.
    #[derive(Debug, PartialEq, Eq)]
    struct SignedLightningAttestation {
        bytes32 nodePubkey;
        address operator;
        uint256 outboundCapacitySats;
        uint256 channelCount;
        uint256 pendingHTLCs;
        uint256 timestamp;
        uint256 nonce;
        bytes signature;
    }

    /// `operator` registered the node, with `initialCapacity` sats.
    #[derive(Debug, PartialEq, Eq)]
    event LightningNodeRegistered(bytes32 indexed nodePubkey, address indexed operator, uint256 initialCapacity);
    /// The node of `operator` is known no more.
    #[derive(Debug, PartialEq, Eq)]
    event LightningNodeDeregistered(bytes32 indexed nodePubkey, address indexed operator);
    /// The node's operator attested this; its capacity, smoothed, is now `smoothedCapacity` sats.
    #[derive(Debug, PartialEq, Eq)]
    event LightningCapacityUpdated(bytes32 indexed nodePubkey, uint256 outboundCapacitySats, uint256 channelCount, uint256 pendingHTLCs, uint256 smoothedCapacity);
    /// An attestation was refused: there is no such node (`node`), it is another's (`operator`), the attestation is too old or
    /// from the future (`stale`), its nonce was used or passed over (`nonce`), the operator did not sign it (`signature`), or
    /// CapacityRegistry refused it (`sink`).
    #[derive(Debug, PartialEq, Eq)]
    event LightningAttestationRejected(bytes32 indexed nodePubkey, string reason);
    /// So many sats are a capacity unit now.
    #[derive(Debug, PartialEq, Eq)]
    event SatsPerUnitSet(uint256 satsPerUnit);
    /// What is attested and not renewed is worth half after `epochs` epochs of 300 s.
    #[derive(Debug, PartialEq, Eq)]
    event HalfLifeSet(uint256 epochs);

    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// The node is registered.
    #[derive(Debug, PartialEq, Eq)]
    error NodeAlreadyRegistered();
    /// There is no such node.
    #[derive(Debug, PartialEq, Eq)]
    error NodeNotRegistered();
    /// The node is another's.
    #[derive(Debug, PartialEq, Eq)]
    error NotOperator();
    /// The caller operates `nodePubkey`, and an operator has one node.
    #[derive(Debug, PartialEq, Eq)]
    error OperatorHasNode(bytes32 nodePubkey);
    /// A capacity unit is at least one sat, and at most all that there are.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSatsPerUnit(uint256 satsPerUnit);
    /// The registry has no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// A batch of `length` is longer than the `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length, uint256 maximum);
}

bpe_common::abi_struct!(SignedLightningAttestation(
    B256, Address, U256, U256, U256, U256, U256, Bytes
));

/// Why a call was refused. [`Error::Revert`] is what CapacityRegistry or StakeManager reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    Attestation(attestation::Error),
    InsufficientStake(InsufficientStake),
    NodeAlreadyRegistered(NodeAlreadyRegistered),
    NodeNotRegistered(NodeNotRegistered),
    NotOperator(NotOperator),
    OperatorHasNode(OperatorHasNode),
    KeyNotProven(KeyNotProven),
    InvalidSatsPerUnit(InvalidSatsPerUnit),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    BatchTooLarge(BatchTooLarge),
    InvalidHalfLife(attestation::InvalidHalfLife),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
