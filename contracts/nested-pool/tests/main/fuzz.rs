//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use crate::contract::NestedPool;
use crate::world::*;
use alloy_primitives::{Address, B256};
use bpe_testing::{calldata, enter};
use proptest::prelude::*;

const IDS: &[B256] = &[
    B256::ZERO,
    B256::repeat_byte(1),
    B256::repeat_byte(2),
    B256::repeat_byte(3),
    B256::repeat_byte(0x99),
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, LINKER, Address::repeat_byte(0xff)];
const ABI: &str = include_str!("../../../../sdk-abi/abi/NestedPool.json");

/// Three levels, and money on its way.
fn world() -> World {
    let world = World::linked(&[100, 20, 60, 40], &[(0, 1), (1, 3)], false);
    world.pay(0, 1_600);
    world
}

const CALLERS: [Address; 2] = [OWNER, LINKER];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let world = world();
        for (data, caller) in calls {
            let mut context = world.nested.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<NestedPool>(data);
            drop(context);
            world.pay(0, 1_000);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let world = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = world.nested.sender(OWNER);
            let _ = context.deref_mut();
            enter::<NestedPool>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
