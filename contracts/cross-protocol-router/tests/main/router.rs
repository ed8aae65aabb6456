//! Every function, error, event and access rule, with exact values.

use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::{Revert as Refusal, SolError, SolValue};
use bpe_common::{
    call::NotAContract,
    clock::testing::{advance_time, timestamp},
    ownable::{self, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use motsu::prelude::*;

use super::{contract::*, World, *};

fn protocols(routes: &[RouteRecommendation]) -> Vec<u8> {
    routes.iter().map(|route| route.protocol).collect()
}

#[motsu::test]
fn needs_an_owner(it: Contract<CrossProtocolRouter>) {
    let owner = Address::ZERO;
    let error = it.sender(STRANGER).constructor(owner).motsu_unwrap_err();
    let expected = ownable::Error::InvalidOwner(OwnableInvalidOwner { owner });
    assert_eq!(error, Error::Ownable(expected));
}

/// The reference's numbers and figures, in functions and events.
#[motsu::test]
fn protocols_are_numbered_as_in_the_solidity_deployment() {
    let it = World::new();
    let figures = &bpe_testing::reference::values()["routes"];
    for (name, protocol) in bpe_testing::reference::members("ICrossProtocolRouter.RouteProtocol") {
        let route = it.route(protocol, ETHER);
        let figure = |key: &str| match &figures[&name][key] {
            bpe_testing::reference::Value::String(text) => text.parse().unwrap(),
            number => n(number.as_u64().unwrap()),
        };
        assert_eq!(route.estimatedLatency, figure("latency"), "{name}");
        assert_eq!(route.successProbability, figure("successBps"), "{name}");
        assert_eq!(route.estimatedFee, figure("feeOfOneEther"), "{name}");
        it.router.assert_emitted(&ProtocolRegistered {
            protocol,
            adapter: it.rails[usize::from(protocol)].address(),
        });
    }
    let first = |optimization| it.try_routes(request(ETHER, optimization)).unwrap()[0].protocol;
    let optimization =
        |name| bpe_testing::reference::number("ICrossProtocolRouter.RouteOptimization", name);
    let protocol =
        |name| bpe_testing::reference::number("ICrossProtocolRouter.RouteProtocol", name);
    assert_eq!(first(optimization("SPEED")), protocol("LIGHTNING"));
    assert_eq!(first(optimization("COST")), protocol("LIGHTNING"));
    assert_eq!(first(optimization("RELIABILITY")), protocol("ONCHAIN"));
}

#[motsu::test]
fn routes_say_what_they_cost_and_how_good_they_are() {
    let it = World::new();
    let routes = it.try_routes(request(ETHER, 0)).unwrap();
    let figures: Vec<_> = routes
        .iter()
        .map(|route| {
            (
                route.protocol,
                route.estimatedFee,
                route.estimatedLatency,
                route.successProbability,
            )
        })
        .collect();
    assert_eq!(
        figures,
        [
            (1, n(1_000_000_000_001), n(2), n(9_500)),
            (0, n(100_000_000_000_000), n(4), n(9_900)),
            (2, n(1_000_000_000_000_000), n(12), n(9_999)),
        ]
    );
    let now = n(timestamp());
    for route in &routes {
        let expected = (
            n(u64::from(route.protocol)),
            it.rails[usize::from(route.protocol)].address(),
            RECIPIENT,
            ETHER,
            route.estimatedFee,
            now + n(1_000),
            now,
            Address::ZERO,
        );
        let expected = expected.abi_encode();
        assert_eq!(route.routeData, expected);
        assert_eq!(route.routeId, keccak256(expected));
    }
    assert_eq!(it.router.sender(OWNER).route_validity(), n(300));
}

#[motsu::test]
fn the_best_route_comes_first() {
    let it = World::new();
    let order =
        |amount, optimization| protocols(&it.try_routes(request(n(amount), optimization)).unwrap());
    assert_eq!(order(1_000_000, 0), [1, 0, 2]);
    assert_eq!(order(1_000_000, 1), [1, 0, 2]);
    assert_eq!(order(1_000_000, 2), [2, 0, 1]);
    // Of little, Lightning's fixed part is more than the others' shares: Superfluid's, Lightning's and the chain's fees are
    // 0, 1, 0; 0, 1, 1; 1, 1, 10.
    assert_eq!(order(999, 1), [0, 2, 1]);
    assert_eq!(order(1_000, 1), [0, 1, 2]);
    assert_eq!(order(10_000, 1), [0, 1, 2]);
    assert_eq!(order(999, 0), [1, 0, 2]);
    assert_eq!(order(999, 2), [2, 0, 1]);
}

#[motsu::test]
fn only_what_is_affordable_and_available_is_offered() {
    let it = World::new();
    let within = |max_fee| {
        let request = RouteRequest {
            maxFee: n(max_fee),
            ..request(n(1_000_000), 2)
        };
        protocols(&it.try_routes(request).unwrap())
    };
    assert_eq!(within(1), [0; 0]);
    assert_eq!(within(2), [1]);
    assert_eq!(within(99), [1]);
    assert_eq!(within(100), [0, 1]);
    assert_eq!(within(999), [0, 1]);
    assert_eq!(within(1_000), [2, 0, 1]);
    it.register(1, Address::ZERO).unwrap();
    assert_eq!(within(1_000), [2, 0]);
    it.router.assert_emitted(&ProtocolRegistered {
        protocol: 1,
        adapter: Address::ZERO,
    });
    let reader = it.router.sender(STRANGER);
    let available = [0, 1, 2, 3, 255].map(|protocol| reader.is_protocol_available(protocol));
    assert_eq!(available, [true, false, true, false, false]);
    assert_eq!(reader.get_protocol_adapter(0), it.rails[0].address());
    assert_eq!(reader.get_protocol_adapter(1), Address::ZERO);
}

#[motsu::test]
fn requests_have_to_make_sense() {
    let it = World::new();
    let good = || request(ETHER, 0);
    let invalid = [
        RouteRequest {
            amount: n(0),
            ..good()
        },
        RouteRequest {
            recipient: Address::ZERO,
            ..good()
        },
        RouteRequest {
            optimization: 3,
            ..good()
        },
    ];
    for request in invalid {
        assert_eq!(it.try_routes(request), Err(InvalidRequest {}.into()));
    }
    let now = n(timestamp());
    let until = |deadline| it.try_routes(RouteRequest { deadline, ..good() });
    assert_eq!(until(now - n(1)), Err(RouteExpired {}.into()));
    assert_eq!(until(n(0)), Err(RouteExpired {}.into()));
    assert_eq!(until(now).unwrap().len(), 3);
    assert_eq!(until(U256::MAX).unwrap().len(), 3);
    // No amount is too much to ask about.
    let routes = it.try_routes(request(U256::MAX, 1)).unwrap();
    assert_eq!(routes[0].estimatedFee, U256::MAX / n(1_000_000) + n(1));
    let payer = it.purse.address();
    let error = it.execute(payer, ETHER, &routes[0]);
    assert_eq!(error, Err(InsufficientPayment {}.into()));
}

#[motsu::test]
fn a_route_is_executed_by_the_protocols_adapter() {
    let it = World::new();
    let payer = it.purse.address();
    let mut earned = n(0);
    for (protocol, rail) in (0..).zip(&it.rails) {
        let route = it.route(protocol, ETHER);
        let before = it.purse.balance();
        assert!(!it.router.sender(OWNER).is_executed(route.routeId, payer));
        it.execute(payer, price(ETHER, &route), &route).unwrap();
        let payment_id = it.router.sender(OWNER).get_payment_id(route.routeId, payer);
        let last = rail.sender(OWNER).last();
        assert_eq!(last, (payment_id, RECIPIENT, ETHER));
        assert_eq!(rail.sender(OWNER).last_data(), Vec::<u8>::new());
        assert_eq!(rail.balance(), ETHER);
        assert_eq!(it.purse.balance(), before - price(ETHER, &route));
        earned += route.estimatedFee;
        assert_eq!(it.router.sender(OWNER).earned_fees(), earned);
        assert_eq!(it.router.balance(), earned);
        assert!(it.router.sender(OWNER).is_executed(route.routeId, payer));
        it.router.assert_emitted(&RouteSelected {
            routeId: route.routeId,
            sender: payer,
            recipient: RECIPIENT,
            protocol,
            amount: ETHER,
            estimatedFee: route.estimatedFee,
        });
        it.router.assert_emitted(&RouteExecuted {
            routeId: route.routeId,
            protocol,
            success: true,
        });
    }
}

#[motsu::test]
fn payment_data_reaches_the_adapter() {
    let it = World::new();
    let route = it.route(0, ETHER);
    it.router
        .sender_and_value(it.purse.address(), price(ETHER, &route))
        .execute_route_with(
            route.routeId,
            route.routeData.to_vec().into(),
            b"lnbc1".to_vec().into(),
        )
        .motsu_unwrap();
    assert_eq!(it.rails[0].sender(OWNER).last_data(), b"lnbc1");
    // A long answer to a payment that was made is not an error.
    it.rails[0].sender(OWNER).misbehave(3);
    let route = it.route(0, ETHER + n(1));
    it.execute(it.purse.address(), ETHER * n(2), &route)
        .unwrap();
    assert_eq!(it.rails[0].sender(OWNER).payments(), n(2));
}

#[motsu::test]
fn too_little_is_refused_and_too_much_comes_back() {
    let it = World::new();
    let payer = it.purse.address();
    let route = it.route(1, ETHER);
    let price = price(ETHER, &route);
    let refused: Result<(), Error> = Err(InsufficientPayment {}.into());
    for value in [n(0), ETHER, price - n(1)] {
        assert_eq!(it.execute(payer, value, &route), refused);
    }
    let before = it.purse.balance();
    it.execute(payer, price + n(5), &route).unwrap();
    assert_eq!(it.purse.balance(), before - price);
    assert_eq!(it.router.balance(), route.estimatedFee);

    // A payer who refuses his change has it as credit.
    it.purse.sender(OWNER).refuse(true);
    let route = it.route(1, ETHER + n(10_000));
    it.execute(payer, ETHER * n(2), &route).unwrap();
    let change = ETHER - n(10_000) - route.estimatedFee;
    assert_eq!(it.router.sender(OWNER).get_credit(payer), change);
    it.router.assert_emitted(&Credited {
        payer,
        amount: change,
    });
}

#[motsu::test]
fn a_route_counts_once_for_each_payer() {
    let it = World::new();
    let (payer, other) = (it.purse.address(), it.other.address());
    let route = it.route(2, ETHER);
    let price = price(ETHER, &route);
    // Somebody else is first, and nothing is taken from the payer by that.
    it.execute(other, price, &route).unwrap();
    let theirs = it.rails[2].sender(OWNER).last().0;
    it.execute(payer, price, &route).unwrap();
    assert_ne!(it.rails[2].sender(OWNER).last().0, theirs);
    let again: Result<(), Error> = Err(RouteAlreadyExecuted {}.into());
    assert_eq!(it.execute(payer, price, &route), again);
    assert_eq!(it.rails[2].sender(OWNER).payments(), n(2));
    // With another deadline it is another route.
    let later = RouteRequest {
        deadline: n(timestamp() + 1_001),
        ..request(ETHER, 2)
    };
    let route = &it.try_routes(later).unwrap()[0];
    it.execute(payer, price, route).unwrap();
}

#[motsu::test]
fn payment_ids_are_of_a_chain_and_a_router() {
    let (it, other) = (World::new(), World::new());
    let id = |it: &World, route: u8, payer| {
        let route = B256::repeat_byte(route);
        it.router.sender(OWNER).get_payment_id(route, payer)
    };
    let ids = [
        id(&it, 1, RECIPIENT),
        id(&it, 2, RECIPIENT),
        id(&it, 1, STRANGER),
        id(&other, 1, RECIPIENT),
    ];
    VM::context().set_chain_id(1);
    let elsewhere = id(&it, 1, RECIPIENT);
    let all: std::collections::BTreeSet<_> = ids.into_iter().chain([elsewhere]).collect();
    assert_eq!(all.len(), 5);
}

#[motsu::test]
fn an_adapter_that_fails_costs_the_payer_nothing() {
    let it = World::new();
    let payer = it.purse.address();
    let long = vec![7; 256];
    let no = Refusal::from("no liquidity").abi_encode();
    for (how, reason, amount) in [(1, no, ETHER), (2, long, ETHER * n(2))] {
        it.rails[0].sender(OWNER).misbehave(how);
        let route = it.route(0, amount);
        let before = it.purse.balance();
        it.execute(payer, price(amount, &route) + n(3), &route)
            .unwrap();
        assert_eq!(it.purse.balance(), before);
        assert_eq!(it.router.balance(), n(0));
        assert_eq!(it.rails[0].balance(), n(0));
        let route_id = route.routeId;
        it.router.assert_emitted(&RouteExecuted {
            routeId: route_id,
            protocol: 0,
            success: false,
        });
        it.router.assert_emitted(&RouteFailed {
            routeId: route_id,
            sender: payer,
            reason: reason.into(),
        });
        // It was executed, if in vain.
        it.rails[0].sender(OWNER).misbehave(0);
        let again = it.execute(payer, price(amount, &route), &route);
        assert_eq!(again, Err(RouteAlreadyExecuted {}.into()));
    }
}

#[motsu::test]
fn what_a_payer_refuses_is_his_credit() {
    let it = World::new();
    let payer = it.purse.address();
    it.rails[0].sender(OWNER).misbehave(1);
    it.purse.sender(OWNER).refuse(true);
    let earlier = it.route(1, ETHER);
    it.execute(it.other.address(), price(ETHER, &earlier), &earlier)
        .unwrap();
    for amount in [ETHER, ETHER * n(2)] {
        let route = it.route(0, amount);
        it.execute(payer, amount * n(2), &route).unwrap();
    }
    let credit = ETHER * n(6);
    let credit_of = |account| it.router.sender(OWNER).get_credit(account);
    assert_eq!(credit_of(payer), credit);
    assert_eq!(it.router.balance(), credit + earlier.estimatedFee);

    // The owner gets the fees, and not a wei of it.
    let (purse_of_owner, owner) = (Contract::<Purse>::new_at(OWNER), OWNER);
    assert_eq!(it.router.sender(OWNER).earned_fees(), earlier.estimatedFee);
    it.router.sender(owner).withdraw_eth().motsu_unwrap();
    assert_eq!(purse_of_owner.balance(), earlier.estimatedFee);
    it.router.assert_emitted(&FeesWithdrawn {
        owner,
        amount: earlier.estimatedFee,
    });
    let nothing: Result<(), Error> = Err(NothingToWithdraw {}.into());
    let again = it.router.sender(owner).withdraw_eth().motsu_res();
    assert_eq!(again, nothing);

    let withdraw = |by: Address, to| it.router.sender(by).withdraw_credit(to).motsu_res();
    assert_eq!(withdraw(owner, owner), nothing);
    let recipient = payer;
    let refused: Result<(), Error> = Err(PaymentRefused { recipient }.into());
    assert_eq!(withdraw(payer, payer), refused);
    assert_eq!(credit_of(payer), credit);
    let before = it.other.balance();
    withdraw(payer, it.other.address()).unwrap();
    assert_eq!(it.other.balance(), before + credit);
    it.router.assert_emitted(&CreditWithdrawn {
        payer,
        recipient: it.other.address(),
        amount: credit,
    });
    assert_eq!(credit_of(payer), n(0));
    assert_eq!(withdraw(payer, payer), nothing);
    assert_eq!(it.router.balance(), n(0));
}

#[motsu::test]
fn a_route_expires() {
    let it = World::new();
    let payer = it.purse.address();
    let until = |seconds| {
        let request = RouteRequest {
            deadline: n(timestamp() + seconds),
            ..request(ETHER, 2)
        };
        it.try_routes(request).unwrap().remove(0)
    };
    let value = ETHER * n(2);
    let (long, short) = (until(1_000), until(10));
    let (long_too, short_too) = (until(1_001), until(11));
    advance_time(10);
    it.execute(payer, value, &short).unwrap();
    advance_time(2);
    let expired: Result<(), Error> = Err(RouteExpired {}.into());
    assert_eq!(it.execute(payer, value, &short_too), expired);
    advance_time(288);
    it.execute(payer, value, &long).unwrap();
    advance_time(1);
    assert_eq!(it.execute(payer, value, &long_too), expired);
}

#[motsu::test]
fn a_route_is_void_without_its_adapter() {
    let it = World::new();
    let payer = it.purse.address();
    let value = ETHER * n(2);
    let route = it.route(0, ETHER);
    let gone: Result<(), Error> = Err(ProtocolNotAvailable {}.into());
    for other in [it.rails[1].address(), Address::ZERO] {
        it.register(0, other).unwrap();
        assert_eq!(it.execute(payer, value, &route), gone);
    }
    it.register(0, it.rails[0].address()).unwrap();
    it.execute(payer, value, &route).unwrap();
}

#[motsu::test]
fn what_was_never_offered_is_not_found() {
    let it = World::new();
    let payer = it.purse.address();
    let route = it.route(0, ETHER);
    let good = words(&route.routeData);
    let execute = |route_id, data: Vec<u8>| {
        it.router
            .sender_and_value(payer, ETHER * n(3))
            .execute_route(route_id, data.into())
            .motsu_res()
    };
    let not_found: Result<(), Error> = Err(RouteNotFound {}.into());
    let bytes = route.routeData.to_vec();
    assert_eq!(execute(B256::ZERO, bytes.clone()), not_found);
    let high = U256::from(1) << 160;
    for (index, value) in [
        // Protocols that are not, or do not fit into their type.
        (0, n(3)),
        (0, n(256)),
        (0, U256::MAX),
        // Addresses with something before them.
        (1, good[1] | high),
        (2, good[2] | high),
        (2, n(0)),
        // Another amount for the same fee; nothing.
        (3, ETHER * n(2)),
        (3, n(0)),
        // Another fee.
        (4, n(0)),
        (4, good[4] - n(1)),
        (4, good[4] + n(1)),
        // From the future.
        (6, good[6] + n(1)),
        (6, U256::MAX),
        (7, high),
    ] {
        let mut bad = good;
        bad[index] = value;
        let bytes = data(bad);
        let id = keccak256(&bytes);
        assert_eq!(execute(id, bytes), not_found, "{index}: {value}");
    }
    for bytes in [vec![], bytes[..255].to_vec(), [&bytes[..], &[0]].concat()] {
        assert_eq!(execute(keccak256(&bytes), bytes), not_found);
    }
    // One that might have been: for another recipient.
    let mut other = good;
    other[2] = address_word(STRANGER);
    let bytes = data(other);
    execute(keccak256(&bytes), bytes).unwrap();
    assert_eq!(it.rails[0].sender(OWNER).last().1, STRANGER);
}

#[motsu::test]
fn what_the_owner_alone_may() {
    let it = World::new();
    for account in [STRANGER, it.purse.address(), Address::ZERO] {
        let rail = it.rails[0].address();
        let calls: [Result<(), Error>; 2] = [
            it.router
                .sender(account)
                .register_protocol_adapter(0, rail)
                .motsu_res(),
            it.router.sender(account).withdraw_eth().motsu_res(),
        ];
        for call in calls {
            let error = ownable::Error::Unauthorized(OwnableUnauthorizedAccount { account });
            assert_eq!(call, Err(Error::Ownable(error)));
        }
    }
    for protocol in [3, 255] {
        let error = it.register(protocol, it.rails[0].address());
        assert_eq!(error, Err(ProtocolNotAvailable {}.into()));
    }
    let account = STRANGER;
    assert_eq!(
        it.register(0, account),
        Err(NotAContract { account }.into())
    );
}
