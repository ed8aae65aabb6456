//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};

use crate::world::*;

const IDS: &[B256] = &[B256::repeat_byte(0xc0), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, TREASURY, ALICE, BOB];
/// motsu panics itself where ecrecover is asked for what nobody signed.
const WITHOUT: &[&str] = &["permit"];
const CALLERS: &[Address] = &[OWNER, TREASURY, ALICE];

fn world() -> World {
    let it = World::new();
    for account in CALLERS {
        it.wrap(*account, tokens(1));
        it.underlying.sender(OWNER).mint(*account, tokens(1));
    }
    it
}

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/DemurrageToken.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WITHOUT,
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.token, caller, data).is_ok();
        advance_time(100_000);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.succeeds_in(1_000, OWNER, &[]);
}
