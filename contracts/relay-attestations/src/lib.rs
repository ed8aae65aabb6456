//! RelayAttestations: what operators of Nostr relays attest by signature, for anyone to bring on chain.
//!
//! An attestation is the operator's own word (EIP-712; ERC-1271 for contract accounts) of what its relay can do. It counts once,
//! in the order of its nonce, while it is at most 600 s old, and goes to RelayCapacityRegistry, which believes this contract. A
//! batch never fails for one of its attestations; of those that it refuses, none is used up.
//!
//! | who | may |
//! |---|---|
//! | anyone | submit what operators have signed |
//!
//! Nobody owns the contract. Nonces are the operator's, whatever its relay is, so that a fresh Nostr key is no way around them.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::{require_signed, Last},
    call::{invoke_words, query_words, require_contract, to_address},
    eip712::{hash_words, typed_data_hash, Domain, DomainFields},
    emit_text,
    interfaces::IRelayUpdates,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

impl Error {
    /// What a batch says of an attestation that was refused; nothing, if the batch has to fail.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NotOperator(_) => Some("relay"),
            Self::Attestation(error) => error.reason(),
            _ => None,
        }
    }
}

/// The domain of the signatures.
pub const DOMAIN: Domain = Domain {
    name: "BPE-RelayAttestations",
    version: "1",
};
/// `keccak256("RelayAttestation(bytes32 nostrPubkey,address operator,uint256 eventsPerSecond,uint256 storageGB,uint256 bandwidthMbps,uint256 timestamp,uint256 nonce)")`
pub const RELAY_ATTESTATION_TYPEHASH: B256 =
    b256!("ca754fa7c7d8d3e05ca653903b866fd3edbe82e42abef27d3a1ed456cf2be8fd");

/// The most attestations in a batch.
pub const MAX_BATCH: usize = 256;

/// The contract. Slot 0: the relay registry. Then the mapping, by operator.
#[entrypoint]
#[storage]
pub struct RelayAttestations {
    relay_registry: StorageAddress,
    attestations: StorageMap<Address, Last>,
}

#[public]
impl RelayAttestations {
    /// Sets the contract up: where relays are. That one has to name this contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`]
    #[constructor]
    pub fn constructor(&mut self, relay_registry: Address) -> Result<(), Error> {
        require_contract(self.vm(), relay_registry)?;
        self.relay_registry.set(relay_registry);
        Ok(())
    }

    /// Applies those of the attestations that are good, in their order, and says of the others why they are not. At most
    /// 256.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`]
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if a contract account may have refused for want of gas.
    /// * What RelayCapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`RelayAttestationRejected`] for each that is refused; RelayCapacityRegistry's for the others.
    pub fn submit_batch(&mut self, attestations: Vec<SignedRelayAttestation>) -> Result<(), Error> {
        if attestations.len() > MAX_BATCH {
            let (length, maximum) = (U256::from(attestations.len()), U256::from(MAX_BATCH));
            return Err(BatchTooLarge { length, maximum }.into());
        }
        let separator = DOMAIN.separator(self.vm());
        for attestation in &attestations {
            let Err(error) = self.apply(attestation, separator) else {
                continue;
            };
            let reason = error.reason().ok_or(error)?;
            emit_text!(
                self.vm(),
                RelayAttestationRejected[attestation.nostrPubkey](reason)
            );
        }
        Ok(())
    }

    // --- Views

    /// The nonce of the attestation that was accepted last from `operator`.
    pub fn last_nonce(&self, operator: Address) -> U256 {
        self.attestations.getter(operator).nonce()
    }

    /// Where relays are.
    pub fn relay_registry(&self) -> Address {
        self.relay_registry.get()
    }

    /// The domain of the signatures (EIP-5267).
    ///
    /// # Returns
    ///
    /// * `fields`
    /// * `name`
    /// * `version`
    /// * `chainId`
    /// * `verifyingContract`
    /// * `salt`
    /// * `extensions`
    #[selector(name = "eip712Domain")]
    pub fn eip712_domain(&self) -> DomainFields {
        DOMAIN.fields(self.vm())
    }

    /// The type hash of an attestation.
    #[selector(name = "RELAY_ATTESTATION_TYPEHASH")]
    pub fn relay_attestation_typehash(&self) -> B256 {
        RELAY_ATTESTATION_TYPEHASH
    }
}

impl RelayAttestations {
    /// Checks an attestation and passes it on. Nothing is noted of one that is refused.
    ///
    /// The registry is told after the nonce was noted. Should it refuse, all is undone.
    #[inline(never)]
    fn apply(
        &mut self,
        attestation: &SignedRelayAttestation,
        separator: B256,
    ) -> Result<(), Error> {
        let (pubkey, operator) = (attestation.nostrPubkey, attestation.operator);
        let registry = self.relay_registry.get();
        let selector = IRelayUpdates::getOperatorCall::SELECTOR;
        let [holder] = query_words(self.vm(), registry, selector, &[pubkey])?;
        if operator.is_zero() || to_address(holder) != operator {
            return Err(NotOperator {}.into());
        }
        let next = self
            .attestations
            .getter(operator)
            .check(attestation.timestamp, attestation.nonce)?;
        let digest = typed_data_hash(separator, struct_hash(attestation));
        require_signed(self.vm(), operator, digest, &attestation.signature)?;
        self.attestations.setter(operator).accept(next);
        let words = [
            pubkey,
            attestation.eventsPerSecond.into(),
            attestation.storageGB.into(),
            attestation.bandwidthMbps.into(),
        ];
        let [] = invoke_words(self.vm(), registry, UPDATE, &words)?;
        Ok(())
    }
}

/// `updateRelayCapacity(bytes32,(uint256,uint256,uint256))`: a struct of words is encoded as the words.
const UPDATE: [u8; 4] = IRelayUpdates::updateRelayCapacityCall::SELECTOR;

fn struct_hash(attestation: &SignedRelayAttestation) -> B256 {
    hash_words(&[
        RELAY_ATTESTATION_TYPEHASH,
        attestation.nostrPubkey,
        attestation.operator.into_word(),
        attestation.eventsPerSecond.into(),
        attestation.storageGB.into(),
        attestation.bandwidthMbps.into(),
        attestation.timestamp.into(),
        attestation.nonce.into(),
    ])
}
