//! No calldata makes the contract panic: whatever comes in, it returns or reverts. And no sequence of attestations is routed
//! twice.

use std::{collections::BTreeMap, ops::DerefMut};

use alloy_primitives::{keccak256, Address, B256};
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{
    attestation, contract::UniversalCapacityAdapter, n, World, CLAW, CODE, OTHER, OWNER, RELAY,
    SINK,
};

const IDS: &[B256] = &[RELAY, CLAW, CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK];
const ABI: &str = include_str!("../../../../sdk-abi/abi/UniversalCapacityAdapter.json");

fn call(world: &World, caller: Address, data: Vec<u8>) -> bool {
    let mut context = world.universal.sender(caller);
    let _ = context.deref_mut();
    enter::<UniversalCapacityAdapter>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let world = World::new();
        for (data, caller) in calls {
            call(&world, [OWNER, SINK][caller], data);
        }
    }

    #[test]
    fn what_is_routed_is_newer_than_all_before(
        attempts in prop::collection::vec((0..2_usize, 0..12_u64, 0..2_usize, any::<bool>()), 0..24)
    ) {
        let world = World::new();
        let mut highest = BTreeMap::new();
        for (sink, nonce, padding, renews) in attempts {
            let sink = [SINK, OTHER][sink];
            if renews {
                let mut owner = world.universal.sender(OWNER);
                owner.remove_adapter(RELAY).motsu_unwrap();
                drop(owner);
                let mut owner = world.universal.sender(OWNER);
                owner.register_adapter(world.relay.address()).motsu_unwrap();
            }
            let bytes = [attestation(sink, nonce, nonce), vec![0; 32 * padding]].concat();
            let mut relayer = world.universal.sender(OTHER);
            let routed = relayer.route_attestation(RELAY, bytes.into()).motsu_res();
            let last = highest.entry(sink).or_insert(0);
            prop_assert_eq!(routed.is_ok(), nonce > *last);
            *last = nonce.max(*last);
        }
        for (sink, nonce) in highest {
            let capacity = world.registry.sender(OWNER).get_smoothed_capacity(RELAY, sink);
            prop_assert_eq!(capacity, n(nonce));
        }
    }
}

/// A length that no calldata can have, added to where the bytes begin, passes the end of the address space.
#[test]
fn bytes_of_any_length_are_refused() {
    let world = World::new();
    let selector = &keccak256("routeAttestation(bytes32,bytes)")[..4];
    for length in [u64::MAX, u64::MAX - 31, u64::from(u32::MAX), 1] {
        let head = [RELAY, n(64).into(), n(length).into()];
        assert!(
            !call(&world, OWNER, [selector, &head.concat()].concat()),
            "{length}"
        );
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    let world = World::new();
    let without = ["renounceOwnership", "transferOwnership", "removeAdapter"];
    let strategy = calldata(ABI, ACCOUNTS, IDS, &without);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            let data = tree.expect("a strategy without filters").current();
            call(&world, OWNER, data)
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
