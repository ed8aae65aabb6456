//! No calldata makes either contract panic: whatever comes in, they return or revert.

use std::ops::DerefMut;

use crate::contract::CapacityRegistry;
use crate::stake_manager::StakeManager;
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::{advance_blocks, advance_time};
use bpe_testing::{calldata, enter, Token};
use motsu::prelude::*;
use proptest::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const IDS: &[B256] = &[B256::repeat_byte(0xc0), B256::repeat_byte(0xca), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK, Address::repeat_byte(0xff)];

/// Functions that make the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: [&str; 2] = ["setPool", "setReputationLedger"];

fn world() -> (
    Contract<CapacityRegistry>,
    Contract<StakeManager>,
    Contract<Token>,
) {
    let (registry, stakes, token) = (
        Contract::<CapacityRegistry>::new(),
        Contract::<StakeManager>::new(),
        Contract::<Token>::new(),
    );
    stakes
        .sender(OWNER)
        .constructor(token.address(), ONE, ONE, 0, OWNER)
        .motsu_unwrap();
    registry
        .sender(OWNER)
        .constructor(stakes.address(), OWNER)
        .motsu_unwrap();
    stakes
        .sender(OWNER)
        .set_registry(registry.address(), true)
        .motsu_unwrap();
    stakes.sender(OWNER).set_slasher(OWNER, true).motsu_unwrap();
    registry.sender(OWNER).set_aggregator(OWNER).motsu_unwrap();
    registry
        .sender(OWNER)
        .set_adapter(OWNER, true)
        .motsu_unwrap();
    stakes.sender(OWNER).open().motsu_unwrap();
    for id in [B256::repeat_byte(0xc0), B256::repeat_byte(0xca)] {
        registry
            .sender(OWNER)
            .register_task_type(id, ONE)
            .motsu_unwrap();
    }
    token.sender(OWNER).mint(SINK, U256::MAX >> 1);
    stakes
        .sender(SINK)
        .stake(ONE * U256::from(100))
        .motsu_unwrap();
    registry
        .sender(SINK)
        .register_sink(B256::repeat_byte(0xc0), ONE)
        .motsu_unwrap();
    (registry, stakes, token)
}

const CALLERS: [Address; 2] = [OWNER, SINK];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn capacity_registry_never_panics(
        calls in prop::collection::vec(
            (calldata(include_str!("../../../../sdk-abi/abi/CapacityRegistry.json"), ACCOUNTS, IDS, &WIRING), 0usize..2), 16)
    ) {
        let (registry, _stakes, _token) = world();
        for (data, caller) in calls {
            let mut context = registry.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<CapacityRegistry>(data);
            drop(context);
            advance_blocks(1);
        }
    }

    #[test]
    fn stake_manager_never_panics(
        calls in prop::collection::vec(
            (calldata(include_str!("../../../../sdk-abi/abi/StakeManager.json"), ACCOUNTS, IDS, &WIRING), 0usize..2), 16)
    ) {
        let (_registry, stakes, _token) = world();
        for (data, caller) in calls {
            let mut context = stakes.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<StakeManager>(data);
            drop(context);
            advance_time(600);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let (registry, _stakes, _token) = world();
    let strategy = calldata(
        include_str!("../../../../sdk-abi/abi/CapacityRegistry.json"),
        ACCOUNTS,
        IDS,
        &WIRING,
    );
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = registry.sender(SINK);
            let _ = context.deref_mut();
            enter::<CapacityRegistry>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
