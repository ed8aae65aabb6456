//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use bpe_testing::{enter, Fuzz};

use super::*;

const IDS: &[B256] = &[RESEARCH, REVIEW, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, REPORTER, ALICE];
const CALLERS: &[Address] = &[OWNER, REPORTER];

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/OpenClawReputationBridge.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world: World::new,
    send: |world, caller, data| enter(&world.bridge, caller, data).is_ok(),
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(REPORTER, &["revokeReporter"]);
}
