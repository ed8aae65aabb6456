//! A pipeline among mocked neighbours.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_testing::{Pools, Registry};
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::contract::*;

pub const ID: B256 = B256::ZERO;
pub const OTHER: B256 = B256::repeat_byte(0x1e);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const REPORTER: Address = Address::repeat_byte(0x0e);
const SINK: Address = Address::repeat_byte(0xa1);

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

pub fn units(amount: u64) -> U256 {
    n(1_000_000_000) * n(amount)
}

pub fn percent(amount: u64) -> U256 {
    n(10_000_000_000_000_000) * n(amount)
}

pub fn stage(number: u64) -> B256 {
    B256::repeat_byte(0xc0 + number as u8)
}

pub fn refusal(reason: &str) -> Vec<u8> {
    Refusal::from(reason).abi_encode()
}

/// An escrow with the pressures that it is told.
#[storage]
pub struct Escrow {
    refuses: StorageBool,
    pressures: StorageMap<B256, StorageU256>,
}

#[public]
impl Escrow {
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn press(&mut self, id: B256, pressure: U256) {
        self.pressures.setter(id).set(pressure);
    }

    pub fn get_escrow_pressure(&self, id: B256) -> Result<U256, Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal("no")),
            false => Ok(self.pressures.get(id)),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Escrow {}

pub struct World {
    pub pipeline: Contract<Pipeline>,
    pub pools: Contract<Pools>,
    pub registry: Contract<Registry>,
    pub escrow: Contract<Escrow>,
}

impl World {
    pub fn bare() -> Self {
        let world = Self {
            pipeline: Contract::new(),
            pools: Contract::new(),
            registry: Contract::new(),
            escrow: Contract::new(),
        };
        let mut it = world.pipeline.sender(OWNER);
        it.constructor(world.pools.address(), world.registry.address(), OWNER)
            .motsu_unwrap();
        drop(it);
        world
    }

    /// With a pipeline of stages of these capacities, a reporter, an escrow, and pools for ten task types.
    pub fn new(capacities: &[u64]) -> Self {
        let world = Self::bare();
        for number in 0..10 {
            world.open_pool(stage(number));
        }
        for (number, capacity) in capacities.iter().enumerate() {
            world.set_capacity(number as u64, *capacity);
        }
        let stages: Vec<B256> = (0..capacities.len() as u64).map(stage).collect();
        world.create(ID, &stages);
        let mut it = world.pipeline.sender(OWNER);
        it.set_reporter(REPORTER, true).motsu_unwrap();
        it.set_escrow_buffer(world.escrow.address()).motsu_unwrap();
        drop(it);
        world
    }

    pub fn open_pool(&self, id: B256) {
        self.pools.sender(OWNER).set_pool(id, ALICE);
    }

    pub fn set_capacity(&self, number: u64, capacity: u64) {
        self.registry
            .sender(OWNER)
            .enter(stage(number), SINK, units(capacity));
    }

    pub fn press(&self, number: u64, pressure: U256) {
        self.escrow.sender(OWNER).press(stage(number), pressure);
    }

    pub fn try_create(&self, caller: Address, id: B256, stages: &[B256]) -> Result<(), Error> {
        self.pipeline
            .sender(caller)
            .create_pipeline(id, stages.to_vec())
            .motsu_res()
    }

    pub fn create(&self, id: B256, stages: &[B256]) {
        self.try_create(OWNER, id, stages).unwrap();
    }

    pub fn close(&self, id: B256) {
        self.pipeline
            .sender(OWNER)
            .close_pipeline(id)
            .motsu_unwrap();
    }

    pub fn rebalance(&self) -> Result<(), Error> {
        self.pipeline
            .sender(ALICE)
            .rebalance_pipeline(ID)
            .motsu_res()
    }

    pub fn try_check(&self, caller: Address, index: u64, throughput: U256) -> Result<(), Error> {
        self.pipeline
            .sender(caller)
            .check_circuit_breaker(ID, n(index), throughput)
            .motsu_res()
    }

    pub fn check(&self, index: u64, throughput: U256) {
        self.try_check(REPORTER, index, throughput).unwrap();
    }

    pub fn breaker(&self, index: u64) -> (u8, u64, u64, bool) {
        self.pipeline
            .sender(ALICE)
            .get_circuit_breaker(ID, n(index))
    }

    pub fn effective(&self) -> Vec<U256> {
        let it = self.pipeline.sender(ALICE).get_effective_capacities(ID);
        it.motsu_unwrap()
    }

    pub fn limits(&self, count: u64) -> Vec<U256> {
        (0..count)
            .map(|number| {
                self.pools
                    .sender(OWNER)
                    .get_effective_capacity(stage(number))
            })
            .collect()
    }

    pub fn writes(&self) -> U256 {
        self.pools.sender(OWNER).writes()
    }
}
