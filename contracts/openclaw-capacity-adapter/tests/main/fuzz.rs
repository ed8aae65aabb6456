//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use bpe_testing::{enter, Fuzz};
use proptest::prelude::*;

use super::*;

const IDS: &[B256] = &[RESEARCH, REVIEW, AGENT, OTHER, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, ALICE, BOB];

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/OpenClawCapacityAdapter.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: &[OWNER, ALICE],
    world: || {
        let world = World::new();
        world.register(ALICE, AGENT, RESEARCH, 1).unwrap();
        world
    },
    send: |world, caller, data| {
        let is_accepted = enter(&world.adapter, caller, data).is_ok();
        advance_blocks(1);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(ALICE, &["renounceOwnership", "transferOwnership"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
