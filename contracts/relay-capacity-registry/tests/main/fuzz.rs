//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::{advance_blocks, advance_time};
use bpe_testing::{calldata, enter, Turn};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::RelayCapacityRegistry, world::*};

const OWNER: Address = Address::repeat_byte(0x01);
const OPERATOR: Address = Address::repeat_byte(0xa1);
const KEYS: &[B256] = &[KEY, OTHER_KEY, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, OPERATOR, ANYONE];
const CALLERS: [Address; 3] = [OWNER, OPERATOR, ANYONE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/RelayCapacityRegistry.json");

struct Neighbours {
    _core: Contract<Core>,
    _stakes: Contract<Stakes>,
    _turn: Turn,
}

fn world() -> (Contract<RelayCapacityRegistry>, Neighbours) {
    let (relays, core, stakes) = (Contract::new(), Contract::new(), Contract::new());
    let world = World::new(&relays, &core, &stakes, OWNER);
    world.stake(OPERATOR, U256::MAX);
    world.stake(ANYONE, units(3));
    world.relay(OPERATOR, KEY, points(5));
    relays.sender(OWNER).set_aggregator(ANYONE).motsu_unwrap();
    let turn = world.turn;
    let neighbours = Neighbours {
        _turn: turn,
        _core: core,
        _stakes: stakes,
    };
    (relays, neighbours)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, KEYS, &[]), 0usize..3), 16)
    ) {
        let _precompiles = deploy_precompiles();
        let (relays, _neighbours) = world();
        for (data, caller) in calls {
            let mut context = relays.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<RelayCapacityRegistry>(data);
            drop(context);
            advance_blocks(1);
            advance_time(31);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let (relays, _neighbours) = world();
    let strategy = calldata(ABI, ACCOUNTS, KEYS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = relays.sender(OPERATOR);
            let _ = context.deref_mut();
            enter::<RelayCapacityRegistry>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
