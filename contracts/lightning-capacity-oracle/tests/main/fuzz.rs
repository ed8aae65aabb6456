//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{address, Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::LightningCapacityOracle, node, operator, World, LIGHTNING, OWNER, RELAYER};

/// Of key 1.
const OPERATOR: Address = address!("1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
const IDS: &[B256] = &[
    B256::repeat_byte(1),
    LIGHTNING,
    B256::repeat_byte(2),
    B256::ZERO,
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, RELAYER];
const CALLERS: [Address; 2] = [OWNER, OPERATOR];
const ABI: &str = include_str!("../../../../sdk-abi/abi/LightningCapacityOracle.json");

fn world() -> World {
    let world = World::new();
    assert_eq!(operator(1), OPERATOR);
    world.member(1, 1_000);
    world.stake(OWNER, 10_000);
    world.register(OWNER, node(2), 5).unwrap();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let _precompiles = deploy_precompiles();
        let world = world();
        for (data, caller) in calls {
            let mut context = world.oracle.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<LightningCapacityOracle>(data);
            drop(context);
            advance_time(31);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let _precompiles = deploy_precompiles();
    let world = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = world.oracle.sender(OPERATOR);
            let _ = context.deref_mut();
            enter::<LightningCapacityOracle>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
