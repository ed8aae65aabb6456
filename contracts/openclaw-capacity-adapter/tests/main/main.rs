//! OpenClawCapacityAdapter on motsu, over stakes that are what they are told, with real keys.

extern crate alloc;

mod attestation;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod directory;
mod fuzz;
mod properties;

use std::borrow::Borrow;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{clock::testing::advance_blocks, ownable::Ownable};
use bpe_testing::Registry;
use contract::*;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

const UNIT: U256 = uint!(1_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const RESEARCH: B256 = B256::repeat_byte(0x5e);
const REVIEW: B256 = B256::repeat_byte(0x4e);
const NOTHING: B256 = B256::repeat_byte(0x99);
const AGENT: B256 = B256::repeat_byte(0xae);
const OTHER: B256 = B256::repeat_byte(0x0e);

/// StakeManager, as far as it is asked: stakes, and caps of as many units.
#[storage]
pub struct Stakes {
    stakes: StorageMap<Address, StorageU256>,
    caps: StorageMap<Address, StorageU256>,
    refuses: StorageBool,
}

#[public]
impl Stakes {
    fn put(&mut self, sink: Address, stake: U256, cap: U256) {
        self.stakes.setter(sink).set(stake);
        self.caps.setter(sink).set(cap);
    }

    fn refuse(&mut self) {
        self.refuses.set(true);
    }

    fn get_stake(&self, sink: Address) -> U256 {
        self.stakes.get(sink)
    }

    fn get_capacity_cap(&self, sink: Address) -> Result<U256, Vec<u8>> {
        match self.refuses.get() {
            true => Err(vec![0xde, 0xad]),
            false => Ok(self.caps.get(sink)),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Stakes {}

/// WorkVouchers, which has seen of each sink what it is told.
#[storage]
pub struct Vouchers {
    verified: StorageMap<Address, StorageU256>,
}

#[public]
impl Vouchers {
    fn set(&mut self, sink: Address, verified: U256) {
        self.verified.setter(sink).set(verified);
    }

    fn get_verified_capacity(&self, _skill: B256, sink: Address) -> U256 {
        self.verified.get(sink)
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Vouchers {}

/// The adapter, with a skill type that asks for a stake of 100 and one that asks for none. Alice has a stake of 100 that
/// backs 1000 units, Bob has 99 and 10 units.
struct World {
    adapter: Contract<OpenClawCapacityAdapter>,
    core: Contract<Registry>,
    stakes: Contract<Stakes>,
}

impl World {
    fn new() -> Self {
        let it = Self {
            adapter: Contract::new(),
            core: Contract::new(),
            stakes: Contract::new(),
        };
        VM::context().set_chain_id(42_161);
        it.adapter
            .sender(OWNER)
            .constructor(it.core.address(), it.stakes.address(), OWNER)
            .motsu_unwrap();
        for (id, name, min_stake) in [(RESEARCH, "research", 100), (REVIEW, "code review", 0)] {
            let mut context = it.adapter.sender(OWNER);
            let registered = context.register_skill_type(id, name.into(), U256::from(min_stake));
            registered.motsu_unwrap();
        }
        it.stake(ALICE, 100, 1_000);
        it.stake(BOB, 99, 10);
        it
    }

    fn stake(&self, operator: Address, stake: u64, cap: u64) {
        let (stake, cap) = (U256::from(stake), units(cap));
        self.stakes.sender(OWNER).put(operator, stake, cap);
    }

    /// With so many tasks an epoch, at once and without error.
    fn register(
        &self,
        operator: Address,
        agent: B256,
        skill: B256,
        throughput: u64,
    ) -> Result<(), Error> {
        self.adapter
            .sender(operator)
            .register_agent(agent, skill, perfect(throughput))
            .motsu_res()
    }

    fn update(&self, operator: Address, agent: B256, throughput: u64) -> Result<(), Error> {
        self.adapter
            .sender(operator)
            .update_capacity(agent, perfect(throughput))
            .motsu_res()
    }

    fn deregister(&self, operator: Address, agent: B256) -> Result<(), Error> {
        self.adapter
            .sender(operator)
            .deregister_agent(agent)
            .motsu_res()
    }

    fn is_sink(&self, skill: B256, operator: Address) -> bool {
        self.core.sender(BOB).is_registered(skill, operator)
    }

    fn agent(&self, agent: B256) -> AgentInfo {
        self.adapter.sender(BOB).get_agent(agent)
    }

    fn smoothed(&self, agent: B256) -> U256 {
        self.adapter.sender(BOB).get_smoothed_capacity(agent)
    }

    fn list(&self, skill: B256) -> Vec<B256> {
        let ranked = self.adapter.sender(BOB).get_agents_for_skill(skill);
        ranked.motsu_unwrap()
    }

    fn owner(&self) -> Address {
        let it = self.adapter.sender(BOB);
        let ownable: &Ownable = (*it).borrow();
        ownable.owner()
    }
}

fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

fn capacity(throughput: u64, latency_ms: u64, error_rate_bps: u64) -> SkillCapacity {
    SkillCapacity {
        throughput: U256::from(throughput),
        latencyMs: U256::from(latency_ms),
        errorRateBps: U256::from(error_rate_bps),
    }
}

fn perfect(throughput: u64) -> SkillCapacity {
    capacity(throughput, 0, 0)
}
