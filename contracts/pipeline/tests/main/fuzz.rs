//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::world::*;
use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;

const IDS: &[B256] = &[
    ID,
    OTHER,
    B256::repeat_byte(0xc0),
    B256::repeat_byte(0xc5),
    B256::repeat_byte(0xc6),
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, REPORTER, Address::repeat_byte(0xff)];

/// Makes the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: &[&str] = &["setEscrowBuffer"];

/// The owner reports as well, so that it reaches everything.
fn world() -> World {
    let world = World::new(&[100, 60, 80]);
    let it = world.pipeline.sender(OWNER).set_reporter(OWNER, true);
    it.motsu_unwrap();
    world
}

const CALLERS: &[Address] = &[OWNER, REPORTER];

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/Pipeline.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WIRING,
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.pipeline, caller, data).is_ok();
        advance_time(151);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OWNER, &[]);
}
