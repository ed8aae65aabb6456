//! CapacityRegistry: which sinks serve which task type, and with how much capacity.
//!
//! A sink registers with the stake the task type asks for, declares capacity by commit and reveal or by attestation,
//! and is weighted by its *smoothed* capacity: an average over past declarations, never more than its stake backs.
//!
//! | who | may |
//! |---|---|
//! | anyone | register task types; register itself as a sink; [`sync_capacity`](CapacityRegistry::sync_capacity) |
//! | a sink | commit, reveal, deregister |
//! | the aggregator | update capacities |
//! | an adapter | register, update and remove sinks on their operators' behalf |
//! | the owner | name the aggregator, the adapters and the pool |
//!
//! Capacities are in units of 1e-9, stakes in the stake token's wei. Block numbers are L1 blocks, about 12 s apart.
//!
//! # One stake, one backing
//!
//! What a sink declares over all its task types together stays within the cap of its stake. A task type counts with
//! its raw or its smoothed capacity, whichever is more; what does not fit into the cap is cut off the task type that
//! changes. The stake behind it is locked in StakeManager until the sink has left its last task type.
//!
//! # Smoothing
//!
//! A first registration counts at once; from then on each declaration moves the smoothed capacity by 30 % of the way, one
//! step a block at most. A sink that leaves and comes back goes on from where it was.
//!
//! # Since when a sink serves
//!
//! The registry knows in which epoch of 300 s a sink began to serve and when it left, so that idleness and absence can be
//! told apart later. A sink that is away for less than an epoch has not been away.
//!
//! # The pool hears of every loss
//!
//! When a sink leaves or is clipped, the pool is told in the same transaction, with a fixed allowance of gas that the
//! caller has to bring: so a sink that leaves is paid no longer, yet a pool that reverts or wastes gas cannot hold it.
//! If the pool fails, [`ListenerFailed`] says so, and anyone can rebalance that sink later.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U32};
use alloy_sol_types::{sol, SolCall};
use bpe_common::{
    call::{
        call, invoke, query, require_contract, require_gas, InsufficientGas, NotAContract, Revert,
    },
    clock,
    eip712::hash_words,
    interfaces::{ICapacityListener, IStakeManager},
    math,
    ownable::{self, Ownable},
    packed::{narrow, to_u128, widen},
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// `creator` registered the task type; its sinks stake at least `minStake`.
    #[derive(Debug, PartialEq, Eq)]
    event TaskTypeRegistered(bytes32 indexed taskTypeId, address indexed creator, uint256 minStake);
    /// `sink` serves the task type, at first with `initialCapacity`, which its stake backs.
    #[derive(Debug, PartialEq, Eq)]
    event SinkRegistered(bytes32 indexed taskTypeId, address indexed sink, uint256 initialCapacity);
    /// `sink` serves the task type no more.
    #[derive(Debug, PartialEq, Eq)]
    event SinkDeregistered(bytes32 indexed taskTypeId, address indexed sink);
    /// `sink` will declare the capacity whose hash is `commitHash`.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityCommitted(bytes32 indexed taskTypeId, address indexed sink, bytes32 commitHash);
    /// `sink` declared, or had attested, `rawCapacity` as far as its stake backs it.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityRevealed(bytes32 indexed taskTypeId, address indexed sink, uint256 rawCapacity, uint256 smoothedCapacity);
    /// The stake of `sink` no longer backs what it had.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityClipped(bytes32 indexed taskTypeId, address indexed sink, uint256 rawCapacity, uint256 smoothedCapacity);
    /// The pool failed when it was told that `sink` now has `capacity`: rebalance that sink there.
    #[derive(Debug, PartialEq, Eq)]
    event ListenerFailed(bytes32 indexed taskTypeId, address indexed sink, uint256 capacity);
    /// StakeManager refused to unbond the stake of `sink`: this registry has lost its authority there. See
    /// `StakeManager.leaveRevokedRegistry`.
    #[derive(Debug, PartialEq, Eq)]
    event UnbondingFailed(address indexed sink);
    /// The aggregator is now `aggregator`.
    #[derive(Debug, PartialEq, Eq)]
    event AggregatorSet(address indexed aggregator);
    /// `adapter` may now act for sinks, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event AdapterSet(address indexed adapter, bool authorized);
    /// The pool is now `pool`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event PoolSet(address indexed pool);

    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// There is such a task type already.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeAlreadyExists();
    /// The sink serves this task type already.
    #[derive(Debug, PartialEq, Eq)]
    error SinkAlreadyRegistered();
    /// The sink does not serve this task type.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered();
    /// Not even a part of `declared` fits into the sink's `cap`: other task types have taken it all.
    #[derive(Debug, PartialEq, Eq)]
    error CapacityExceedsCap(uint256 declared, uint256 cap);
    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// There is nothing to reveal.
    #[derive(Debug, PartialEq, Eq)]
    error NoCommitPending();
    /// A commitment is pending: reveal it, or wait until it has expired.
    #[derive(Debug, PartialEq, Eq)]
    error CommitNotExpired();
    /// The commitment is more than 20 blocks old.
    #[derive(Debug, PartialEq, Eq)]
    error CommitExpired();
    /// The commitment is of this block, `commitBlock`: reveal in a later one.
    #[derive(Debug, PartialEq, Eq)]
    error RevealTooEarly(uint256 commitBlock);
    /// This is not what was committed to.
    #[derive(Debug, PartialEq, Eq)]
    error CommitHashMismatch();
    /// The caller is neither the aggregator nor an adapter.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedAggregator();
    /// `caller` is not an adapter.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedAdapter(address caller);
    /// Metadata of `length` bytes is more than `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error MetadataTooLong(uint256 length, uint256 maximum);
    /// A minimum stake of `minStake` is more than can be kept (2^112 − 1).
    #[derive(Debug, PartialEq, Eq)]
    error MinStakeTooLarge(uint256 minStake);
    /// A task type has at most 2^24 − 1 sinks.
    #[derive(Debug, PartialEq, Eq)]
    error TooManySinks();
}

/// Why a call was refused. [`Error::Revert`] is what StakeManager or the pool reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    TaskTypeAlreadyExists(TaskTypeAlreadyExists),
    SinkAlreadyRegistered(SinkAlreadyRegistered),
    SinkNotRegistered(SinkNotRegistered),
    CapacityExceedsCap(CapacityExceedsCap),
    InsufficientStake(InsufficientStake),
    NoCommitPending(NoCommitPending),
    CommitNotExpired(CommitNotExpired),
    CommitExpired(CommitExpired),
    RevealTooEarly(RevealTooEarly),
    CommitHashMismatch(CommitHashMismatch),
    NotAuthorizedAggregator(NotAuthorizedAggregator),
    NotAuthorizedAdapter(NotAuthorizedAdapter),
    MetadataTooLong(MetadataTooLong),
    MinStakeTooLarge(MinStakeTooLarge),
    TooManySinks(TooManySinks),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// Blocks within which a commitment has to be revealed.
pub const COMMIT_TIMEOUT: u64 = 20;
/// Weight of a new declaration in the smoothed capacity: α = 0.3.
pub const EWMA_ALPHA_BPS: u64 = 3_000;
/// The longest metadata of a task type, in bytes.
pub const MAX_METADATA: usize = 1_024;
/// What the pool may use to take a sink's units away. Superfluid's unit update is about a third of it.
pub const LISTENER_GAS: u64 = 1_500_000;
/// What StakeManager may use to start the unbonding of a sink. It takes about a third of it.
pub const UNBONDING_GAS: u64 = 150_000;
const MAX_SINKS: u32 = (1 << 24) - 1;

/// Capacities: 4.7·10^12 units at most, which keeps a sink in one slot.
type Capacity = Uint<72, 2>;
type StorageCapacity = StorageUint<72, 2>;

/// One slot: min_stake (112 bits), total_capacity (104: 2^24 capacities), sink_count (32), exists (8). Registering,
/// leaving and every change of capacity write it once.
#[storage]
pub struct TaskType {
    min_stake: StorageUint<112, 2>,
    total_capacity: StorageUint<104, 2>,
    sink_count: StorageU32,
    exists: StorageBool,
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

/// The contract. Slots 0–1: ownership. Slots 2–4: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct CapacityRegistry {
    #[borrow]
    ownable: Ownable,
    stake_manager: StorageAddress,
    aggregator: StorageAddress,
    pool: StorageAddress,
    adapters: StorageMap<Address, StorageBool>,
    task_types: StorageMap<B256, TaskType>,
    metadata: StorageMap<B256, StorageString>,
    sinks: StorageMap<B256, StorageMap<Address, Sink>>,
    /// The sinks of a task type, by position − 1. Their number is the task type's.
    sink_list: StorageMap<B256, StorageMap<U32, StorageAddress>>,
    commit_hashes: StorageMap<B256, StorageMap<Address, StorageB256>>,
    backings: StorageMap<Address, Backing>,
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

    /// Registers a task type whose sinks stake at least `min_stake`, without metadata or pool.
    ///
    /// # Errors
    ///
    /// * [`TaskTypeAlreadyExists`], [`MinStakeTooLarge`]
    ///
    /// # Events
    ///
    /// * [`TaskTypeRegistered`]
    pub fn register_task_type(&mut self, task_type_id: B256, min_stake: U256) -> Result<(), Error> {
        let min = narrow(min_stake).ok_or(MinStakeTooLarge {
            minStake: min_stake,
        })?;
        let mut task_type = self.task_types.setter(task_type_id);
        if task_type.exists.get() {
            return Err(TaskTypeAlreadyExists {}.into());
        }
        task_type.exists.set(true);
        task_type.min_stake.set(min);
        let creator = self.vm().msg_sender();
        log(
            self.vm(),
            TaskTypeRegistered {
                taskTypeId: task_type_id,
                creator,
                minStake: min_stake,
            },
        );
        Ok(())
    }

    /// Registers a task type with `metadata`, and creates its pool if there is a pool contract. For callers with a
    /// sink's minimum stake.
    ///
    /// # Errors
    ///
    /// * As [`CapacityRegistry::register_task_type`]; [`MetadataTooLong`], [`InsufficientStake`]
    /// * What StakeManager or the pool revert with.
    ///
    /// # Events
    ///
    /// * [`TaskTypeRegistered`]
    #[selector(name = "registerTaskType")]
    pub fn register_task_type_with_metadata(
        &mut self,
        task_type_id: B256,
        metadata: String,
        min_stake: U256,
    ) -> Result<(), Error> {
        if metadata.len() > MAX_METADATA {
            let (length, maximum) = (U256::from(metadata.len()), U256::from(MAX_METADATA));
            return Err(MetadataTooLong { length, maximum }.into());
        }
        self.require_stake(self.vm().msg_sender())?;
        self.register_task_type(task_type_id, min_stake)?;
        self.metadata.setter(task_type_id).set_str(&metadata);
        let pool = self.pool.get();
        if !pool.is_zero() {
            invoke(
                self.vm(),
                pool,
                &ICapacityListener::createPoolCall {
                    taskTypeId: task_type_id,
                },
            )?;
        }
        Ok(())
    }

    // --- Sinks

    /// Registers the caller as a sink with `initial_capacity`, clipped to what its stake can still back. A sink that was
    /// here before goes on from the smoothed capacity that it left with.
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
        self.register(task_type_id, sink, initial_capacity)
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
    /// `commit_hash = keccak256(abi.encode(capacity, nonce))`.
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
        log(
            self.vm(),
            CapacityCommitted {
                taskTypeId: task_type_id,
                sink,
                commitHash: commit_hash,
            },
        );
        Ok(())
    }

    /// Reveals the capacity that the caller is committed to.
    ///
    /// # Errors
    ///
    /// * [`NoCommitPending`], [`RevealTooEarly`], [`CommitExpired`], [`CommitHashMismatch`]
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
        self.consume_commit(task_type_id, sink, hash_words(&[capacity.into(), nonce]))?;
        self.update(task_type_id, sink, capacity)
    }

    // --- Aggregator and adapters

    /// Updates the capacity of a sink, as attested.
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
        let caller = self.vm().msg_sender();
        if caller != self.aggregator.get() && !self.adapters.get(caller) {
            return Err(NotAuthorizedAggregator {}.into());
        }
        self.require_registered(task_type_id, sink)?;
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
        self.require_registered(task_type_id, sink)?;
        let now = self.capacities(task_type_id, sink);
        let room = self.room(sink, now, now.max())?;
        let clipped = Capacities {
            raw: now.raw.min(room),
            smoothed: now.smoothed.min(room),
        };
        if clipped == now {
            return Ok(());
        }
        self.store(task_type_id, sink, now, clipped);
        self.clipped(task_type_id, sink, clipped)
    }

    // --- Owner

    /// Makes `aggregator` the one that attested capacities are taken from.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AggregatorSet`]
    pub fn set_aggregator(&mut self, aggregator: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.aggregator.set(aggregator);
        log(self.vm(), AggregatorSet { aggregator });
        Ok(())
    }

    /// Lets `adapter` act for sinks, or no longer.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AdapterSet`]
    pub fn set_adapter(&mut self, adapter: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.adapters.setter(adapter).set(authorized);
        log(
            self.vm(),
            AdapterSet {
                adapter,
                authorized,
            },
        );
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
        log(self.vm(), PoolSet { pool });
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

    /// Whether there is such a task type.
    pub fn task_type_exists(&self, task_type_id: B256) -> bool {
        self.task_types.getter(task_type_id).exists.get()
    }

    /// The metadata of a task type.
    pub fn get_metadata(&self, task_type_id: B256) -> String {
        self.metadata.getter(task_type_id).get_string()
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
        self.aggregator.get()
    }

    /// Whether `adapter` may act for sinks.
    pub fn authorized_adapters(&self, adapter: Address) -> bool {
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

/// What a sink has in one task type.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Capacities {
    raw: u128,
    smoothed: u128,
}

impl Capacities {
    const NONE: Self = Self {
        raw: 0,
        smoothed: 0,
    };

    /// What the stake has to back.
    fn max(self) -> u128 {
        self.raw.max(self.smoothed)
    }
}

impl CapacityRegistry {
    fn register(&mut self, id: B256, sink: Address, declared: U256) -> Result<(), Error> {
        let task_type = self.task_types.getter(id);
        if !task_type.exists.get() {
            return Err(TaskTypeDoesNotExist {}.into());
        }
        if self.is_registered(id, sink) {
            return Err(SinkAlreadyRegistered {}.into());
        }
        let count = task_type.sink_count.get();
        if count >= U32::from(MAX_SINKS) {
            return Err(TooManySinks {}.into());
        }
        let min_stake = widen(task_type.min_stake.get());
        let wanted = clip(declared);
        let memory = self.memory(id, sink);
        let most = memory.map_or(wanted, |memory| memory.max(wanted));
        let others = to_u128(self.backings.getter(sink).capacity.get());
        let request = IStakeManager::backRegistrationCall {
            sink,
            minStake: min_stake,
            capacity: U256::from(others.saturating_add(most)),
        };
        let granted = invoke(self.vm(), self.stake_manager.get(), &request)?.granted;
        let room = math::to_u128_saturating(granted).saturating_sub(others);
        if wanted > 0 && room == 0 {
            return Err(CapacityExceedsCap {
                declared,
                cap: U256::ZERO,
            }
            .into());
        }
        let raw = wanted.min(room);
        let smoothed = match memory {
            Some(memory) => self.step(id, sink, raw, memory).min(room),
            None => raw,
        };
        self.append(id, sink, count);
        let capacities = Capacities { raw, smoothed };
        self.store(id, sink, Capacities::NONE, capacities);
        log(
            self.vm(),
            SinkRegistered {
                taskTypeId: id,
                sink,
                initialCapacity: U256::from(raw),
            },
        );
        Ok(())
    }

    fn deregister(&mut self, id: B256, sink: Address) -> Result<(), Error> {
        self.require_registered(id, sink)?;
        let now = self.capacities(id, sink);
        self.store(id, sink, now, Capacities::NONE);
        let is_last = self.remove(id, sink, now.smoothed);
        log(
            self.vm(),
            SinkDeregistered {
                taskTypeId: id,
                sink,
            },
        );
        if is_last {
            self.start_unbonding(sink)?;
        }
        self.notify(id, sink, 0)
    }

    /// Puts `sink` at the end of the list, where `count` sinks are before it.
    fn append(&mut self, id: B256, sink: Address, count: U32) {
        let block = U32::wrapping_from(clock::block_number(self.vm()));
        let now = clock::block_timestamp(self.vm());
        // Fits: at most MAX_SINKS.
        let position = count.saturating_add(U32::from(1));
        self.sink_list.setter(id).setter(count).set(sink);
        self.task_types.setter(id).sink_count.set(position);
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        entry.position.set(Uint::wrapping_from(position));
        entry.smoothed_block.set(block);
        let left: u64 = entry.committed_or_left.get().wrapping_to();
        if now.saturating_sub(left) >= clock::EPOCH {
            entry.since.set(Uint::wrapping_from(now / clock::EPOCH));
        }
        entry.committed_or_left.set(U32::ZERO);
        let mut backing = self.backings.setter(sink);
        let task_types = backing.task_types.get().saturating_add(U32::from(1));
        backing.task_types.set(task_types);
    }

    /// Takes `sink` from the list; the last sink takes its place. Its smoothed capacity is remembered: see
    /// [`CapacityRegistry::memory`]. Returns whether this was its last task type.
    fn remove(&mut self, id: B256, sink: Address, smoothed: u128) -> bool {
        let now = clock::block_timestamp(self.vm());
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        let position = entry.position.get();
        let had_commit = !entry.pending_commit().is_zero();
        entry.position.set(Uint::ZERO);
        entry.committed_or_left.set(U32::wrapping_from(now));
        entry.smoothed.set(Capacity::wrapping_from(smoothed));
        if had_commit {
            self.commit_hashes.setter(id).setter(sink).set(B256::ZERO);
        }
        let mut task_type = self.task_types.setter(id);
        let last_index = task_type.sink_count.get().saturating_sub(U32::from(1));
        task_type.sink_count.set(last_index);
        let mut list = self.sink_list.setter(id);
        let last = list.get(last_index);
        if last != sink {
            let index = U32::wrapping_from(position).saturating_sub(U32::from(1));
            list.setter(index).set(last);
            types.setter(last).position.set(position);
        }
        list.setter(last_index).set(Address::ZERO);
        let mut backing = self.backings.setter(sink);
        let task_types = backing.task_types.get().saturating_sub(U32::from(1));
        backing.task_types.set(task_types);
        task_types.is_zero()
    }

    /// Declares `declared` for a registered sink: clips it to what the stake backs, and takes one step of smoothing, if
    /// none was taken in this block.
    fn update(&mut self, id: B256, sink: Address, declared: U256) -> Result<(), Error> {
        let now = self.capacities(id, sink);
        let declared = clip(declared);
        let room = self.room(sink, now, declared.max(now.smoothed))?;
        let raw = declared.min(room);
        let stepped = self.step(id, sink, raw, now.smoothed);
        let next = Capacities {
            raw,
            smoothed: stepped.min(room),
        };
        self.store(id, sink, now, next);
        log(
            self.vm(),
            CapacityRevealed {
                taskTypeId: id,
                sink,
                rawCapacity: U256::from(next.raw),
                smoothedCapacity: U256::from(next.smoothed),
            },
        );
        match next.smoothed < stepped {
            true => self.clipped(id, sink, next),
            false => Ok(()),
        }
    }

    /// The smoothed capacity after `raw` was declared: a step further than `previous`, unless one was taken in this block.
    fn step(&mut self, id: B256, sink: Address, raw: u128, previous: u128) -> u128 {
        let block = U32::wrapping_from(clock::block_number(self.vm()));
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        if entry.smoothed_block.get() == block {
            return previous;
        }
        entry.smoothed_block.set(block);
        math::ewma(raw, previous)
    }

    /// The smoothed capacity with which a sink left that now comes back, if it ever was here: smoothing goes on from there,
    /// so that leaving and coming back is no way around it.
    fn memory(&self, id: B256, sink: Address) -> Option<u128> {
        let types = self.sinks.getter(id);
        let entry = types.getter(sink);
        let was_here = !entry.smoothed_block.get().is_zero();
        was_here.then(|| to_u128(entry.smoothed.get()))
    }

    /// How much of `wanted` the stake of `sink` backs beside its other task types, for a sink that has `now` in this one.
    fn room(&self, sink: Address, now: Capacities, wanted: u128) -> Result<u128, Error> {
        let others = to_u128(self.backings.getter(sink).capacity.get()).saturating_sub(now.max());
        let capacity = U256::from(others.saturating_add(wanted));
        let request = IStakeManager::backCapacityCall { sink, capacity };
        let granted = invoke(self.vm(), self.stake_manager.get(), &request)?.granted;
        Ok(math::to_u128_saturating(granted).saturating_sub(others))
    }

    fn capacities(&self, id: B256, sink: Address) -> Capacities {
        let types = self.sinks.getter(id);
        let entry = types.getter(sink);
        Capacities {
            raw: to_u128(entry.raw.get()),
            smoothed: to_u128(entry.smoothed.get()),
        }
    }

    /// Replaces `before` by `after` for the sink, in the task type's total and in what the stake backs.
    ///
    /// Nothing overflows: `after` is clipped to 72 bits, a total is the sum of less than 2^24 such, and both sums contain
    /// `before`.
    fn store(&mut self, id: B256, sink: Address, before: Capacities, after: Capacities) {
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        entry.raw.set(Capacity::wrapping_from(after.raw));
        entry.smoothed.set(Capacity::wrapping_from(after.smoothed));
        let mut task_type = self.task_types.setter(id);
        let total = to_u128(task_type.total_capacity.get());
        let total = total
            .saturating_sub(before.smoothed)
            .saturating_add(after.smoothed);
        task_type.total_capacity.set(Uint::wrapping_from(total));
        if before.max() == after.max() {
            return;
        }
        let mut backing = self.backings.setter(sink);
        let capacity = to_u128(backing.capacity.get());
        let capacity = capacity
            .saturating_sub(before.max())
            .saturating_add(after.max());
        backing.capacity.set(Uint::from(capacity));
    }

    /// Checks that `hash` is what the sink is committed to, and forgets the commitment.
    fn consume_commit(&mut self, id: B256, sink: Address, hash: B256) -> Result<(), Error> {
        let block = clock::block_number(self.vm());
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        let committed = entry.pending_commit();
        if committed.is_zero() {
            return Err(NoCommitPending {}.into());
        }
        if block > last_reveal_block(committed) {
            return Err(CommitExpired {}.into());
        }
        if U256::from(block) <= widen(committed) {
            return Err(RevealTooEarly {
                commitBlock: widen(committed),
            }
            .into());
        }
        let mut hashes = self.commit_hashes.setter(id);
        if hashes.get(sink) != hash {
            return Err(CommitHashMismatch {}.into());
        }
        entry.committed_or_left.set(U32::ZERO);
        hashes.setter(sink).set(B256::ZERO);
        Ok(())
    }

    fn clipped(&mut self, id: B256, sink: Address, now: Capacities) -> Result<(), Error> {
        log(
            self.vm(),
            CapacityClipped {
                taskTypeId: id,
                sink,
                rawCapacity: U256::from(now.raw),
                smoothedCapacity: U256::from(now.smoothed),
            },
        );
        self.notify(id, sink, now.smoothed)
    }

    /// Tells the pool that `sink` now has less. It gets [`LISTENER_GAS`], and the caller has to bring that: otherwise a
    /// sink could leave with too little gas for the pool, and be paid on.
    fn notify(&mut self, id: B256, sink: Address, capacity: u128) -> Result<(), Error> {
        let pool = self.pool.get();
        if pool.is_zero() {
            return Ok(());
        }
        require_gas(self.vm(), LISTENER_GAS)?;
        let capacity = U256::from(capacity);
        let message = ICapacityListener::onCapacityReducedCall {
            taskTypeId: id,
            sink,
            capacity,
        };
        if !call(self.vm(), pool, &message.abi_encode(), LISTENER_GAS, 0).success {
            log(
                self.vm(),
                ListenerFailed {
                    taskTypeId: id,
                    sink,
                    capacity,
                },
            );
        }
        Ok(())
    }

    /// StakeManager refuses if this registry has lost its authority; that must not hold the sink.
    fn start_unbonding(&mut self, sink: Address) -> Result<(), Error> {
        require_gas(self.vm(), UNBONDING_GAS)?;
        let request = IStakeManager::startUnbondingCall { sink }.abi_encode();
        if !call(
            self.vm(),
            self.stake_manager.get(),
            &request,
            UNBONDING_GAS,
            0,
        )
        .success
        {
            log(self.vm(), UnbondingFailed { sink });
        }
        Ok(())
    }

    fn page(&self, id: B256, from: u32, count: u32) -> Sinks {
        let length: u32 = self.task_types.getter(id).sink_count.get().wrapping_to();
        let list = self.sink_list.getter(id);
        let types = self.sinks.getter(id);
        Returns(
            (from.min(length)..from.saturating_add(count).min(length))
                .map(|index| {
                    let sink = list.get(U32::from(index));
                    (sink, widen(types.getter(sink).smoothed.get()))
                })
                .unzip(),
        )
    }

    fn only_adapter(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match self.adapters.get(caller) {
            true => Ok(()),
            false => Err(NotAuthorizedAdapter { caller }.into()),
        }
    }

    fn require_registered(&self, id: B256, sink: Address) -> Result<(), Error> {
        if self.is_registered(id, sink) {
            return Ok(());
        }
        match self.task_type_exists(id) {
            true => Err(SinkNotRegistered {}.into()),
            false => Err(TaskTypeDoesNotExist {}.into()),
        }
    }

    fn require_stake(&self, account: Address) -> Result<(), Error> {
        let stake_manager = self.stake_manager.get();
        let required = query(
            self.vm(),
            stake_manager,
            &IStakeManager::minSinkStakeCall {},
        )?
        ._0;
        let available = query(
            self.vm(),
            stake_manager,
            &IStakeManager::getStakeCall { sink: account },
        )?
        ._0;
        match available < required {
            true => Err(InsufficientStake {
                required,
                available,
            }
            .into()),
            false => Ok(()),
        }
    }
}

impl Sink {
    /// The block of the pending commitment; 0 if there is none.
    fn pending_commit(&self) -> U32 {
        match self.position.get().is_zero() {
            true => U32::ZERO,
            false => self.committed_or_left.get(),
        }
    }
}

/// The last block in which what was committed to in block `committed` can be revealed.
fn last_reveal_block(committed: U32) -> u64 {
    committed
        .wrapping_to::<u64>()
        .saturating_add(COMMIT_TIMEOUT)
}

/// A declared capacity, as far as it can be kept. What is cut off no stake could back.
fn clip(declared: U256) -> u128 {
    math::to_u128_saturating(declared).min(to_u128(Capacity::MAX))
}
