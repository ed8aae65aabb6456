//! What surrounds the buffer: a registry with the sinks it is told, a pool contract, a GDA pool that mints what is claimed,
//! and accounts of overflow that say what they are told.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolError};
use bpe_common::{call::invoke, returns::Returns};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    interface IMint {
        function mint(address to, uint256 amount) external;
    }
}

fn refusal() -> Vec<u8> {
    alloy_sol_types::Revert::from("no").abi_encode()
}

/// A registry.
#[storage]
pub struct Registry {
    task_types: StorageMap<B256, StorageBool>,
    sinks: StorageMap<B256, StorageVec<StorageAddress>>,
    capacities: StorageMap<B256, StorageVec<StorageU256>>,
}

#[public]
impl Registry {
    /// Makes a task type with these sinks, or gives it these instead of those it had.
    pub fn set_sinks(&mut self, id: B256, sinks: Vec<Address>, capacities: Vec<U256>) {
        self.task_types.setter(id).set(true);
        let mut list = self.sinks.setter(id);
        list.erase();
        for sink in sinks {
            list.push(sink);
        }
        let mut list = self.capacities.setter(id);
        list.erase();
        for capacity in capacities {
            list.push(capacity);
        }
    }

    pub fn task_type_exists(&self, id: B256) -> bool {
        self.task_types.get(id)
    }

    pub fn get_task_type(&self, id: B256) -> (U256, U256, U256) {
        let (sinks, capacities) = self.get_sinks_page(id, U256::ZERO, U256::from(u32::MAX)).0;
        let total = capacities.into_iter().sum();
        (U256::ZERO, U256::from(sinks.len()), total)
    }

    pub fn get_sinks_page(
        &self,
        id: B256,
        from: U256,
        count: U256,
    ) -> Returns<(Vec<Address>, Vec<U256>)> {
        let (sinks, capacities) = (self.sinks.getter(id), self.capacities.getter(id));
        let (from, count) = (from.to::<usize>(), count.to::<usize>());
        Returns(
            (from..(from + count).min(sinks.len()))
                .map(|place| (sinks.get(place).unwrap(), capacities.get(place).unwrap()))
                .unzip(),
        )
    }
}

/// BackpressurePool.
#[storage]
pub struct Pools {
    refuses: StorageBool,
    pool: StorageAddress,
    priced: StorageBool,
    free_value: StorageU256,
}

#[public]
impl Pools {
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn set_pool(&mut self, pool: Address) {
        self.pool.set(pool);
    }

    pub fn set_free_value(&mut self, priced: bool, value: U256) {
        self.priced.set(priced);
        self.free_value.set(value);
    }

    pub fn get_pool(&self, _id: B256) -> Address {
        self.pool.get()
    }

    pub fn get_free_value(&self, _id: B256) -> Result<(bool, U256), Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal()),
            false => Ok((self.priced.get(), self.free_value.get())),
        }
    }
}

/// A pool of Superfluid.
#[storage]
pub struct Gda {
    refuses: StorageBool,
    token: StorageAddress,
    waiting: StorageU256,
}

#[public]
impl Gda {
    /// From now on `waiting` more of `token` can be claimed.
    pub fn accrue(&mut self, token: Address, waiting: U256) {
        self.token.set(token);
        let sum = self.waiting.get() + waiting;
        self.waiting.set(sum);
    }

    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn claim_all(&mut self, member_addr: Address) -> Result<bool, Vec<u8>> {
        if self.refuses.get() {
            return Err(refusal());
        }
        let amount = self.waiting.get();
        self.waiting.set(U256::ZERO);
        if !amount.is_zero() {
            let mint = IMint::mintCall {
                to: member_addr,
                amount,
            };
            invoke(self.vm(), self.token.get(), &mint).map_err(|revert| revert.0)?;
        }
        Ok(true)
    }
}

/// SourceStreams.
#[storage]
pub struct Streams {
    overflow: StorageMap<Address, StorageMap<Address, StorageU256>>,
}

#[public]
impl Streams {
    /// From now on `amount` of the overflow of `pool` is of `source`.
    pub fn set_overflow(&mut self, pool: Address, source: Address, amount: U256) {
        self.overflow.setter(pool).setter(source).set(amount);
    }

    pub fn take_overflow(&mut self, pool: Address, source: Address) -> U256 {
        let amount = self.overflow.getter(pool).get(source);
        self.overflow.setter(pool).setter(source).set(U256::ZERO);
        amount
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Registry {}
unsafe impl TopLevelStorage for Pools {}
unsafe impl TopLevelStorage for Gda {}
unsafe impl TopLevelStorage for Streams {}
