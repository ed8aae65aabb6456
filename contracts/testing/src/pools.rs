use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::call::invoke;
use stylus_sdk::{prelude::*, storage::*};

use crate::refusal;

sol! {
    interface IUnits {
        function setUnits(address member, uint256 units) external;
    }
}

/// BackpressurePool, as far as others limit its pay or become members of its pools. A capacity of 1e-9 is a unit.
#[storage]
pub struct Pools {
    refuses: StorageBool,
    writes: StorageU256,
    gda: StorageAddress,
    token: StorageAddress,
    pools: StorageMap<B256, StorageAddress>,
    limits: StorageMap<B256, StorageU256>,
    limited: StorageMap<B256, StorageBool>,
    weightings: StorageMap<B256, StorageU256>,
}

#[public]
impl Pools {
    /// Refuses every change from now on, or no longer.
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    /// Names Superfluid's agreement and token.
    pub fn wire(&mut self, gda: Address, token: Address) {
        self.gda.set(gda);
        self.token.set(token);
    }

    /// Gives the task type this pool.
    pub fn set_pool(&mut self, task_type_id: B256, pool: Address) {
        self.pools.setter(task_type_id).set(pool);
    }

    /// How often a limit was set.
    pub fn writes(&self) -> U256 {
        self.writes.get()
    }

    /// As BackpressurePool's.
    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.gda.get()
    }

    /// As BackpressurePool's.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }

    /// As BackpressurePool's.
    pub fn get_pool(&self, task_type_id: B256) -> Address {
        self.pools.get(task_type_id)
    }

    /// Weights the task type's sinks so.
    pub fn set_weighting(&mut self, task_type_id: B256, weighting: U256) {
        self.weightings.setter(task_type_id).set(weighting);
    }

    /// As BackpressurePool's.
    pub fn get_weighting(&self, task_type_id: B256) -> U256 {
        self.weightings.get(task_type_id)
    }

    /// As BackpressurePool's.
    pub fn get_effective_capacity(&self, task_type_id: B256) -> U256 {
        match self.limited.get(task_type_id) {
            true => self.limits.get(task_type_id),
            false => U256::MAX,
        }
    }

    /// As BackpressurePool's, for any caller.
    pub fn set_effective_capacity(
        &mut self,
        task_type_id: B256,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        self.refuse()?;
        let writes = self.writes.get() + U256::from(1);
        self.writes.set(writes);
        self.limited.setter(task_type_id).set(capacity != U256::MAX);
        self.limits.setter(task_type_id).set(capacity);
        Ok(())
    }

    /// As BackpressurePool's, for any caller.
    pub fn set_nested_capacity(
        &mut self,
        task_type_id: B256,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        self.refuse()?;
        let request = IUnits::setUnitsCall {
            member: self.vm().msg_sender(),
            units: capacity,
        };
        invoke(self.vm(), self.pools.get(task_type_id), &request).map_err(|revert| revert.0)?;
        Ok(())
    }
}

impl Pools {
    fn refuse(&self) -> Result<(), Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal("no")),
            false => Ok(()),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Pools {}
