//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use bpe_testing::{calldata, enter};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::*;

const IDS: &[B256] = &[RESEARCH, REVIEW, AGENT, OTHER, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, ALICE, BOB];
const CALLERS: [Address; 2] = [OWNER, ALICE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/OpenClawCapacityAdapter.json");

fn call(world: &World, caller: Address, data: Vec<u8>) -> bool {
    let mut context = world.adapter.sender(caller);
    let _ = context.deref_mut();
    enter::<OpenClawCapacityAdapter>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let _precompiles = deploy_precompiles();
        let world = World::new();
        world.register(ALICE, AGENT, RESEARCH, 1).unwrap();
        for (data, caller) in calls {
            call(&world, CALLERS[caller], data);
            advance_blocks(1);
        }
    }

    /// Attestations are bytes, of which the fuzzer knows no more: garbage with a grain of truth.
    #[test]
    fn garbage_never_verifies(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        is_framed: bool,
    ) {
        let _precompiles = deploy_precompiles();
        let world = World::new();
        world.register(ALICE, AGENT, RESEARCH, 1).unwrap();
        if is_framed && bytes.len() >= 256 {
            bytes[..32].copy_from_slice(AGENT.as_slice());
            bytes[192..256].fill(0);
            (bytes[223], bytes[255]) = (224, 65);
        }
        let it = world.adapter.sender(BOB);
        let answer = it.verify_attestation(bytes.into());
        prop_assert_eq!(answer, (false, Address::ZERO, U256::ZERO));
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let without = ["renounceOwnership", "transferOwnership"];
    let strategy = calldata(ABI, ACCOUNTS, IDS, &without);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            let data = tree.expect("a strategy without filters").current();
            call(&world, ALICE, data)
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
