//! Whatever payers, adapters and clocks do, ether is where it belongs.

use std::collections::BTreeSet;

use alloy_primitives::{keccak256, Address, U256};
use bpe_common::clock::testing::advance_time;
use motsu::prelude::*;
use proptest::prelude::*;

use super::{contract::*, data, n, request, words, World, ETHER, OWNER};

#[derive(Clone, Debug)]
struct Attempt {
    payer: usize,
    protocol: u8,
    amount: u64,
    tip: u64,
    fails: bool,
    refuses: bool,
    seconds: u64,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let amount = prop_oneof![1..5_000_u64, 1..2_000_000_000_000_000_000_u64];
    (
        0..2_usize,
        0..3_u8,
        amount,
        0..3_u64,
        any::<bool>(),
        any::<bool>(),
        0..2_u64,
    )
        .prop_map(
            |(payer, protocol, amount, tip, fails, refuses, seconds)| Attempt {
                payer,
                protocol,
                amount,
                tip,
                fails,
                refuses,
                seconds,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ether_is_conserved_and_nobody_pays_for_nothing(
        attempts in prop::collection::vec(attempt(), 1..12)
    ) {
        let it = World::new();
        let payers = [&it.purse, &it.other];
        let (mut spent, mut fees) = ([n(0), n(0)], n(0));
        let mut executed = BTreeSet::new();
        for attempt in attempts {
            let payer = payers[attempt.payer];
            it.rails[usize::from(attempt.protocol)]
                .sender(OWNER)
                .misbehave(u8::from(attempt.fails));
            payer.sender(OWNER).refuse(attempt.refuses);
            let amount = n(attempt.amount);
            let route = it.route(attempt.protocol, amount);
            let price = amount + route.estimatedFee;
            let result = it.execute(payer.address(), price + n(attempt.tip), &route);
            let is_new = executed.insert((route.routeId, attempt.payer));
            prop_assert_eq!(result.is_ok(), is_new);
            if is_new && !attempt.fails {
                spent[attempt.payer] += price;
                fees += route.estimatedFee;
            }
            advance_time(attempt.seconds);
        }
        let credits: Vec<U256> = payers
            .iter()
            .map(|payer| it.router.sender(OWNER).get_credit(payer.address()))
            .collect();
        for ((payer, spent), credit) in payers.iter().zip(spent).zip(&credits) {
            prop_assert_eq!(payer.balance() + *credit, ETHER * n(1_000) - spent);
        }
        prop_assert_eq!(it.router.sender(OWNER).earned_fees(), fees);
        prop_assert_eq!(it.router.balance(), fees + credits[0] + credits[1]);
    }

    /// Data that are accepted are those that `getRoutes` gives.
    #[test]
    fn no_route_is_executed_that_would_not_be_offered(
        protocol in 0..3_u8,
        index in 0..8_usize,
        change in prop_oneof![
            (0..256_usize).prop_map(|bit| U256::from(1) << bit),
            (0..2_000_u64).prop_map(U256::from),
        ],
        sets in any::<bool>(),
    ) {
        let it = World::new();
        advance_time(1_000);
        let mut fields = words(&it.route(protocol, ETHER).routeData);
        fields[index] = if sets { change } else { fields[index] ^ change };
        let bytes = data(fields);
        let route_id = keccak256(&bytes);
        let payer = it.purse.address();
        let result = it
            .router
            .sender_and_value(payer, ETHER * n(900))
            .execute_route(route_id, bytes.into())
            .motsu_res();
        // Only what says that it was offered just now can be asked for now.
        if result.is_ok() && index != 6 {
            let request = RouteRequest {
                recipient: Address::from_word(fields[2].into()),
                amount: fields[3],
                deadline: fields[5],
                ..request(ETHER, 0)
            };
            let offered = it.try_routes(request).unwrap();
            prop_assert!(offered.iter().any(|route| route.routeId == route_id));
        }
        if matches!(index, 0 | 1 | 4 | 7) && fields != words(&it.route(protocol, ETHER).routeData) {
            prop_assert!(result.is_err());
        }
    }
}
