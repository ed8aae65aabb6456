//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use crate::capacity_registry::CapacityRegistry;
use crate::contract::CompletionTracker;
use crate::stake_manager::StakeManager;
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter, Token};
use motsu::prelude::*;
use proptest::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const CODE: B256 = B256::repeat_byte(0xc0);
const IDS: &[B256] = &[CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK];
const ABI: &str = include_str!("../../../../sdk-abi/abi/CompletionTracker.json");
/// Makes the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: [&str; 1] = ["setVerifier"];

/// The tracker and what is behind it, which has to live as long.
type World = (
    Contract<CompletionTracker>,
    Contract<CapacityRegistry>,
    Contract<StakeManager>,
    Contract<Token>,
);

fn world() -> World {
    let world: World = (
        Contract::new(),
        Contract::new(),
        Contract::new(),
        Contract::new(),
    );
    let (tracker, registry, stakes, token) = &world;
    let it = stakes
        .sender(OWNER)
        .constructor(token.address(), ONE, ONE, 0, OWNER);
    it.motsu_unwrap();
    let it = registry.sender(OWNER).constructor(stakes.address(), OWNER);
    it.motsu_unwrap();
    let it = tracker
        .sender(OWNER)
        .constructor(registry.address(), stakes.address(), OWNER);
    it.motsu_unwrap();
    let it = stakes.sender(OWNER).set_registry(registry.address(), true);
    it.motsu_unwrap();
    let it = stakes.sender(OWNER).set_slasher(tracker.address(), true);
    it.motsu_unwrap();
    let it = tracker.sender(OWNER).set_yardstick(CODE, ONE, 1);
    it.motsu_unwrap();
    stakes.sender(OWNER).open().motsu_unwrap();
    let it = registry.sender(OWNER).register_task_type(CODE, ONE);
    it.motsu_unwrap();
    token.sender(OWNER).mint(SINK, ONE);
    stakes.sender(SINK).stake(ONE).motsu_unwrap();
    let it = registry.sender(SINK).register_sink(CODE, ONE);
    it.motsu_unwrap();
    world
}

fn call(world: &World, data: Vec<u8>) -> bool {
    let mut context = world.0.sender(OWNER);
    let _ = context.deref_mut();
    enter::<CompletionTracker>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn completion_tracker_never_panics(
        calls in prop::collection::vec(calldata(ABI, ACCOUNTS, IDS, &WIRING), 16)
    ) {
        let _precompiles = deploy_precompiles();
        let world = world();
        for data in calls {
            call(&world, data);
            advance_time(200);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let _precompiles = deploy_precompiles();
    let world = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &WIRING);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            call(&world, tree.expect("a strategy without filters").current())
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
