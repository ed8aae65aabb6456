//! The contract over neighbours that answer what they are told to.

use alloy_primitives::{keccak256, uint, Address, B256, U256};
use alloy_sol_types::{sol, Revert as Refusal, SolError, SolValue};
use bpe_common::clock::testing::timestamp;
use bpe_testing::{turn, Turn};
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::contract::*;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered();
    #[derive(Debug, PartialEq, Eq)]
    error SinkAlreadyRegistered();
    #[derive(Debug, PartialEq, Eq)]
    error WeightedByShares();
}

pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const RELAY_TYPE: B256 = B256::repeat_byte(0xee);
pub const MIN_STAKE: U256 = uint!(100_U256);
pub const KEY: B256 = B256::repeat_byte(0x11);
pub const OTHER_KEY: B256 = B256::repeat_byte(0x22);
/// Nobody in particular.
pub const ANYONE: Address = Address::repeat_byte(0x4e);
pub const POOL: Address = Address::repeat_byte(0x90);

pub fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

pub fn refused() -> Vec<u8> {
    Refusal::from("no").abi_encode()
}

/// CapacityRegistry: it neither smooths nor cuts.
#[storage]
pub struct Core {
    refuses: StorageBool,
    attested: StorageMap<B256, StorageBool>,
    exists: StorageMap<B256, StorageBool>,
    min_stakes: StorageMap<B256, StorageU256>,
    totals: StorageMap<B256, StorageU256>,
    registered: StorageMap<B256, StorageMap<Address, StorageBool>>,
    capacities: StorageMap<B256, StorageMap<Address, StorageU256>>,
    updates: StorageU256,
}

#[public]
impl Core {
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn register_task_type(&mut self, id: B256, min_stake: U256) -> Result<(), Vec<u8>> {
        if self.refuses.get() || self.exists.get(id) {
            return Err(refused());
        }
        self.exists.setter(id).set(true);
        self.min_stakes.setter(id).set(min_stake);
        Ok(())
    }

    pub fn register_sink_for(
        &mut self,
        id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        if self.refuses.get() {
            return Err(refused());
        }
        if self.is_registered(id, sink) {
            return Err(SinkAlreadyRegistered {}.abi_encode());
        }
        self.registered.setter(id).setter(sink).set(true);
        self.set(id, sink, capacity);
        Ok(())
    }

    pub fn deregister_sink_for(&mut self, id: B256, sink: Address) -> Result<(), Vec<u8>> {
        if self.refuses.get() {
            return Err(refused());
        }
        if !self.is_registered(id, sink) {
            return Err(SinkNotRegistered {}.abi_encode());
        }
        self.registered.setter(id).setter(sink).set(false);
        self.set(id, sink, U256::ZERO);
        Ok(())
    }

    pub fn update_capacity_from_aggregator(
        &mut self,
        id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        if !self.is_registered(id, sink) {
            return Err(SinkNotRegistered {}.abi_encode());
        }
        self.set(id, sink, capacity);
        let updates = self.updates.get() + U256::from(1);
        self.updates.set(updates);
        Ok(())
    }

    pub fn limit_capacity_for(
        &mut self,
        id: B256,
        sink: Address,
        limit: U256,
    ) -> Result<(), Vec<u8>> {
        if !self.is_registered(id, sink) {
            return Err(SinkNotRegistered {}.abi_encode());
        }
        let capacity = self.get_smoothed_capacity(id, sink).min(limit);
        self.set(id, sink, capacity);
        Ok(())
    }

    /// What smoothing left the sink.
    pub fn smooth_to(&mut self, id: B256, sink: Address, capacity: U256) {
        self.set(id, sink, capacity);
    }

    /// How many updates there were.
    pub fn updates(&self) -> U256 {
        self.updates.get()
    }

    pub fn task_type_exists(&self, id: B256) -> bool {
        id == RELAY_TYPE || self.exists.get(id)
    }

    pub fn require_attestations(&mut self, id: B256) {
        self.attested.setter(id).set(true);
    }

    pub fn is_attested(&self, id: B256) -> bool {
        self.attested.get(id)
    }

    pub fn get_task_type(&self, id: B256) -> (U256, U256, U256) {
        let min_stake = match id == RELAY_TYPE {
            true => MIN_STAKE,
            false => self.min_stakes.get(id),
        };
        (min_stake, U256::from(7), self.totals.get(id))
    }

    pub fn is_registered(&self, id: B256, sink: Address) -> bool {
        self.registered.getter(id).get(sink)
    }

    pub fn get_smoothed_capacity(&self, id: B256, sink: Address) -> U256 {
        self.capacities.getter(id).get(sink)
    }
}

impl Core {
    fn set(&mut self, id: B256, sink: Address, capacity: U256) {
        let before = self.capacities.getter(id).get(sink);
        let total = self.totals.get(id) - before + capacity;
        self.totals.setter(id).set(total);
        self.capacities.setter(id).setter(sink).set(capacity);
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Core {}

/// BackpressurePool: notes whose units it was asked to set.
#[storage]
pub struct Split {
    /// 1 refuses to create pools, 2 to rebalance, 3 does so as its units follow shares.
    refuses: StorageU256,
    pools: StorageMap<B256, StorageAddress>,
    rebalanced: StorageMap<B256, StorageMap<Address, StorageU256>>,
    created: StorageU256,
}

#[public]
impl Split {
    pub fn set_refuses(&mut self, how: u8) {
        self.refuses.set(U256::from(how));
    }

    pub fn create_pool(&mut self, id: B256) -> Result<(), Vec<u8>> {
        if self.refuses.get() == U256::from(1) || !self.get_pool(id).is_zero() {
            return Err(refused());
        }
        let created = self.created.get() + U256::from(1);
        self.created.set(created);
        self.pools.setter(id).set(POOL);
        Ok(())
    }

    pub fn created(&self) -> U256 {
        self.created.get()
    }

    pub fn get_pool(&self, id: B256) -> Address {
        self.pools.get(id)
    }

    pub fn rebalance_sink(&mut self, id: B256, sink: Address) -> Result<(), Vec<u8>> {
        if self.refuses.get() == U256::from(2) {
            return Err(refused());
        }
        if self.refuses.get() == U256::from(3) {
            return Err(WeightedByShares {}.abi_encode());
        }
        let times = self.rebalanced(id, sink) + U256::from(1);
        self.rebalanced.setter(id).setter(sink).set(times);
        Ok(())
    }

    /// How often.
    pub fn rebalanced(&self, id: B256, sink: Address) -> U256 {
        self.rebalanced.getter(id).get(sink)
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Split {}

/// RelayCapacityRegistry: relays as told.
#[storage]
pub struct Relays {
    operators: StorageMap<B256, StorageAddress>,
    composites: StorageMap<B256, StorageU256>,
    raws: StorageMap<B256, StorageU256>,
    sequences: StorageMap<B256, StorageU256>,
    times: StorageMap<B256, StorageU256>,
}

#[public]
impl Relays {
    pub fn set(
        &mut self,
        key: B256,
        operator: Address,
        composite: U256,
        raw: U256,
        sequence: U256,
    ) {
        self.operators.setter(key).set(operator);
        self.composites.setter(key).set(composite);
        self.raws.setter(key).set(raw);
        self.sequences.setter(key).set(sequence);
        self.times.setter(key).set(U256::from(timestamp()));
    }

    pub fn relay_task_type_id(&self) -> B256 {
        RELAY_TYPE
    }

    pub fn get_capacity_update(&self, key: B256) -> (Address, U256, U256, U256, U256) {
        (
            self.operators.get(key),
            self.composites.get(key),
            self.raws.get(key),
            self.sequences.get(key),
            self.times.get(key),
        )
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Relays {}

/// PricingCurve: loads as told.
#[storage]
pub struct Loads {
    reverts: StorageBool,
    start: StorageU256,
    demand: StorageU256,
    loads: StorageMap<Address, StorageU256>,
}

#[public]
impl Loads {
    pub fn set_reverts(&mut self, reverts: bool) {
        self.reverts.set(reverts);
    }

    pub fn set_epoch(&mut self, start: U256, demand: U256) {
        self.start.set(start);
        self.demand.set(demand);
    }

    pub fn set_load(&mut self, sink: Address, load: U256) {
        self.loads.setter(sink).set(load);
    }

    pub fn get_epoch(&self, _id: B256) -> Result<(U256, U256), Vec<u8>> {
        match self.reverts.get() {
            true => Err(refused()),
            false => Ok((self.start.get(), self.demand.get())),
        }
    }

    pub fn get_queue_load(&self, _id: B256, sink: Address) -> Result<U256, Vec<u8>> {
        match self.reverts.get() {
            true => Err(refused()),
            false => Ok(self.loads.get(sink)),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Loads {}

/// The contract and its neighbours.
pub struct World {
    pub payment: Contract<RelayPaymentPool>,
    pub core: Contract<Core>,
    pub split: Contract<Split>,
    pub relays: Contract<Relays>,
    pub loads: Contract<Loads>,
    pub owner: Address,
    _turn: Turn,
}

impl World {
    /// Without pools.
    pub fn bare() -> Self {
        let turn = turn();
        let it = Self {
            payment: Contract::new(),
            core: Contract::new(),
            split: Contract::new(),
            relays: Contract::new(),
            loads: Contract::new(),
            owner: Address::repeat_byte(0x01),
            _turn: turn,
        };
        it.payment
            .sender(it.owner)
            .constructor(
                it.split.address(),
                it.core.address(),
                it.relays.address(),
                it.owner,
            )
            .motsu_unwrap();
        it
    }

    /// With pools.
    pub fn new() -> Self {
        let it = Self::bare();
        it.initialize().unwrap();
        it
    }

    pub fn initialize(&self) -> Result<(), Error> {
        self.payment.sender(ANYONE).initialize_pools().motsu_res()
    }

    pub fn id(&self, pool_type: B256) -> B256 {
        keccak256((pool_type, self.payment.address()).abi_encode())
    }

    /// The relay registry knows this now, attested just then: smoothed and raw capacity in units.
    pub fn relay(&self, key: B256, operator: Address, composite: u64, raw: u64, sequence: u64) {
        self.relays.sender(ANYONE).set(
            key,
            operator,
            units(composite),
            units(raw),
            U256::from(sequence),
        );
    }

    pub fn join(&self, operator: Address, pool_type: B256, key: B256) -> Result<(), Error> {
        self.payment
            .sender(operator)
            .join_pool(pool_type, key)
            .motsu_res()
    }

    pub fn leave(&self, caller: Address, pool_type: B256, key: B256) -> Result<(), Error> {
        self.payment
            .sender(caller)
            .leave_pool(pool_type, key)
            .motsu_res()
    }

    pub fn refresh(&self, pool_type: B256, key: B256) -> Result<(), Error> {
        self.payment
            .sender(ANYONE)
            .refresh(pool_type, key)
            .motsu_res()
    }

    pub fn is_in(&self, pool_type: B256, key: B256) -> bool {
        self.payment.sender(ANYONE).is_relay_in_pool(pool_type, key)
    }

    /// Of the sink at the core.
    pub fn capacity(&self, pool_type: B256, sink: Address) -> U256 {
        let id = self.id(pool_type);
        self.core.sender(ANYONE).get_smoothed_capacity(id, sink)
    }

    pub fn serves(&self, pool_type: B256, sink: Address) -> bool {
        let id = self.id(pool_type);
        self.core.sender(ANYONE).is_registered(id, sink)
    }

    pub fn rebalanced(&self, pool_type: B256, sink: Address) -> u64 {
        let id = self.id(pool_type);
        self.split.sender(ANYONE).rebalanced(id, sink).to()
    }
}
