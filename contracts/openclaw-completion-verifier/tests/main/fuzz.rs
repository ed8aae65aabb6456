//! No calldata makes the contract panic, and none records what was not signed.

use bpe_testing::{enter, Fuzz};

use super::*;

const IDS: &[B256] = &[RESEARCH, REVIEW, AGENT, JOB, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, ANYONE];

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/OpenClawCompletionVerifier.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: &[ANYONE],
    world: || {
        let world = World::new();
        world.enter(AGENT, ANYONE, RESEARCH, true);
        world
    },
    send: |world, caller, data| {
        let is_accepted = enter(&world.verifier, caller, data).is_ok();
        assert_eq!(world.tracker.sender(ANYONE).count(), U256::ZERO);
        assert_eq!(world.bridge.sender(ANYONE).count(), U256::ZERO);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(ANYONE, &[]);
}
