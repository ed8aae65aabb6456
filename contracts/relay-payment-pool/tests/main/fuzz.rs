//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::cell::Cell;

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;

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
const CALLERS: &[Address] = &[OWNER, OPERATOR, ANYONE];

/// The world, and the number of the next attestation.
fn world() -> (World, Cell<u64>) {
    let it = World::new();
    it.relay(KEY, OPERATOR, 80, 90, 1);
    it.relay(OTHER_KEY, ANYONE, 70, 60, 1);
    it.join(OPERATOR, RELAY_WRITE, KEY).unwrap();
    it.payment
        .sender(OWNER)
        .set_pricing_curve(it.loads.address())
        .motsu_unwrap();
    (it, Cell::new(2))
}

const FUZZ: Fuzz<(World, Cell<u64>)> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/RelayPaymentPool.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: CALLERS,
    world,
    send: |(it, sequence), caller, data| {
        it.relay(KEY, OPERATOR, 80, 90, sequence.replace(sequence.get() + 1));
        let is_accepted = enter(&it.payment, caller, data).is_ok();
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
