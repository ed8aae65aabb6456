//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{Address, B256};
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{contract::ReputationLedger, ledger, ALICE, CLAW, LIGHTNING, NOWHERE, OWNER, RELAY};

const IDS: &[B256] = &[RELAY, LIGHTNING, CLAW, NOWHERE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, ALICE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/ReputationLedger.json");

/// The owner may record everywhere.
fn world() -> Contract<ReputationLedger> {
    let ledger = ledger();
    for domain in [RELAY, LIGHTNING, CLAW] {
        let mut context = ledger.sender(OWNER);
        context.authorize_recorder(domain, OWNER).motsu_unwrap();
    }
    ledger
}

fn call(ledger: &Contract<ReputationLedger>, caller: Address, data: Vec<u8>) -> bool {
    let mut context = ledger.sender(caller);
    let _ = context.deref_mut();
    enter::<ReputationLedger>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let ledger = world();
        for (data, caller) in calls {
            call(&ledger, [OWNER, ALICE][caller], data);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    let ledger = world();
    let strategy = calldata(
        ABI,
        ACCOUNTS,
        IDS,
        &["renounceOwnership", "transferOwnership"],
    );
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            let data = tree.expect("a strategy without filters").current();
            call(&ledger, OWNER, data)
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
