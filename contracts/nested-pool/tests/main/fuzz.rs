//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::world::*;
use alloy_primitives::{Address, B256};
use bpe_testing::{enter, Fuzz};

const IDS: &[B256] = &[
    B256::ZERO,
    B256::repeat_byte(1),
    B256::repeat_byte(2),
    B256::repeat_byte(3),
    B256::repeat_byte(0x99),
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, LINKER, Address::repeat_byte(0xff)];

/// Three levels, and money on its way.
fn world() -> World {
    let world = World::linked(&[100, 20, 60, 40], &[(0, 1), (1, 3)], false);
    world.pay(0, 1_600);
    world
}

const CALLERS: &[Address] = &[OWNER, LINKER];

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/NestedPool.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.nested, caller, data).is_ok();
        world.pay(0, 1_000);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OWNER, &[]);
}
