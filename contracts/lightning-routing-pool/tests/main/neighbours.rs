//! An oracle and a BackpressurePool that say what a test tells them to.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, Revert as Refusal, SolError};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// The units of `sink` follow its capacity.
    #[derive(Debug, PartialEq, Eq)]
    event Balanced(bytes32 taskTypeId, address sink);
    /// `sink` has `capacity` now.
    #[derive(Debug, PartialEq, Eq)]
    event Reduced(bytes32 taskTypeId, address sink, uint256 capacity);
    #[derive(Debug, PartialEq, Eq)]
    error WeightedByShares();
}

/// `revert("no")`
pub fn refusal() -> Vec<u8> {
    Refusal::from("no").abi_encode()
}

#[storage]
pub struct Known {
    operator: StorageAddress,
    sats: StorageU256,
    pending: StorageU256,
}

/// LightningCapacityOracle, for which a million sats are a unit.
#[storage]
pub struct Oracle {
    task_type_id: StorageB256,
    nodes: StorageMap<B256, Known>,
}

#[public]
impl Oracle {
    /// Names the task type.
    pub fn set_task_type(&mut self, id: B256) {
        self.task_type_id.set(id);
    }

    /// Says this of the node from now on.
    pub fn know(&mut self, node: B256, operator: Address, sats: U256, pending: U256) {
        let mut it = self.nodes.setter(node);
        it.operator.set(operator);
        it.sats.set(sats);
        it.pending.set(pending);
    }

    /// As LightningCapacityOracle's.
    pub fn lightning_task_type_id(&self) -> B256 {
        self.task_type_id.get()
    }

    /// As LightningCapacityOracle's.
    pub fn get_node(&self, node: B256) -> (Address, U256, U256, U256, U256, U256, U256) {
        let it = self.nodes.getter(node);
        let (sats, pending) = (it.sats.get(), it.pending.get());
        let capacity = sats * U256::from(1_000) / (pending + U256::from(1));
        let zero = U256::ZERO;
        (it.operator.get(), sats, pending, capacity, zero, zero, zero)
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Oracle {}

/// BackpressurePool, as far as units of sinks are concerned.
#[storage]
pub struct Units {
    refuses: StorageBool,
    by_shares: StorageBool,
    refused_sink: StorageAddress,
    pools: StorageMap<B256, StorageAddress>,
}

#[public]
impl Units {
    /// Refuses everything from now on, or no longer.
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    /// Units follow submitted shares from now on.
    pub fn submit_shares(&mut self) {
        self.by_shares.set(true);
    }

    /// Refuses to set the units of `sink`; of nobody, if zero.
    pub fn refuse_sink(&mut self, sink: Address) {
        self.refused_sink.set(sink);
    }

    /// As BackpressurePool's.
    pub fn get_pool(&self, task_type_id: B256) -> Address {
        self.pools.get(task_type_id)
    }

    /// As BackpressurePool's.
    pub fn create_pool(&mut self, task_type_id: B256) -> Result<(), Vec<u8>> {
        if self.refuses.get() || !self.get_pool(task_type_id).is_zero() {
            return Err(refusal());
        }
        let pool = Address::repeat_byte(0x99);
        self.pools.setter(task_type_id).set(pool);
        Ok(())
    }

    /// As BackpressurePool's.
    pub fn rebalance_sink(&mut self, task_type_id: B256, sink: Address) -> Result<(), Vec<u8>> {
        if self.refuses.get() || sink == self.refused_sink.get() {
            return Err(refusal());
        }
        if self.by_shares.get() {
            return Err(WeightedByShares {}.abi_encode());
        }
        log(
            self.vm(),
            Balanced {
                taskTypeId: task_type_id,
                sink,
            },
        );
        Ok(())
    }

    /// As BackpressurePool's.
    pub fn on_capacity_reduced(&mut self, task_type_id: B256, sink: Address, capacity: U256) {
        log(
            self.vm(),
            Reduced {
                taskTypeId: task_type_id,
                sink,
                capacity,
            },
        );
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Units {}
