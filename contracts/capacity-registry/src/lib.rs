//! CapacityRegistry: which sinks serve which task type, and with how much capacity.
//!
//! A sink registers with the stake the task type asks for, declares capacity by commit and reveal or by attestation,
//! and is weighted by its *smoothed* capacity: an average over past declarations, never more than its stake backs.
//!
//! | who | may |
//! |---|---|
//! | anyone with stake | register task types; register itself as a sink |
//! | anyone | [`sync_capacity`](CapacityRegistry::sync_capacity) |
//! | a sink | commit, reveal, deregister |
//! | the aggregator | update capacities |
//! | an adapter | register, update and remove sinks on their operators' behalf; register task types |
//! | ServiceDirectory | register task types of whoever asks it to |
//! | the owner | name the aggregator, the adapters and ServiceDirectory (with notice, once staking is open) and the pool; register task types until then |
//!
//! Capacities are in units of 1e-9, stakes in the stake token's wei. Block numbers are L1 blocks, about 12 s apart.
//!
//! # One stake, one backing
//!
//! What a sink declares over all its task types together stays within the cap of its stake. A task type counts with
//! its raw or its smoothed capacity, whichever is more; what does not fit into the cap is cut off the task type that
//! changes. The stake behind it is locked in StakeManager until the sink has left its last task type.
//!
//! # Ids that cannot be squatted
//!
//! An id that is derived from its creator, `keccak256(abi.encode(creator, name))`, nobody else can take: ServiceDirectory
//! registers it, and it costs nothing. For any other id StakeManager sets a minimum stake of its creator aside, for each
//! one more, until somebody else's sink serves the task type. Until staking is open only the owner registers, and
//! adapters, which the owner has authorised, and sets nothing aside.
//!
//! # Smoothing
//!
//! A first registration counts at once; from then on each declaration moves the smoothed capacity by 30 % of the way, one
//! step a block at most. A sink that leaves and comes back has no more than it left with.
//!
//! # Attested task types
//!
//! Where pay has to follow proof, capacity comes from adapters alone: in a task type whose creator said so, for good
//! ([`require_attestations`](CapacityRegistry::require_attestations)). Nobody reveals a capacity there,
//! nobody registers itself with more than none, and the aggregator has no say. A first capacity is smoothed too, from zero.
//! What an adapter knows to have grown old it limits ([`limit_capacity_for`](CapacityRegistry::limit_capacity_for)), at once.
//!
//! # Capacity over time
//!
//! Of each sink in each task type there is a running sum of capacity-seconds, with one observation an epoch of 300 s in which
//! its capacity changed. What a sink owes, and what it may be paid for, is the difference of that sum between two
//! times: whoever asks, whenever, gets the same answer. Nothing about the past is rebuilt from the present.
//!
//! # Since when a sink serves
//!
//! The registry knows in which epoch of 300 s a sink began to serve and when it left, so that idleness and absence can be
//! told apart later. A sink that is away for less than an epoch has not been away.
//!
//! # The pool hears of every loss
//!
//! When a sink leaves, is clipped, or declares so much less that it loses 5 % or more, the pool is told in the same
//! transaction, with a fixed allowance of gas that the caller has to bring (smaller losses follow with anybody's
//! `rebalanceSink`, or a batch of attestations would be too dear): so a sink that leaves is paid no longer, yet a pool that reverts or wastes gas cannot hold it.
//! If the pool fails, [`ListenerFailed`] says so, and anyone can rebalance that sink later. A registry that StakeManager no
//! longer obeys clips its sinks to nothing.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod history;
mod interface;
mod neighbours;
mod sinks;
mod task_types;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U32};
use bpe_common::{
    call::require_contract,
    clock,
    eip712::hash_words,
    emit, math,
    ownable::Ownable,
    packed::widen,
    powers::{self, power, Holder},
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

#[allow(unused_imports)]
pub use history::{Observation, Summary};
pub use interface::*;
use sinks::last_reveal_block;
use task_types::Origin;

/// Blocks within which a commitment has to be revealed.
pub const COMMIT_TIMEOUT: u64 = 20;
/// Weight of a new declaration in the smoothed capacity: α = 0.3.
pub const EWMA_ALPHA_BPS: u64 = 3_000;
/// What the pool may use to take a sink's units away. Superfluid's unit update is about a third of it.
pub const LISTENER_GAS: u64 = 1_500_000;
/// What StakeManager may use to start the unbonding of a sink. It takes about a third of it.
pub const UNBONDING_GAS: u64 = 150_000;
/// The power to have capacities attested, as [`powers::PowerAnnounced`] names it.
pub const AGGREGATOR: B256 = power("aggregator");
/// The power to act for sinks.
pub const ADAPTER: B256 = power("adapter");
/// The power to say who created a task type.
pub const DIRECTORY: B256 = power("directory");
const MAX_SINKS: u32 = (1 << 24) - 1;

/// Capacities: 4.7·10^12 units at most, which keeps a sink in one slot.
type Capacity = Uint<72, 2>;
type StorageCapacity = StorageUint<72, 2>;

/// What a task type can be: registered, or registered with a minimum stake of its creator set aside.
pub(crate) const REGISTERED: u8 = 1;
pub(crate) const BONDED: u8 = 2;
/// Its id follows from its creator and a name.
pub(crate) const DERIVED: u8 = 3;
/// Which of them it is.
pub(crate) const KIND: u8 = 3;
/// Adapters alone say what its sinks can do.
pub(crate) const ATTESTED: u8 = 4;

/// Slot 0: min_stake (112 bits), total_capacity (104: 2^24 capacities), sink_count (32), state (8: 0 if there is none).
/// Registering, leaving and every change of capacity write it once. Slot 1: creator (160), which never changes.
#[storage]
pub struct TaskType {
    min_stake: StorageUint<112, 2>,
    total_capacity: StorageUint<104, 2>,
    sink_count: StorageU32,
    state: StorageU8,
    creator: StorageAddress,
}

/// One slot: raw (72 bits), smoothed (72), position (24), committed_or_left (32), smoothed_block (32), since (24). All
/// that an update reads and writes of a sink. The hash that is committed to has a slot of its own, zero again after the
/// reveal.
#[storage]
pub struct Sink {
    /// What was declared last, as far as the stake backed it.
    raw: StorageCapacity,
    /// The capacity that counts; after leaving, what it was.
    smoothed: StorageCapacity,
    /// Place in the list of sinks, from 1; 0 if not registered.
    position: StorageUint<24, 1>,
    /// Of a registered sink the block of the pending commitment, 0 if there is none; of one that left the time at which
    /// it did, in seconds.
    committed_or_left: StorageU32,
    /// Block in which the capacity was smoothed last: one step a block at most. 0 if it never was a sink here.
    smoothed_block: StorageU32,
    /// The epoch in which it began to serve. In 24 bits until 2129.
    since: StorageUint<24, 1>,
}

/// One slot: what a sink has over all its task types, in capacity (128 bits) and in number (32).
#[storage]
pub struct Backing {
    capacity: StorageU128,
    task_types: StorageU32,
}

/// The contract. Slots 0–1: ownership. Slot 2: StakeManager. Slot 3: the pool. Slots 4–5: the aggregator, now and announced.
/// Slots 6–7: ServiceDirectory, likewise. Then the mappings.
#[entrypoint]
#[storage]
pub struct CapacityRegistry {
    #[borrow]
    ownable: Ownable,
    stake_manager: StorageAddress,
    pool: StorageAddress,
    aggregator: Holder,
    directory: Holder,
    /// Since when each may act for sinks; 0 if it may not.
    adapters: StorageMap<Address, StorageU256>,
    task_types: StorageMap<B256, TaskType>,
    sinks: StorageMap<B256, StorageMap<Address, Sink>>,
    /// The sinks of a task type, by position − 1. Their number is the task type's.
    sink_list: StorageMap<B256, StorageMap<U32, StorageAddress>>,
    commit_hashes: StorageMap<B256, StorageMap<Address, StorageB256>>,
    backings: StorageMap<Address, Backing>,
    /// By task type and sink: the capacities of the past. There is room for one observation of each epoch until 2129, so
    /// that none is overwritten by one of a later epoch: what was owed is known whenever it is asked for.
    histories: StorageMap<B256, StorageMap<Address, StorageArray<Observation, 16_777_216>>>,
    summaries: StorageMap<B256, StorageMap<Address, Summary>>,
}

/// A list of sinks and their smoothed capacities.
type Sinks = Returns<(Vec<Address>, Vec<U256>)>;

#[public]
#[inherit(Ownable)]
impl CapacityRegistry {
    /// Sets the contract up: where stakes are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, stake_manager: Address, owner: Address) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), stake_manager)?;
        self.stake_manager.set(stake_manager);
        Ok(())
    }

    // --- Task types

    /// Registers a task type of the caller's whose sinks stake at least `min_stake`. A minimum stake of the caller's is set
    /// aside until somebody else serves it; not of an adapter, announced ones included, nor of the owner before staking is
    /// open.
    ///
    /// # Errors
    ///
    /// * [`TaskTypeAlreadyExists`], [`MinStakeTooLarge`]
    /// * StakeManager's `InsufficientStake` if less is free.
    ///
    /// # Events
    ///
    /// * [`TaskTypeRegistered`]; StakeManager's `StakeBonded`
    pub fn register_task_type(&mut self, task_type_id: B256, min_stake: U256) -> Result<(), Error> {
        let creator = self.vm().msg_sender();
        let is_trusted = !self.adapter_from(creator).is_zero() || self.is_setting_up()?;
        let origin = match is_trusted {
            true => Origin::Trusted,
            false => Origin::Bonded,
        };
        self.create(task_type_id, min_stake, creator, origin)
    }

    /// Registers a task type that `creator` created. For ServiceDirectory, which vouches for `derived`: that the id follows from
    /// the creator and a name, so that nothing has to be set aside, and the id is the creator's even if somebody else took it
    /// before: whose stake is free again. A `weighting` other than 0 is BackpressurePool's from the
    /// start. And for the owner until staking is open: EconomyFactory does it for its caller.
    ///
    /// # Errors
    ///
    /// * [`NotServiceDirectory`]; as [`CapacityRegistry::register_task_type`].
    /// * What BackpressurePool reverts with.
    ///
    /// # Events
    ///
    /// * As [`CapacityRegistry::register_task_type`].
    pub fn register_task_type_for(
        &mut self,
        task_type_id: B256,
        min_stake: U256,
        creator: Address,
        derived: bool,
        weighting: u8,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        let origin = if caller != self.service_directory() {
            match self.is_setting_up()? {
                true => Origin::Trusted,
                false => return Err(NotServiceDirectory { caller }.into()),
            }
        } else if derived {
            Origin::Derived
        } else {
            Origin::Bonded
        };
        self.create(task_type_id, min_stake, creator, origin)?;
        self.set_weighting(task_type_id, weighting)
    }

    /// Has adapters alone say what sinks of the task type can do, from now on, for good. For its creator.
    ///
    /// # Errors
    ///
    /// * [`NotTaskTypeCreator`]
    ///
    /// # Events
    ///
    /// * [`AttestationsRequired`]
    pub fn require_attestations(&mut self, task_type_id: B256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if self.get_creator(task_type_id) != caller {
            return Err(NotTaskTypeCreator { caller }.into());
        }
        self.set_attested(task_type_id);
        Ok(())
    }

    // --- Sinks

    /// Registers the caller as a sink with `initial_capacity`, clipped to what its stake can still back; with none, where
    /// capacities are attested. A sink that was here before goes on from the smoothed capacity that it left with.
    ///
    /// # Errors
    ///
    /// * [`TaskTypeDoesNotExist`], [`SinkAlreadyRegistered`], [`TooManySinks`]
    /// * [`CapacityExceedsCap`] if other task types have taken all of the cap.
    /// * StakeManager's `InsufficientStake` if the stake is less than the task type asks for.
    ///
    /// # Events
    ///
    /// * [`SinkRegistered`]
    pub fn register_sink(
        &mut self,
        task_type_id: B256,
        initial_capacity: U256,
    ) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        let initial = match self.is_attested(task_type_id) {
            true => U256::ZERO,
            false => initial_capacity,
        };
        self.register(task_type_id, sink, initial)
    }

    /// Takes the caller out of the task type. Its stake starts unbonding when it was the last one, and the pool stops
    /// paying it.
    ///
    /// # Errors
    ///
    /// * [`TaskTypeDoesNotExist`], [`SinkNotRegistered`], [`InsufficientGas`]
    ///
    /// # Events
    ///
    /// * [`SinkDeregistered`]; [`UnbondingFailed`], [`ListenerFailed`] if a neighbour fails.
    pub fn deregister_sink(&mut self, task_type_id: B256) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        self.deregister(task_type_id, sink)
    }

    /// Commits the caller to a capacity that it will reveal in one of the next 20 blocks:
    /// `commit_hash = keccak256(abi.encode(taskTypeId, sink, capacity, nonce))`, which nobody else can reveal as its own, or
    /// `keccak256(abi.encode(capacity, nonce))`.
    ///
    /// # Errors
    ///
    /// * [`TaskTypeDoesNotExist`], [`SinkNotRegistered`], [`CommitNotExpired`]
    ///
    /// # Events
    ///
    /// * [`CapacityCommitted`]
    pub fn commit_capacity(&mut self, task_type_id: B256, commit_hash: B256) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        self.require_registered(task_type_id, sink)?;
        let block = clock::block_number(self.vm());
        let mut types = self.sinks.setter(task_type_id);
        let mut entry = types.setter(sink);
        let pending = entry.committed_or_left.get();
        if !pending.is_zero() && block <= last_reveal_block(pending) {
            return Err(CommitNotExpired {}.into());
        }
        entry.committed_or_left.set(U32::wrapping_from(block));
        self.commit_hashes
            .setter(task_type_id)
            .setter(sink)
            .set(commit_hash);
        emit!(self.vm(), CapacityCommitted[task_type_id, sink](commit_hash));
        Ok(())
    }

    /// Reveals the capacity that the caller is committed to.
    ///
    /// # Errors
    ///
    /// * [`NoCommitPending`], [`RevealTooEarly`], [`CommitExpired`], [`CommitHashMismatch`]
    /// * [`NotAuthorizedAdapter`] where capacities are attested.
    ///
    /// # Events
    ///
    /// * [`CapacityRevealed`]; [`CapacityClipped`] if the stake backs less than the sink had.
    pub fn reveal_capacity(
        &mut self,
        task_type_id: B256,
        capacity: U256,
        nonce: B256,
    ) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        if self.is_attested(task_type_id) {
            return Err(NotAuthorizedAdapter { caller: sink }.into());
        }
        let bound = [task_type_id, sink.into_word(), capacity.into(), nonce];
        let hashes = [hash_words(&bound), hash_words(&[capacity.into(), nonce])];
        self.consume_commit(task_type_id, sink, hashes)?;
        self.note_declaration(task_type_id, sink);
        self.update(task_type_id, sink, capacity)
    }

    // --- Aggregator and adapters

    /// Updates the capacity of a sink, as attested. For adapters; for the aggregator, but in attested task types.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedAggregator`], [`TaskTypeDoesNotExist`], [`SinkNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`CapacityRevealed`]; [`CapacityClipped`] if the stake backs less than the sink had.
    pub fn update_capacity_from_aggregator(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Error> {
        self.only_updater(task_type_id)?;
        self.require_registered(task_type_id, sink)?;
        self.update(task_type_id, sink, capacity)
    }

    /// Updates the capacity of a sink, as it attested at `timestamp`: what it has declared itself since then, by registering or
    /// revealing, counts instead.
    ///
    /// # Errors
    ///
    /// * [`OlderThanDeclared`], and as [`CapacityRegistry::update_capacity_from_aggregator`].
    ///
    /// # Events
    ///
    /// * As [`CapacityRegistry::update_capacity_from_aggregator`].
    pub fn update_capacity_as_of(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
        timestamp: U256,
    ) -> Result<(), Error> {
        self.only_updater(task_type_id)?;
        self.require_registered(task_type_id, sink)?;
        let declared_at = self.declared_at(task_type_id, sink);
        if timestamp < declared_at {
            return Err(OlderThanDeclared {
                timestamp,
                declaredAt: declared_at,
            }
            .into());
        }
        self.update(task_type_id, sink, capacity)
    }

    /// Registers `sink` on its operator's behalf. For adapters, who have to know that the operator asks for it.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedAdapter`], and as [`CapacityRegistry::register_sink`].
    ///
    /// # Events
    ///
    /// * [`SinkRegistered`]
    pub fn register_sink_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
        initial_capacity: U256,
    ) -> Result<(), Error> {
        self.only_adapter()?;
        self.register(task_type_id, sink, initial_capacity)
    }

    /// Takes `sink` out of the task type on its operator's behalf. For adapters.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedAdapter`], and as [`CapacityRegistry::deregister_sink`].
    ///
    /// # Events
    ///
    /// * As [`CapacityRegistry::deregister_sink`].
    pub fn deregister_sink_for(&mut self, task_type_id: B256, sink: Address) -> Result<(), Error> {
        self.only_adapter()?;
        self.deregister(task_type_id, sink)
    }

    /// Cuts the capacity of `sink` to `limit` at once, without smoothing, as what was attested of it has grown old; the pool
    /// hears of it. For adapters.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedAdapter`], and as [`CapacityRegistry::sync_capacity`].
    ///
    /// # Events
    ///
    /// * As [`CapacityRegistry::sync_capacity`].
    pub fn limit_capacity_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
        limit: U256,
    ) -> Result<(), Error> {
        self.only_adapter()?;
        self.cut(task_type_id, sink, limit)
    }

    // --- Anyone

    /// Clips the capacity of `sink` to what its stake backs now, after a slash say. Does nothing if it fits.
    ///
    /// # Errors
    ///
    /// * [`TaskTypeDoesNotExist`], [`SinkNotRegistered`], [`InsufficientGas`]
    ///
    /// # Events
    ///
    /// * [`CapacityClipped`], [`ListenerFailed`]
    pub fn sync_capacity(&mut self, task_type_id: B256, sink: Address) -> Result<(), Error> {
        self.cut(task_type_id, sink, U256::MAX)
    }

    // --- Owner

    /// Takes attested capacities from `aggregator`, after StakeManager's `powerNotice`; from nobody from now on, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AggregatorSet`]; [`powers::PowerAnnounced`] instead, if it takes effect later.
    pub fn set_aggregator(&mut self, aggregator: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let now = clock::block_timestamp(self.vm());
        match self.aggregator.give(aggregator, now, notice) {
            0 => emit!(self.vm(), AggregatorSet[aggregator]),
            from => powers::tell(self.vm(), AGGREGATOR, aggregator, from),
        }
        Ok(())
    }

    /// Lets `adapter` act for sinks, after StakeManager's `powerNotice`; or no longer, at once.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AdapterSet`]; [`powers::PowerAnnounced`] instead, if it takes effect later.
    pub fn set_adapter(&mut self, adapter: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let known = self.adapters.get(adapter);
        let since = powers::since(self.vm(), known, ADAPTER, adapter, authorized, notice);
        self.adapters.setter(adapter).set(since);
        if !authorized || powers::is_in_effect(self.vm(), since) {
            emit!(self.vm(), AdapterSet[adapter](authorized));
        }
        Ok(())
    }

    /// Makes `directory` the one that says who created a task type, after StakeManager's `powerNotice`; nobody from now on, if
    /// zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ServiceDirectorySet`]; [`powers::PowerAnnounced`] instead, if it takes effect later.
    pub fn set_service_directory(&mut self, directory: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = powers::notice(self.vm(), self.stake_manager.get())?;
        let now = clock::block_timestamp(self.vm());
        match self.directory.give(directory, now, notice) {
            0 => emit!(self.vm(), ServiceDirectorySet[directory]),
            from => powers::tell(self.vm(), DIRECTORY, directory, from),
        }
        Ok(())
    }

    /// Makes `pool` the contract whose pools pay the sinks; zero for none.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`PoolSet`]
    pub fn set_pool(&mut self, pool: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.pool.set(pool);
        emit!(self.vm(), PoolSet[pool]);
        Ok(())
    }

    // --- Views

    /// The least that a sink of the task type stakes, in wei; how many there are; and the sum of their smoothed
    /// capacities. Zeros if there is no such task type.
    ///
    /// # Returns
    ///
    /// * `minStake`
    /// * `sinkCount`
    /// * `totalCapacity`
    pub fn get_task_type(&self, task_type_id: B256) -> (U256, U256, U256) {
        let task_type = self.task_types.getter(task_type_id);
        (
            widen(task_type.min_stake.get()),
            widen(task_type.sink_count.get()),
            widen(task_type.total_capacity.get()),
        )
    }

    /// Who created the task type; zero if there is none. Creators set its fees, build pipelines of it, and say which adapters
    /// may speak for it.
    pub fn get_creator(&self, task_type_id: B256) -> Address {
        self.task_types.getter(task_type_id).creator.get()
    }

    /// Whether there is such a task type.
    pub fn task_type_exists(&self, task_type_id: B256) -> bool {
        !self.task_types.getter(task_type_id).state.get().is_zero()
    }

    /// Whether a minimum stake of the task type's creator is set aside, until somebody else serves it.
    pub fn is_bonded(&self, task_type_id: B256) -> bool {
        self.state(task_type_id) & KIND == BONDED
    }

    /// Whether adapters alone say what sinks of the task type can do.
    pub fn is_attested(&self, task_type_id: B256) -> bool {
        self.state(task_type_id) & ATTESTED != 0
    }

    /// All sinks of a task type, and their smoothed capacities. For long lists: [`CapacityRegistry::get_sinks_page`].
    ///
    /// # Returns
    ///
    /// * `sinks`
    /// * `capacities`
    pub fn get_sinks(&self, task_type_id: B256) -> Sinks {
        self.page(task_type_id, 0, u32::MAX)
    }

    /// At most `count` sinks of a task type, from number `from` on, and their smoothed capacities. When a sink leaves,
    /// the last one takes its place.
    ///
    /// # Returns
    ///
    /// * `sinks`
    /// * `capacities`
    pub fn get_sinks_page(&self, task_type_id: B256, from: U256, count: U256) -> Sinks {
        self.page(task_type_id, from.saturating_to(), count.saturating_to())
    }

    /// Whether `sink` serves the task type.
    pub fn is_registered(&self, task_type_id: B256, sink: Address) -> bool {
        !self
            .sinks
            .getter(task_type_id)
            .getter(sink)
            .position
            .get()
            .is_zero()
    }

    /// The capacity by which `sink` is weighted; zero if it is not registered.
    pub fn get_smoothed_capacity(&self, task_type_id: B256, sink: Address) -> U256 {
        let types = self.sinks.getter(task_type_id);
        let entry = types.getter(sink);
        match entry.position.get().is_zero() {
            true => U256::ZERO,
            false => widen(entry.smoothed.get()),
        }
    }

    /// The capacity that `sink` declared last, as far as its stake backed it; zero if it is not registered.
    pub fn get_raw_capacity(&self, task_type_id: B256, sink: Address) -> U256 {
        widen(self.sinks.getter(task_type_id).getter(sink).raw.get())
    }

    /// Of `sink` in the task type: its smoothed capacity, or the one with which it left; the beginning of the first epoch
    /// that it served from beginning to end; and when it left, or zero if it has not. Times in seconds since 1970. Zeros
    /// if it never served. A sink that comes back before an epoch's length has passed has not left.
    ///
    /// # Returns
    ///
    /// * `capacity`
    /// * `since`
    /// * `until`
    pub fn get_service(&self, task_type_id: B256, sink: Address) -> (U256, U256, U256) {
        let types = self.sinks.getter(task_type_id);
        let entry = types.getter(sink);
        if entry.smoothed_block.get().is_zero() {
            return (U256::ZERO, U256::ZERO, U256::ZERO);
        }
        let began: u64 = entry.since.get().wrapping_to();
        let since = began.saturating_add(1).saturating_mul(clock::EPOCH);
        let until = match entry.position.get().is_zero() {
            true => widen(entry.committed_or_left.get()),
            false => U256::ZERO,
        };
        (widen(entry.smoothed.get()), U256::from(since), until)
    }

    /// The capacity-seconds of `sink` in the task type since ever, until `time` (seconds since 1970): the sum over time
    /// of its smoothed capacity while it was registered. Exact at the ends of all epochs of 300 s, and since the last
    /// change. Within an epoch, before its last change, it is taken in a straight line.
    ///
    /// # Returns
    ///
    /// * `capacitySeconds`
    ///
    /// # Errors
    ///
    /// * [`TimeNotReached`]
    pub fn get_capacity_seconds(
        &self,
        task_type_id: B256,
        sink: Address,
        time: U256,
    ) -> Result<U256, Error> {
        let asked: u64 = time.saturating_to();
        if asked > clock::block_timestamp(self.vm()) {
            return Err(TimeNotReached { time }.into());
        }
        Ok(U256::from(self.seconds_until(task_type_id, sink, asked)))
    }

    /// The most capacity that `sink` ever had in the task type.
    pub fn get_peak_capacity(&self, task_type_id: B256, sink: Address) -> U256 {
        U256::from(self.peak(task_type_id, sink))
    }

    /// When `sink` declared a capacity itself for the last time, by registering or revealing, in seconds since 1970; 0 if never.
    pub fn get_declared_at(&self, task_type_id: B256, sink: Address) -> U256 {
        self.declared_at(task_type_id, sink)
    }

    /// The capacity that `sink` has over all its task types, which its stake backs, and how many those are.
    ///
    /// # Returns
    ///
    /// * `capacity`
    /// * `taskTypes`
    pub fn get_backing(&self, sink: Address) -> (U256, U256) {
        let backing = self.backings.getter(sink);
        (
            widen(backing.capacity.get()),
            widen(backing.task_types.get()),
        )
    }

    /// Whether `sink` has committed to a capacity and can still reveal it.
    pub fn has_pending_commit(&self, task_type_id: B256, sink: Address) -> bool {
        let types = self.sinks.getter(task_type_id);
        let pending = types.getter(sink).pending_commit();
        !pending.is_zero() && clock::block_number(self.vm()) <= last_reveal_block(pending)
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// Where attested capacities come from.
    pub fn authorized_aggregator(&self) -> Address {
        self.aggregator.get(clock::block_timestamp(self.vm()))
    }

    /// Whether `adapter` may act for sinks.
    pub fn authorized_adapters(&self, adapter: Address) -> bool {
        powers::is_in_effect(self.vm(), self.adapters.get(adapter))
    }

    /// Who is to be the aggregator, and from when on, in seconds since 1970; zeros if nobody is announced.
    ///
    /// # Returns
    ///
    /// * `aggregator`
    /// * `from`
    pub fn announced_aggregator(&self) -> (Address, U256) {
        self.aggregator.announced(clock::block_timestamp(self.vm()))
    }

    /// Who says who created a task type.
    pub fn service_directory(&self) -> Address {
        self.directory.get(clock::block_timestamp(self.vm()))
    }

    /// Who is to be ServiceDirectory, and from when on, in seconds since 1970; zeros if nobody is announced.
    ///
    /// # Returns
    ///
    /// * `serviceDirectory`
    /// * `from`
    pub fn announced_service_directory(&self) -> (Address, U256) {
        self.directory.announced(clock::block_timestamp(self.vm()))
    }

    /// From when on `adapter` may act for sinks, in seconds since 1970: later than now, if that is announced; zero, if it may
    /// not.
    pub fn adapter_from(&self, adapter: Address) -> U256 {
        self.adapters.get(adapter)
    }

    /// The contract whose pools pay the sinks.
    pub fn pool(&self) -> Address {
        self.pool.get()
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }

    /// Blocks within which a commitment has to be revealed.
    #[selector(name = "COMMIT_TIMEOUT")]
    pub fn commit_timeout(&self) -> U256 {
        U256::from(COMMIT_TIMEOUT)
    }

    /// Weight of a new declaration in the smoothed capacity.
    #[selector(name = "EWMA_ALPHA_BPS")]
    pub fn ewma_alpha_bps(&self) -> U256 {
        U256::from(EWMA_ALPHA_BPS)
    }
}
