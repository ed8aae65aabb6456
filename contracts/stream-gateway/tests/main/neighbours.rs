//! What surrounds the gateway besides the token and BackpressurePool: WorkLedger, and Superfluid's GDA, which answers as it is told.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{aliases::I96, Address, U256};
use stylus_sdk::{prelude::*, storage::*};

/// WorkLedger, as far as it says whose it is.
#[storage]
pub struct Ledger {
    pools: StorageAddress,
}

#[public]
impl Ledger {
    pub fn set_pools(&mut self, pools: Address) {
        self.pools.set(pools);
    }

    pub fn backpressure_pool(&self) -> Address {
        self.pools.get()
    }
}

/// What `from` distributes into `to`.
#[storage]
pub struct Flow {
    last_updated: StorageU256,
    rate: StorageU256,
    deposit: StorageU256,
}

/// The general distribution agreement, as far as the gateway asks it.
#[storage]
pub struct Gda {
    token: StorageAddress,
    flows: StorageMap<Address, StorageMap<Address, Flow>>,
}

#[public]
impl Gda {
    pub fn set_token(&mut self, token: Address) {
        self.token.set(token);
    }

    pub fn set_flow(
        &mut self,
        from: Address,
        to: Address,
        last_updated: U256,
        rate: U256,
        deposit: U256,
    ) {
        let mut flows = self.flows.setter(from);
        let mut flow = flows.setter(to);
        flow.last_updated.set(last_updated);
        flow.rate.set(rate);
        flow.deposit.set(deposit);
    }

    pub fn get_flow(
        &self,
        token: Address,
        from: Address,
        to: Address,
    ) -> Result<(U256, I96, U256), Vec<u8>> {
        if token != self.token.get() {
            return Err(b"another token".to_vec());
        }
        let flows = self.flows.getter(from);
        let flow = flows.getter(to);
        let rate = bpe_testing::superfluid::flow_rate(flow.rate.get().to());
        Ok((flow.last_updated.get(), rate, flow.deposit.get()))
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Ledger {}
unsafe impl TopLevelStorage for Gda {}
