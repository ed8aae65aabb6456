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
    /// `adapter` reads the attestations of the domain: from now on, or from when [`bpe_common::powers::PowerAnnounced`] says.
    #[derive(Debug, PartialEq, Eq)]
    event AdapterRegistered(bytes32 indexed domainId, address indexed adapter, string description);
    /// The sinks of the domain serve this task type of the core registry.
    #[derive(Debug, PartialEq, Eq)]
    event TaskTypeSet(bytes32 indexed domainId, bytes32 indexed taskTypeId);
    /// The adapter of the domain numbers no attestations, and need not; or has to, from now on.
    #[derive(Debug, PartialEq, Eq)]
    event UnnumberedSet(bytes32 indexed domainId, address indexed adapter, bool unnumbered);
    /// `adapter` speaks for the task type, as its creator has it; or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event AdapterBound(bytes32 indexed taskTypeId, address indexed adapter, bool bound);
    /// What is attested and not renewed is worth half after `epochs` epochs of 300 s.
    #[derive(Debug, PartialEq, Eq)]
    event HalfLifeSet(uint256 epochs);
    /// The domain has no adapter any more.
    #[derive(Debug, PartialEq, Eq)]
    event AdapterRemoved(bytes32 indexed domainId);
    /// `sink` attested `normalizedCapacity`, and the core registry took it, as far as the sink's stake backs it.
    #[derive(Debug, PartialEq, Eq)]
    event AttestationRouted(bytes32 indexed domainId, address indexed sink, uint256 normalizedCapacity);

    /// The domain has an adapter: remove it first.
    #[derive(Debug, PartialEq, Eq)]
    error AdapterAlreadyRegistered();
    /// The domain has no adapter, or none that is believed yet.
    #[derive(Debug, PartialEq, Eq)]
    error AdapterNotRegistered();
    /// The creator of the task type has not said that `adapter` speaks for it.
    #[derive(Debug, PartialEq, Eq)]
    error AdapterNotBound(bytes32 taskTypeId, address adapter);
    /// A nonce of `provided` is more than 2^32 above the last one of the sink: `maximum` would do.
    #[derive(Debug, PartialEq, Eq)]
    error NonceTooHigh(uint256 provided, uint256 maximum);
    /// The domain's adapter does not take this for a genuine attestation of a sink.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidAttestation();
    /// The sink has no stake.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotStaked();
    /// The attestation is not newer than the last one of its sink: a nonce of `required` or more is needed.
    #[derive(Debug, PartialEq, Eq)]
    error NonceAlreadyUsed(uint256 provided, uint256 required);
    /// The domain's adapter numbers no attestations: one per sink and epoch is taken, and the next one of `sink` from time
    /// `from` on.
    #[derive(Debug, PartialEq, Eq)]
    error AttestationTooSoon(address sink, uint256 from);
    /// `caller` did not create the task type.
    #[derive(Debug, PartialEq, Eq)]
    error NotTaskTypeCreator(bytes32 taskTypeId, address caller);
    /// A description of `length` bytes is more than `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error DescriptionTooLong(uint256 length, uint256 maximum);
    /// There are `maximum` domains, and that is all there can be.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyDomains(uint256 maximum);
}

/// Why a call was refused. [`Error::Revert`] is what an adapter, StakeManager or CapacityRegistry reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    AdapterAlreadyRegistered(AdapterAlreadyRegistered),
    AdapterNotRegistered(AdapterNotRegistered),
    AdapterNotBound(AdapterNotBound),
    NonceTooHigh(NonceTooHigh),
    InvalidHalfLife(InvalidHalfLife),
    InvalidAttestation(InvalidAttestation),
    SinkNotStaked(SinkNotStaked),
    NonceAlreadyUsed(NonceAlreadyUsed),
    AttestationTooSoon(AttestationTooSoon),
    NotTaskTypeCreator(NotTaskTypeCreator),
    DescriptionTooLong(DescriptionTooLong),
    TooManyDomains(TooManyDomains),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
