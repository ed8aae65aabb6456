//! RelayPaymentPool: pools that pay Nostr relays for writing, reading and storing events.
//!
//! There are three pools, each a task type of CapacityRegistry with a pool of BackpressurePool. A relay that joins one is
//! paid from its streams, in proportion to the relay's composite capacity, as every sink of the suite is. No money passes
//! through this contract: the *operator* of a relay is the sink, and Superfluid pays it.
//!
//! | who | may |
//! |---|---|
//! | anyone | set the pools up; bring a relay's newest capacity, or its age, to its pools; have a relay leave that its operator no longer has |
//! | a relay's operator | join and leave |
//! | the relay registry | have a relay leave that was taken off |
//! | the owner | set the least payment per event and the half-life, and name the PricingCurve by which payments rise |
//!
//! This contract has to be an *adapter* of CapacityRegistry (`setAdapter`), so that it may register sinks. It does so for the
//! operator that asks for it, and for nobody else. Task types are `keccak256(abi.encode(poolType, address(this)))`: another
//! deployment has pools of its own.
//!
//! Capacities are in units of 1e-9, payments in the payment token's wei per event.
//!
//! # What a relay is paid by
//!
//! By what it attests, and by nothing else: the three task types are attested ones at CapacityRegistry, because this contract
//! creates them as an adapter. On joining the relay's last attestation counts as any other does, smoothed from zero. Each later
//! attestation is passed on at most once, as it was attested, by whoever calls [`refresh`](RelayPaymentPool::refresh):
//! CapacityRegistry smooths it itself, and would smooth it again each time it came. Attestations that nobody passed on are
//! skipped; the last one counts. CapacityRegistry takes one step an L1 block at most: what comes in the block of a step, or of
//! joining, moves nothing until the next attestation.
//!
//! What is not renewed is worth less with each whole epoch of 300 s, half of it after a *half-life* of 12 epochs (see
//! [`bpe_common::attestation::decayed`]). Anyone brings that to the core, again with `refresh`: the relay's capacity there
//! falls to it at once, and its units with it, in the end to nothing.
//!
//! One stake backs the sum over all pools that an operator has joined, and whatever else it serves: a relay with a composite
//! capacity of 100 that wants to be paid for all of it in all three pools needs the stake that backs 300. What does not fit
//! is cut off the pool that comes last, and if nothing fits, joining fails with `CapacityExceedsCap`.
//!
//! Pools weigh relays by capacity; the owner of BackpressurePool may have one weigh them by spare capacity, or by submitted
//! shares, in which case units change when shares next come.
//!
//! # Leaving
//!
//! Who leaves is paid no longer from the same transaction on, and so is a relay that is taken off the relay registry, which
//! tells this contract. Should the registry not know of it, anyone can have a relay leave that is no longer registered there,
//! or has another operator. An operator is free to deregister as a sink at CapacityRegistry itself;
//! then it still has to leave here, before it can join again. Stake whose last task type was left unbonds first, for a day, and
//! backs nothing meanwhile.
//!
//! Whoever has the stake can register as a sink of these task types at CapacityRegistry without a relay; it has no capacity
//! there, and nothing is paid for none.
//!
//! # What an event costs
//!
//! Each pool has a least payment per event, against spam, that relays ask of who publishes: 1e12 wei, until the owner sets
//! another. RelayBudget collects it. It
//! rises with congestion by the relay tariff: `1 + 9u / (8 − 7u)` times the owner's figure, twice at 50 % load, four times at
//! 80 %, 9.33 times from 99 % on. Loads are what sinks report to PricingCurve, where nobody checks them; without PricingCurve
//! the figure stands.
//!
//! - At one relay, `u` is the load that its operator reported last, over its capacity in the pool.
//! - In a whole pool, `u` is what all of its sinks have reported in PricingCurve's open epoch, over their total capacity. It
//!   grows as reports come in. Until the first of the next epoch, and for 60 s at most, the demand of the last one stands.
//!   One sink that exaggerates makes the pool dear, so relays should ask for their own.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    attestation::{self, decayed, is_old, HALF_LIFE},
    call::{invoke_words, query_words, require_contract, to_address, Revert},
    clock,
    eip712::hash_words,
    emit,
    events::Word,
    interfaces::{ICapacityRegistry, IPricingCurve, IRelayRegistry, ISinkRegistrar, IUnitBalancer},
    math::{
        self,
        pricing::{congestion_price, relay_multiplier, utilization, EPOCH},
    },
    ownable::Ownable,
    packed::{narrow, to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// Pays for taking events in: `keccak256("RELAY_WRITE")`.
pub const RELAY_WRITE: B256 =
    b256!("29e564b55b6ad05e9b25f9dc79ee5840311bb63e35dbb506106bb2796630c0bf");
/// Pays for giving events out: `keccak256("RELAY_READ")`.
pub const RELAY_READ: B256 =
    b256!("c89dc97839ceb5e013d471db674517846cbf518c39db8b1e9c3867f8db30f576");
/// Pays for keeping events: `keccak256("RELAY_STORE")`.
pub const RELAY_STORE: B256 =
    b256!("e5dc7022b337d5ead5610ab64f07c49eb8ce307c846b7e5b315aa7e80860be73");
/// What an event costs at least in an idle pool until the owner says otherwise, in wei.
pub const DEFAULT_MIN_PAYMENT: u64 = 1_000_000_000_000;
/// All of them.
pub const POOL_TYPES: [B256; 3] = [RELAY_WRITE, RELAY_READ, RELAY_STORE];

/// What is known of a pool type. One slot: pool (160 bits), min_payment (96).
#[storage]
pub struct Terms {
    /// Its Superfluid pool; zero until the pools are set up.
    pool: StorageAddress,
    /// The least payment per event of an idle pool, in wei.
    min_payment: StorageUint<96, 2>,
}

/// A relay in a pool. One slot: operator (160 bits), sequence (32).
#[storage]
#[derive(Erase)]
pub struct Member {
    /// Who joined with it, and is the sink; zero if nobody.
    operator: StorageAddress,
    /// The last of the relay's updates that the pool has heard of.
    sequence: StorageU32,
}

/// The contract. Slots 0–1: ownership. Slots 2–5: the neighbours, an address each; pricing_curve with half_life (16 bits). Then
/// the mappings.
#[entrypoint]
#[storage]
pub struct RelayPaymentPool {
    #[borrow]
    ownable: Ownable,
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    relay_registry: StorageAddress,
    pricing_curve: StorageAddress,
    /// Of what is attested, in epochs.
    half_life: StorageU16,
    terms: StorageMap<B256, Terms>,
    /// By pool type and the relay's key.
    members: StorageMap<B256, StorageMap<B256, Member>>,
    /// The relay with which an operator is in a pool, by pool type: a sink has one capacity in a task type.
    joined: StorageMap<B256, StorageMap<Address, StorageB256>>,
}

#[public]
#[inherit(Ownable)]
impl RelayPaymentPool {
    /// Sets the contract up: where streams are split, where sinks are registered, where relays are, and who owns the
    /// contract. There is no PricingCurve yet.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        backpressure_pool: Address,
        capacity_registry: Address,
        relay_registry: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [backpressure_pool, capacity_registry, relay_registry] {
            require_contract(self.vm(), neighbour)?;
        }
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(capacity_registry);
        self.relay_registry.set(relay_registry);
        self.half_life.set(Uint::from(HALF_LIFE));
        Ok(())
    }

    // --- Anyone

    /// Registers the three task types, with the minimum stake of the relay registry's task type, and creates their pools. What
    /// somebody has registered or created before is taken over, if the minimum stake is the same and capacities are attested.
    ///
    /// # Errors
    ///
    /// * [`PoolsAlreadyInitialized`], [`TaskTypeTaken`]
    /// * What CapacityRegistry or BackpressurePool revert with.
    ///
    /// # Events
    ///
    /// * [`RelayPoolCreated`], [`AntiSpamConfigUpdated`] for each.
    pub fn initialize_pools(&mut self) -> Result<(), Error> {
        if !self.terms.getter(RELAY_WRITE).pool.get().is_zero() {
            return Err(PoolsAlreadyInitialized {}.into());
        }
        let relays = self.relay_registry.get();
        let selector = IRelayRegistry::relayTaskTypeIdCall::SELECTOR;
        let [relay_type] = query_words(self.vm(), relays, selector, &[])?;
        let min_stake = self.min_stake(relay_type.into())?;
        for pool_type in POOL_TYPES {
            let id = self.task_type(pool_type);
            self.register_task_type(id, min_stake)?;
            let pool = self.create_pool(id)?;
            self.terms.setter(pool_type).pool.set(pool);
            // Unless the owner has set another one before.
            let mut terms = self.terms.setter(pool_type);
            if terms.min_payment.get().is_zero() {
                terms.min_payment.set(Uint::from(DEFAULT_MIN_PAYMENT));
                emit!(
                    self.vm(),
                    AntiSpamConfigUpdated[pool_type](DEFAULT_MIN_PAYMENT)
                );
            }
            emit!(self.vm(), RelayPoolCreated[pool_type, id, pool]);
        }
        Ok(())
    }

    /// Passes the last update of a relay in the pool on to CapacityRegistry, as it was attested, less what it lost by its age;
    /// and what it lost since, of one that was passed on. Gives the operator its new units.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`], [`RelayNotInPool`], [`NotRelayOperator`]
    /// * [`NothingNew`] if the pool has heard of it, and the relay has no more than it is worth.
    /// * What CapacityRegistry or BackpressurePool revert with.
    ///
    /// # Events
    ///
    /// * [`RelayRefreshed`]
    pub fn refresh(&mut self, pool_type: B256, nostr_pubkey: B256) -> Result<(), Error> {
        let id = self.require_task_type(pool_type)?;
        let operator = self.require_member(pool_type, nostr_pubkey)?;
        let update = self.update_of(nostr_pubkey)?;
        if update.operator != operator {
            return Err(NotRelayOperator {}.into());
        }
        let (worth, is_old) = self.worth(&update);
        let mut members = self.members.setter(pool_type);
        let mut member = members.setter(nostr_pubkey);
        // Another, not a higher one: they may start over.
        let is_new = widen(member.sequence.get()) != update.sequence;
        member.sequence.set(Uint::wrapping_from(update.sequence));
        let arguments = [id, operator.word(), worth.word()];
        if is_new {
            self.tell_core(UPDATE, &arguments)?;
        }
        let capacity = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let [capacity] = self.ask_core(capacity, &arguments[..2])?;
        if is_old && capacity > worth {
            self.tell_core(ISinkRegistrar::limitCapacityForCall::SELECTOR, &arguments)?;
        } else if !is_new {
            let sequence = update.sequence;
            return Err(NothingNew { sequence }.into());
        }
        emit!(
            self.vm(),
            RelayRefreshed[pool_type, nostr_pubkey](worth, update.sequence)
        );
        self.rebalance(id, operator)
    }

    /// Has a relay leave all its pools, as it was taken off. For the relay registry.
    ///
    /// # Errors
    ///
    /// * [`NotRelayOperator`]
    /// * What CapacityRegistry reverts with: `InsufficientGas`.
    ///
    /// # Events
    ///
    /// * [`RelayLeftPool`] for each.
    pub fn relay_gone(&mut self, nostr_pubkey: B256) -> Result<(), Error> {
        if self.vm().msg_sender() != self.relay_registry.get() {
            return Err(NotRelayOperator {}.into());
        }
        for pool_type in POOL_TYPES {
            let operator = self.operator_in(pool_type, nostr_pubkey);
            if !operator.is_zero() {
                self.take_out(pool_type, nostr_pubkey, operator)?;
            }
        }
        Ok(())
    }

    // --- Operators

    /// Has the caller paid from the pool, for the relay that it operates.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`], [`PoolNotInitialized`], [`NotRelayOperator`], [`RelayAlreadyInPool`]
    /// * What CapacityRegistry or BackpressurePool revert with: `InsufficientStake`, `CapacityExceedsCap`.
    ///
    /// # Events
    ///
    /// * [`RelayJoinedPool`]
    pub fn join_pool(&mut self, pool_type: B256, nostr_pubkey: B256) -> Result<(), Error> {
        let id = self.require_task_type(pool_type)?;
        if self.terms.getter(pool_type).pool.get().is_zero() {
            return Err(PoolNotInitialized {}.into());
        }
        let operator = self.vm().msg_sender();
        let update = self.update_of(nostr_pubkey)?;
        if update.operator != operator {
            return Err(NotRelayOperator {}.into());
        }
        let is_in = self.is_relay_in_pool(pool_type, nostr_pubkey);
        if is_in || !self.joined.getter(pool_type).get(operator).is_zero() {
            return Err(RelayAlreadyInPool {}.into());
        }
        let mut members = self.members.setter(pool_type);
        let mut member = members.setter(nostr_pubkey);
        member.operator.set(operator);
        member.sequence.set(Uint::wrapping_from(update.sequence));
        self.joined
            .setter(pool_type)
            .setter(operator)
            .set(nostr_pubkey);
        emit!(self.vm(), RelayJoinedPool[pool_type, nostr_pubkey](operator));
        let selector = ISinkRegistrar::registerSinkForCall::SELECTOR;
        let (worth, _) = self.worth(&update);
        self.tell_core(selector, &[id, operator.word(), worth.word()])?;
        self.rebalance(id, operator)
    }

    /// Takes a relay out of the pool, which pays its operator no longer. For who joined with it; for anyone, when the relay
    /// registry no longer names that account as the relay's operator.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`], [`RelayNotInPool`], [`NotRelayOperator`]
    /// * What CapacityRegistry reverts with: `InsufficientGas`.
    ///
    /// # Events
    ///
    /// * [`RelayLeftPool`]
    pub fn leave_pool(&mut self, pool_type: B256, nostr_pubkey: B256) -> Result<(), Error> {
        self.require_task_type(pool_type)?;
        let operator = self.require_member(pool_type, nostr_pubkey)?;
        if self.vm().msg_sender() != operator && self.update_of(nostr_pubkey)?.operator == operator
        {
            return Err(NotRelayOperator {}.into());
        }
        self.take_out(pool_type, nostr_pubkey, operator)
    }

    // --- Owner

    /// Makes an event cost at least `min_payment_per_event` wei when a pool is idle. Less than 2^96.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`], [`MinPaymentTooLarge`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AntiSpamConfigUpdated`]
    pub fn set_min_payment_per_event(
        &mut self,
        pool_type: B256,
        min_payment_per_event: U256,
    ) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_task_type(pool_type)?;
        let payment = narrow(min_payment_per_event).ok_or(MinPaymentTooLarge {
            minPaymentPerEvent: min_payment_per_event,
        })?;
        self.terms.setter(pool_type).min_payment.set(payment);
        emit!(
            self.vm(),
            AntiSpamConfigUpdated[pool_type](min_payment_per_event)
        );
        Ok(())
    }

    /// Makes what is attested and not renewed worth half after `epochs` epochs of 300 s, 2 to 288; 12 until then.
    ///
    /// # Errors
    ///
    /// * [`InvalidHalfLife`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`HalfLifeSet`]
    pub fn set_half_life(&mut self, epochs: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let half_life = attestation::half_life(epochs)?;
        self.half_life.set(Uint::from(half_life));
        emit!(self.vm(), HalfLifeSet[](epochs));
        Ok(())
    }

    /// Reads loads from `pricing_curve`; zero for none.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`PricingCurveSet`]
    pub fn set_pricing_curve(&mut self, pricing_curve: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !pricing_curve.is_zero() {
            require_contract(self.vm(), pricing_curve)?;
        }
        self.pricing_curve.set(pricing_curve);
        emit!(self.vm(), PricingCurveSet[pricing_curve]);
        Ok(())
    }

    // --- Views

    /// What an event costs at least in a pool that is as busy as this one is now, in wei, rounded down.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`]
    /// * What PricingCurve or CapacityRegistry revert with.
    pub fn get_min_payment_per_event(&self, pool_type: B256) -> Result<U256, Error> {
        let id = self.require_task_type(pool_type)?;
        let pricing = self.pricing_curve.get();
        if pricing.is_zero() {
            return Ok(self.min_payment(pool_type, U256::ZERO, U256::ZERO));
        }
        let selector = IPricingCurve::getEpochCall::SELECTOR;
        let [start, demand] = query_words(self.vm(), pricing, selector, &[id])?;
        let age = clock::block_timestamp(self.vm()).saturating_sub(start.saturating_to());
        // The last epoch's stands until the first report of this one; then nobody has reported for a whole epoch.
        let load = match age < 2 * EPOCH {
            true => demand,
            false => U256::ZERO,
        };
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [_, _, capacity] = self.ask_core(selector, &[id])?;
        Ok(self.min_payment(pool_type, load, capacity))
    }

    /// What an event costs at least at this relay, as busy as it is now, in wei, rounded down.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`], [`RelayNotInPool`]
    /// * What PricingCurve or CapacityRegistry revert with.
    #[selector(name = "getMinPaymentPerEvent")]
    pub fn get_min_payment_per_event_at(
        &self,
        pool_type: B256,
        nostr_pubkey: B256,
    ) -> Result<U256, Error> {
        let id = self.require_task_type(pool_type)?;
        let operator = self.require_member(pool_type, nostr_pubkey)?;
        let pricing = self.pricing_curve.get();
        if pricing.is_zero() {
            return Ok(self.min_payment(pool_type, U256::ZERO, U256::ZERO));
        }
        let arguments = [id, operator.word()];
        let selector = IPricingCurve::getQueueLoadCall::SELECTOR;
        let [load] = query_words(self.vm(), pricing, selector, &arguments)?;
        let selector = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let [capacity] = self.ask_core(selector, &arguments)?;
        Ok(self.min_payment(pool_type, load, capacity))
    }

    /// What an event costs at least in an idle pool, in wei.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`]
    pub fn get_base_min_payment(&self, pool_type: B256) -> Result<U256, Error> {
        self.require_task_type(pool_type)?;
        Ok(widen(self.terms.getter(pool_type).min_payment.get()))
    }

    /// The Superfluid pool of a pool type, to stream into; zero until the pools are set up.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`]
    pub fn get_pool_address(&self, pool_type: B256) -> Result<Address, Error> {
        self.require_task_type(pool_type)?;
        Ok(self.terms.getter(pool_type).pool.get())
    }

    /// The task type of a pool type: `keccak256(abi.encode(poolType, address(this)))`.
    ///
    /// # Errors
    ///
    /// * [`InvalidPoolType`]
    pub fn get_task_type_id(&self, pool_type: B256) -> Result<B256, Error> {
        self.require_task_type(pool_type)
    }

    /// Whether a relay is in the pool.
    pub fn is_relay_in_pool(&self, pool_type: B256, nostr_pubkey: B256) -> bool {
        !self.operator_in(pool_type, nostr_pubkey).is_zero()
    }

    /// Who joined the pool with this relay, and the number of the relay's last update that the pool has heard of. Zeros if the
    /// relay is not in the pool.
    ///
    /// # Returns
    ///
    /// * `operator`
    /// * `sequence`
    pub fn get_member(&self, pool_type: B256, nostr_pubkey: B256) -> (Address, U256) {
        let members = self.members.getter(pool_type);
        let member = members.getter(nostr_pubkey);
        (member.operator.get(), widen(member.sequence.get()))
    }

    /// The relay with which `operator` is in the pool; zero if it is not.
    pub fn get_joined_relay(&self, pool_type: B256, operator: Address) -> B256 {
        self.joined.getter(pool_type).get(operator)
    }

    /// Where streams are split.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where sinks are registered.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where relays are.
    pub fn relay_registry(&self) -> Address {
        self.relay_registry.get()
    }

    /// Where loads are; zero if nowhere.
    pub fn pricing_curve(&self) -> Address {
        self.pricing_curve.get()
    }

    /// After how many epochs of 300 s what is attested and not renewed is worth half.
    pub fn half_life(&self) -> U256 {
        widen(self.half_life.get())
    }

    /// `keccak256("RELAY_WRITE")`
    #[selector(name = "RELAY_WRITE")]
    pub fn relay_write(&self) -> B256 {
        RELAY_WRITE
    }

    /// `keccak256("RELAY_READ")`
    #[selector(name = "RELAY_READ")]
    pub fn relay_read(&self) -> B256 {
        RELAY_READ
    }

    /// `keccak256("RELAY_STORE")`
    #[selector(name = "RELAY_STORE")]
    pub fn relay_store(&self) -> B256 {
        RELAY_STORE
    }
}

/// What the relay registry says of a relay.
struct Update {
    operator: Address,
    /// As it was attested last.
    raw: U256,
    sequence: U256,
    /// When that was, in seconds since 1970.
    time: U256,
}

const UPDATE: [u8; 4] = ICapacityRegistry::updateCapacityFromAggregatorCall::SELECTOR;

impl RelayPaymentPool {
    fn update_of(&self, pubkey: B256) -> Result<Update, Error> {
        let selector = IRelayRegistry::getCapacityUpdateCall::SELECTOR;
        let registry = self.relay_registry.get();
        let [operator, _, raw, sequence, time] =
            query_words(self.vm(), registry, selector, &[pubkey])?;
        Ok(Update {
            operator: to_address(operator),
            raw,
            sequence,
            time,
        })
    }

    /// What an update is worth now, and whether it is so old that nobody has more than that.
    fn worth(&self, update: &Update) -> (U256, bool) {
        let now = clock::block_timestamp(self.vm());
        let half_life = self.half_life.get().wrapping_to();
        // A composite capacity has 70 bits.
        let raw = math::to_u128_saturating(update.raw);
        let time = update.time.saturating_to();
        let worth = decayed(raw, time, now, half_life);
        (U256::from(worth), is_old(time, now))
    }

    /// Takes a relay out of a pool, and its operator out of the core.
    fn take_out(
        &mut self,
        pool_type: B256,
        nostr_pubkey: B256,
        operator: Address,
    ) -> Result<(), Error> {
        self.members.setter(pool_type).delete(nostr_pubkey);
        self.joined.setter(pool_type).delete(operator);
        emit!(self.vm(), RelayLeftPool[pool_type, nostr_pubkey](operator));
        // It may have left CapacityRegistry by itself.
        let arguments = [self.task_type(pool_type), operator.word()];
        let [serves] = self.ask_core(ICapacityRegistry::isRegisteredCall::SELECTOR, &arguments)?;
        match serves.is_zero() {
            true => Ok(()),
            false => self.tell_core(ISinkRegistrar::deregisterSinkForCall::SELECTOR, &arguments),
        }
    }

    /// Registers a task type in which capacities are attested, or sees that it is one, with this minimum stake.
    fn register_task_type(&self, id: B256, required: U256) -> Result<(), Error> {
        let [exists] = self.ask_core(ICapacityRegistry::taskTypeExistsCall::SELECTOR, &[id])?;
        if exists.is_zero() {
            let selector = ISinkRegistrar::registerTaskTypeCall::SELECTOR;
            self.tell_core(selector, &[id, required.word()])?;
            return self.tell_core(ISinkRegistrar::requireAttestationsCall::SELECTOR, &[id]);
        }
        let min_stake = self.min_stake(id)?;
        let [attested] = self.ask_core(ISinkRegistrar::isAttestedCall::SELECTOR, &[id])?;
        match min_stake == required && !attested.is_zero() {
            true => Ok(()),
            false => Err(TaskTypeTaken {
                taskTypeId: id,
                minStake: min_stake,
                required,
            }
            .into()),
        }
    }

    /// The pool of a task type, which is created if there is none.
    fn create_pool(&self, id: B256) -> Result<Address, Error> {
        let pools = self.backpressure_pool.get();
        let [pool] = self.pool_of(id)?;
        if !pool.is_zero() {
            return Ok(to_address(pool));
        }
        let selector = IUnitBalancer::createPoolCall::SELECTOR;
        let [] = invoke_words(self.vm(), pools, selector, &[id])?;
        let [pool] = self.pool_of(id)?;
        Ok(to_address(pool))
    }

    fn pool_of(&self, id: B256) -> Result<[U256; 1], Error> {
        let selector = IUnitBalancer::getPoolCall::SELECTOR;
        Ok(query_words(
            self.vm(),
            self.backpressure_pool.get(),
            selector,
            &[id],
        )?)
    }

    /// Gives `operator` the units of its capacity. Where units follow submitted shares, they wait for the next ones.
    fn rebalance(&self, id: B256, operator: Address) -> Result<(), Error> {
        let selector = IUnitBalancer::rebalanceSinkCall::SELECTOR;
        let pools = self.backpressure_pool.get();
        match invoke_words(self.vm(), pools, selector, &[id, operator.word()]) {
            Ok([]) => Ok(()),
            Err(Revert(data)) if data == IUnitBalancer::WeightedByShares::SELECTOR => Ok(()),
            Err(revert) => Err(revert.into()),
        }
    }

    /// The least payment per event, times what `load` of `capacity` makes of it.
    fn min_payment(&self, pool_type: B256, load: U256, capacity: U256) -> U256 {
        let base = to_u128(self.terms.getter(pool_type).min_payment.get());
        let busy = match load.is_zero() {
            true => 0,
            false => utilization(
                math::to_u128_saturating(load),
                math::to_u128_saturating(capacity),
            ),
        };
        congestion_price(base, 0, relay_multiplier(busy))
    }

    fn min_stake(&self, id: B256) -> Result<U256, Error> {
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [min_stake, _, _] = self.ask_core(selector, &[id])?;
        Ok(min_stake)
    }

    /// The task type of a pool type, whatever it is.
    fn task_type(&self, pool_type: B256) -> B256 {
        hash_words(&[pool_type, self.vm().contract_address().word()])
    }

    fn require_task_type(&self, pool_type: B256) -> Result<B256, Error> {
        match POOL_TYPES.contains(&pool_type) {
            true => Ok(self.task_type(pool_type)),
            false => Err(InvalidPoolType {}.into()),
        }
    }

    fn operator_in(&self, pool_type: B256, pubkey: B256) -> Address {
        let members = self.members.getter(pool_type);
        members.getter(pubkey).operator.get()
    }

    fn require_member(&self, pool_type: B256, pubkey: B256) -> Result<Address, Error> {
        let operator = self.operator_in(pool_type, pubkey);
        match operator.is_zero() {
            true => Err(RelayNotInPool {}.into()),
            false => Ok(operator),
        }
    }

    fn ask_core<const N: usize>(
        &self,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        let core = self.capacity_registry.get();
        Ok(query_words(self.vm(), core, selector, arguments)?)
    }

    fn tell_core(&self, selector: [u8; 4], arguments: &[B256]) -> Result<(), Error> {
        let core = self.capacity_registry.get();
        let [] = invoke_words(self.vm(), core, selector, arguments)?;
        Ok(())
    }
}
