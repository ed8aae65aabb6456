//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::Address;
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;

use crate::{subject::RelayAttestations, world::*};

const OWNER: Address = Address::repeat_byte(0x01);

struct Neighbours {
    attestations: Contract<RelayAttestations>,
    _relays: Contract<crate::contract::RelayCapacityRegistry>,
    _core: Contract<Core>,
    _stakes: Contract<Stakes>,
    _keys: Contract<bpe_testing::Keys>,
    _turn: bpe_testing::Turn,
}

fn world() -> Neighbours {
    let (attestations, relays) = (Contract::<RelayAttestations>::new(), Contract::new());
    let (core, stakes) = (Contract::new(), Contract::new());
    let world = World::new(&relays, &core, &stakes, OWNER);
    world.relay(ANYONE, KEY, points(5));
    let construct = attestations.sender(OWNER).constructor(relays.address());
    construct.motsu_unwrap();
    relays
        .sender(OWNER)
        .set_attestations(attestations.address())
        .motsu_unwrap();
    let World { keys, turn, .. } = world;
    Neighbours {
        attestations,
        _relays: relays,
        _core: core,
        _stakes: stakes,
        _keys: keys,
        _turn: turn,
    }
}

const FUZZ: Fuzz<Neighbours> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/RelayAttestations.json"),
    accounts: &[Address::ZERO, OWNER, ANYONE],
    ids: &[KEY, OTHER_KEY],
    without: &[],
    callers: &[OWNER, ANYONE],
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.attestations, caller, data).is_ok();
        advance_time(31);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}
