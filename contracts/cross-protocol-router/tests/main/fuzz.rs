//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256};
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;
use proptest::prelude::*;

use super::{World, ETHER, OWNER, RECIPIENT};

const IDS: &[B256] = &[B256::ZERO, B256::repeat_byte(1)];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, RECIPIENT];

/// motsu panics itself where a token is asked that is no contract.
const WITHOUT: &[&str] = &["disconnect", "earnedTokenFees", "withdrawToken"];

/// The recipient calls as the purse, a contract that pays.
const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/CrossProtocolRouter.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WITHOUT,
    callers: &[OWNER, RECIPIENT],
    world: World::new,
    send: |world, caller, data| {
        let caller = match caller {
            RECIPIENT => world.purse.address(),
            caller => caller,
        };
        enter(&world.router, caller, data).is_ok()
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(
        OWNER,
        &[
            "renounceOwnership",
            "transferOwnership",
            "executeRoute",
            "getRoutes",
        ],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Requests and routes of any content, in their right places.
    #[test]
    fn routes_of_any_content_never_panic(
        words in prop::collection::vec(any::<[u64; 4]>(), 8),
        shifts in prop::array::uniform8(0..256_usize),
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
