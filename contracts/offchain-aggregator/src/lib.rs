//! OffchainAggregator: capacities that sinks signed off chain, brought on chain by anyone.
//!
//! A sink signs what it can do, a relayer submits many such attestations at once, and CapacityRegistry smooths them.
//! The shares of a temperature model (Boltzmann shares) come the same way, from one authorised signer, for
//! BackpressurePool.
//!
//! | who | may |
//! |---|---|
//! | anyone | submit what sinks, or the share signer, have signed |
//! | the share signer | submit shares without a signature: its transaction is one |
//! | the owner | name the share signer, the pool, the temperature oracle and the virial monitor |
//!
//! Capacities are in units of 1e-9, times in seconds since 1970.
//!
//! # What an attestation is worth
//!
//! It is the sink's own word (EIP-712; ERC-1271 for contract accounts), which CapacityRegistry cuts to what the sink's
//! stake backs. It counts once, in the order of its nonce, for one task type, while it is at most
//! [`MAX_ATTESTATION_AGE`] old.
//!
//! # A batch never fails for one of its attestations
//!
//! What is refused is said in an event, and can be submitted again: its nonce is not used up. That includes what
//! CapacityRegistry refuses. Both the registry and a contract account get a fixed allowance of gas at most. If they
//! fail, and it may be for want of gas because the caller brought less than that, the whole batch reverts: a relayer who
//! looks for the least gas with which it succeeds finds enough. Where they do not fail, the allowance need not be
//! brought.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{borrow::ToOwned, vec, vec::Vec};
use alloy_primitives::{b256, keccak256, Address, Uint, B256, U256};
use alloy_sol_types::{sol, SolCall, SolError};
use bpe_common::{
    call::{call, has_code, invoke, require_gas, InsufficientGas, Revert},
    clock,
    eip712::{hash_words, typed_data_hash, Domain, DomainFields},
    interfaces::{IBackpressurePool, ICapacityRegistry},
    ownable::{self, Ownable},
    packed::{narrow, widen},
    signature::{self, is_valid, is_valid_erc1271, recover},
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

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
    /// The virial monitor is now `virialMonitor`.
    #[derive(Debug, PartialEq, Eq)]
    event VirialMonitorSet(address indexed virialMonitor);

    /// What was signed is too old, or from the future.
    #[derive(Debug, PartialEq, Eq)]
    error StaleAttestation(uint256 attestationTime, uint256 currentTime);
    /// A nonce of `required` or more is needed, and less than 2^216.
    #[derive(Debug, PartialEq, Eq)]
    error NonceAlreadyUsed(uint256 provided, uint256 required);
    /// The signature is not that of the sink, or of the share signer.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSignature();
    /// A batch of `length` is longer than the `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length, uint256 maximum);
    /// `caller` may not submit shares without a signature.
    #[derive(Debug, PartialEq, Eq)]
    error NotShareSigner(address caller);
    /// There is no pool that could take shares.
    #[derive(Debug, PartialEq, Eq)]
    error NoPool();
    /// `capacityRegistry` is not a contract.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidCapacityRegistry(address capacityRegistry);
}

bpe_common::abi_struct!(SignedAttestation(B256, Address, U256, U256, U256, Bytes));

/// Why a call was refused. [`Error::Revert`] is what CapacityRegistry or the pool reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    StaleAttestation(StaleAttestation),
    NonceAlreadyUsed(NonceAlreadyUsed),
    InvalidSignature(InvalidSignature),
    Signature(signature::Error),
    BatchTooLarge(BatchTooLarge),
    NotShareSigner(NotShareSigner),
    NoPool(NoPool),
    InvalidCapacityRegistry(InvalidCapacityRegistry),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// The domain of the signatures.
pub const DOMAIN: Domain = Domain {
    name: "BPE-OffchainAggregator",
    version: "1",
};
/// `keccak256("CapacityAttestation(bytes32 taskTypeId,address sink,uint256 capacity,uint256 timestamp,uint256 nonce)")`
pub const ATTESTATION_TYPEHASH: B256 =
    b256!("03ebccac612a22749a72c6d1485299831e0a6b413e6d1719dac8f04b2ecb777c");
/// `keccak256("BoltzmannShares(bytes32 taskTypeId,address[] sinks,uint256[] shares,uint256 timestamp,uint256 nonce)")`
pub const BOLTZMANN_SHARES_TYPEHASH: B256 =
    b256!("70cf6d41fcd42ba9595d53a7ce314bbb147ae0cc5a68cc8c01ebef60cf7a598b");

/// How old what was signed may be, in seconds.
pub const MAX_ATTESTATION_AGE: u64 = 600;
/// How far the signer's clock may be ahead, in seconds.
pub const MAX_CLOCK_SKEW: u64 = 30;
/// The most attestations in a batch.
pub const MAX_BATCH: usize = 256;
/// What CapacityRegistry may use for an update: 1.5 million of it for the pool, when the stake no longer backs what the
/// sink had.
pub const UPDATE_GAS: u64 = 2_000_000;
/// What a contract account may use to check a signature: enough for several owners' signatures.
pub const ERC1271_GAS: u64 = 400_000;
/// As much as is kept of what the registry reverts with: its errors have two words at most.
const REVERT_LIMIT: usize = 68;

/// Nonces: what is left of a slot beside a time.
type Nonce = Uint<216, 4>;
type StorageNonce = StorageUint<216, 4>;
/// Seconds since 1970.
type Time = Uint<40, 1>;
type StorageTime = StorageUint<40, 1>;

/// One slot: nonce (216 bits), timestamp (40). What was accepted last.
#[storage]
pub struct Last {
    nonce: StorageNonce,
    timestamp: StorageTime,
}

/// The contract. Slots 0–1: ownership. Slots 2–6: the neighbours and the share signer, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct OffchainAggregator {
    #[borrow]
    ownable: Ownable,
    capacity_registry: StorageAddress,
    backpressure_pool: StorageAddress,
    share_signer: StorageAddress,
    temperature_oracle: StorageAddress,
    virial_monitor: StorageAddress,
    attestations: StorageMap<B256, StorageMap<Address, Last>>,
    shares: StorageMap<B256, Last>,
    /// The highest nonce of a sink over all task types.
    highest_nonces: StorageMap<Address, StorageU256>,
}

#[public]
#[inherit(Ownable)]
impl OffchainAggregator {
    /// Sets the contract up: where capacities go, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`InvalidCapacityRegistry`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, capacity_registry: Address, owner: Address) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        if !has_code(self.vm(), capacity_registry) {
            return Err(InvalidCapacityRegistry {
                capacityRegistry: capacity_registry,
            }
            .into());
        }
        self.capacity_registry.set(capacity_registry);
        Ok(())
    }

    // --- Anyone

    /// Applies those of the attestations that are good, in their order, and says of the others why they are not. At most
    /// 256.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`]
    /// * [`InsufficientGas`] if an attestation may have been refused for want of gas.
    ///
    /// # Events
    ///
    /// * [`AttestationApplied`] or [`AttestationRejected`] for each, then [`BatchSubmitted`].
    pub fn submit_batch(&mut self, attestations: Vec<SignedAttestation>) -> Result<(), Error> {
        if attestations.len() > MAX_BATCH {
            let (length, maximum) = (U256::from(attestations.len()), U256::from(MAX_BATCH));
            return Err(BatchTooLarge { length, maximum }.into());
        }
        let separator = DOMAIN.separator(self.vm());
        for attestation in &attestations {
            let Err(error) = self.apply(attestation, separator) else {
                continue;
            };
            let reason = rejection(&error).ok_or(error)?.to_owned();
            log(
                self.vm(),
                AttestationRejected {
                    taskTypeId: attestation.taskTypeId,
                    sink: attestation.sink,
                    reason,
                },
            );
        }
        log(
            self.vm(),
            BatchSubmitted {
                attestationCount: U256::from(attestations.len()),
                relayer: self.vm().msg_sender(),
            },
        );
        Ok(())
    }

    /// Applies one attestation.
    ///
    /// # Errors
    ///
    /// * [`StaleAttestation`], [`NonceAlreadyUsed`], [`InvalidSignature`], [`InsufficientGas`]
    /// * [`signature::Error`] if the signature of an account without code is malformed.
    /// * What CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`AttestationApplied`]
    pub fn submit(&mut self, attestation: SignedAttestation) -> Result<(), Error> {
        let separator = DOMAIN.separator(self.vm());
        self.apply(&attestation, separator)
    }

    /// Hands the shares of the sinks of a task type to the pool, as the share signer signed them. Nonces rise per task type.
    ///
    /// # Errors
    ///
    /// * [`StaleAttestation`], [`NonceAlreadyUsed`], [`InvalidSignature`], [`NoPool`]
    /// * What the pool reverts with.
    ///
    /// # Events
    ///
    /// * [`BoltzmannSharesSubmitted`]
    #[selector(name = "submitBoltzmannShares")]
    pub fn submit_signed_boltzmann_shares(
        &mut self,
        task_type_id: B256,
        sinks: Vec<Address>,
        shares: Vec<U256>,
        timestamp: U256,
        nonce: U256,
        signature: Bytes,
    ) -> Result<(), Error> {
        let last = widen(self.shares.getter(task_type_id).nonce.get());
        let (time, narrow_nonce) = self.require_next(timestamp, nonce, last)?;
        let struct_hash = hash_words(&[
            BOLTZMANN_SHARES_TYPEHASH,
            task_type_id,
            hash_array(sinks.iter().map(|sink| sink.into_word())),
            hash_array(shares.iter().map(|share| B256::from(*share))),
            timestamp.into(),
            nonce.into(),
        ]);
        let digest = DOMAIN.digest(self.vm(), struct_hash);
        if !is_valid(self.vm(), self.share_signer.get(), digest, &signature) {
            return Err(InvalidSignature {}.into());
        }
        let mut last = self.shares.setter(task_type_id);
        last.nonce.set(narrow_nonce);
        last.timestamp.set(time);
        self.hand_over(task_type_id, sinks, shares)
    }

    // --- Share signer

    /// Hands the shares of the sinks of a task type to the pool. For the share signer.
    ///
    /// # Errors
    ///
    /// * [`NotShareSigner`], [`NoPool`]
    /// * What the pool reverts with.
    ///
    /// # Events
    ///
    /// * [`BoltzmannSharesSubmitted`]
    pub fn submit_boltzmann_shares(
        &mut self,
        task_type_id: B256,
        sinks: Vec<Address>,
        shares: Vec<U256>,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller.is_zero() || caller != self.share_signer.get() {
            return Err(NotShareSigner { caller }.into());
        }
        self.hand_over(task_type_id, sinks, shares)
    }

    // --- Owner

    /// Makes `signer` the one whose shares are taken; zero for nobody.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ShareSignerSet`]
    pub fn set_share_signer(&mut self, signer: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.share_signer.set(signer);
        log(
            self.vm(),
            ShareSignerSet {
                shareSigner: signer,
            },
        );
        Ok(())
    }

    /// Makes `pool` the one that shares go to; zero for none.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`BackpressurePoolSet`]
    pub fn set_backpressure_pool(&mut self, pool: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.backpressure_pool.set(pool);
        log(
            self.vm(),
            BackpressurePoolSet {
                backpressurePool: pool,
            },
        );
        Ok(())
    }

    /// Notes `oracle` as the temperature oracle, for clients that look for it here. Nothing here depends on it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`TemperatureOracleSet`]
    pub fn set_temperature_oracle(&mut self, oracle: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.temperature_oracle.set(oracle);
        log(
            self.vm(),
            TemperatureOracleSet {
                temperatureOracle: oracle,
            },
        );
        Ok(())
    }

    /// Notes `monitor` as the virial monitor, for clients that look for it here. Nothing here depends on it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`VirialMonitorSet`]
    pub fn set_virial_monitor(&mut self, monitor: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.virial_monitor.set(monitor);
        log(
            self.vm(),
            VirialMonitorSet {
                virialMonitor: monitor,
            },
        );
        Ok(())
    }

    // --- Views

    /// The highest nonce that was accepted from `sink` in any task type. One more is good in all of them.
    pub fn last_nonce(&self, sink: Address) -> U256 {
        self.highest_nonces.get(sink)
    }

    /// The nonce that was accepted last from `sink` in this task type.
    #[selector(name = "lastNonce")]
    pub fn last_nonce_in(&self, task_type_id: B256, sink: Address) -> U256 {
        widen(
            self.attestations
                .getter(task_type_id)
                .getter(sink)
                .nonce
                .get(),
        )
    }

    /// When what was accepted last from `sink` was attested.
    pub fn last_timestamp(&self, task_type_id: B256, sink: Address) -> U256 {
        widen(
            self.attestations
                .getter(task_type_id)
                .getter(sink)
                .timestamp
                .get(),
        )
    }

    /// The nonce and the time of the signed shares that were accepted last.
    ///
    /// # Returns
    ///
    /// * `nonce`
    /// * `timestamp`
    pub fn last_shares(&self, task_type_id: B256) -> (U256, U256) {
        let last = self.shares.getter(task_type_id);
        (widen(last.nonce.get()), widen(last.timestamp.get()))
    }

    /// Where capacities go.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where shares go; zero if nowhere.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Whose shares are taken; zero if nobody's.
    pub fn share_signer(&self) -> Address {
        self.share_signer.get()
    }

    /// The temperature oracle, on which nothing here depends.
    pub fn temperature_oracle(&self) -> Address {
        self.temperature_oracle.get()
    }

    /// The virial monitor, on which nothing here depends.
    pub fn virial_monitor(&self) -> Address {
        self.virial_monitor.get()
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

    /// How old what was signed may be, in seconds.
    #[selector(name = "MAX_ATTESTATION_AGE")]
    pub fn max_attestation_age(&self) -> U256 {
        U256::from(MAX_ATTESTATION_AGE)
    }

    /// The type hash of an attestation.
    #[selector(name = "ATTESTATION_TYPEHASH")]
    pub fn attestation_typehash(&self) -> B256 {
        ATTESTATION_TYPEHASH
    }

    /// The type hash of shares:
    /// `BoltzmannShares(bytes32 taskTypeId,address[] sinks,uint256[] shares,uint256 timestamp,uint256 nonce)`.
    #[selector(name = "BOLTZMANN_SHARES_TYPEHASH")]
    pub fn boltzmann_shares_typehash(&self) -> B256 {
        BOLTZMANN_SHARES_TYPEHASH
    }
}

impl OffchainAggregator {
    /// Checks an attestation, has the registry apply it, and notes its nonce. Nothing is noted of one that is refused.
    ///
    /// The nonce is noted after the call. That is safe, as nobody can enter a program that is open.
    fn apply(&mut self, attestation: &SignedAttestation, separator: B256) -> Result<(), Error> {
        let (id, sink) = (attestation.taskTypeId, attestation.sink);
        let last = self.last_nonce_in(id, sink);
        let (time, nonce) = self.require_next(attestation.timestamp, attestation.nonce, last)?;
        let digest = typed_data_hash(separator, struct_hash(attestation));
        self.require_signed(sink, digest, &attestation.signature)?;
        self.update_capacity(id, sink, attestation.capacity)?;

        let mut types = self.attestations.setter(id);
        let mut last = types.setter(sink);
        last.nonce.set(nonce);
        last.timestamp.set(time);
        let mut highest = self.highest_nonces.setter(sink);
        if highest.get() < attestation.nonce {
            highest.set(attestation.nonce);
        }
        log(
            self.vm(),
            AttestationApplied {
                taskTypeId: id,
                sink,
                capacity: attestation.capacity,
                timestamp: attestation.timestamp,
            },
        );
        Ok(())
    }

    /// Checks that what was signed is fresh, and that its nonce comes after `last`. Both as they are stored.
    fn require_next(
        &self,
        timestamp: U256,
        nonce: U256,
        last: U256,
    ) -> Result<(Time, Nonce), Error> {
        let now = clock::block_timestamp(self.vm());
        let earliest = U256::from(now.saturating_sub(MAX_ATTESTATION_AGE));
        let latest = U256::from(now.saturating_add(MAX_CLOCK_SKEW));
        if timestamp < earliest || timestamp > latest {
            return Err(StaleAttestation {
                attestationTime: timestamp,
                currentTime: U256::from(now),
            }
            .into());
        }
        match narrow(nonce) {
            // 40 bits of seconds last for 35 000 years.
            Some(next) if nonce > last => Ok((Time::wrapping_from(timestamp), next)),
            _ => Err(NonceAlreadyUsed {
                provided: nonce,
                required: last.saturating_add(U256::from(1)),
            }
            .into()),
        }
    }

    /// Checks that `signer` signed `digest`. A contract gets [`ERC1271_GAS`]; that it got less counts for no refusal.
    fn require_signed(&self, signer: Address, digest: B256, signature: &[u8]) -> Result<(), Error> {
        let is_signed = match has_code(self.vm(), signer) {
            true => {
                let brought = require_gas(self.vm(), ERC1271_GAS);
                let says_so = is_valid_erc1271(self.vm(), signer, digest, signature, ERC1271_GAS);
                if !says_so {
                    brought?;
                }
                says_so
            }
            false => recover(self.vm(), digest, signature)? == signer,
        };
        match is_signed {
            true => Ok(()),
            false => Err(InvalidSignature {}.into()),
        }
    }

    /// The registry gets [`UPDATE_GAS`]; what looks like having got less counts for no refusal.
    fn update_capacity(&self, id: B256, sink: Address, capacity: U256) -> Result<(), Error> {
        let update = ICapacityRegistry::updateCapacityFromAggregatorCall {
            taskTypeId: id,
            sink,
            capacity,
        };
        let registry = self.capacity_registry.get();
        let brought = require_gas(self.vm(), UPDATE_GAS);
        let answer = call(
            self.vm(),
            registry,
            &update.abi_encode(),
            UPDATE_GAS,
            REVERT_LIMIT,
        );
        if answer.success {
            return Ok(());
        }
        // A program without gas reverts with nothing, one that asks for it beforehand says so.
        if answer.data.is_empty() || answer.data.starts_with(&InsufficientGas::SELECTOR) {
            brought?;
        }
        Err(Revert(answer.data).into())
    }

    fn hand_over(&mut self, id: B256, sinks: Vec<Address>, shares: Vec<U256>) -> Result<(), Error> {
        let pool = self.backpressure_pool.get();
        if !has_code(self.vm(), pool) {
            return Err(NoPool {}.into());
        }
        log(
            self.vm(),
            BoltzmannSharesSubmitted {
                taskTypeId: id,
                sinkCount: U256::from(sinks.len()),
                submitter: self.vm().msg_sender(),
            },
        );
        let rebalance = IBackpressurePool::rebalanceWithSharesCall {
            taskTypeId: id,
            sinks,
            shares,
        };
        invoke(self.vm(), pool, &rebalance)?;
        Ok(())
    }
}

fn struct_hash(attestation: &SignedAttestation) -> B256 {
    hash_words(&[
        ATTESTATION_TYPEHASH,
        attestation.taskTypeId,
        attestation.sink.into_word(),
        attestation.capacity.into(),
        attestation.timestamp.into(),
        attestation.nonce.into(),
    ])
}

/// An array as EIP-712 has it: the hash of its members, a word each.
fn hash_array(words: impl Iterator<Item = B256>) -> B256 {
    keccak256(words.flat_map(|word| word.0).collect::<Vec<u8>>())
}

/// What a batch says of an attestation that was refused for `error`; nothing, if the batch has to fail.
fn rejection(error: &Error) -> Option<&'static str> {
    match error {
        Error::StaleAttestation(_) => Some("stale"),
        Error::NonceAlreadyUsed(_) => Some("nonce"),
        Error::InvalidSignature(_) | Error::Signature(_) => Some("signature"),
        Error::Revert(_) => Some("sink"),
        _ => None,
    }
}
