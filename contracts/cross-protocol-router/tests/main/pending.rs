//! Payments that wait: one adapter has the money, and it alone says what came of it, once.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolError;
use motsu::prelude::*;

use super::{contract::*, World, *};

fn pending(it: &World, amount: U256) -> RouteRecommendation {
    it.rails[1].sender(OWNER).misbehave(4);
    let route = it.route(1, amount);
    it.execute(it.purse.address(), price(amount, &route), &route)
        .unwrap();
    route
}

fn refused<E: SolError>(result: Result<(), Vec<u8>>, error: E) {
    assert_eq!(result, Err(error.abi_encode()));
}

#[motsu::test]
fn a_payment_is_pending_until_its_adapter_has_paid() {
    let it = World::new();
    let payer = it.purse.address();
    let route = pending(&it, ETHER);
    let (route_id, fee) = (route.routeId, route.estimatedFee);
    let payment_id = it.payment_id(&route, payer);
    let adapter = it.rails[1].address();
    it.router.assert_emitted(&RoutePending {
        routeId: route_id,
        payer,
        paymentId: payment_id,
        adapter,
    });
    let known = it.router.sender(OWNER).get_route(route_id, payer);
    assert_eq!(known, (PENDING, adapter, Address::ZERO, ETHER, fee));
    assert!(it.router.sender(OWNER).is_executed(route_id, payer));
    // The fee is not earned, and the owner does not get it.
    assert_eq!(it.router.sender(OWNER).earned_fees(), n(0));
    let nothing = it.router.sender(OWNER).withdraw_eth().motsu_res();
    assert_eq!(nothing, Err(NothingToWithdraw {}.into()));
    let again = it.execute(payer, ETHER * n(2), &route);
    assert_eq!(again, Err(RouteAlreadyExecuted {}.into()));

    let router = it.router.address();
    let settle = |rail: usize, id| it.rails[rail].sender(OWNER).settled(router, id);
    refused(settle(0, payment_id), OnlyAdapter { adapter });
    let none = B256::repeat_byte(7);
    refused(settle(1, none), NotPending { paymentId: none });
    settle(1, payment_id).unwrap();
    it.router.assert_emitted(&RouteExecuted {
        routeId: route_id,
        protocol: 1,
        success: true,
    });
    assert_eq!(it.state(&route, payer), SETTLED);
    assert_eq!(it.router.sender(OWNER).earned_fees(), fee);
    // Once.
    let over = NotPending {
        paymentId: payment_id,
    };
    refused(settle(1, payment_id), over);
    let over = NotPending {
        paymentId: payment_id,
    };
    let mut rail = it.rails[1].sender(OWNER);
    refused(rail.refunded(router, payment_id, ETHER), over);
}

#[motsu::test]
fn what_an_adapter_gives_back_the_payer_has_with_the_fee() {
    let it = World::new();
    let (payer, router) = (it.purse.address(), it.router.address());
    let before = it.purse.balance();
    let route = pending(&it, ETHER);
    let price = price(ETHER, &route);
    let payment_id = it.payment_id(&route, payer);
    let refund = |value| {
        let mut rail = it.rails[1].sender(OWNER);
        rail.refunded(router, payment_id, value)
    };
    for value in [n(0), ETHER - n(1)] {
        let amount = ETHER;
        refused(refund(value), WrongRefund { value, amount });
    }
    assert_eq!(it.state(&route, payer), PENDING);
    refund(ETHER).unwrap();
    assert_eq!(it.purse.balance(), before);
    assert_eq!(it.router.balance(), n(0));
    assert_eq!(it.state(&route, payer), REFUNDED);
    it.router.assert_emitted(&RouteRefunded {
        routeId: route.routeId,
        payer,
        amount: price,
    });
    it.router.assert_emitted(&RouteExecuted {
        routeId: route.routeId,
        protocol: 1,
        success: false,
    });
    let over = NotPending {
        paymentId: payment_id,
    };
    let mut rail = it.rails[1].sender(OWNER);
    refused(rail.settled(router, payment_id), over);
}

#[motsu::test]
fn a_payer_who_refuses_a_refund_has_it_as_credit() {
    let it = World::new();
    let (payer, router) = (it.purse.address(), it.router.address());
    let route = pending(&it, ETHER);
    it.purse.sender(OWNER).refuse(true);
    let payment_id = it.payment_id(&route, payer);
    let mut rail = it.rails[1].sender(OWNER);
    rail.refunded(router, payment_id, ETHER).unwrap();
    drop(rail);
    let price = price(ETHER, &route);
    assert_eq!(it.router.sender(OWNER).get_credit(payer), price);
    assert_eq!(it.router.sender(OWNER).earned_fees(), n(0));
    it.router.assert_emitted(&Credited {
        payer,
        amount: price,
    });
}

/// Whatever the owner names meanwhile: money under way ends with the adapter that it began with.
#[motsu::test]
fn a_new_adapter_has_no_say_in_what_is_under_way() {
    let it = World::new();
    let (payer, router) = (it.purse.address(), it.router.address());
    let (first, second) = (pending(&it, ETHER), pending(&it, ETHER * n(2)));
    let adapter = it.rails[1].address();
    for other in [it.rails[2].address(), Address::ZERO] {
        it.register(1, other).unwrap();
        let id = it.payment_id(&first, payer);
        let mut rail = it.rails[2].sender(OWNER);
        refused(rail.settled(router, id), OnlyAdapter { adapter });
    }
    let [one, two] = [&first, &second].map(|route| it.payment_id(route, payer));
    let mut rail = it.rails[1].sender(OWNER);
    rail.settled(router, one).unwrap();
    rail.refunded(router, two, ETHER * n(2)).unwrap();
    drop(rail);
    assert_eq!(it.state(&first, payer), SETTLED);
    assert_eq!(it.state(&second, payer), REFUNDED);
    assert_eq!(it.router.balance(), first.estimatedFee);
}
