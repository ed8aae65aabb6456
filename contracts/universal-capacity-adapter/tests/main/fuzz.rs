//! No calldata makes the contract panic: whatever comes in, it returns or reverts. And no sequence of attestations is routed
//! twice.

use std::collections::BTreeMap;

use alloy_primitives::{keccak256, Address, B256};
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;
use proptest::prelude::*;

use super::{attestation, n, World, CLAW, CODE, OTHER, OWNER, RELAY, SINK};

const IDS: &[B256] = &[RELAY, CLAW, CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK];

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/UniversalCapacityAdapter.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: &[OWNER, SINK],
    world: World::new,
    send: |world, caller, data| enter(&world.universal, caller, data).is_ok(),
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(
        OWNER,
        &["renounceOwnership", "transferOwnership", "removeAdapter"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
        let calldata = [selector, &head.concat()].concat();
        let answer = enter(&world.universal, OWNER, calldata);
        assert!(answer.is_err(), "{length}");
    }
}
