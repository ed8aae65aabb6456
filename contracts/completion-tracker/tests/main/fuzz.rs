//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::capacity_registry::CapacityRegistry;
use crate::contract::CompletionTracker;
use crate::judge::Judge;
use crate::stake_manager::StakeManager;
use crate::tracker::appoint;
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{enter, Fuzz, Token};
use motsu::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const CODE: B256 = B256::repeat_byte(0xc0);
const IDS: &[B256] = &[CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK];
/// Makes the contract call an account of the fuzzer's choice; motsu panics itself where there is no contract.
const WIRING: &[&str] = &["setVerifier", "setJudge"];

/// The tracker and what is behind it, which has to live as long.
type World = (
    Contract<CompletionTracker>,
    Contract<CapacityRegistry>,
    Contract<StakeManager>,
    Contract<Token>,
    Contract<Judge>,
);

fn world() -> World {
    let world: World = (
        Contract::new(),
        Contract::new(),
        Contract::new(),
        Contract::new(),
        Contract::new(),
    );
    let (tracker, registry, stakes, token, judge) = &world;
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
    appoint(judge, tracker, registry, stakes);
    let it = tracker.sender(OWNER).set_yardstick(CODE, ONE, 1);
    it.motsu_unwrap();
    let it = registry.sender(OWNER).register_task_type(CODE, ONE);
    it.motsu_unwrap();
    stakes.sender(OWNER).open().motsu_unwrap();
    token.sender(OWNER).mint(SINK, ONE);
    stakes.sender(SINK).stake(ONE).motsu_unwrap();
    let it = registry.sender(SINK).register_sink(CODE, ONE);
    it.motsu_unwrap();
    world
}

const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/CompletionTracker.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WIRING,
    callers: &[OWNER],
    world,
    send: |world, caller, data| {
        let is_accepted = enter(&world.0, caller, data).is_ok();
        advance_time(200);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OWNER, &[]);
}
