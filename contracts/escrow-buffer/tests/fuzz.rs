//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod neighbours;

use std::ops::DerefMut;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{calldata, enter, Token};
use contract::EscrowBuffer;
use motsu::prelude::*;
use neighbours::{Gda, Pools, Registry, Streams};
use proptest::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SOURCE: Address = Address::repeat_byte(0xa1);
const CODE: B256 = B256::repeat_byte(0xc0);
const IDS: &[B256] = &[CODE, B256::repeat_byte(0xca), B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SOURCE, Address::repeat_byte(0xff)];
const CALLERS: [Address; 2] = [OWNER, SOURCE];
const ABI: &str = include_str!("../../../sdk-abi/abi/EscrowBuffer.json");

struct World {
    escrow: Contract<EscrowBuffer>,
    _token: Contract<Token>,
    _registry: Contract<Registry>,
    pools: Contract<Pools>,
    _gda: Contract<Gda>,
    _streams: Contract<Streams>,
}

/// Connected, with something in the buffer and a sink.
fn world() -> World {
    let (escrow, token, registry) = (Contract::new(), Contract::new(), Contract::new());
    let (pools, gda, streams) = (Contract::new(), Contract::new(), Contract::new());
    let world = World {
        escrow,
        _token: token,
        _registry: registry,
        pools,
        _gda: gda,
        _streams: streams,
    };
    let (token, registry) = (&world._token, &world._registry);
    world
        .escrow
        .sender(OWNER)
        .constructor(token.address(), registry.address(), OWNER)
        .motsu_unwrap();
    world
        .escrow
        .sender(OWNER)
        .connect(world.pools.address(), world._streams.address())
        .motsu_unwrap();
    let capacity = U256::from(1_000_000_000);
    registry
        .sender(OWNER)
        .set_sinks(CODE, vec![SOURCE], vec![capacity]);
    world.pools.sender(OWNER).set_pool(world._gda.address());
    token.sender(OWNER).mint(SOURCE, U256::MAX >> 1);
    world
        .escrow
        .sender(SOURCE)
        .deposit(CODE, ONE)
        .motsu_unwrap();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn escrow_buffer_never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), 0usize..2), 16)
    ) {
        let world = world();
        for (data, caller) in calls {
            let mut context = world.escrow.sender(CALLERS[caller]);
            let _ = context.deref_mut();
            let _ = enter::<EscrowBuffer>(data);
            drop(context);
            advance_time(6_000);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let world = world();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy
                .new_tree(&mut runner)
                .expect("a strategy without filters")
                .current();
            let mut context = world.escrow.sender(SOURCE);
            let _ = context.deref_mut();
            enter::<EscrowBuffer>(data).is_ok()
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
