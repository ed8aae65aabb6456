//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};

use crate::world::{World, CODE, OWNER, SINK};

const IDS: &[B256] = &[CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK];

/// CompletionTracker, whose address the test VM chooses.
const TRACKER: Address = Address::repeat_byte(0xff);

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/Judge.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: &[OWNER, TRACKER],
    world: World::new,
    send: |world, caller, data| {
        let caller = match caller == TRACKER {
            true => world.tracker.address(),
            false => caller,
        };
        let is_accepted = enter(&world.judge, caller, data).is_ok();
        advance_time(200);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(TRACKER, &[]);
}
