//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{address, Address, B256};
use bpe_testing::{enter, Fuzz};

use crate::{operator, World, ANYONE, LIGHTNING, MILLION, OWNER};

const OPERATOR: Address = address!("a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a001");
const IDS: &[B256] = &[
    B256::repeat_byte(1),
    LIGHTNING,
    B256::repeat_byte(2),
    B256::ZERO,
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, ANYONE];
const CALLERS: &[Address] = &[OWNER, OPERATOR];

fn world() -> World {
    let world = World::new();
    assert_eq!(operator(1), OPERATOR);
    world.equip(1, MILLION, 1);
    world.member(2, 2 * MILLION, 0);
    world
}

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/LightningRoutingPool.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| enter(&world.pool, caller, data).is_ok(),
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OPERATOR, &[]);
}
