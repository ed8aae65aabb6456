//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::contract::OffchainAggregator;
use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz, Registry};
use motsu::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const IDS: &[B256] = &[B256::repeat_byte(0xc0), B256::repeat_byte(0xca), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK, Address::repeat_byte(0xff)];

fn world() -> (Contract<OffchainAggregator>, Contract<Registry>) {
    let (aggregator, registry) = (
        Contract::<OffchainAggregator>::new(),
        Contract::<Registry>::new(),
    );
    aggregator
        .sender(OWNER)
        .constructor(registry.address(), OWNER)
        .motsu_unwrap();
    for id in IDS {
        registry.sender(OWNER).enter(*id, SINK, U256::from(1));
    }
    (aggregator, registry)
}

const CALLERS: &[Address] = &[OWNER, SINK];

const FUZZ: Fuzz<(Contract<OffchainAggregator>, Contract<Registry>)> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/OffchainAggregator.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.0, caller, data).is_ok();
        advance_time(31);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(SINK, &[]);
}
