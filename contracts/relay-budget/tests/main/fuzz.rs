//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::Address;
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};

use crate::world::*;

fn world() -> World {
    let world = World::new();
    for account in [OPERATOR, ANYONE] {
        world.token.sender(account).mint(account, n(u64::MAX));
    }
    world
}

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/RelayBudget.json"),
    accounts: &[Address::ZERO, OPERATOR, ANYONE],
    ids: &[RELAY, OTHER_RELAY, WRITER],
    without: &[],
    callers: &[OPERATOR, ANYONE],
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.budget, caller, data).is_ok();
        advance_time(601);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}
