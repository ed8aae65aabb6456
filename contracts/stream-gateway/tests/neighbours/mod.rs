//! What surrounds the gateway besides Superfluid: pools of task types, and a Super App that plans and credits as it is told.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolError};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// The overflow of the task type was to follow its streams.
    #[derive(Debug, PartialEq, Eq)]
    event OverflowRebalanced(bytes32 taskTypeId);
    /// The next flow was asked for.
    #[derive(Debug, PartialEq, Eq)]
    event CreditTaken(address caller, address source);
}

/// What a neighbour that refuses reverts with.
pub fn refusal() -> Vec<u8> {
    alloy_sol_types::Revert::from("no").abi_encode()
}

/// BackpressurePool.
#[storage]
pub struct Pools {
    pools: StorageMap<B256, StorageAddress>,
    refuses: StorageBool,
}

#[public]
impl Pools {
    pub fn set_pool(&mut self, id: B256, pool: Address) {
        self.pools.setter(id).set(pool);
    }

    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn get_pool(&self, id: B256) -> Address {
        self.pools.get(id)
    }

    pub fn rebalance_overflow(&mut self, id: B256) -> Result<(), Vec<u8>> {
        if self.refuses.get() {
            return Err(refusal());
        }
        log(self.vm(), OverflowRebalanced { taskTypeId: id });
        Ok(())
    }
}

/// SourceStreams: one source, as far as plans go.
#[storage]
pub struct Streams {
    pool: StorageAddress,
    source: StorageAddress,
    current: StorageU256,
    inflow: StorageU256,
    rest: StorageU256,
    credits: StorageMap<Address, StorageU256>,
}

#[public]
impl Streams {
    /// `source` streams `current` into `pool`, and `rest` into others; its flow is `inflow`.
    pub fn set_plan(
        &mut self,
        pool: Address,
        source: Address,
        current: U256,
        inflow: U256,
        rest: U256,
    ) {
        self.pool.set(pool);
        self.source.set(source);
        self.current.set(current);
        self.inflow.set(inflow);
        self.rest.set(rest);
    }

    pub fn set_credit(&mut self, source: Address, amount: U256) {
        self.credits.setter(source).set(amount);
    }

    pub fn plan(&self, pool: Address, source: Address, flow_rate: U256) -> (U256, U256, U256) {
        match pool == self.pool.get() && source == self.source.get() {
            true => {
                let rest = self.rest.get();
                (self.current.get(), self.inflow.get(), rest + flow_rate)
            }
            false => (U256::ZERO, U256::ZERO, flow_rate),
        }
    }

    pub fn take_credit(&mut self, source: Address) -> U256 {
        let amount = self.credits.get(source);
        self.credits.setter(source).set(U256::ZERO);
        let caller = self.vm().msg_sender();
        log(self.vm(), CreditTaken { caller, source });
        amount
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Pools {}
unsafe impl TopLevelStorage for Streams {}
