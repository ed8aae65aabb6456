//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use alloy_primitives::{Address, B256};
use bpe_testing::{calldata, enter};
use motsu::prelude::*;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{CrossProtocolRouter, World, ETHER, OWNER, RECIPIENT};

const IDS: &[B256] = &[B256::ZERO, B256::repeat_byte(1)];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, RECIPIENT];
const ABI: &str = include_str!("../../../../sdk-abi/abi/CrossProtocolRouter.json");

fn call(world: &World, caller: Address, data: Vec<u8>) -> bool {
    let mut context = world.router.sender(caller);
    let _ = context.deref_mut();
    enter::<CrossProtocolRouter>(data).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), any::<bool>()), 16)
    ) {
        let world = World::new();
        for (data, is_owner) in calls {
            let caller = if is_owner { OWNER } else { world.purse.address() };
            call(&world, caller, data);
        }
    }

    /// Requests and routes of any content, in their right places.
    #[test]
    fn routes_of_any_content_never_panic(
        words in prop::collection::vec(any::<[u64; 4]>(), 7),
        shifts in prop::array::uniform7(0..256_usize),
    ) {
        let world = World::new();
        let words: Vec<_> = words
            .into_iter()
            .zip(shifts)
            .map(|(limbs, shift)| alloy_primitives::U256::from_limbs(limbs) >> shift)
            .collect();
        let bytes = super::data(words.clone().try_into().unwrap());
        let id = alloy_primitives::keccak256(&bytes);
        let payer = world.purse.address();
        let mut context = world.router.sender_and_value(payer, ETHER);
        let _ = context.execute_route(id, bytes.into()).motsu_res();
        drop(context);
        let _ = world.try_routes(super::RouteRequest {
            recipient: Address::from_word(words[0].into()),
            amount: words[1],
            optimization: words[2].wrapping_to(),
            maxFee: words[3],
            deadline: words[4],
        });
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    let world = World::new();
    let without = [
        "renounceOwnership",
        "transferOwnership",
        "executeRoute",
        "getRoutes",
    ];
    let strategy = calldata(ABI, ACCOUNTS, IDS, &without);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            let data = tree.expect("a strategy without filters").current();
            call(&world, OWNER, data)
        })
        .count();
    assert!(accepted > 500, "{accepted} of 2000");
}
