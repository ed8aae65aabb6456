//! No calldata makes the contract panic, and none records what was not signed.

use std::ops::DerefMut;

use bpe_testing::{calldata, enter};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;

const IDS: &[B256] = &[RESEARCH, REVIEW, AGENT, JOB, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, ANYONE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/OpenClawCompletionVerifier.json");

fn call(world: &World, data: Vec<u8>) -> bool {
    let mut context = world.verifier.sender(ANYONE);
    let _ = context.deref_mut();
    enter::<OpenClawCompletionVerifier>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(calls in prop::collection::vec(calldata(ABI, ACCOUNTS, IDS, &[]), 16)) {
        let _precompiles = deploy_precompiles();
        let world = World::new();
        world.enter(AGENT, ANYONE, RESEARCH, true);
        for data in calls {
            call(&world, data);
        }
        prop_assert_eq!(world.tracker.sender(ANYONE).count(), U256::ZERO);
        prop_assert_eq!(world.bridge.sender(ANYONE).count(), U256::ZERO);
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            call(&world, tree.expect("a strategy without filters").current())
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
