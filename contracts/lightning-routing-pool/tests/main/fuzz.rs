//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{address, Address, B256};
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::LightningRoutingPool, operator, World, ANYONE, LIGHTNING, MILLION, OWNER};

const OPERATOR: Address = address!("a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a001");
const IDS: &[B256] = &[
    B256::repeat_byte(1),
    LIGHTNING,
    B256::repeat_byte(2),
    B256::ZERO,
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, ANYONE];
const CALLERS: [Address; 2] = [OWNER, OPERATOR];
const ABI: &str = include_str!("../../../../sdk-abi/abi/LightningRoutingPool.json");

fn world() -> World {
    let world = World::new();
    assert_eq!(operator(1), OPERATOR);
    world.equip(1, MILLION, 1);
    world.member(2, 2 * MILLION, 0);
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
            let mut context = world.pool.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<LightningRoutingPool>(data);
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
            let mut context = world.pool.sender(OPERATOR);
            let _ = context.deref_mut();
            enter::<LightningRoutingPool>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
