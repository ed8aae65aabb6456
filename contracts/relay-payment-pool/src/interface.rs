//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    attestation::InvalidHalfLife,
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// `pool` pays the sinks of the task type, which are relays of this pool type.
    #[derive(Debug, PartialEq, Eq)]
    event RelayPoolCreated(bytes32 indexed poolType, bytes32 indexed taskTypeId, address indexed pool);
    /// The relay of `operator` joined.
    #[derive(Debug, PartialEq, Eq)]
    event RelayJoinedPool(bytes32 indexed poolType, bytes32 indexed nostrPubkey, address operator);
    /// The relay of `operator` left.
    #[derive(Debug, PartialEq, Eq)]
    event RelayLeftPool(bytes32 indexed poolType, bytes32 indexed nostrPubkey, address operator);
    /// The pool heard of the relay's update number `sequence`, or of its age: it is worth `capacity`, neither smoothed nor cut.
    #[derive(Debug, PartialEq, Eq)]
    event RelayRefreshed(bytes32 indexed poolType, bytes32 indexed nostrPubkey, uint256 capacity, uint256 sequence);
    /// An event costs at least `minPaymentPerEvent` when the pool is idle.
    #[derive(Debug, PartialEq, Eq)]
    event AntiSpamConfigUpdated(bytes32 indexed poolType, uint256 minPaymentPerEvent);
    /// Loads are read from `pricingCurve`; they do not count, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event PricingCurveSet(address indexed pricingCurve);
    /// What is attested and not renewed is worth half after `epochs` epochs of 300 s.
    #[derive(Debug, PartialEq, Eq)]
    event HalfLifeSet(uint256 epochs);

    /// There is no such pool type.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidPoolType();
    /// The pools have not been set up.
    #[derive(Debug, PartialEq, Eq)]
    error PoolNotInitialized();
    /// The pools have been set up.
    #[derive(Debug, PartialEq, Eq)]
    error PoolsAlreadyInitialized();
    /// The relay is in the pool, or another relay of its operator is.
    #[derive(Debug, PartialEq, Eq)]
    error RelayAlreadyInPool();
    /// The relay is not in the pool.
    #[derive(Debug, PartialEq, Eq)]
    error RelayNotInPool();
    /// The caller does not operate the relay, nor is it the relay registry; or who joined with it no longer does.
    #[derive(Debug, PartialEq, Eq)]
    error NotRelayOperator();
    /// The pool has heard of the relay's last update, which is number `sequence`.
    #[derive(Debug, PartialEq, Eq)]
    error NothingNew(uint256 sequence);
    /// Somebody registered the task type, with a minimum stake other than `required`, or as one in which sinks declare what they
    /// like. Deploy again.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeTaken(bytes32 taskTypeId, uint256 minStake, uint256 required);
    /// A payment of 2^96 or more.
    #[derive(Debug, PartialEq, Eq)]
    error MinPaymentTooLarge(uint256 minPaymentPerEvent);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    InvalidPoolType(InvalidPoolType),
    PoolNotInitialized(PoolNotInitialized),
    PoolsAlreadyInitialized(PoolsAlreadyInitialized),
    RelayAlreadyInPool(RelayAlreadyInPool),
    RelayNotInPool(RelayNotInPool),
    NotRelayOperator(NotRelayOperator),
    NothingNew(NothingNew),
    TaskTypeTaken(TaskTypeTaken),
    MinPaymentTooLarge(MinPaymentTooLarge),
    InvalidHalfLife(InvalidHalfLife),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
