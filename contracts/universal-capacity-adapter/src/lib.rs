//! UniversalCapacityAdapter: brings attestations of any domain to the core registry.
//!
//! A domain (relays, Lightning nodes, agents) has an adapter that reads its attestations and says what they are worth in
//! capacity. This contract asks it, makes sure that each attestation counts once and that the sink has something at stake,
//! and updates the sink's capacity in CapacityRegistry, where it is authorised as an adapter.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`route_attestation`](UniversalCapacityAdapter::route_attestation), and [`refresh`](UniversalCapacityAdapter::refresh) what grew old, whoever the sink is |
//! | the creator of a task type | say which adapters speak for it ([`bind_adapter`](UniversalCapacityAdapter::bind_adapter)); take attestations without numbers there ([`set_unnumbered`](UniversalCapacityAdapter::set_unnumbered)) |
//! | the owner | register and remove the adapters of domains; set the half-life of attestations |
//!
//! Capacities are in units of 1e-9.
//!
//! # What is believed of an adapter
//!
//! That its attestations are genuine, where the creator of the task type says so: nobody's sinks are moved by what the owner
//! alone has chosen. The owner vouches for it as well, and once staking is open it is believed after the notice that
//! powers over stakes need. No more than that: it is asked with bounded gas, its answers
//! are read as far as they may be long, and it reaches nobody but the registered sinks of its domain's task type, whose
//! capacity the registry smooths and cuts to what their stake backs.
//!
//! # One adapter, several task types
//!
//! A domain can have a task type for each of its skills. Such an adapter is registered with no task type, zero, and has
//! `taskTypeOf(bytes attestation)`, which says for which one an attestation is; each one's creator binds it.
//!
//! # Age
//!
//! What is not renewed is worth less with each whole epoch of 300 s, half of it after a *half-life* of 12 epochs (see
//! [`bpe_common::attestation::decayed`]). Anyone brings that to the core by `refresh`: capacity and units fall to it at once.
//!
//! # For authors of adapters
//!
//! An adapter implements `ICapacityAdapter` and `ISequencedAdapter` (see [`bpe_common::interfaces`]). The format of an
//! attestation is its own. It checks who attested and that the attestation is fresh, and numbers a sink's attestations:
//! `attestationNonce(bytes)` returns a number that the proof covers, a counter or a time of signing. Hashes of the bytes could
//! not tell attestations apart, because ABI-encoded bytes can be padded at will. Of a sink in a domain only higher numbers
//! than the last one are taken, in the adapter that follows an adapter too: so an adapter that replaces another counts on
//! from where that one was, or uses times as it did. A number is at most 2^32 above the last one (from zero on, a time in
//! seconds fits), so that no single one shuts a sink out for ever.
//!
//! # Adapters without numbers
//!
//! The Solidity deployment's adapters are plain `ICapacityAdapter`s. They work here too, once the creator of the domain's task
//! type at the registry has allowed it for that adapter: then one attestation per sink and epoch of 300 s is taken, the
//! first that anybody brings. What cannot be known here is whether it is one of before: that it is not brought again in a
//! later epoch is the adapter's to see to, by refusing what is too old.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U128, U16, U256, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::{self, decayed, is_old, HALF_LIFE},
    call::{
        first_words, invoke_words, query, query_words, require_contract, static_call, to_address,
        Revert,
    },
    clock, emit,
    events::Word,
    interfaces::{
        ICapacityAdapter, ICapacityRegistry, ISequencedAdapter, ISinkRegistrar, IStakes,
        ITaskTypeAdapter,
    },
    list::IdList,
    math::to_u128_saturating,
    ownable::Ownable,
    packed::{to_u128, widen},
    powers::{self, power},
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// The longest description of a domain, in bytes.
pub const MAX_DESCRIPTION: usize = 1_024;
/// Domains that there can be.
pub const MAX_DOMAINS: usize = 256;
/// What an adapter may use to read an attestation, and again to number it: enough for several signatures, or a proof.
pub const ADAPTER_GAS: u64 = 2_000_000;
/// How far a nonce may be above the last one.
pub const MAX_NONCE_STEP: u64 = 1 << 32;
/// As much is read of what an adapter answers to that, or reverts with.
const ANSWER_LIMIT: usize = 256;

/// The power to say what a domain's sinks can do, as [`powers::PowerAnnounced`] names it.
pub const ADAPTER: B256 = power("adapter");

/// A domain. Two slots: adapter (160 bits), since (64), unnumbered (8); task_type_id. Zeros if it has no adapter.
#[storage]
pub struct Domain {
    adapter: StorageAddress,
    /// Since when the adapter is believed.
    since: StorageU64,
    unnumbered: StorageBool,
    task_type_id: StorageB256,
}

/// What was attested of a sink last. One slot: capacity (128 bits, in units of 1e-9), time (64, in seconds since 1970).
#[storage]
pub struct Attested {
    capacity: StorageU128,
    time: StorageU64,
}

/// The contract. Slots 0–1: ownership. Slots 2–3: the list of domains. Slots 4–5: the neighbours, an address each;
/// stake_manager with half_life (16 bits). Then the mappings.
#[entrypoint]
#[storage]
pub struct UniversalCapacityAdapter {
    #[borrow]
    ownable: Ownable,
    domain_ids: IdList,
    core_registry: StorageAddress,
    stake_manager: StorageAddress,
    /// Of what is attested, in epochs.
    half_life: StorageU16,
    domains: StorageMap<B256, Domain>,
    /// The highest nonce of a sink in a domain. No adapter's leaving touches it.
    nonces: StorageMap<B256, StorageMap<Address, StorageU256>>,
    /// When the next attestation of a sink is taken in a domain whose adapter numbers none.
    next: StorageMap<B256, StorageMap<Address, StorageU64>>,
    /// Which adapters speak for a task type, as its creator has it.
    bound: StorageMap<B256, StorageMap<Address, StorageBool>>,
    /// By task type and sink.
    attested: StorageMap<B256, StorageMap<Address, Attested>>,
}

#[public]
#[inherit(Ownable)]
impl UniversalCapacityAdapter {
    /// Sets the contract up: where capacities go, where stakes are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        core_registry: Address,
        stake_manager: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), core_registry)?;
        require_contract(self.vm(), stake_manager)?;
        self.core_registry.set(core_registry);
        self.stake_manager.set(stake_manager);
        self.half_life.set(U16::from(HALF_LIFE));
        Ok(())
    }

    // --- Anyone

    /// Has the domain's adapter read the attestation, and updates the capacity of the sink in the domain's task type of the
    /// core registry. Its share of the pool follows when somebody rebalances.
    ///
    /// # Errors
    ///
    /// * [`AdapterNotRegistered`], [`AdapterNotBound`], [`InvalidAttestation`], [`SinkNotStaked`]
    /// * [`NonceAlreadyUsed`], [`NonceTooHigh`]
    /// * [`AttestationTooSoon`] instead of a nonce's, if the adapter numbers none.
    /// * What the adapter reverts with, its first 256 bytes.
    /// * What CapacityRegistry reverts with: the sink is not registered, say.
    ///
    /// # Events
    ///
    /// * [`AttestationRouted`]
    pub fn route_attestation(&mut self, domain_id: B256, attestation: Bytes) -> Result<(), Error> {
        let adapter = self.require_adapter(domain_id)?;
        let task_type_id = self.task_type_of(domain_id, adapter, &attestation)?;
        self.require_bound(task_type_id, adapter)?;
        let (sink, capacity) = self.verify(adapter, &attestation)?;
        // What is asked is fixed beforehand, and not what happens to answer: a caller can make a call fail.
        if self.is_unnumbered(domain_id) {
            self.use_epoch(domain_id, sink)?;
        } else {
            let nonce = ISequencedAdapter::attestationNonceCall::SELECTOR;
            let [nonce] = self.ask(adapter, nonce, &attestation)?;
            self.use_nonce(domain_id, sink, nonce.into())?;
        }

        let stake = IStakes::getStakeCall::SELECTOR;
        let stakes = self.stake_manager.get();
        let [stake] = query_words(self.vm(), stakes, stake, &[sink.word()])?;
        if stake.is_zero() {
            return Err(SinkNotStaked {}.into());
        }
        emit!(self.vm(), AttestationRouted[domain_id, sink](capacity));
        self.note(task_type_id, sink, capacity);
        let update = ICapacityRegistry::updateCapacityFromAggregatorCall::SELECTOR;
        let arguments = [task_type_id, sink.word(), capacity.word()];
        let [] = invoke_words(self.vm(), self.core_registry.get(), update, &arguments)?;
        Ok(())
    }

    /// Brings to the core what the sink's last attestation in the task type lost by its age: it has no more there than that is
    /// worth. Does nothing of who never attested here.
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn refresh(&mut self, task_type_id: B256, sink: Address) -> Result<(), Error> {
        let sinks = self.attested.getter(task_type_id);
        let attested = sinks.getter(sink);
        let now = clock::block_timestamp(self.vm());
        let time: u64 = attested.time.get().wrapping_to();
        if time == 0 || !is_old(time, now) {
            return Ok(());
        }
        let half_life = self.half_life.get().wrapping_to();
        let worth = decayed(to_u128(attested.capacity.get()), time, now, half_life);
        let limit = ISinkRegistrar::limitCapacityForCall::SELECTOR;
        let arguments = [task_type_id, sink.word(), worth.word()];
        let [] = invoke_words(self.vm(), self.core_registry.get(), limit, &arguments)?;
        Ok(())
    }

    // --- Creators of task types

    /// Has `adapter` speak for the task type, if the owner has registered it; or no longer. For the task type's creator, as
    /// CapacityRegistry knows it. An owner that registers an adapter for a task type of its own has bound it.
    ///
    /// # Errors
    ///
    /// * [`NotTaskTypeCreator`]; what CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`AdapterBound`]
    pub fn bind_adapter(
        &mut self,
        task_type_id: B256,
        adapter: Address,
        bound: bool,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if self.creator_of(task_type_id)? != caller {
            return Err(NotTaskTypeCreator {
                taskTypeId: task_type_id,
                caller,
            }
            .into());
        }
        self.set_bound(task_type_id, adapter, bound);
        Ok(())
    }

    /// Takes attestations of the domain's adapter without numbers, one per sink and epoch; or no longer. For the creator of
    /// the domain's task type, as CapacityRegistry knows it. Another adapter needs it again.
    ///
    /// # Errors
    ///
    /// * [`AdapterNotRegistered`], [`NotTaskTypeCreator`]; what CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`UnnumberedSet`]
    pub fn set_unnumbered(&mut self, domain_id: B256, unnumbered: bool) -> Result<(), Error> {
        let adapter = self.require_registered(domain_id)?;
        let task_type_id = self.get_task_type_id(domain_id);
        let caller = self.vm().msg_sender();
        if self.creator_of(task_type_id)? != caller {
            return Err(NotTaskTypeCreator {
                taskTypeId: task_type_id,
                caller,
            }
            .into());
        }
        self.domains.setter(domain_id).unnumbered.set(unnumbered);
        emit!(self.vm(), UnnumberedSet[domain_id, adapter](unnumbered));
        Ok(())
    }

    // --- Owner

    /// Registers the adapter of a domain, which says which it is. Its sinks serve the task type of the domain's id. It is
    /// believed after StakeManager's `powerNotice`: an adapter that lies can raise what sinks owe.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`NotAContract`], [`AdapterAlreadyRegistered`], [`DescriptionTooLong`],
    ///   [`TooManyDomains`]
    /// * What the adapter reverts with.
    ///
    /// # Events
    ///
    /// * [`AdapterRegistered`], [`TaskTypeSet`]; [`AdapterBound`], if the owner created the task type;
    ///   [`powers::PowerAnnounced`], if it is believed later.
    pub fn register_adapter(&mut self, adapter: Address) -> Result<(), Error> {
        let domain_id = self.register(adapter)?;
        self.set_task_type(domain_id, domain_id, adapter)
    }

    /// Registers the adapter of a domain whose sinks serve this task type of the core registry, likewise; if zero, the one that
    /// the adapter says of each attestation.
    ///
    /// # Errors
    ///
    /// * As [`UniversalCapacityAdapter::register_adapter`].
    ///
    /// # Events
    ///
    /// * As [`UniversalCapacityAdapter::register_adapter`].
    #[selector(name = "registerAdapter")]
    pub fn register_adapter_for(
        &mut self,
        adapter: Address,
        task_type_id: B256,
    ) -> Result<(), Error> {
        let domain_id = self.register(adapter)?;
        self.set_task_type(domain_id, task_type_id, adapter)
    }

    /// Makes what is attested and not renewed worth half after `epochs` epochs of 300 s, 2 to 288; 12 until then.
    ///
    /// # Errors
    ///
    /// * [`InvalidHalfLife`](attestation::InvalidHalfLife), [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`HalfLifeSet`]
    pub fn set_half_life(&mut self, epochs: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let half_life = attestation::half_life(epochs)?;
        self.half_life.set(U16::from(half_life));
        emit!(self.vm(), HalfLifeSet[](epochs));
        Ok(())
    }

    /// Takes the domain off, at once. What has been attested stays used, should it come back.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`AdapterNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`AdapterRemoved`]
    pub fn remove_adapter(&mut self, domain_id: B256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_registered(domain_id)?;
        self.domain_ids.remove(domain_id);
        let mut entry = self.domains.setter(domain_id);
        entry.adapter.set(Address::ZERO);
        entry.since.set(U64::ZERO);
        entry.unnumbered.set(false);
        entry.task_type_id.set(B256::ZERO);
        emit!(self.vm(), AdapterRemoved[domain_id]);
        Ok(())
    }

    // --- Views

    /// What a signal of the domain's own, in its adapter's format, is worth in capacity, in units of 1e-9.
    ///
    /// # Returns
    ///
    /// * `normalizedCapacity`
    ///
    /// # Errors
    ///
    /// * [`AdapterNotRegistered`]
    /// * What the adapter reverts with, its first 256 bytes.
    pub fn normalize_capacity(&self, domain_id: B256, raw_signal: Bytes) -> Result<U256, Error> {
        let adapter = self.require_adapter(domain_id)?;
        let normalize = ICapacityAdapter::normalizeCapacityCall::SELECTOR;
        let [capacity] = self.ask(adapter, normalize, &raw_signal)?;
        Ok(capacity.into())
    }

    /// The domain's adapter; zero if it has none that is believed.
    pub fn get_adapter(&self, domain_id: B256) -> Address {
        let domain = self.domains.getter(domain_id);
        match powers::is_in_effect(self.vm(), widen(domain.since.get())) {
            true => domain.adapter.get(),
            false => Address::ZERO,
        }
    }

    /// The domain's adapter, its task type, and from when on the adapter is believed, in seconds since 1970: later than now,
    /// if that is announced. Zeros if it has none.
    ///
    /// # Returns
    ///
    /// * `adapter`
    /// * `taskTypeId`
    /// * `from`
    pub fn get_registration(&self, domain_id: B256) -> (Address, B256, U256) {
        let domain = self.domains.getter(domain_id);
        (
            domain.adapter.get(),
            domain.task_type_id.get(),
            widen(domain.since.get()),
        )
    }

    /// The task type of the core registry that the domain's sinks serve; zero if it has no adapter, or one that says itself.
    pub fn get_task_type_id(&self, domain_id: B256) -> B256 {
        self.domains.getter(domain_id).task_type_id.get()
    }

    /// The domains that have an adapter, at most 256, in no order.
    pub fn get_all_domains(&self) -> Vec<B256> {
        self.domain_ids.all()
    }

    /// Whether the creator of the task type has `adapter` speak for it.
    pub fn is_bound(&self, task_type_id: B256, adapter: Address) -> bool {
        self.bound.getter(task_type_id).get(adapter)
    }

    /// What was attested of `sink` in the task type last, in units of 1e-9, and when that came, in seconds since 1970; zeros if
    /// nothing was.
    ///
    /// # Returns
    ///
    /// * `capacity`
    /// * `time`
    pub fn get_attested(&self, task_type_id: B256, sink: Address) -> (U256, U256) {
        let sinks = self.attested.getter(task_type_id);
        let attested = sinks.getter(sink);
        (widen(attested.capacity.get()), widen(attested.time.get()))
    }

    /// After how many epochs of 300 s what is attested and not renewed is worth half.
    pub fn half_life(&self) -> U256 {
        widen(self.half_life.get())
    }

    /// How many domains have an adapter.
    pub fn domain_count(&self) -> U256 {
        U256::from(self.domain_ids.len())
    }

    /// Whether attestations of the domain's adapter are taken without numbers, one per sink and epoch.
    pub fn is_unnumbered(&self, domain_id: B256) -> bool {
        self.domains.getter(domain_id).unnumbered.get()
    }

    /// From when on the next attestation of `sink` is taken in a domain whose adapter numbers none, in seconds since 1970.
    pub fn next_attestation(&self, domain_id: B256, sink: Address) -> U256 {
        widen(self.next.getter(domain_id).get(sink))
    }

    /// The nonce of the attestation of `sink` in the domain that was routed last; zero if none was.
    pub fn last_nonce(&self, domain_id: B256, sink: Address) -> U256 {
        self.nonces.getter(domain_id).get(sink)
    }

    /// Where capacities go.
    pub fn core_registry(&self) -> Address {
        self.core_registry.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }
}

impl UniversalCapacityAdapter {
    fn require_adapter(&self, domain_id: B256) -> Result<Address, AdapterNotRegistered> {
        match self.get_adapter(domain_id) {
            Address::ZERO => Err(AdapterNotRegistered {}),
            adapter => Ok(adapter),
        }
    }

    /// The domain's adapter, believed or not yet.
    fn require_registered(&self, domain_id: B256) -> Result<Address, AdapterNotRegistered> {
        match self.domains.getter(domain_id).adapter.get() {
            Address::ZERO => Err(AdapterNotRegistered {}),
            adapter => Ok(adapter),
        }
    }

    /// For which task type the attestation is.
    fn task_type_of(
        &self,
        domain_id: B256,
        adapter: Address,
        attestation: &[u8],
    ) -> Result<B256, Error> {
        let task_type_id = self.get_task_type_id(domain_id);
        if !task_type_id.is_zero() {
            return Ok(task_type_id);
        }
        let selector = ITaskTypeAdapter::taskTypeOfCall::SELECTOR;
        let [task_type_id] = self.ask(adapter, selector, attestation)?;
        Ok(task_type_id)
    }

    fn require_bound(&self, task_type_id: B256, adapter: Address) -> Result<(), AdapterNotBound> {
        match self.is_bound(task_type_id, adapter) {
            true => Ok(()),
            false => Err(AdapterNotBound {
                taskTypeId: task_type_id,
                adapter,
            }),
        }
    }

    fn set_bound(&mut self, task_type_id: B256, adapter: Address, bound: bool) {
        self.bound.setter(task_type_id).setter(adapter).set(bound);
        emit!(self.vm(), AdapterBound[task_type_id, adapter](bound));
    }

    fn creator_of(&self, task_type_id: B256) -> Result<Address, Revert> {
        let selector = ICapacityRegistry::getCreatorCall::SELECTOR;
        let registry = self.core_registry.get();
        let [creator] = query_words(self.vm(), registry, selector, &[task_type_id])?;
        Ok(to_address(creator))
    }

    /// Notes what was attested now. More than 2^92 − 1 nobody's stake backs.
    fn note(&mut self, task_type_id: B256, sink: Address, capacity: U256) {
        let now = clock::block_timestamp(self.vm());
        let capacity = to_u128_saturating(capacity).min((1 << 92) - 1);
        let mut sinks = self.attested.setter(task_type_id);
        let mut attested = sinks.setter(sink);
        attested.capacity.set(U128::from(capacity));
        attested.time.set(U64::from(now));
    }

    /// The sink and the capacity of an attestation that the adapter takes for genuine.
    fn verify(&self, adapter: Address, attestation: &[u8]) -> Result<(Address, U256), Error> {
        let verify = ICapacityAdapter::verifyAttestationCall::SELECTOR;
        let [valid, sink, capacity] = self.ask(adapter, verify, attestation)?;
        let account = Address::from_word(sink);
        let is_genuine = valid == true.word() && sink == account.into_word() && !account.is_zero();
        match is_genuine {
            true => Ok((account, capacity.into())),
            false => Err(InvalidAttestation {}.into()),
        }
    }

    /// Calls a view function of an adapter that takes bytes, and returns the first words of its answer.
    fn ask<const N: usize>(
        &self,
        adapter: Address,
        selector: [u8; 4],
        argument: &[u8],
    ) -> Result<[B256; N], Error> {
        let data = calldata(selector, argument);
        let answer = static_call(self.vm(), adapter, &data, ADAPTER_GAS, ANSWER_LIMIT);
        if !answer.success {
            return Err(Revert(answer.data).into());
        }
        first_words(&answer.data).ok_or_else(|| InvalidAttestation {}.into())
    }

    fn use_nonce(&mut self, domain_id: B256, sink: Address, nonce: U256) -> Result<(), Error> {
        let mut sinks = self.nonces.setter(domain_id);
        let mut last = sinks.setter(sink);
        if nonce <= last.get() {
            return Err(NonceAlreadyUsed {
                provided: nonce,
                required: last.get().saturating_add(U256::from(1)),
            }
            .into());
        }
        let maximum = last.get().saturating_add(U256::from(MAX_NONCE_STEP));
        if nonce > maximum {
            return Err(NonceTooHigh {
                provided: nonce,
                maximum,
            }
            .into());
        }
        last.set(nonce);
        Ok(())
    }

    fn use_epoch(&mut self, domain_id: B256, sink: Address) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let mut sinks = self.next.setter(domain_id);
        let mut next = sinks.setter(sink);
        let from = next.get();
        if U64::from(now) < from {
            let from = widen(from);
            return Err(AttestationTooSoon { sink, from }.into());
        }
        let end = (now / clock::EPOCH)
            .saturating_add(1)
            .saturating_mul(clock::EPOCH);
        next.set(U64::from(end));
        Ok(())
    }

    /// Puts the adapter's domain on the list, and returns it.
    fn register(&mut self, adapter: Address) -> Result<B256, Error> {
        self.ownable.only_owner()?;
        require_contract(self.vm(), adapter)?;
        let id = ICapacityAdapter::domainIdCall::SELECTOR;
        let [id] = query_words(self.vm(), adapter, id, &[])?;
        let domain_id = B256::from(id);
        let description = query(
            self.vm(),
            adapter,
            &ICapacityAdapter::domainDescriptionCall {},
        )?
        ._0;
        let length = description.len();
        if length > MAX_DESCRIPTION {
            return Err(DescriptionTooLong {
                length: U256::from(length),
                maximum: U256::from(MAX_DESCRIPTION),
            }
            .into());
        }
        if self.require_registered(domain_id).is_ok() {
            return Err(AdapterAlreadyRegistered {}.into());
        }
        if self.domain_ids.len() >= MAX_DOMAINS {
            let maximum = U256::from(MAX_DOMAINS);
            return Err(TooManyDomains { maximum }.into());
        }
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let since = powers::announce(self.vm(), ADAPTER, adapter, notice);
        self.domain_ids.push(domain_id);
        let mut domain = self.domains.setter(domain_id);
        domain.adapter.set(adapter);
        domain.since.set(U64::from(since));
        log(
            self.vm(),
            AdapterRegistered {
                domainId: domain_id,
                adapter,
                description,
            },
        );
        Ok(domain_id)
    }

    /// Names the task type of a domain. One of the owner's own is bound by that.
    fn set_task_type(
        &mut self,
        domain_id: B256,
        task_type_id: B256,
        adapter: Address,
    ) -> Result<(), Error> {
        self.domains
            .setter(domain_id)
            .task_type_id
            .set(task_type_id);
        emit!(self.vm(), TaskTypeSet[domain_id, task_type_id]);
        if self.creator_of(task_type_id)? == self.vm().msg_sender() {
            self.set_bound(task_type_id, adapter, true);
        }
        Ok(())
    }
}

/// Calldata of a function that takes bytes.
fn calldata(selector: [u8; 4], argument: &[u8]) -> Vec<u8> {
    let mut data = selector.to_vec();
    data.extend_from_slice(32_u64.word().as_slice());
    data.extend_from_slice(argument.len().word().as_slice());
    data.extend_from_slice(argument);
    // Padded to whole words.
    data.resize(argument.len().next_multiple_of(32).saturating_add(68), 0);
    data
}
