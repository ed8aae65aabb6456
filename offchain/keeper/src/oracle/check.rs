//! What the contract would say of an attestation, said at once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, Signature, B256, U256},
    providers::{DynProvider, Provider as _},
    sol_types::{Eip712Domain, SolStruct as _},
};
use bpe_abi::{
    typed_data::{offchain_aggregator, CapacityAttestation},
    IOffchainAggregator::SignedAttestation,
};
use bpe_chain::{describe, views::Suite, ChainError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seconds that an attestation is good for, and that it may be ahead of the chain.
const MAX_AGE: u64 = 600;
const MAX_SKEW: u64 = 30;
/// The contract keeps nonces below this.
const NONCE_BITS: usize = 216;
/// Accounts whose last nonces are remembered; when there are more, all are forgotten and asked for again.
const REMEMBERED: usize = 100_000;

/// An attestation as it is sent: what the sink signed (EIP-712), and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttestationBody {
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub task_type_id: B256,
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub sink: Address,
    /// In units of 1e-9, decimal.
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub capacity: U256,
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub timestamp: U256,
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub nonce: U256,
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub signature: Bytes,
}

impl AttestationBody {
    pub fn signed(&self) -> SignedAttestation {
        SignedAttestation {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            capacity: self.capacity,
            timestamp: self.timestamp,
            nonce: self.nonce,
            signature: self.signature.clone(),
        }
    }
}

/// Why an attestation is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("stale: its timestamp {timestamp} is not within {max_age} s before and {max_skew} s after the chain's time, {now}", max_age = MAX_AGE, max_skew = MAX_SKEW)]
    Stale { timestamp: U256, now: u64 },
    #[error("nonce: {provided} was used or passed over, {required} or more is needed")]
    Nonce { provided: U256, required: U256 },
    #[error("signature: a signature is 65 bytes, this one has {0}")]
    SignatureLength(usize),
    #[error("signature: it is not that of {0}")]
    Signature(Address),
    #[error("sink: {sink} does not serve {task_type}")]
    NotRegistered { task_type: B256, sink: Address },
    #[error("contract: {0}")]
    Contract(String),
}

/// Checks attestations against the chain as it is.
pub struct Checker {
    suite: Suite,
    provider: DynProvider,
    domain: Eip712Domain,
    nonces: Mutex<HashMap<(B256, Address), U256>>,
}

impl Checker {
    pub fn new(suite: Suite, provider: DynProvider, chain_id: u64) -> Self {
        Self {
            domain: offchain_aggregator(chain_id, *suite.aggregator.address()),
            suite,
            provider,
            nonces: Mutex::default(),
        }
    }

    /// What needs no look at the chain: age, and the signature of an account without code. True if the signature is right.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn form(&self, attestation: &AttestationBody, now: u64) -> Result<bool, Refused> {
        let timestamp = attestation.timestamp;
        let oldest = U256::from(now.saturating_sub(MAX_AGE));
        let newest = U256::from(now.saturating_add(MAX_SKEW));
        if timestamp < oldest || timestamp > newest {
            return Err(Refused::Stale { timestamp, now });
        }
        if attestation.nonce.bit_len() > NONCE_BITS {
            return Err(Refused::Nonce {
                provided: attestation.nonce,
                required: U256::ZERO,
            });
        }
        Ok(self.signer(attestation) == Some(attestation.sink))
    }

    fn signer(&self, attestation: &AttestationBody) -> Option<Address> {
        let message = CapacityAttestation {
            taskTypeId: attestation.task_type_id,
            sink: attestation.sink,
            capacity: attestation.capacity,
            timestamp: attestation.timestamp,
            nonce: attestation.nonce,
        };
        recover(
            &attestation.signature,
            message.eip712_signing_hash(&self.domain),
        )
    }

    /// The nonce: above the last one that the chain has, as far as known here.
    ///
    /// # Errors
    /// If the node does not answer; inside, what is wrong with it.
    pub async fn nonce(
        &self,
        attestation: &AttestationBody,
    ) -> Result<Result<(), Refused>, ChainError> {
        let key = (attestation.task_type_id, attestation.sink);
        let known = self.nonces().get(&key).copied();
        let last = match known {
            Some(last) => last,
            None => {
                let (last, _) = self.suite.last_attestation(key.0, key.1).await?;
                self.remember(key, last);
                last
            }
        };
        Ok(if attestation.nonce > last {
            Ok(())
        } else {
            Err(Refused::Nonce {
                provided: attestation.nonce,
                required: last.saturating_add(U256::from(1)),
            })
        })
    }

    /// The chain has accepted this nonce, or a later one.
    pub fn remember(&self, key: (B256, Address), nonce: U256) {
        let mut nonces = self.nonces();
        if nonces.len() >= REMEMBERED {
            nonces.clear();
        }
        let last = nonces.entry(key).or_default();
        *last = nonce.max(*last);
    }

    /// A reorganisation may have taken acceptances back.
    pub fn forget(&self) {
        self.nonces().clear();
    }

    /// A signature that is not an account's own may be a contract's (ERC-1271): the contract itself says.
    ///
    /// # Errors
    /// If the node does not answer; inside, what is wrong with it.
    pub async fn by_contract(
        &self,
        attestation: &AttestationBody,
    ) -> Result<Result<(), Refused>, ChainError> {
        let sink = attestation.sink;
        if attestation.signature.len() != 65 {
            let code = self.provider.get_code_at(sink).await?;
            if code.is_empty() {
                return Ok(Err(Refused::SignatureLength(attestation.signature.len())));
            }
        } else if self.provider.get_code_at(sink).await?.is_empty() {
            return Ok(Err(Refused::Signature(sink)));
        }
        let call = self.suite.aggregator.submit(attestation.signed());
        match call.block(BlockId::latest()).call().await {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_revert_data() {
                Some(data) => Ok(Err(Refused::Contract(describe(&data)))),
                None => Err(error.into()),
            },
        }
    }

    fn nonces(&self) -> std::sync::MutexGuard<'_, HashMap<(B256, Address), U256>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who signed, if the signature is one that the contracts take: 65 bytes, `s` in the lower half.
pub fn recover(signature: &[u8], hash: B256) -> Option<Address> {
    if signature.len() != 65 || !matches!(signature[64], 27 | 28) {
        return None;
    }
    let signature = Signature::try_from(signature).ok()?;
    if signature.normalize_s().is_some() {
        return None;
    }
    signature
        .recover_address_from_prehash(&hash)
        .ok()
        .filter(|address| !address.is_zero())
}
