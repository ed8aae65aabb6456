//! RelayCapacityRegistry: Nostr relays, who operates them, and what they can do.
//!
//! A relay's capacity has three dimensions: events per second, storage and bandwidth. Weighted, they make one *composite*
//! capacity, in which relays can be compared and, through RelayPaymentPool, paid.
//!
//! | who | may |
//! |---|---|
//! | anyone with the stake | register a relay, whose operator it then is |
//! | an operator | deregister its relay, attest capacity by signature |
//! | anyone | submit what operators have signed; take off a relay whose operator no longer has the stake |
//! | the aggregator | update capacities |
//! | the owner | name the aggregator (with notice, once staking is open), set the weights |
//!
//! # Composite capacity
//!
//! `(w₁ · events per second + w₂ · GB + w₃ · Mbps) / 10 000`, with weights of 5 000, 2 500 and 2 500 basis points until the
//! owner sets others. One point of it is one capacity unit of the suite, 1e9 in the units of 1e-9 that all capacities here
//! are in: a relay of 100 events per second, 40 GB and 80 Mbps has 80 points, 80e9. Exact, as 1e9 is a multiple of 10 000.
//! New weights count from a relay's next update on.
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
//! # Whose a Nostr key is
//!
//! Nobody proves here that it holds the key: whoever comes first has the entry, for as long as it has the stake that a sink of
//! the relay task type needs. Clients should see that the relay itself names the operator's account. Squatting costs a
//! stake per key, as anyone may take off a relay without one.
//!
//! # What an update is worth
//!
//! An attestation is the operator's own word (EIP-712; ERC-1271 for contract accounts), bounded by its stake: it counts once,
//! in the order of its nonce, while it is at most 600 s old. A batch never fails for one of its attestations; of those that
//! it refuses, none is used up. The aggregator is trusted: what it says of a relay counts without the operator's signature,
//! within the operator's cap and smoothed as everything else. It can make a relay look worse or better, and neither add nor
//! remove one. There is none until the owner names it.
//!
//! Every update, a registration included, has a number, which rises: so RelayPaymentPool tells what it has not seen yet.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::{require_signed, Last},
    call::{query_words, require_contract},
    clock,
    eip712::{hash_words, typed_data_hash, Domain, DomainFields},
    emit, emit_text,
    events::Word,
    interfaces::{ICapacityRegistry, IStakeRequirement},
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
    name: "BPE-RelayCapacityRegistry",
    version: "1",
};
/// `keccak256("RelayAttestation(bytes32 nostrPubkey,address operator,uint256 eventsPerSecond,uint256 storageGB,uint256 bandwidthMbps,uint256 timestamp,uint256 nonce)")`
pub const RELAY_ATTESTATION_TYPEHASH: B256 =
    b256!("ca754fa7c7d8d3e05ca653903b866fd3edbe82e42abef27d3a1ed456cf2be8fd");

/// The power to update capacities without a signature, as [`powers::PowerAnnounced`] names it.
pub const AGGREGATOR: B256 = power("aggregator");

/// The most attestations in a batch.
pub const MAX_BATCH: usize = 256;
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
/// sequence (32): all that an update reads and writes beside the nonce. It stays when the relay is deregistered.
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

/// The contract. Slots 0–1: ownership. Slots 2–4: the neighbours and the task type. Slot 5: aggregator (160 bits), the three
/// weights (16 each). Slot 6: aggregator_from. Then the list and the mappings.
#[entrypoint]
#[storage]
pub struct RelayCapacityRegistry {
    #[borrow]
    ownable: Ownable,
    core_registry: StorageAddress,
    stake_manager: StorageAddress,
    relay_task_type_id: StorageB256,
    aggregator: StorageAddress,
    throughput_weight: StorageU16,
    storage_weight: StorageU16,
    bandwidth_weight: StorageU16,
    /// Since when the aggregator is believed.
    aggregator_from: StorageU256,
    pubkeys: IdList,
    /// Who operates a relay, by its key.
    operators: StorageMap<B256, StorageAddress>,
    /// The key of the relay that somebody operates; zero if none.
    relay_keys: StorageMap<Address, StorageB256>,
    relays: StorageMap<Address, Relay>,
    urls: StorageMap<B256, StorageString>,
    attestations: StorageMap<Address, Last>,
}

/// A list of relays' keys and their composite capacities.
type Relays = Returns<(Vec<B256>, Vec<U256>)>;

#[public]
#[inherit(Ownable)]
impl RelayCapacityRegistry {
    /// Sets the contract up: where task types and stakes are, the task type whose sinks' minimum stake operators need, and who
    /// owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`TaskTypeDoesNotExist`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        core_registry: Address,
        stake_manager: Address,
        relay_task_type_id: B256,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), core_registry)?;
        require_contract(self.vm(), stake_manager)?;
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
        self.relay_task_type_id.set(relay_task_type_id);
        self.store_weights(DEFAULT_WEIGHTS);
        Ok(())
    }

    // --- Operators

    /// Registers the relay `nostr_pubkey` with the caller as its operator, and with what it can do.
    ///
    /// # Errors
    ///
    /// * [`InvalidPubkey`], [`RelayUrlTooLong`], [`RelayAlreadyRegistered`], [`OperatorHasRelay`]
    /// * [`InsufficientStake`] if the caller has less than a sink of the relay task type needs.
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
        if nostr_pubkey.is_zero() {
            return Err(InvalidPubkey {}.into());
        }
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
        if let Some(insufficient) = self.lack_of_stake(operator)? {
            return Err(insufficient.into());
        }
        self.pubkeys.push(nostr_pubkey);
        self.operators.setter(nostr_pubkey).set(operator);
        self.relay_keys.setter(operator).set(nostr_pubkey);
        self.urls.setter(nostr_pubkey).set_str(&relay_url);
        let composite = self.update(nostr_pubkey, operator, &initial_capacity)?;
        emit_text!(
            self.vm(),
            RelayRegistered[nostr_pubkey, operator](&relay_url, composite)
        );
        Ok(())
    }

    /// Takes a relay off. For its operator; for anyone, when the operator no longer has the stake that registering takes.
    /// Pools that the relay has joined do not hear of it: anyone can have it leave there then.
    ///
    /// # Errors
    ///
    /// * [`RelayNotRegistered`], [`NotOperator`]
    ///
    /// # Events
    ///
    /// * [`RelayDeregistered`]
    pub fn deregister_relay(&mut self, nostr_pubkey: B256) -> Result<(), Error> {
        let operator = self.require_relay(nostr_pubkey)?;
        // Who brings too little gas for the reputation discount to be found has not enough left for what follows.
        if self.vm().msg_sender() != operator && self.lack_of_stake(operator)?.is_none() {
            return Err(NotOperator {}.into());
        }
        self.pubkeys.remove(nostr_pubkey);
        self.operators.delete(nostr_pubkey);
        self.relay_keys.delete(operator);
        self.urls.delete(nostr_pubkey);
        emit!(self.vm(), RelayDeregistered[nostr_pubkey, operator]);
        Ok(())
    }

    // --- Anyone

    /// Applies those of the attestations that are good, in their order, and says of the others why they are not. At most
    /// 256.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`]
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if a contract account may have refused for want of gas.
    ///
    /// # Events
    ///
    /// * [`RelayCapacityUpdated`] or [`RelayAttestationRejected`] for each.
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

    // --- Aggregator

    /// Updates what a relay can do, without its operator's signature. For the aggregator.
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
        if self.vm().msg_sender() != self.authorized_aggregator() {
            return Err(NotAuthorizedAggregator {}.into());
        }
        let operator = self.require_relay(nostr_pubkey)?;
        self.update(nostr_pubkey, operator, &capacity)?;
        Ok(())
    }

    // --- Owner

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

    /// Weights the dimensions, in basis points that sum to 10 000. Counts from each relay's next update on.
    ///
    /// # Errors
    ///
    /// * [`InvalidWeights`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`CapacityWeightsUpdated`]
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
        self.store_weights(weights.map(|weight| weight.wrapping_to()));
        emit!(
            self.vm(),
            CapacityWeightsUpdated[](throughput_weight, storage_weight, bandwidth_weight)
        );
        Ok(())
    }

    // --- Views

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
    /// neither smoothed nor cut to the stake, both in units of 1e-9, and the number of that attestation among the operator's.
    /// Zeros if there is no such relay.
    ///
    /// # Returns
    ///
    /// * `operator`
    /// * `composite`
    /// * `raw`
    /// * `sequence`
    pub fn get_capacity_update(&self, nostr_pubkey: B256) -> (Address, U256, U256, U256) {
        let operator = self.get_operator(nostr_pubkey);
        if operator.is_zero() {
            return (operator, U256::ZERO, U256::ZERO, U256::ZERO);
        }
        let relay = self.relays.getter(operator);
        (
            operator,
            widen(relay.smoothed.get()),
            U256::from(self.composite(relay.dimensions())),
            widen(relay.sequence.get()),
        )
    }

    /// The nonce of the attestation that was accepted last from `operator`.
    pub fn last_nonce(&self, operator: Address) -> U256 {
        self.attestations.getter(operator).nonce()
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

    /// The task type whose sinks' minimum stake operators need.
    pub fn relay_task_type_id(&self) -> B256 {
        self.relay_task_type_id.get()
    }

    /// As [`RelayCapacityRegistry::relay_task_type_id`].
    #[selector(name = "RELAY_TASK_TYPE_ID")]
    pub fn relay_task_type_id_constant(&self) -> B256 {
        self.relay_task_type_id()
    }

    /// The weight of events per second, in basis points.
    pub fn throughput_weight(&self) -> U256 {
        widen(self.throughput_weight.get())
    }

    /// The weight of storage, in basis points.
    pub fn storage_weight(&self) -> U256 {
        widen(self.storage_weight.get())
    }

    /// The weight of bandwidth, in basis points.
    pub fn bandwidth_weight(&self) -> U256 {
        widen(self.bandwidth_weight.get())
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
    /// Checks an attestation and applies it. Nothing is noted of one that is refused.
    #[inline(never)]
    fn apply(
        &mut self,
        attestation: &SignedRelayAttestation,
        separator: B256,
    ) -> Result<(), Error> {
        let (pubkey, operator) = (attestation.nostrPubkey, attestation.operator);
        if operator.is_zero() || self.get_operator(pubkey) != operator {
            return Err(NotOperator {}.into());
        }
        let next = self
            .attestations
            .getter(operator)
            .check(attestation.timestamp, attestation.nonce)?;
        let digest = typed_data_hash(separator, struct_hash(attestation));
        require_signed(self.vm(), operator, digest, &attestation.signature)?;
        self.attestations.setter(operator).accept(next);
        let capacity = RelayCapacity {
            eventsPerSecond: attestation.eventsPerSecond,
            storageGB: attestation.storageGB,
            bandwidthMbps: attestation.bandwidthMbps,
        };
        self.update(pubkey, operator, &capacity)?;
        Ok(())
    }

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
    /// Nothing overflows: dimensions have 40 bits, and weights sum to 10 000, so points have 54.
    fn composite(&self, dimensions: [u64; 3]) -> u128 {
        let weights = [
            self.throughput_weight.get(),
            self.storage_weight.get(),
            self.bandwidth_weight.get(),
        ];
        let points = weights
            .into_iter()
            .zip(dimensions)
            .fold(0_u64, |sum, (weight, dimension)| {
                sum.wrapping_add(dimension.wrapping_mul(weight.wrapping_to()))
            });
        u128::from(points).wrapping_mul(POINT)
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

    fn store_weights(&mut self, [throughput, storage, bandwidth]: [u16; 3]) {
        self.throughput_weight.set(Uint::from(throughput));
        self.storage_weight.set(Uint::from(storage));
        self.bandwidth_weight.set(Uint::from(bandwidth));
    }
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
