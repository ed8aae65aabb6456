//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    attestation,
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::{abi::Bytes, prelude::*};

sol! {
    /// What a sink signs: `CapacityAttestation(bytes32 taskTypeId,address sink,uint256 capacity,uint256 timestamp,uint256 nonce)`,
    /// and its signature.
    #[derive(Debug, PartialEq, Eq)]
    struct SignedAttestation {
        bytes32 taskTypeId;
        address sink;
        uint256 capacity;
        uint256 timestamp;
        uint256 nonce;
        bytes signature;
    }

    /// CapacityRegistry took `capacity`, which `sink` attested at `timestamp`.
    #[derive(Debug, PartialEq, Eq)]
    event AttestationApplied(bytes32 indexed taskTypeId, address indexed sink, uint256 capacity, uint256 timestamp);
    /// An attestation was refused: it is too old or from the future (`stale`), its nonce was used or passed over (`nonce`),
    /// the sink did not sign it (`signature`), or CapacityRegistry refused it, say as the sink has left (`sink`).
    #[derive(Debug, PartialEq, Eq)]
    event AttestationRejected(bytes32 indexed taskTypeId, address indexed sink, string reason);
    /// `relayer` submitted `attestationCount` attestations, applied and rejected ones together.
    #[derive(Debug, PartialEq, Eq)]
    event BatchSubmitted(uint256 attestationCount, address indexed relayer);
    /// `submitter` brought the shares of `sinkCount` sinks, which the pool took.
    #[derive(Debug, PartialEq, Eq)]
    event BoltzmannSharesSubmitted(bytes32 indexed taskTypeId, uint256 sinkCount, address indexed submitter);
    /// Shares are now taken from `shareSigner`; from nobody, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event ShareSignerSet(address indexed shareSigner);
    /// Shares now go to `backpressurePool`.
    #[derive(Debug, PartialEq, Eq)]
    event BackpressurePoolSet(address indexed backpressurePool);
    /// The temperature oracle is now `temperatureOracle`.
    #[derive(Debug, PartialEq, Eq)]
    event TemperatureOracleSet(address indexed temperatureOracle);
    /// `temperatureOracle` did not take what the batch said of the temperature.
    #[derive(Debug, PartialEq, Eq)]
    event TemperatureUpdateFailed(address indexed temperatureOracle);
    /// The virial monitor is now `virialMonitor`.
    #[derive(Debug, PartialEq, Eq)]
    event VirialMonitorSet(address indexed virialMonitor);

    /// A batch of `length` is longer than the `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length, uint256 maximum);
    /// `caller` may not submit shares without a signature.
    #[derive(Debug, PartialEq, Eq)]
    error NotShareSigner(address caller);
    /// There is no pool that could take shares.
    #[derive(Debug, PartialEq, Eq)]
    error NoPool();
}

bpe_common::abi_struct!(SignedAttestation(B256, Address, U256, U256, U256, Bytes));

/// Why a call was refused. [`Error::Revert`] is what CapacityRegistry or the pool reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    Attestation(attestation::Error),
    BatchTooLarge(BatchTooLarge),
    NotShareSigner(NotShareSigner),
    NoPool(NoPool),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
