use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256, U8};
use alloy_sol_types::sol;
use stylus_sdk::{prelude::*, storage::*};

use crate::refusal;

sol! {
    /// The pool heard this.
    #[derive(Debug, PartialEq, Eq)]
    event Notice(bytes32 taskTypeId, address sink, uint256 capacity);
}

/// A pool that notes what it hears.
#[storage]
pub struct Pool {
    reverts: StorageBool,
    created: StorageMap<B256, StorageBool>,
    weightings: StorageMap<B256, StorageU8>,
    notices: StorageU256,
}

#[public]
impl Pool {
    /// Refuses everything from now on, or no longer.
    pub fn set_reverts(&mut self, reverts: bool) {
        self.reverts.set(reverts);
    }

    /// Whether a pool was created for the task type.
    pub fn has_pool(&self, task_type_id: B256) -> bool {
        self.created.get(task_type_id)
    }

    /// How often it heard of a reduction.
    pub fn notices(&self) -> U256 {
        self.notices.get()
    }

    /// The task type's weighting.
    pub fn weighting_of(&self, task_type_id: B256) -> u8 {
        self.weightings.get(task_type_id).to()
    }

    /// As BackpressurePool's, of task types without a pool, and for any caller.
    pub fn set_weighting(&mut self, task_type_id: B256, weighting: u8) -> Result<(), Vec<u8>> {
        self.refuse()?;
        if self.has_pool(task_type_id) || weighting > 3 {
            return Err(refusal("fixed"));
        }
        self.weightings
            .setter(task_type_id)
            .set(U8::from(weighting));
        Ok(())
    }

    /// As BackpressurePool's.
    pub fn create_pool(&mut self, task_type_id: B256) -> Result<(), Vec<u8>> {
        self.refuse()?;
        self.created.setter(task_type_id).set(true);
        Ok(())
    }

    /// This contract, where a pool was created.
    pub fn get_pool(&self, task_type_id: B256) -> Address {
        match self.created.get(task_type_id) {
            true => self.vm().contract_address(),
            false => Address::ZERO,
        }
    }

    /// As BackpressurePool's.
    pub fn on_capacity_reduced(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        self.refuse()?;
        let notices = self.notices.get() + U256::from(1);
        self.notices.set(notices);
        log(
            self.vm(),
            Notice {
                taskTypeId: task_type_id,
                sink,
                capacity,
            },
        );
        Ok(())
    }
}

impl Pool {
    fn refuse(&self) -> Result<(), Vec<u8>> {
        match self.reverts.get() {
            true => Err(refusal("no")),
            false => Ok(()),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Pool {}
