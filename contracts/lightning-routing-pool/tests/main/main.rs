//! LightningRoutingPool on motsu, over the real CapacityRegistry, StakeManager and PricingCurve. Oracle and
//! BackpressurePool say what a test tells them to.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
#[allow(dead_code)]
#[path = "../../../pricing-curve/src/lib.rs"]
mod pricing_curve;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;

mod fuzz;
mod neighbours;
mod nodes;
mod pay;
mod places;
mod routes;
mod sequences;

use std::borrow::Borrow;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{clock::testing::advance_blocks, ownable::Ownable};
use bpe_testing::Token;
use capacity_registry::CapacityRegistry;
use contract::{Error, LightningRoutingPool};
use motsu::prelude::*;
use neighbours::{Oracle, Units};
use pricing_curve::PricingCurve;
use stake_manager::StakeManager;

const TOKEN: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
/// A million sats are a capacity unit.
const MILLION: u64 = 1_000_000;
const LIGHTNING: B256 = B256::repeat_byte(0x11);
const OWNER: Address = Address::repeat_byte(0x01);
const ANYONE: Address = Address::repeat_byte(0x77);

fn number(value: u64) -> U256 {
    U256::from(value)
}

fn units(amount: u64) -> U256 {
    UNIT * number(amount)
}

fn node(seed: u8) -> B256 {
    B256::repeat_byte(seed)
}

fn operator(seed: u8) -> Address {
    let mut bytes = [0xa0; 20];
    bytes[19] = seed;
    bytes.into()
}

/// The pool as an adapter of the registry, initialised.
struct World {
    pool: Contract<LightningRoutingPool>,
    units: Contract<Units>,
    oracle: Contract<Oracle>,
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    pricing: Contract<PricingCurve>,
    token: Contract<Token>,
}

impl World {
    fn new() -> Self {
        let it = Self::uninitialized();
        it.pool.sender(ANYONE).initialize_pool().motsu_unwrap();
        it
    }

    fn uninitialized() -> Self {
        let it = Self {
            pool: Contract::new(),
            units: Contract::new(),
            oracle: Contract::new(),
            registry: Contract::new(),
            stakes: Contract::new(),
            pricing: Contract::new(),
            token: Contract::new(),
        };
        let (registry, stakes) = (it.registry.address(), it.stakes.address());
        it.stakes
            .sender(OWNER)
            .constructor(it.token.address(), TOKEN, TOKEN, 0, OWNER)
            .motsu_unwrap();
        it.registry
            .sender(OWNER)
            .constructor(stakes, OWNER)
            .motsu_unwrap();
        it.stakes
            .sender(OWNER)
            .set_registry(registry, true)
            .motsu_unwrap();
        it.registry
            .sender(OWNER)
            .register_task_type(LIGHTNING, TOKEN * number(100))
            .motsu_unwrap();
        it.registry
            .sender(OWNER)
            .set_pool(it.units.address())
            .motsu_unwrap();
        it.pricing
            .sender(OWNER)
            .constructor(registry, OWNER)
            .motsu_unwrap();
        it.oracle.sender(OWNER).set_task_type(LIGHTNING);
        it.pool
            .sender(OWNER)
            .constructor(
                it.units.address(),
                registry,
                it.oracle.address(),
                it.pricing.address(),
                LIGHTNING,
                OWNER,
            )
            .motsu_unwrap();
        it.registry
            .sender(OWNER)
            .set_adapter(it.pool.address(), true)
            .motsu_unwrap();
        it.stakes.sender(OWNER).open().motsu_unwrap();
        it
    }

    /// From now on the oracle says this of the node.
    fn know(&self, seed: u8, operator: Address, sats: u64, pending: u32) {
        let (sats, pending) = (number(sats), U256::from(pending));
        self.oracle
            .sender(OWNER)
            .know(node(seed), operator, sats, pending);
    }

    /// Operator and node of that number, with a stake for 100 units, and so many sats.
    fn equip(&self, seed: u8, sats: u64, pending: u32) {
        let (account, stake) = (operator(seed), TOKEN * number(10_000));
        self.token.sender(OWNER).mint(account, stake);
        self.stakes.sender(account).stake(stake).motsu_unwrap();
        self.know(seed, account, sats, pending);
    }

    /// The same, in the pool.
    fn member(&self, seed: u8, sats: u64, pending: u32) {
        self.equip(seed, sats, pending);
        self.join(seed).unwrap();
        advance_blocks(1);
    }

    /// By the operator of that number.
    fn join(&self, seed: u8) -> Result<(), Error> {
        self.join_by(operator(seed), seed)
    }

    fn join_by(&self, account: Address, seed: u8) -> Result<(), Error> {
        self.pool.sender(account).join_pool(node(seed)).motsu_res()
    }

    fn leave_by(&self, account: Address, seed: u8) -> Result<(), Error> {
        self.pool.sender(account).leave_pool(node(seed)).motsu_res()
    }

    fn is_sink(&self, seed: u8) -> bool {
        self.registry
            .sender(ANYONE)
            .is_registered(LIGHTNING, operator(seed))
    }

    fn raw_capacity(&self, seed: u8) -> U256 {
        self.registry
            .sender(ANYONE)
            .get_raw_capacity(LIGHTNING, operator(seed))
    }

    fn members(&self) -> Vec<B256> {
        let it = self.pool.sender(ANYONE);
        it.get_nodes_page(U256::ZERO, U256::MAX)
    }

    fn owner(&self) -> Address {
        let it = self.pool.sender(ANYONE);
        let ownable: &Ownable = (*it).borrow();
        ownable.owner()
    }
}
