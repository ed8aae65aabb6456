//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{address, Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};

use crate::{node, operator, World, LIGHTNING, OWNER, RELAYER};

/// Of key 1.
const OPERATOR: Address = address!("1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
const IDS: &[B256] = &[
    B256::repeat_byte(1),
    LIGHTNING,
    B256::repeat_byte(2),
    B256::ZERO,
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, RELAYER];
const CALLERS: &[Address] = &[OWNER, OPERATOR];

fn world() -> World {
    let world = World::new();
    assert_eq!(operator(1), OPERATOR);
    world.member(1, 1_000);
    world.stake(OWNER, 10_000);
    world.register(OWNER, node(2), 5).unwrap();
    world
}

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/LightningCapacityOracle.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.oracle, caller, data).is_ok();
        advance_time(31);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OPERATOR, &[]);
}
