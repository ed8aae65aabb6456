//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::VelocityMetrics, ALICE, OWNER, TOKEN};

const IDS: &[B256] = &[B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, TOKEN, ALICE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/VelocityMetrics.json");
const CALLERS: [Address; 2] = [OWNER, TOKEN];

fn world() -> Contract<VelocityMetrics> {
    let metrics = Contract::<VelocityMetrics>::new();
    metrics
        .sender(OWNER)
        .constructor(TOKEN, OWNER)
        .motsu_unwrap();
    metrics
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let metrics = world();
        for (data, caller) in calls {
            let mut context = metrics.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<VelocityMetrics>(data);
            drop(context);
            advance_time(1_000);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let metrics = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..1_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = metrics.sender(TOKEN);
            let _ = context.deref_mut();
            enter::<VelocityMetrics>(data).is_ok()
        })
        .count();
    // A quarter of the functions is the owner's, or waits for an epoch to end.
    assert!(accepted > 400, "{accepted} of 1000");
}
