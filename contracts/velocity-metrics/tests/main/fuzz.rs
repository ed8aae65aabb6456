//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;

use crate::{contract::VelocityMetrics, ALICE, OWNER, TOKEN};

const IDS: &[B256] = &[B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, TOKEN, ALICE];
const CALLERS: &[Address] = &[OWNER, TOKEN];

fn world() -> Contract<VelocityMetrics> {
    let metrics = Contract::<VelocityMetrics>::new();
    metrics
        .sender(OWNER)
        .constructor(TOKEN, OWNER)
        .motsu_unwrap();
    metrics
}

const FUZZ: Fuzz<Contract<VelocityMetrics>> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/VelocityMetrics.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(world, caller, data).is_ok();
        advance_time(1_000);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    // A quarter of the functions is the owner's, or waits for an epoch to end.
    FUZZ.succeeds_in(800, TOKEN, &[]);
}
