//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloc::string::String;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    curve::KeyNotProven,
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// What a relay can do. Of each dimension no more than 2^40 − 1 counts.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct RelayCapacity {
        uint256 eventsPerSecond;
        uint256 storageGB;
        uint256 bandwidthMbps;
    }

    /// A relay. The composite capacity is smoothed, in units of 1e-9. All zero and empty, if there is no such relay.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct RelayInfo {
        bytes32 nostrPubkey;
        address operator;
        string relayUrl;
        RelayCapacity capacity;
        uint256 compositeCapacity;
        bool registered;
    }

    /// `operator` registered a relay, which starts with `compositeCapacity`.
    #[derive(Debug, PartialEq, Eq)]
    event RelayRegistered(bytes32 indexed nostrPubkey, address indexed operator, string relayUrl, uint256 compositeCapacity);
    /// The relay of `operator` is no longer registered.
    #[derive(Debug, PartialEq, Eq)]
    event RelayDeregistered(bytes32 indexed nostrPubkey, address indexed operator);
    /// A relay declared, or had attested, what it can do, which makes for `compositeCapacity`, smoothed.
    #[derive(Debug, PartialEq, Eq)]
    event RelayCapacityUpdated(bytes32 indexed nostrPubkey, uint256 eventsPerSecond, uint256 storageGB, uint256 bandwidthMbps, uint256 compositeCapacity);
    /// The dimensions have these weights, in basis points, from now on or from when [`bpe_common::powers::PowerAnnounced`] says.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityWeightsUpdated(uint256 throughputWeight, uint256 storageWeight, uint256 bandwidthWeight);
    /// A unit of the suite is `pointsPerUnit` billionths of a point of composite capacity, from now on or from when
    /// [`bpe_common::powers::PowerAnnounced`] says.
    #[derive(Debug, PartialEq, Eq)]
    event PointsPerUnitSet(uint256 pointsPerUnit);
    /// The aggregator is `aggregator`, from now on or from when [`bpe_common::powers::PowerAnnounced`] says; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event AggregatorSet(address indexed aggregator);

    /// What operators have signed comes from `attestations`, from now on or from when
    /// [`bpe_common::powers::PowerAnnounced`] says.
    #[derive(Debug, PartialEq, Eq)]
    event AttestationsSet(address indexed attestations);
    /// Relays are paid by `paymentPool`.
    #[derive(Debug, PartialEq, Eq)]
    event PaymentPoolSet(address indexed paymentPool);

    /// RelayAttestations is named already.
    #[derive(Debug, PartialEq, Eq)]
    error AttestationsAlreadySet();
    /// The payment pool is named already.
    #[derive(Debug, PartialEq, Eq)]
    error PaymentPoolAlreadySet();
    /// There is a relay with this key already.
    #[derive(Debug, PartialEq, Eq)]
    error RelayAlreadyRegistered();
    /// There is no such relay.
    #[derive(Debug, PartialEq, Eq)]
    error RelayNotRegistered();
    /// This is for the relay's operator, as long as its stake is locked and enough.
    #[derive(Debug, PartialEq, Eq)]
    error NotOperator();
    /// This is for the aggregator, and for RelayAttestations.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedAggregator();
    /// Weights sum to 10 000.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeights();
    /// A unit is 1 to 2^64 − 1 billionths of a point.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidPointsPerUnit(uint256 pointsPerUnit);
    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// The caller operates the relay `nostrPubkey` already.
    #[derive(Debug, PartialEq, Eq)]
    error OperatorHasRelay(bytes32 nostrPubkey);
    /// A URL of `length` bytes is more than `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error RelayUrlTooLong(uint256 length, uint256 maximum);
    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
}

bpe_common::abi_struct!(RelayCapacity(U256, U256, U256));
bpe_common::abi_struct!(RelayInfo(B256, Address, String, RelayCapacity, U256, bool));
/// Why a call was refused. [`Error::Revert`] is what StakeManager or CapacityRegistry reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    RelayAlreadyRegistered(RelayAlreadyRegistered),
    RelayNotRegistered(RelayNotRegistered),
    NotOperator(NotOperator),
    NotAuthorizedAggregator(NotAuthorizedAggregator),
    InvalidWeights(InvalidWeights),
    InvalidPointsPerUnit(InvalidPointsPerUnit),
    InsufficientStake(InsufficientStake),
    OperatorHasRelay(OperatorHasRelay),
    KeyNotProven(KeyNotProven),
    RelayUrlTooLong(RelayUrlTooLong),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    PaymentPoolAlreadySet(PaymentPoolAlreadySet),
    AttestationsAlreadySet(AttestationsAlreadySet),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
