//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use crate::contract::PricingCurve;
use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter, Registry};
use motsu::prelude::*;
use proptest::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const IDS: &[B256] = &[B256::repeat_byte(0xc0), B256::repeat_byte(0xca), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK, Address::repeat_byte(0xff)];
const ABI: &str = include_str!("../../../../sdk-abi/abi/PricingCurve.json");

/// Makes the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: [&str; 1] = ["setEscrowBuffer"];

fn world() -> (Contract<PricingCurve>, Contract<Registry>) {
    let (pricing, registry) = (Contract::<PricingCurve>::new(), Contract::<Registry>::new());
    pricing
        .sender(OWNER)
        .constructor(registry.address(), OWNER)
        .motsu_unwrap();
    for id in IDS {
        registry
            .sender(OWNER)
            .enter(*id, SINK, U256::from(1_000_000_000));
    }
    (pricing, registry)
}

const CALLERS: [Address; 2] = [OWNER, SINK];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &WIRING), 0usize..2), 16)
    ) {
        let (pricing, _registry) = world();
        for (data, caller) in calls {
            let mut context = pricing.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<PricingCurve>(data);
            drop(context);
            advance_time(31);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let (pricing, _registry) = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &WIRING);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = pricing.sender(SINK);
            let _ = context.deref_mut();
            enter::<PricingCurve>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
