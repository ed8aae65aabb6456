//! What surrounds the pool besides Superfluid: a registry with the sinks it is told, and loads as they are told.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolError;
use bpe_common::returns::Returns;
use stylus_sdk::{prelude::*, storage::*};

/// What a neighbour that refuses reverts with.
pub fn refusal() -> Vec<u8> {
    alloy_sol_types::Revert::from("no").abi_encode()
}

/// Sinks and their capacities.
type Sinks = (Vec<Address>, Vec<U256>);

/// A registry.
#[storage]
pub struct Registry {
    refuses: StorageBool,
    task_types: StorageMap<B256, StorageBool>,
    sinks: StorageMap<B256, StorageVec<StorageAddress>>,
    capacities: StorageMap<B256, StorageMap<Address, StorageU256>>,
}

#[public]
impl Registry {
    /// Makes a task type with these sinks, or gives it these instead of those it had.
    pub fn set_sinks(&mut self, id: B256, sinks: Vec<Address>, capacities: Vec<U256>) {
        self.task_types.setter(id).set(true);
        let before: Vec<_> = {
            let list = self.sinks.getter(id);
            (0..list.len())
                .map(|place| list.get(place).unwrap())
                .collect()
        };
        let mut of_task_type = self.capacities.setter(id);
        for sink in before {
            of_task_type.setter(sink).set(U256::ZERO);
        }
        for (sink, capacity) in sinks.iter().zip(capacities) {
            of_task_type.setter(*sink).set(capacity);
        }
        let mut list = self.sinks.setter(id);
        list.erase();
        for sink in sinks {
            list.push(sink);
        }
    }

    /// Is open from now on, and refuses to be entered; or no longer.
    pub fn set_open(&mut self, open: bool) {
        self.refuses.set(open);
    }

    pub fn task_type_exists(&self, id: B256) -> Result<bool, Vec<u8>> {
        self.refuse()?;
        Ok(self.task_types.get(id))
    }

    pub fn get_task_type(&self, id: B256) -> Result<(U256, U256, U256), Vec<u8>> {
        let (sinks, capacities) = self.get_sinks_page(id, U256::ZERO, U256::from(u32::MAX))?.0;
        let total = capacities.into_iter().sum();
        Ok((U256::from(5), U256::from(sinks.len()), total))
    }

    pub fn get_smoothed_capacity(&self, id: B256, sink: Address) -> Result<U256, Vec<u8>> {
        self.refuse()?;
        Ok(self.capacities.getter(id).get(sink))
    }

    pub fn get_sinks_page(
        &self,
        id: B256,
        from: U256,
        count: U256,
    ) -> Result<Returns<Sinks>, Vec<u8>> {
        self.refuse()?;
        let (sinks, capacities) = (self.sinks.getter(id), self.capacities.getter(id));
        let from = from.saturating_to::<usize>();
        let end = from.saturating_add(count.saturating_to()).min(sinks.len());
        Ok(Returns(
            (from..end)
                .map(|place| sinks.get(place).unwrap())
                .map(|sink| (sink, capacities.get(sink)))
                .unzip(),
        ))
    }
}

impl Registry {
    fn refuse(&self) -> Result<(), Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal()),
            false => Ok(()),
        }
    }
}

/// PricingCurve. Or EscrowBuffer, as OverflowMeter sees it.
#[storage]
pub struct Curve {
    loads: StorageMap<B256, StorageMap<Address, StorageU256>>,
    reserve: StorageAddress,
}

#[public]
impl Curve {
    /// From now on its ledger, which it is itself, has this reserve.
    pub fn set_reserve(&mut self, reserve: Address) {
        self.reserve.set(reserve);
    }

    pub fn work_ledger(&self) -> Address {
        self.vm().contract_address()
    }

    pub fn work_reserve(&self) -> Address {
        self.reserve.get()
    }

    /// From now on `sink` reports `load`.
    pub fn set_load(&mut self, id: B256, sink: Address, load: U256) {
        self.loads.setter(id).setter(sink).set(load);
    }

    pub fn get_queue_load(&self, id: B256, sink: Address) -> U256 {
        self.loads.getter(id).get(sink)
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Registry {}
unsafe impl TopLevelStorage for Curve {}
