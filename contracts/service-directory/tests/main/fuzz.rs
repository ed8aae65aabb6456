//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::world::*;
use bpe_testing::{enter, Fuzz};

const ACCOUNTS: &[Address] = &[ALICE, BOB, Address::ZERO];

/// Alice has stake for some task types, and serves one.
fn world() -> World {
    let it = World::new();
    it.serve(CODE, ALICE);
    it.stake(ALICE, 10_000);
    it
}

const DIRECTORY: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/ServiceDirectory.json"),
    accounts: ACCOUNTS,
    ids: &[CODE, B256::ZERO],
    without: &[],
    callers: &[ALICE, BOB],
    world,
    send: |world, caller, data| enter(&world.directory, caller, data).is_ok(),
};

#[test]
fn service_directory_never_panics() {
    DIRECTORY.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    DIRECTORY.gets_through(ALICE, &[]);
}
