//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use bpe_testing::{enter, Fuzz};

use super::*;

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/KeyRegistry.json"),
    accounts: &[Address::ZERO, ALICE, BOB],
    ids: &[B256::ZERO, B256::repeat_byte(1)],
    without: &[],
    callers: &[ALICE, BOB],
    world: World::new,
    send: |world, caller, data| enter(&world.keys, caller, data).is_ok(),
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}
