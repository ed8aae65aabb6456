//! No calldata makes either contract panic: whatever comes in, they return or revert.

use crate::contract::CapacityRegistry;
use crate::stake_manager::StakeManager;
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::{advance_blocks, advance_time};
use bpe_testing::{enter, Fuzz, Token};
use motsu::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const IDS: &[B256] = &[B256::repeat_byte(0xc0), B256::repeat_byte(0xca), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK, Address::repeat_byte(0xff)];

/// Functions that make the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: &[&str] = &["setPool", "setReputationLedger"];

type World = (
    Contract<CapacityRegistry>,
    Contract<StakeManager>,
    Contract<Token>,
);

fn world() -> World {
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
    for id in [B256::repeat_byte(0xc0), B256::repeat_byte(0xca)] {
        registry
            .sender(OWNER)
            .register_task_type(id, ONE)
            .motsu_unwrap();
    }
    stakes.sender(OWNER).open().motsu_unwrap();
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

const REGISTRY: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/CapacityRegistry.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WIRING,
    callers: &[OWNER, SINK],
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.0, caller, data).is_ok();
        advance_blocks(1);
        is_accepted
    },
};

const STAKES: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/StakeManager.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WIRING,
    callers: &[OWNER, SINK],
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.1, caller, data).is_ok();
        advance_time(600);
        is_accepted
    },
};

#[test]
fn capacity_registry_never_panics() {
    REGISTRY.never_panics();
}

#[test]
fn stake_manager_never_panics() {
    STAKES.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    REGISTRY.gets_through(SINK, &[]);
}
