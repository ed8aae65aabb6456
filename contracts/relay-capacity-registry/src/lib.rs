//! RelayCapacityRegistry: Nostr relays, who operates them, and what they can do.
//!
//! A relay's capacity has three dimensions: events per second, storage and bandwidth. Weighted, they make one *composite*
//! capacity, in which relays can be compared and, through RelayPaymentPool, paid.
//!
//! | who | may |
//! |---|---|
//! | anyone with the stake | register a relay, whose operator it then is |
//! | an operator | deregister its relay |
//! | anyone | take off a relay whose operator's stake is no longer locked or too small |
//! | RelayAttestations, the aggregator | update capacities |
//! | the owner | name the aggregator, set the weights, name RelayAttestations, once (with notice, once staking is open); name the payment pool, once |
//!
//! # Composite capacity
//!
//! `(w₁ · events per second + w₂ · GB + w₃ · Mbps) / 10 000`, with weights of 5 000, 2 500 and 2 500 basis points until the
//! owner sets others. One point of it is one capacity unit of the suite, 1e9 in the units of 1e-9 that all capacities here
//! are in: a relay of 100 events per second, 40 GB and 80 Mbps has 80 points, 80e9. Exact, as 1e9 is a multiple of 10 000.
//! The owner scales points against stake: a unit is `pointsPerUnit` billionths of a point, 1e9 until it sets another number.
//!
//! New weights, and a new scale, count after the notice of powers over stakes, as they can raise what relays owe, from a relay's next update on.
//!
//! At every update it is cut to what the operator's stake can back (`StakeManager.getCapacityCap`), and smoothed: it moves by
//! 30 % of the way, one step an L1 block at most. A first registration counts at once; an operator that comes back, with this
//! relay or another, goes on from where it was. Stake that leaves afterwards is not followed here. CapacityRegistry, by which
//! relays are paid, follows it by itself.
//!
//! # One relay per operator
//!
//! An operator is a sink of the core, and a sink has one capacity in a task type: two relays need two accounts, each with a
//! stake of its own. What is remembered, and the order of attestations, is the operator's too, so that a fresh Nostr key is
//! a way around neither.
//!
//! # A listing locks stake
//!
//! This contract has to be an adapter of CapacityRegistry: whoever registers a relay becomes a sink of the relay task type
//! there, without capacity, which locks the stake that such a sink needs. So one stake lists one relay, and the entry lasts as
//! long as the lock: when the operator leaves the core, or a slash leaves too little, anyone may take the relay off. A
//! relay that is taken off leaves its pools (RelayPaymentPool) in the same transaction, and is paid no longer; its stake starts
//! unbonding.
//!
//! # Whose a Nostr key is
//!
//! The key itself says who its operator is, at KeyRegistry; nobody else registers its relay. A relay whose key has named
//! another operator since can be taken off by anyone, so that it can be registered anew.
//!
//! # What an update is worth
//!
//! An attestation is the operator's own word, bounded by its stake: RelayAttestations takes them, checks their signatures, and
//! brings them here. It is named once, after the notice of powers over stakes. The aggregator is trusted: what it says of a
//! relay counts without the operator's signature, within the operator's cap and smoothed as everything else. It can make a relay
//! look worse or better, and neither add nor remove one. There is none until the owner names it.
//!
//! Every update, a registration included, has a number, which rises: so RelayPaymentPool tells what it has not seen yet; and a
//! time, from which on it loses worth there, if it is not renewed.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, require_contract},
    clock,
    curve::{operator_of, KeyNotProven, NOSTR},
    emit, emit_text,
    events::Word,
    interfaces::{ICapacityRegistry, IRelayPool, ISinkRegistrar, IStakeRequirement},
    list::IdList,
    math::{self, BPS, CAPACITY_ONE},
    ownable::Ownable,
    packed::{to_u128, widen},
    powers::{self, power},
    returns::{Encoded, Returns},
    superfluid::push_bytes,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// The power to update capacities without a signature, as [`powers::PowerAnnounced`] names it.
pub const AGGREGATOR: B256 = power("aggregator");

/// The power to bring what operators have signed.
pub const ATTESTATIONS: B256 = power("attestations");
/// The power to weigh what relays can do. It is given to nobody in particular.
pub const WEIGHTS: B256 = power("weights");

/// The longest URL, in bytes.
pub const MAX_URL: usize = 255;
/// Weight of an update in the smoothed capacity: α = 0.3.
pub const EWMA_ALPHA_BPS: u64 = 3_000;
/// Weights of throughput, storage and bandwidth until the owner sets others.
pub const DEFAULT_WEIGHTS: [u16; 3] = [5_000, 2_500, 2_500];

/// What a weighted point is worth, in units of 1e-9 capacity units.
const POINT: u128 = CAPACITY_ONE as u128 / BPS as u128;
const _: () = assert!(CAPACITY_ONE.is_multiple_of(BPS as u64));

/// A dimension: up to 10^12 events per second, GB or Mbps.
type StorageDimension = StorageUint<40, 1>;
const MAX_DIMENSION: u64 = (1 << 40) - 1;

/// A composite capacity. The largest, (2^40 − 1) · 1e9, has 70 bits.
type Composite = Uint<72, 2>;

/// What is known of an operator's relay. One slot: the three dimensions (40 bits each), smoothed (72), smoothed_block (32),
/// sequence (32): all that an update reads and writes beside its time. It stays when the relay is deregistered.
#[storage]
pub struct Relay {
    events_per_second: StorageDimension,
    storage_gb: StorageDimension,
    bandwidth_mbps: StorageDimension,
    smoothed: StorageUint<72, 2>,
    /// Block in which the capacity was smoothed last: one step a block at most. 0 if there never was a relay.
    smoothed_block: StorageU32,
    /// How many updates there were.
    sequence: StorageU32,
}

/// The contract. Slots 0–1: ownership. Slots 2–5: the neighbours and the task type. Slots 6–7: aggregator, aggregator_from. Slot
/// 8: payment_pool. Slots 9–10: weights, next_weights. Slots 11–12: attestations, attestations_from. Then the list and the
/// mappings.
#[entrypoint]
#[storage]
pub struct RelayCapacityRegistry {
    #[borrow]
    ownable: Ownable,
    core_registry: StorageAddress,
    stake_manager: StorageAddress,
    key_registry: StorageAddress,
    relay_task_type_id: StorageB256,
    aggregator: StorageAddress,
    /// Since when the aggregator is believed.
    aggregator_from: StorageU256,
    /// Where relays are paid; zero until it is named.
    payment_pool: StorageAddress,
    /// What counts until the next weights do. Words by hand, as every width of integers costs code: from when on (64 bits), the
    /// three weights (16 each), points_per_unit (64).
    weights: StorageB256,
    next_weights: StorageB256,
    attestations: StorageAddress,
    /// Since when it is believed.
    attestations_from: StorageU256,
    pubkeys: IdList,
    /// Who operates a relay, by its key.
    operators: StorageMap<B256, StorageAddress>,
    /// The key of the relay that somebody operates; zero if none.
    relay_keys: StorageMap<Address, StorageB256>,
    relays: StorageMap<Address, Relay>,
    urls: StorageMap<B256, StorageString>,
    /// When an operator's relay was updated last, in seconds since 1970.
    updated: StorageMap<Address, StorageU256>,
}

/// A list of relays' keys and their composite capacities.
type Relays = Returns<(Vec<B256>, Vec<U256>)>;

#[public]
#[inherit(Ownable)]
impl RelayCapacityRegistry {
    /// Sets the contract up: where task types, stakes and proven keys are, the task type whose sinks' minimum stake operators
    /// need, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`TaskTypeDoesNotExist`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        core_registry: Address,
        stake_manager: Address,
        key_registry: Address,
        relay_task_type_id: B256,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [core_registry, stake_manager, key_registry] {
            require_contract(self.vm(), neighbour)?;
        }
        // Otherwise a stranger could register it later, with a minimum of its own choice. A stand-in for the registry need not
        // answer.
        let selector = ICapacityRegistry::taskTypeExistsCall::SELECTOR;
        if let Ok([exists]) = query_words(self.vm(), core_registry, selector, &[relay_task_type_id])
        {
            if exists.is_zero() {
                return Err(TaskTypeDoesNotExist {}.into());
            }
        }
        self.core_registry.set(core_registry);
        self.stake_manager.set(stake_manager);
        self.key_registry.set(key_registry);
        self.relay_task_type_id.set(relay_task_type_id);
        let scale = U256::from(CAPACITY_ONE);
        self.next_weights
            .set(weights_word(0, DEFAULT_WEIGHTS, scale));
        Ok(())
    }

    // --- Operators

    /// Registers the relay `nostr_pubkey` with the caller as its operator, and with what it can do. Locks the caller's stake at
    /// the core.
    ///
    /// # Errors
    ///
    /// * [`RelayUrlTooLong`], [`RelayAlreadyRegistered`], [`OperatorHasRelay`]
    /// * [`KeyNotProven`] unless the key has said at KeyRegistry that the caller is its operator.
    /// * [`InsufficientStake`] if the caller has less than a sink of the relay task type needs.
    /// * What CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`RelayCapacityUpdated`], [`RelayRegistered`]
    pub fn register_relay(
        &mut self,
        nostr_pubkey: B256,
        relay_url: String,
        initial_capacity: RelayCapacity,
    ) -> Result<(), Error> {
        let operator = self.vm().msg_sender();
        if relay_url.len() > MAX_URL {
            let (length, maximum) = (U256::from(relay_url.len()), U256::from(MAX_URL));
            return Err(RelayUrlTooLong { length, maximum }.into());
        }
        let other = self.relay_keys.get(operator);
        if !other.is_zero() {
            return Err(OperatorHasRelay { nostrPubkey: other }.into());
        }
        if !self.get_operator(nostr_pubkey).is_zero() {
            return Err(RelayAlreadyRegistered {}.into());
        }
        if self.proven_operator(nostr_pubkey)? != operator {
            return Err(KeyNotProven { key: nostr_pubkey }.into());
        }
        if let Some(insufficient) = self.lack_of_stake(operator)? {
            return Err(insufficient.into());
        }
        self.pubkeys.push(nostr_pubkey);
        self.operators.setter(nostr_pubkey).set(operator);
        self.relay_keys.setter(operator).set(nostr_pubkey);
        self.urls.setter(nostr_pubkey).set_str(&relay_url);
        self.touch(operator);
        let composite = self.update(nostr_pubkey, operator, &initial_capacity)?;
        emit_text!(
            self.vm(),
            RelayRegistered[nostr_pubkey, operator](&relay_url, composite)
        );
        match self.is_locked(operator)? {
            true => Ok(()),
            false => self.tell_core(
                ISinkRegistrar::registerSinkForCall::SELECTOR,
                operator,
                &[B256::ZERO],
            ),
        }
    }

    /// Takes a relay off, out of its pools, and out of the core. For its operator; for anyone, when the operator's stake is no
    /// longer locked for it, or no longer what registering takes, or the key has named another operator.
    ///
    /// # Errors
    ///
    /// * [`RelayNotRegistered`], [`NotOperator`]
    /// * What RelayPaymentPool or CapacityRegistry revert with. An operator is never held by that: it may leave the core by
    ///   itself before.
    ///
    /// # Events
    ///
    /// * [`RelayDeregistered`]
    pub fn deregister_relay(&mut self, nostr_pubkey: B256) -> Result<(), Error> {
        let operator = self.require_relay(nostr_pubkey)?;
        let is_locked = self.is_locked(operator)?;
        // Who brings too little gas for the reputation discount to be found has not enough left for what follows.
        if self.vm().msg_sender() != operator
            && is_locked
            && self.proven_operator(nostr_pubkey)? == operator
            && self.lack_of_stake(operator)?.is_none()
        {
            return Err(NotOperator {}.into());
        }
        self.pubkeys.remove(nostr_pubkey);
        self.operators.delete(nostr_pubkey);
        self.relay_keys.delete(operator);
        self.urls.delete(nostr_pubkey);
        emit!(self.vm(), RelayDeregistered[nostr_pubkey, operator]);
        let pool = self.payment_pool.get();
        if !pool.is_zero() {
            let selector = IRelayPool::relayGoneCall::SELECTOR;
            let [] = invoke_words(self.vm(), pool, selector, &[nostr_pubkey])?;
        }
        match is_locked {
            true => self.tell_core(
                ISinkRegistrar::deregisterSinkForCall::SELECTOR,
                operator,
                &[],
            ),
            false => Ok(()),
        }
    }

    // --- RelayAttestations and the aggregator

    /// Updates what a relay can do. For RelayAttestations, which has the operator's signature, and the aggregator, which needs
    /// none.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedAggregator`], [`RelayNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`RelayCapacityUpdated`]
    pub fn update_relay_capacity(
        &mut self,
        nostr_pubkey: B256,
        capacity: RelayCapacity,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller != self.authorized_aggregator() && caller != self.attestations() {
            return Err(NotAuthorizedAggregator {}.into());
        }
        let operator = self.require_relay(nostr_pubkey)?;
        self.touch(operator);
        self.update(nostr_pubkey, operator, &capacity)?;
        Ok(())
    }

    // --- Owner

    /// Takes updates of `attestations`, which has them signed, after StakeManager's `powerNotice`. Once, for ever.
    ///
    /// # Errors
    ///
    /// * [`AttestationsAlreadySet`], [`NotAContract`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AttestationsSet`]; [`powers::PowerAnnounced`] besides, if it takes effect later.
    pub fn set_attestations(&mut self, attestations: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.attestations_from.get().is_zero() {
            return Err(AttestationsAlreadySet {}.into());
        }
        require_contract(self.vm(), attestations)?;
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let from = powers::announce(self.vm(), ATTESTATIONS, attestations, notice);
        self.attestations.set(attestations);
        self.attestations_from.set(U256::from(from));
        emit!(self.vm(), AttestationsSet[attestations]);
        Ok(())
    }

    /// Makes `payment_pool` the one that a relay leaves when it is taken off. Once, for ever.
    ///
    /// # Errors
    ///
    /// * [`PaymentPoolAlreadySet`], [`NotAContract`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`PaymentPoolSet`]
    pub fn set_payment_pool(&mut self, payment_pool: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.payment_pool.get().is_zero() {
            return Err(PaymentPoolAlreadySet {}.into());
        }
        require_contract(self.vm(), payment_pool)?;
        self.payment_pool.set(payment_pool);
        emit!(self.vm(), PaymentPoolSet[payment_pool]);
        Ok(())
    }

    /// Takes updates of `aggregator` without a signature, after StakeManager's `powerNotice`. Of the one before, none from now
    /// on; of nobody, if zero. Until then operators attest themselves.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AggregatorSet`]; [`powers::PowerAnnounced`] besides, if it takes effect later.
    pub fn set_aggregator(&mut self, aggregator: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let from = powers::announce(self.vm(), AGGREGATOR, aggregator, notice);
        self.aggregator.set(aggregator);
        self.aggregator_from.set(U256::from(from));
        emit!(self.vm(), AggregatorSet[aggregator]);
        Ok(())
    }

    /// Weights the dimensions, in basis points that sum to 10 000, after StakeManager's `powerNotice`. Counts from each relay's
    /// next update on.
    ///
    /// # Errors
    ///
    /// * [`InvalidWeights`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`CapacityWeightsUpdated`]; [`powers::PowerAnnounced`] besides, if they count later.
    pub fn set_capacity_weights(
        &mut self,
        throughput_weight: U256,
        storage_weight: U256,
        bandwidth_weight: U256,
    ) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let weights = [throughput_weight, storage_weight, bandwidth_weight];
        let sum = weights
            .iter()
            .fold(U256::ZERO, |sum, weight| sum.saturating_add(*weight));
        if sum != U256::from(BPS) {
            return Err(InvalidWeights {}.into());
        }
        // Each is at most their sum, as that did not saturate.
        let weights = weights.map(|weight| weight.wrapping_to());
        let scale = points_per_unit(self.next_weights.get());
        self.announce_weights(weights, scale)?;
        emit!(
            self.vm(),
            CapacityWeightsUpdated[](throughput_weight, storage_weight, bandwidth_weight)
        );
        Ok(())
    }

    /// Scales points against stake: a capacity unit of the suite is `points_per_unit` billionths of a point, 1 to 2^64 − 1, after the
    /// notice of powers over stakes, and for a relay from its next update on. 1e9 until then. The greater it is, the less stake a
    /// relay needs for its capacity.
    ///
    /// # Errors
    ///
    /// * [`InvalidPointsPerUnit`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`PointsPerUnitSet`]; [`powers::PowerAnnounced`], if it counts later.
    pub fn set_points_per_unit(&mut self, points_per_unit: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if points_per_unit.is_zero() || points_per_unit.bit_len() > 64 {
            return Err(InvalidPointsPerUnit {
                pointsPerUnit: points_per_unit,
            }
            .into());
        }
        let next = self.next_weights.get();
        let weights = [0, 1, 2].map(|index| weight(next, index).wrapping_to());
        self.announce_weights(weights, points_per_unit)?;
        emit!(self.vm(), PointsPerUnitSet[](points_per_unit));
        Ok(())
    }

    // --- Views

    /// How many billionths of a point a capacity unit of the suite is.
    pub fn points_per_unit(&self) -> U256 {
        points_per_unit(self.weights_now())
    }

    /// The scale that was set last, and from when on it counts, in seconds since 1970, together with the weights.
    ///
    /// # Returns
    ///
    /// * `pointsPerUnit`
    /// * `from`
    pub fn announced_points_per_unit(&self) -> (U256, U256) {
        let next = self.next_weights.get();
        (points_per_unit(next), U256::from(since(next)))
    }

    /// All there is to know of a relay.
    pub fn get_relay(&self, nostr_pubkey: B256) -> Encoded<RelayInfo> {
        let operator = self.get_operator(nostr_pubkey);
        let (mut key, mut dimensions, mut composite) = (B256::ZERO, [0; 3], U256::ZERO);
        if !operator.is_zero() {
            let relay = self.relays.getter(operator);
            (key, dimensions) = (nostr_pubkey, relay.dimensions());
            composite = widen(relay.smoothed.get());
        }
        let [events_per_second, storage_gb, bandwidth_mbps] = dimensions;
        // Where the struct begins, and where in it the URL does.
        const STRUCT: usize = 32;
        const URL: usize = 8 * 32;
        let mut bytes = Vec::new();
        for word in [
            STRUCT.word(),
            key,
            operator.word(),
            URL.word(),
            events_per_second.word(),
            storage_gb.word(),
            bandwidth_mbps.word(),
            composite.word(),
            (!operator.is_zero()).word(),
        ] {
            bytes.extend_from_slice(word.as_slice());
        }
        let url = self.urls.getter(key).get_string();
        push_bytes(&mut bytes, url.as_bytes());
        bytes.into()
    }

    /// All relays' keys and their composite capacities, smoothed. For long lists:
    /// [`RelayCapacityRegistry::get_relays_page`].
    ///
    /// # Returns
    ///
    /// * `pubkeys`
    /// * `capacities`
    pub fn get_all_relays(&self) -> Relays {
        self.page(U256::ZERO, U256::MAX)
    }

    /// At most `count` relays' keys and composite capacities, from number `from` on. When a relay goes, the last one takes its
    /// place.
    ///
    /// # Returns
    ///
    /// * `pubkeys`
    /// * `capacities`
    pub fn get_relays_page(&self, from: U256, count: U256) -> Relays {
        self.page(from, count)
    }

    /// How many relays there are.
    pub fn get_relay_count(&self) -> U256 {
        U256::from(self.pubkeys.len())
    }

    /// The composite capacity of a relay, smoothed, in units of 1e-9; zero if there is no such relay.
    pub fn get_composite_capacity(&self, nostr_pubkey: B256) -> U256 {
        let operator = self.get_operator(nostr_pubkey);
        match operator.is_zero() {
            true => U256::ZERO,
            false => widen(self.relays.getter(operator).smoothed.get()),
        }
    }

    /// Who operates a relay; zero if there is no such relay.
    pub fn get_operator(&self, nostr_pubkey: B256) -> Address {
        self.operators.get(nostr_pubkey)
    }

    /// The key of the relay that `operator` operates; zero if it has none.
    pub fn get_relay_of(&self, operator: Address) -> B256 {
        self.relay_keys.get(operator)
    }

    /// For whoever passes capacities on: a relay's operator, its composite capacity smoothed, the one that was attested last,
    /// neither smoothed nor cut to the stake, both in units of 1e-9, the number of that attestation among the operator's, and
    /// when it came, in seconds since 1970. Zeros if there is no such relay.
    ///
    /// # Returns
    ///
    /// * `operator`
    /// * `composite`
    /// * `raw`
    /// * `sequence`
    /// * `time`
    pub fn get_capacity_update(&self, nostr_pubkey: B256) -> (Address, U256, U256, U256, U256) {
        let operator = self.get_operator(nostr_pubkey);
        if operator.is_zero() {
            return (operator, U256::ZERO, U256::ZERO, U256::ZERO, U256::ZERO);
        }
        let relay = self.relays.getter(operator);
        (
            operator,
            widen(relay.smoothed.get()),
            U256::from(self.composite(relay.dimensions())),
            widen(relay.sequence.get()),
            self.updated.get(operator),
        )
    }

    /// Where task types are.
    pub fn core_registry(&self) -> Address {
        self.core_registry.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// Whose updates count without a signature; zero if nobody's.
    pub fn authorized_aggregator(&self) -> Address {
        self.get_aggregator(U256::from(clock::block_timestamp(self.vm())))
    }

    /// Whose updates count without a signature at `time`, in seconds since 1970, now or later, as far as it is announced.
    pub fn get_aggregator(&self, time: U256) -> Address {
        match time < self.aggregator_from.get() {
            true => Address::ZERO,
            false => self.aggregator.get(),
        }
    }

    /// Where keys are proven.
    pub fn key_registry(&self) -> Address {
        self.key_registry.get()
    }

    /// The task type whose sinks' minimum stake operators need.
    pub fn relay_task_type_id(&self) -> B256 {
        self.relay_task_type_id.get()
    }

    /// As [`RelayCapacityRegistry::relay_task_type_id`].
    #[selector(name = "RELAY_TASK_TYPE_ID")]
    pub fn relay_task_type_id_constant(&self) -> B256 {
        self.relay_task_type_id()
    }

    /// Who brings what operators have signed; zero until it is named, and believed.
    pub fn attestations(&self) -> Address {
        match powers::is_in_effect(self.vm(), self.attestations_from.get()) {
            true => self.attestations.get(),
            false => Address::ZERO,
        }
    }

    /// From when on what RelayAttestations brings is believed, in seconds since 1970; zero until it is named.
    pub fn attestations_from(&self) -> U256 {
        self.attestations_from.get()
    }

    /// Where relays are paid, which they leave when they are taken off; zero until it is named.
    pub fn payment_pool(&self) -> Address {
        self.payment_pool.get()
    }

    /// The weight of events per second, in basis points.
    pub fn throughput_weight(&self) -> U256 {
        weight(self.weights_now(), 0)
    }

    /// The weight of storage, in basis points.
    pub fn storage_weight(&self) -> U256 {
        weight(self.weights_now(), 1)
    }

    /// The weight of bandwidth, in basis points.
    pub fn bandwidth_weight(&self) -> U256 {
        weight(self.weights_now(), 2)
    }

    /// The weights that were set last, and from when on they count, in seconds since 1970: later than now, if they are
    /// announced.
    ///
    /// # Returns
    ///
    /// * `throughputWeight`
    /// * `storageWeight`
    /// * `bandwidthWeight`
    /// * `from`
    pub fn announced_capacity_weights(&self) -> (U256, U256, U256, U256) {
        let next = self.next_weights.get();
        let [throughput, storage, bandwidth] = [0, 1, 2].map(|index| weight(next, index));
        (throughput, storage, bandwidth, U256::from(since(next)))
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(BPS)
    }

    /// Weight of an update in the smoothed capacity, in basis points.
    #[selector(name = "EWMA_ALPHA_BPS")]
    pub fn ewma_alpha_bps(&self) -> U256 {
        U256::from(EWMA_ALPHA_BPS)
    }
}

impl RelayCapacityRegistry {
    /// Notes what the relay of `operator` can do, and takes one step of smoothing, if none was taken in this block. Returns
    /// the composite capacity.
    fn update(
        &mut self,
        pubkey: B256,
        operator: Address,
        declared: &RelayCapacity,
    ) -> Result<U256, Error> {
        let [cap] = self.ask_stakes(
            IStakeRequirement::getCapacityCapCall::SELECTOR,
            &[operator.word()],
        )?;
        let cap = math::to_u128_saturating(cap);
        let dimensions = [
            clip(declared.eventsPerSecond),
            clip(declared.storageGB),
            clip(declared.bandwidthMbps),
        ];
        let raw = self.composite(dimensions).min(cap);
        let block = U32::wrapping_from(clock::block_number(self.vm()));
        let mut relay = self.relays.setter(operator);
        let previous = to_u128(relay.smoothed.get());
        let last_block = relay.smoothed_block.get();
        let smoothed = match last_block.is_zero() {
            true => raw,
            false if last_block == block => previous,
            false => math::ewma(raw, previous),
        }
        .min(cap);
        let [events_per_second, storage_gb, bandwidth_mbps] = dimensions;
        relay
            .events_per_second
            .set(Uint::wrapping_from(events_per_second));
        relay.storage_gb.set(Uint::wrapping_from(storage_gb));
        relay
            .bandwidth_mbps
            .set(Uint::wrapping_from(bandwidth_mbps));
        relay.smoothed.set(Composite::wrapping_from(smoothed));
        relay.smoothed_block.set(block);
        // Who compares asks whether it is another, so that it may start over.
        let sequence = relay.sequence.get().wrapping_add(U32::from(1));
        relay.sequence.set(sequence);
        emit!(
            self.vm(),
            RelayCapacityUpdated[pubkey](events_per_second, storage_gb, bandwidth_mbps, smoothed)
        );
        Ok(U256::from(smoothed))
    }

    fn page(&self, from: U256, count: U256) -> Relays {
        let pubkeys = self.pubkeys.page(from, count);
        let capacities = pubkeys
            .iter()
            .map(|pubkey| self.get_composite_capacity(*pubkey))
            .collect();
        Returns((pubkeys, capacities))
    }

    /// The composite capacity of `dimensions` by the weights of today, in units of 1e-9.
    ///
    /// Nothing overflows: dimensions have 40 bits, and weights sum to 10 000, so points have 54; in billionths 71. More than 70 bits
    /// of capacity, by a small scale, nobody's stake backs.
    fn composite(&self, dimensions: [u64; 3]) -> u128 {
        let now = self.weights_now();
        let points = (0..)
            .zip(dimensions)
            .fold(0_u64, |sum, (index, dimension)| {
                let weight: u64 = weight(now, index).wrapping_to();
                sum.wrapping_add(dimension.wrapping_mul(weight))
            });
        let billionths = u128::from(points).wrapping_mul(POINT);
        let one = U256::from(CAPACITY_ONE);
        // Not zero.
        let units = math::mul_div_floor(U256::from(billionths), one, points_per_unit(now));
        math::to_u128_saturating(units.unwrap_or(U256::MAX)).min((1 << 70) - 1)
    }

    /// What `operator` lacks of the stake that registering takes: that of a sink of the relay task type, less its reputation
    /// discount.
    fn lack_of_stake(&self, operator: Address) -> Result<Option<InsufficientStake>, Error> {
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let id = self.relay_task_type_id.get();
        let [min_stake] = query_words(self.vm(), self.core_registry.get(), selector, &[id])?;
        let arguments = [operator.word(), min_stake.word()];
        let [required] =
            self.ask_stakes(IStakeRequirement::requiredStakeCall::SELECTOR, &arguments)?;
        let [available] =
            self.ask_stakes(IStakeRequirement::getStakeCall::SELECTOR, &arguments[..1])?;
        Ok((available < required).then_some(InsufficientStake {
            required,
            available,
        }))
    }

    fn ask_stakes(&self, selector: [u8; 4], arguments: &[B256]) -> Result<[U256; 1], Error> {
        Ok(query_words(
            self.vm(),
            self.stake_manager.get(),
            selector,
            arguments,
        )?)
    }

    fn require_relay(&self, pubkey: B256) -> Result<Address, Error> {
        let operator = self.get_operator(pubkey);
        match operator.is_zero() {
            true => Err(RelayNotRegistered {}.into()),
            false => Ok(operator),
        }
    }

    /// Who the key says its operator is.
    fn proven_operator(&self, pubkey: B256) -> Result<Address, Error> {
        Ok(operator_of(
            self.vm(),
            self.key_registry.get(),
            NOSTR,
            pubkey,
        )?)
    }

    /// Whether the operator's stake is locked at the core for its relay.
    fn is_locked(&self, operator: Address) -> Result<bool, Error> {
        let [is_sink] = query_words(
            self.vm(),
            self.core_registry.get(),
            ISinkRegistrar::isRegisteredCall::SELECTOR,
            &[self.relay_task_type_id.get(), operator.word()],
        )?;
        Ok(!is_sink.is_zero())
    }

    /// Has the core do something of the operator as a sink of the relay task type.
    fn tell_core(
        &self,
        selector: [u8; 4],
        operator: Address,
        arguments: &[B256],
    ) -> Result<(), Error> {
        let mut words = vec![self.relay_task_type_id.get(), operator.word()];
        words.extend_from_slice(arguments);
        let [] = invoke_words(self.vm(), self.core_registry.get(), selector, &words)?;
        Ok(())
    }

    /// Notes that what comes next of the relay of `operator` is of now.
    fn touch(&mut self, operator: Address) {
        let now = clock::block_timestamp(self.vm());
        self.updated.setter(operator).set(U256::from(now));
    }

    /// Has weights and a scale count after the notice of powers over stakes, as they can raise what relays owe.
    fn announce_weights(&mut self, weights: [u16; 3], scale: U256) -> Result<(), Error> {
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let now = self.weights_now();
        let from = powers::announce(self.vm(), WEIGHTS, Address::ZERO, notice);
        self.weights.set(now);
        self.next_weights.set(weights_word(from, weights, scale));
        Ok(())
    }

    /// The weights that count now.
    fn weights_now(&self) -> B256 {
        let next = self.next_weights.get();
        match since(next) <= clock::block_timestamp(self.vm()) {
            true => next,
            false => self.weights.get(),
        }
    }
}

/// Weights and the scale that count from `from` on, as a word.
fn weights_word(from: u64, weights: [u16; 3], scale: U256) -> B256 {
    let mut word = B256::ZERO;
    word[..8].copy_from_slice(&from.to_be_bytes());
    for (bytes, weight) in word[8..].chunks_exact_mut(2).zip(weights) {
        bytes.copy_from_slice(&weight.to_be_bytes());
    }
    word[SCALE].copy_from_slice(&scale.wrapping_to::<u64>().to_be_bytes());
    word
}

/// Where the scale stands beside weights.
const SCALE: core::ops::Range<usize> = 14..22;

/// How many billionths of a point a unit is.
fn points_per_unit(weights: B256) -> U256 {
    U256::from_be_slice(&weights[SCALE])
}

/// From when on weights count, in seconds since 1970.
fn since(weights: B256) -> u64 {
    U256::from_be_slice(&weights[..8]).wrapping_to()
}

/// The weight of the dimension with that number, in basis points.
fn weight(weights: B256, index: usize) -> U256 {
    let place = 8_usize.saturating_add(index.saturating_mul(2));
    weights
        .get(place..place.saturating_add(2))
        .map_or(U256::ZERO, U256::from_be_slice)
}

impl Relay {
    /// Events per second, GB, Mbps.
    fn dimensions(&self) -> [u64; 3] {
        [
            &self.events_per_second,
            &self.storage_gb,
            &self.bandwidth_mbps,
        ]
        .map(|dimension| dimension.get().wrapping_to())
    }
}

/// As much of a dimension as counts.
fn clip(dimension: U256) -> u64 {
    dimension.min(U256::from(MAX_DIMENSION)).wrapping_to()
}
