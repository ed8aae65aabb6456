//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::Address;
use bpe_testing::{enter, Fuzz};

use crate::*;

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/WorkReputation.json"),
    accounts: &[Address::ZERO, OWNER, SOURCE, SINK],
    ids: &[TASK, OTHER_TASK, CLAW],
    without: &[],
    callers: &[OWNER, ANYONE],
    world,
    send: |world, caller, data| {
        world.count(7);
        enter(&world.work, caller, data).is_ok()
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}
