//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::*, world::*};

const OWNER: Address = Address::repeat_byte(0x01);
const OPERATOR: Address = Address::repeat_byte(0xa1);
const IDS: &[B256] = &[
    KEY,
    OTHER_KEY,
    B256::ZERO,
    RELAY_WRITE,
    RELAY_READ,
    RELAY_STORE,
];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, ANYONE];
const CALLERS: [Address; 3] = [OWNER, OPERATOR, ANYONE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/RelayPaymentPool.json");

fn world() -> World {
    let it = World::new();
    it.relay(KEY, OPERATOR, 80, 90, 1);
    it.relay(OTHER_KEY, ANYONE, 70, 60, 1);
    it.join(OPERATOR, RELAY_WRITE, KEY).unwrap();
    it.payment
        .sender(OWNER)
        .set_pricing_curve(it.loads.address())
        .motsu_unwrap();
    it
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..3), 16)
    ) {
        let it = world();
        for (sequence, (data, caller)) in (2..).zip(calls) {
            it.relay(KEY, OPERATOR, 80, 90, sequence);
            let mut context = it.payment.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<RelayPaymentPool>(data);
            drop(context);
            advance_time(31);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let it = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = it.payment.sender(OPERATOR);
            let _ = context.deref_mut();
            enter::<RelayPaymentPool>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
