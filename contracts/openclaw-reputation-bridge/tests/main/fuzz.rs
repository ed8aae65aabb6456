//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use bpe_testing::{calldata, enter};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;

const IDS: &[B256] = &[RESEARCH, REVIEW, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, REPORTER, ALICE];
const CALLERS: [Address; 2] = [OWNER, REPORTER];
const ABI: &str = include_str!("../../../../sdk-abi/abi/OpenClawReputationBridge.json");

fn call(world: &World, caller: Address, data: Vec<u8>) -> bool {
    let mut context = world.bridge.sender(caller);
    let _ = context.deref_mut();
    enter::<OpenClawReputationBridge>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let world = World::new();
        for (data, caller) in calls {
            call(&world, CALLERS[caller], data);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    let world = World::new();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &["revokeReporter"]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            let data = tree.expect("a strategy without filters").current();
            call(&world, REPORTER, data)
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
