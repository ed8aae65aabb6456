use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use stylus_sdk::{prelude::*, storage::*};

use crate::refusal;

/// A registry whose sinks have the capacities that it is told.
#[storage]
pub struct Registry {
    refuses: StorageBool,
    exists: StorageMap<B256, StorageBool>,
    totals: StorageMap<B256, StorageU256>,
    registered: StorageMap<B256, StorageMap<Address, StorageBool>>,
    capacities: StorageMap<B256, StorageMap<Address, StorageU256>>,
    creators: StorageMap<B256, StorageAddress>,
}

#[public]
impl Registry {
    /// Refuses every update from now on, or no longer.
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    /// Makes `sink` one of the task type's, with this capacity.
    pub fn enter(&mut self, task_type_id: B256, sink: Address, capacity: U256) {
        self.exists.setter(task_type_id).set(true);
        self.registered.setter(task_type_id).setter(sink).set(true);
        self.set(task_type_id, sink, capacity);
    }

    /// Takes `sink` out of the task type.
    pub fn leave(&mut self, task_type_id: B256, sink: Address) {
        self.registered.setter(task_type_id).setter(sink).set(false);
        self.set(task_type_id, sink, U256::ZERO);
    }

    /// Makes a task type without sinks. There is one for every sink as well.
    pub fn create(&mut self, task_type_id: B256) {
        self.exists.setter(task_type_id).set(true);
    }

    /// Names who created the task type.
    pub fn set_creator(&mut self, task_type_id: B256, creator: Address) {
        self.creators.setter(task_type_id).set(creator);
    }

    /// As CapacityRegistry's.
    pub fn get_creator(&self, task_type_id: B256) -> Address {
        self.creators.get(task_type_id)
    }

    /// As CapacityRegistry's.
    pub fn task_type_exists(&self, task_type_id: B256) -> bool {
        self.exists.get(task_type_id)
    }

    /// As CapacityRegistry's. The number of sinks and their least stake are not kept.
    pub fn get_task_type(&self, task_type_id: B256) -> (U256, U256, U256) {
        (U256::ZERO, U256::ZERO, self.totals.get(task_type_id))
    }

    /// As CapacityRegistry's.
    pub fn is_registered(&self, task_type_id: B256, sink: Address) -> bool {
        self.registered.getter(task_type_id).get(sink)
    }

    /// As CapacityRegistry's.
    pub fn get_smoothed_capacity(&self, task_type_id: B256, sink: Address) -> U256 {
        self.capacities.getter(task_type_id).get(sink)
    }

    /// As CapacityRegistry's, but without smoothing, and for any caller.
    pub fn update_capacity_as_of(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
        _timestamp: U256,
    ) -> Result<(), Vec<u8>> {
        self.update_capacity_from_aggregator(task_type_id, sink, capacity)
    }

    /// As CapacityRegistry's, but without smoothing, and for any caller.
    pub fn update_capacity_from_aggregator(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        if self.refuses.get() || !self.is_registered(task_type_id, sink) {
            return Err(refusal("no"));
        }
        self.set(task_type_id, sink, capacity);
        Ok(())
    }

    /// As CapacityRegistry's, for any caller, and without asking for stake.
    pub fn register_sink_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        if self.refuses.get() || self.is_registered(task_type_id, sink) {
            return Err(refusal("no"));
        }
        self.enter(task_type_id, sink, capacity);
        Ok(())
    }

    /// As CapacityRegistry's, for any caller.
    pub fn deregister_sink_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
    ) -> Result<(), Vec<u8>> {
        if self.refuses.get() || !self.is_registered(task_type_id, sink) {
            return Err(refusal("no"));
        }
        self.leave(task_type_id, sink);
        Ok(())
    }

    /// As CapacityRegistry's, for any caller.
    pub fn limit_capacity_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
        limit: U256,
    ) -> Result<(), Vec<u8>> {
        if self.refuses.get() || !self.is_registered(task_type_id, sink) {
            return Err(refusal("no"));
        }
        let capacity = self.get_smoothed_capacity(task_type_id, sink).min(limit);
        self.set(task_type_id, sink, capacity);
        Ok(())
    }
}

impl Registry {
    fn set(&mut self, id: B256, sink: Address, capacity: U256) {
        let before = self.capacities.getter(id).get(sink);
        let total = self.totals.get(id) - before + capacity;
        self.totals.setter(id).set(total);
        self.capacities.setter(id).setter(sink).set(capacity);
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Registry {}
