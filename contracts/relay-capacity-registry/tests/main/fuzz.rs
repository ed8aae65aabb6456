//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::{advance_blocks, advance_time};
use bpe_testing::{enter, Fuzz, Keys, Turn};
use motsu::prelude::*;

use crate::{contract::RelayCapacityRegistry, world::*};

const OWNER: Address = Address::repeat_byte(0x01);
const OPERATOR: Address = Address::repeat_byte(0xa1);
const KEYS: &[B256] = &[KEY, OTHER_KEY, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, ANYONE];
const CALLERS: &[Address] = &[OWNER, OPERATOR, ANYONE];

struct Neighbours {
    _core: Contract<Core>,
    _stakes: Contract<Stakes>,
    _keys: Contract<Keys>,
    _turn: Turn,
}

fn world() -> (Contract<RelayCapacityRegistry>, Neighbours) {
    let (relays, core, stakes) = (Contract::new(), Contract::new(), Contract::new());
    let world = World::new(&relays, &core, &stakes, OWNER);
    world.stake(OPERATOR, U256::MAX);
    world.stake(ANYONE, units(3));
    world.relay(OPERATOR, KEY, points(5));
    relays.sender(OWNER).set_aggregator(ANYONE).motsu_unwrap();
    let World { turn, keys, .. } = world;
    keys.sender(OWNER).set(OTHER_KEY, OPERATOR);
    let neighbours = Neighbours {
        _turn: turn,
        _core: core,
        _stakes: stakes,
        _keys: keys,
    };
    (relays, neighbours)
}

const FUZZ: Fuzz<(Contract<RelayCapacityRegistry>, Neighbours)> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/RelayCapacityRegistry.json"),
    accounts: ACCOUNTS,
    ids: KEYS,
    without: &[],
    callers: CALLERS,
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.0, caller, data).is_ok();
        advance_blocks(1);
        advance_time(31);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OPERATOR, &[]);
}
