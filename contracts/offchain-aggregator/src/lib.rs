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
//! 600 s old. What the sink has declared itself since then, by registering or by revealing, counts instead: one that was held
//! back is stale.
//!
//! # A batch never fails for one of its attestations
//!
//! What is refused is said in an event, and can be submitted again: its nonce is not used up. That includes what
//! CapacityRegistry refuses. Both the registry and a contract account get a fixed allowance of gas at most. A contract
//! account's has to be there whatever it answers; if the registry fails, and it may be for want of gas because the caller
//! brought less than that, the whole batch reverts: a relayer who looks for the least gas with which it succeeds finds enough.
//!
//! # Temperature
//!
//! If there is a TemperatureOracle, it hears after each batch how much the capacities that were applied differ: their
//! variance, and the most that it could be for the largest of them, a quarter of its square. If the oracle refuses (this
//! contract has to be its updater), the batch stands. Who composes a batch composes its variance: nothing that pays may
//! depend on that number alone, and in this suite nothing does.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{borrow::ToOwned, vec, vec::Vec};
use alloy_primitives::{b256, keccak256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::{self, require_signed, update_capacity, InvalidSignature, Last},
    call::{call, calldata, has_code, invoke, require_contract, require_gas},
    eip712::{hash_words, typed_data_hash, Domain, DomainFields},
    emit,
    interfaces::{IBackpressurePool, ITemperatureOracle},
    ownable::Ownable,
    signature::is_valid,
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

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

/// The most attestations in a batch.
pub const MAX_BATCH: usize = 256;
/// What the temperature oracle may use. It writes two slots.
pub const ORACLE_GAS: u64 = 200_000;

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
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, capacity_registry: Address, owner: Address) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), capacity_registry)?;
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
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if an attestation may have been refused for want of gas.
    ///
    /// # Events
    ///
    /// * [`AttestationApplied`] or [`AttestationRejected`] for each, then [`BatchSubmitted`]; [`TemperatureUpdateFailed`]
    pub fn submit_batch(&mut self, attestations: Vec<SignedAttestation>) -> Result<(), Error> {
        if attestations.len() > MAX_BATCH {
            let (length, maximum) = (U256::from(attestations.len()), U256::from(MAX_BATCH));
            return Err(BatchTooLarge { length, maximum }.into());
        }
        let separator = DOMAIN.separator(self.vm());
        let mut applied = Vec::new();
        for attestation in &attestations {
            let Err(error) = self.apply(attestation, separator) else {
                applied.push(attestation.capacity);
                continue;
            };
            let reason = error.reason().ok_or(error)?.to_owned();
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
        self.tell_temperature(&applied)
    }

    /// Applies one attestation.
    ///
    /// # Errors
    ///
    /// * [`attestation::StaleAttestation`], [`attestation::NonceAlreadyUsed`], [`InvalidSignature`], [`InsufficientGas`](bpe_common::call::InsufficientGas)
    /// * [`bpe_common::signature::Error`] if the signature of an account without code is malformed.
    /// * What CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`AttestationApplied`]
    pub fn submit(&mut self, attestation: SignedAttestation) -> Result<(), Error> {
        let separator = DOMAIN.separator(self.vm());
        Ok(self.apply(&attestation, separator)?)
    }

    /// Hands the shares of the sinks of a task type to the pool, as the share signer signed them. Nonces rise per task type.
    ///
    /// # Errors
    ///
    /// * [`attestation::StaleAttestation`], [`attestation::NonceAlreadyUsed`], [`InvalidSignature`], [`NoPool`]
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
        let next = self.shares.getter(task_type_id).check(timestamp, nonce)?;
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
            return Err(attestation::Error::from(InvalidSignature {}).into());
        }
        self.shares.setter(task_type_id).accept(next);
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

    /// Tells `oracle` of every batch from now on; nobody, if it is zero.
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
        self.attestations.getter(task_type_id).getter(sink).nonce()
    }

    /// When what was accepted last from `sink` was attested.
    pub fn last_timestamp(&self, task_type_id: B256, sink: Address) -> U256 {
        self.attestations
            .getter(task_type_id)
            .getter(sink)
            .timestamp()
    }

    /// The nonce and the time of the signed shares that were accepted last.
    ///
    /// # Returns
    ///
    /// * `nonce`
    /// * `timestamp`
    pub fn last_shares(&self, task_type_id: B256) -> (U256, U256) {
        let last = self.shares.getter(task_type_id);
        (last.nonce(), last.timestamp())
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

    /// The temperature oracle, which hears of every batch.
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
        U256::from(attestation::MAX_AGE)
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
    fn apply(
        &mut self,
        attestation: &SignedAttestation,
        separator: B256,
    ) -> Result<(), attestation::Error> {
        let (id, sink) = (attestation.taskTypeId, attestation.sink);
        let types = self.attestations.getter(id);
        let next = types
            .getter(sink)
            .check(attestation.timestamp, attestation.nonce)?;
        let digest = typed_data_hash(separator, struct_hash(attestation));
        require_signed(self.vm(), sink, digest, &attestation.signature)?;
        let registry = self.capacity_registry.get();
        let (capacity, timestamp) = (attestation.capacity, attestation.timestamp);
        update_capacity(self.vm(), registry, id, sink, capacity, timestamp)?;

        self.attestations.setter(id).setter(sink).accept(next);
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

    /// Tells the temperature oracle how much capacities differ. Of none there is nothing to tell.
    fn tell_temperature(&self, capacities: &[U256]) -> Result<(), Error> {
        let oracle = self.temperature_oracle.get();
        let (variance, most) = spread(capacities);
        if most.is_zero() || !has_code(self.vm(), oracle) {
            return Ok(());
        }
        let arguments = [variance, most].map(B256::from);
        let data = calldata(
            ITemperatureOracle::updateTemperatureCall::SELECTOR,
            &arguments,
        );
        let brought = require_gas(self.vm(), ORACLE_GAS);
        if !call(self.vm(), oracle, &data, ORACLE_GAS, 0).success {
            brought.map_err(attestation::Error::from)?;
            emit!(self.vm(), TemperatureUpdateFailed[oracle]);
        }
        Ok(())
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

/// The variance of capacities, and the most that it could be: a quarter of the square of the largest. Capacities are cut to
/// 96 bits, more than the registry keeps, so that no sum of 256 squares overflows.
fn spread(capacities: &[U256]) -> (U256, U256) {
    let most = U256::MAX >> 160;
    let (mut sum, mut squares, mut largest) = (U256::ZERO, U256::ZERO, U256::ZERO);
    for capacity in capacities {
        let capacity = (*capacity).min(most);
        sum = sum.saturating_add(capacity);
        squares = squares.saturating_add(capacity.saturating_mul(capacity));
        largest = largest.max(capacity);
    }
    let count = U256::from(capacities.len());
    // (n·Σx² − (Σx)²) / n²: no rounding before the end.
    let spread = squares
        .saturating_mul(count)
        .saturating_sub(sum.saturating_mul(sum));
    let variance = spread.checked_div(count.saturating_mul(count));
    (
        variance.unwrap_or_default(),
        largest.saturating_mul(largest) >> 2,
    )
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
