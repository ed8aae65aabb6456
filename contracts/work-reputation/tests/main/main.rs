//! WorkReputation on motsu, over the real ReputationLedger.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
#[allow(dead_code)]
#[path = "../../../reputation-ledger/src/lib.rs"]
mod ledger;
mod records;

use alloy_primitives::{Address, B256, U256};
use bpe_testing::{turn, Turn};
use contract::WorkReputation;
use ledger::ReputationLedger;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

pub const OWNER: Address = Address::repeat_byte(0x01);
pub const SOURCE: Address = Address::repeat_byte(0x50);
pub const SINK: Address = Address::repeat_byte(0x51);
pub const FEES: Address = Address::repeat_byte(0xfe);
pub const ANYONE: Address = Address::repeat_byte(0x4e);
pub const TASK: B256 = B256::repeat_byte(0x7a);
pub const OTHER_TASK: B256 = B256::repeat_byte(0x7b);
pub const CLAW: B256 = B256::repeat_byte(0xc1);
pub const RELAY: B256 = B256::repeat_byte(0x4e);

/// WorkVouchers and BackpressurePool in one.
#[storage]
pub struct Money {
    values: StorageMap<Address, StorageU256>,
    fee: StorageU256,
    units: StorageU256,
    recipient: StorageAddress,
}

#[public]
impl Money {
    /// Counts a value of the sink, in wei.
    pub fn count(&mut self, sink: Address, value: U256) {
        let before = self.values.get(sink);
        self.values.setter(sink).set(before.saturating_add(value));
    }

    /// The fee as configured, and as the pool takes it, in basis points, and who gets it.
    pub fn set_fee(&mut self, fee: U256, units: U256, recipient: Address) {
        self.fee.set(fee);
        self.units.set(units);
        self.recipient.set(recipient);
    }

    pub fn get_totals(&self, id: B256, source: Address, sink: Address) -> (U256, U256, U256) {
        match id == TASK && source == SOURCE {
            true => (U256::from(1), self.values.get(sink), U256::from(1)),
            false => (U256::ZERO, U256::ZERO, U256::ZERO),
        }
    }

    pub fn protocol_fee(&self) -> U256 {
        self.fee.get()
    }

    pub fn fee_recipient(&self) -> Address {
        self.recipient.get()
    }

    pub fn get_member_units(&self, _id: B256, member: Address) -> U256 {
        match member == self.recipient.get() {
            true => self.units.get(),
            false => U256::ZERO,
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Money {}

pub struct World {
    pub work: Contract<WorkReputation>,
    pub ledger: Contract<ReputationLedger>,
    pub money: Contract<Money>,
    _turn: Turn,
}

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

/// A fee of 5 %, and the task type in the domain of agents.
pub fn world() -> World {
    let turn = turn();
    let work = Contract::<WorkReputation>::new();
    let ledger = Contract::<ReputationLedger>::new();
    let money = Contract::<Money>::new();
    ledger.sender(OWNER).constructor(OWNER).motsu_unwrap();
    work.sender(OWNER)
        .constructor(ledger.address(), money.address(), money.address(), OWNER)
        .motsu_unwrap();
    for domain in [CLAW, RELAY] {
        let mut it = ledger.sender(OWNER);
        it.register_domain(domain, Address::ZERO).motsu_unwrap();
        let mut it = ledger.sender(OWNER);
        it.authorize_recorder(domain, work.address()).motsu_unwrap();
    }
    let mut it = ledger.sender(OWNER);
    it.set_task_type_domain(TASK, CLAW).motsu_unwrap();
    money.sender(OWNER).set_fee(n(500), n(500), FEES);
    World {
        work,
        ledger,
        money,
        _turn: turn,
    }
}

impl World {
    pub fn record(&self) -> Result<U256, contract::Error> {
        self.work
            .sender(ANYONE)
            .record_work(TASK, SOURCE, SINK)
            .motsu_res()
    }

    /// Counts so many thousandths of a token.
    pub fn count(&self, thousandths: u64) {
        let value = n(thousandths) * n(1_000_000_000_000_000);
        self.money.sender(OWNER).count(SINK, value);
    }

    pub fn score(&self) -> u64 {
        let it = self.ledger.sender(ANYONE);
        it.get_domain_reputation(SINK, CLAW).score.to()
    }
}
