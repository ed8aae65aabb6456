//! No calldata makes the contract panic: whatever comes in, it returns or reverts. And whatever the host hands to the
//! callback at the end of a flow, it returns.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod world;

use std::ops::DerefMut;

use alloy_primitives::{Address, B256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter, superfluid::flow_rate};
use contract::SourceStreams;
use proptest::{collection::vec, prelude::*};
use world::*;

const IDS: &[B256] = &[ID, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, ALICE, BOB, CRITIC];
const ABI: &str = include_str!("../../../sdk-abi/abi/SourceStreams.json");

/// Calls a pool of the escrow's choice; motsu panics itself where there is no contract.
const WIRING: [&str; 1] = ["takeOverflow"];

fn strategy() -> impl Strategy<Value = Vec<u8>> {
    calldata(ABI, ACCOUNTS, IDS, &WIRING)
}

fn enter_as(world: &World, caller: usize, data: Vec<u8>) -> bool {
    let callers = [
        ALICE,
        world.host.address(),
        world.gateway.address(),
        world.escrow.address(),
    ];
    let mut context = world.streams.sender(callers[caller]);
    let _ = context.deref_mut();
    enter::<SourceStreams>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(calls in vec((strategy(), 0usize..4), 16)) {
        let world = World::new();
        world.open(ALICE, 100, &[(0, 40), (1, 60)]).unwrap();
        for (data, caller) in calls {
            enter_as(&world, caller, data);
            advance_time(600);
        }
    }

    /// Rates of any size, and orders of anything, as the host passes them on.
    #[test]
    fn callbacks_never_panic(
        flow in any::<u128>().prop_map(|rate| rate >> 33),
        index in 0usize..9,
        rate: [u64; 4],
        shift in 0usize..256,
        junk in vec(any::<u8>(), 0..100),
        is_junk: bool,
    ) {
        use bpe_testing::superfluid::order;
        let world = World::new();
        world.open(ALICE, 100, &[(0, 40), (1, 60)]).unwrap();
        let rate = alloy_primitives::U256::from_limbs(rate) >> shift;
        let data = if is_junk { junk } else { order(world.pool(index), rate) };
        let here = world.streams.address();
        world.cfa.sender(BOB).set_flow(ALICE, here, flow_rate(flow));
        let context = world.context(ALICE, &data);
        let _ = world.callback_of(Kind::Updated, ALICE, &context);
        let (inflow, allocated, _) = world.source(ALICE);
        prop_assert!(allocated <= inflow);
    }

    #[test]
    fn ends_never_revert(
        agreement_data in vec(any::<u8>(), 0..100),
        context in vec(any::<u8>(), 0..100),
        is_supported: bool,
        is_alice: bool,
    ) {
        let world = World::new();
        world.open(ALICE, 100, &[(0, 40), (1, 60)]).unwrap();
        let token = if is_supported { world.token.address() } else { BOB };
        let data = match is_alice {
            true => world::agreement_data(ALICE, world.streams.address()),
            false => agreement_data,
        };
        let (host, cfa) = (world.host.address(), world.cfa.address());
        let mut it = world.streams.sender(host);
        let before = vec![].into();
        let ended =
            it.after_agreement_terminated(token, cfa, ID, data.into(), before, context.into());
        prop_assert!(ended.is_ok());
        drop(it);
        let expected = if is_alice && is_supported { 0 } else { 100 };
        prop_assert_eq!(world.source(ALICE).0, n(expected));
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let world = World::new();
    let strategy = strategy();
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|call| {
            let data = strategy.new_tree(&mut runner).unwrap().current();
            enter_as(&world, call % 4, data)
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
