//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use crate::contract::Pipeline;
use crate::world::*;
use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::prelude::*;

const IDS: &[B256] = &[
    ID,
    OTHER,
    B256::repeat_byte(0xc0),
    B256::repeat_byte(0xc5),
    B256::repeat_byte(0xc6),
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, REPORTER, Address::repeat_byte(0xff)];
const ABI: &str = include_str!("../../../../sdk-abi/abi/Pipeline.json");

/// Makes the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: [&str; 1] = ["setEscrowBuffer"];

/// The owner reports as well, so that it reaches everything.
fn world() -> World {
    let world = World::new(&[100, 60, 80]);
    let it = world.pipeline.sender(OWNER).set_reporter(OWNER, true);
    it.motsu_unwrap();
    world
}

const CALLERS: [Address; 2] = [OWNER, REPORTER];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &WIRING), 0usize..2), 16)
    ) {
        let world = world();
        for (data, caller) in calls {
            let mut context = world.pipeline.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<Pipeline>(data);
            drop(context);
            advance_time(151);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let world = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &WIRING);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = world.pipeline.sender(OWNER);
            let _ = context.deref_mut();
            enter::<Pipeline>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
