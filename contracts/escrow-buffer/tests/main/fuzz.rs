//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use crate::world::*;
use bpe_testing::{calldata, enter};
use proptest::prelude::*;

const SOURCE: Address = ALICE;
const IDS: &[B256] = &[CODE, CHAT, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SOURCE, Address::repeat_byte(0xff)];
const CALLERS: [Address; 2] = [OWNER, SOURCE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/EscrowBuffer.json");

/// Connected, with something in the buffer and sinks.
fn world() -> World {
    let world = World::new();
    world.token.sender(OWNER).mint(SOURCE, U256::MAX >> 1);
    world.deposit(SOURCE, ONE);
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
