//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::world::*;
use bpe_testing::{enter, Fuzz};

const SOURCE: Address = ALICE;
const IDS: &[B256] = &[CODE, CHAT, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SOURCE, Address::repeat_byte(0xff)];
const CALLERS: &[Address] = &[OWNER, SOURCE];

/// Connected, with something in the buffer and sinks.
fn world() -> World {
    let world = World::new();
    world.token.sender(OWNER).mint(SOURCE, U256::MAX >> 1);
    world.deposit(SOURCE, ONE);
    world
}

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/EscrowBuffer.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.escrow, caller, data).is_ok();
        advance_time(6_000);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(SOURCE, &[]);
}
