//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter};
use proptest::prelude::*;

use crate::{contract::DemurrageToken, world::*};

const IDS: &[B256] = &[B256::repeat_byte(0xc0), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, TREASURY, ALICE, BOB];
const ABI: &str = include_str!("../../../../sdk-abi/abi/DemurrageToken.json");
/// motsu panics itself where ecrecover is asked for what nobody signed.
const WITHOUT: [&str; 1] = ["permit"];
const CALLERS: [Address; 3] = [OWNER, TREASURY, ALICE];

fn world() -> World {
    let it = World::new();
    for account in CALLERS {
        it.wrap(account, tokens(1));
        it.underlying.sender(OWNER).mint(account, tokens(1));
    }
    it
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &WITHOUT), 0usize..3), 16)
    ) {
        let it = world();
        for (data, caller) in calls {
            let mut context = it.token.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<DemurrageToken>(data);
            drop(context);
            advance_time(100_000);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let it = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &WITHOUT);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..1_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = it.token.sender(OWNER);
            let _ = context.deref_mut();
            enter::<DemurrageToken>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 1000");
}
