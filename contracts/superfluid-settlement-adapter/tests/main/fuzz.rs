//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256};
use bpe_testing::{enter, Fuzz};

use super::{World, JOB, OWNER, PIPELINE, RECIPIENT};

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/SuperfluidSettlementAdapter.json"),
    accounts: &[Address::ZERO, OWNER, RECIPIENT],
    ids: &[B256::ZERO, JOB],
    without: &[],
    callers: &[OWNER, PIPELINE],
    world: World::new,
    send: |world, caller, data| enter(&world.adapter, caller, data).is_ok(),
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.succeeds_in(300, PIPELINE, &[]);
}
