//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    attestation,
    call::{NotAContract, Revert},
};
use stylus_sdk::{abi::Bytes, prelude::*};

sol! {
    /// What an operator signs:
    /// `RelayAttestation(bytes32 nostrPubkey,address operator,uint256 eventsPerSecond,uint256 storageGB,uint256 bandwidthMbps,uint256 timestamp,uint256 nonce)`,
    /// and its signature. `timestamp` in seconds since 1970.
    #[derive(Debug, PartialEq, Eq)]
    struct SignedRelayAttestation {
        bytes32 nostrPubkey;
        address operator;
        uint256 eventsPerSecond;
        uint256 storageGB;
        uint256 bandwidthMbps;
        uint256 timestamp;
        uint256 nonce;
        bytes signature;
    }

    /// An attestation in a batch was refused: the operator has no such relay (`relay`), it is too old or from the future
    /// (`stale`), its nonce was used or passed over (`nonce`), or the operator did not sign it (`signature`).
    #[derive(Debug, PartialEq, Eq)]
    event RelayAttestationRejected(bytes32 indexed nostrPubkey, string reason);

    /// The account operates no such relay.
    #[derive(Debug, PartialEq, Eq)]
    error NotOperator();
    /// A batch of `length` is longer than the `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length, uint256 maximum);
}

bpe_common::abi_struct!(SignedRelayAttestation(
    B256, Address, U256, U256, U256, U256, U256, Bytes
));

/// Why a call was refused. [`Error::Revert`] is what RelayCapacityRegistry reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NotOperator(NotOperator),
    BatchTooLarge(BatchTooLarge),
    Attestation(attestation::Error),
    NotAContract(NotAContract),
    Revert(Revert),
}
