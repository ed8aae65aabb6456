//! ReputationLedger on motsu.

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod ledger;
mod properties;

use alloy_primitives::{Address, B256, U256};
use contract::ReputationLedger;
use motsu::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const RELAY: B256 = B256::repeat_byte(0x4e);
const LIGHTNING: B256 = B256::repeat_byte(0x11);
const CLAW: B256 = B256::repeat_byte(0xc1);
const NOWHERE: B256 = B256::repeat_byte(0x99);

/// The adapter of a domain of the tests.
fn adapter(domain: B256) -> Address {
    Address::from_slice(&[domain[0] ^ 0xff; 20])
}

fn n(number: u64) -> U256 {
    U256::from(number)
}

fn empty() -> Contract<ReputationLedger> {
    let ledger = Contract::<ReputationLedger>::new();
    ledger.sender(OWNER).constructor(OWNER).motsu_unwrap();
    ledger
}

/// Three domains of equal weight, each with an adapter.
fn ledger() -> Contract<ReputationLedger> {
    let ledger = empty();
    for domain in [RELAY, LIGHTNING, CLAW] {
        ledger
            .sender(OWNER)
            .register_domain(domain, adapter(domain))
            .motsu_unwrap();
    }
    ledger
}
