//! Payments in tokens: with good tokens, bad tokens, and adapters that take too much or too little.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_common::erc20::SafeERC20FailedOperation;
use bpe_testing::Network;
use motsu::prelude::*;

use super::{contract::*, World, *};

#[motsu::test]
fn a_payment_in_tokens_is_made_and_leaves_no_allowance() {
    let it = World::new();
    let (payer, token) = (it.purse.address(), it.token.address());
    let mut earned = n(0);
    for (protocol, rail) in (0..).zip(&it.rails) {
        let route = it.token_route(protocol, ETHER);
        assert_ne!(route.routeId, it.route(protocol, ETHER).routeId);
        let before = it.tokens(payer);
        it.execute(payer, n(0), &route).unwrap();
        let price = price(ETHER, &route);
        assert_eq!(it.tokens(payer), before - price);
        assert_eq!(it.tokens(rail.address()), ETHER);
        let id = it.payment_id(&route, payer);
        assert_eq!(rail.sender(OWNER).last(), (id, RECIPIENT, ETHER));
        assert_eq!(it.state(&route, payer), SETTLED);
        earned += route.estimatedFee;
        let reader = it.router.sender(OWNER);
        assert_eq!(reader.earned_token_fees(token).motsu_unwrap(), earned);
        let allowance = it.token.sender(OWNER);
        let left = allowance.allowance(it.router.address(), rail.address());
        assert_eq!(left, n(0));
    }
    assert_eq!(it.router.sender(OWNER).earned_fees(), n(0));
    it.router.sender(OWNER).withdraw_token(token).motsu_unwrap();
    assert_eq!(it.tokens(OWNER), earned);
    it.router.assert_emitted(&TokenFeesWithdrawn {
        token,
        owner: OWNER,
        amount: earned,
    });
    let again = it.router.sender(OWNER).withdraw_token(token).motsu_res();
    assert_eq!(again, Err(NothingToWithdraw {}.into()));
    let stranger = it.router.sender(STRANGER).withdraw_token(token);
    assert!(stranger.motsu_res().is_err());
}

#[motsu::test]
fn only_what_an_adapter_accepts_is_offered_and_executed() {
    let it = World::new();
    let other = Contract::<Token>::new();
    let payer = it.purse.address();
    other.sender(OWNER).mint(payer, ETHER * n(9));
    let reader = it.router.sender(OWNER);
    let none = reader.get_token_routes(request(ETHER, 0), other.address());
    assert_eq!(none.motsu_unwrap(), []);
    drop(reader);
    let mut fields = words(&it.token_route(0, ETHER).routeData);
    fields[7] = address_word(other.address());
    let bytes = data(fields);
    let id = alloy_primitives::keccak256(&bytes);
    let mut router = it.router.sender(payer);
    let refused = router.execute_route(id, bytes.into()).motsu_res();
    assert_eq!(refused, Err(ProtocolNotAvailable {}.into()));
}

#[motsu::test]
fn ether_with_tokens_is_refused() {
    let it = World::new();
    let route = it.token_route(2, ETHER);
    let value = n(1);
    let refused = it.execute(it.purse.address(), value, &route);
    assert_eq!(refused, Err(UnexpectedEther { value }.into()));
    // And tokens are no ether.
    let refused = it.execute(it.purse.address(), n(0), &it.route(2, ETHER));
    assert_eq!(refused, Err(InsufficientPayment {}.into()));
}

#[motsu::test]
fn bad_tokens_cost_nobody_anything() {
    let it = World::new();
    let (payer, token) = (it.purse.address(), it.token.address());
    let route = it.token_route(2, ETHER);
    let required = price(ETHER, &route);
    let failed = || Err(Error::Erc20(SafeERC20FailedOperation { token }));
    for behaviour in [
        Behaviour::ReturnsFalse,
        Behaviour::Lies,
        Behaviour::ReturnsTwo,
        Behaviour::ReturnsShort,
        Behaviour::Reverts,
    ] {
        it.behave(behaviour);
        let result = it.execute(payer, n(0), &route);
        assert_eq!(result, failed(), "{behaviour:?}");
    }
    it.behave(Behaviour::Fee);
    let arrived = required - required / n(10);
    let fee = TokenTookFee {
        token,
        arrived,
        required,
    };
    assert_eq!(it.execute(payer, n(0), &route), Err(fee.into()));
    it.behave(Behaviour::NoReturn);
    it.execute(payer, n(0), &route).unwrap();
    assert_eq!(it.tokens(payer), ETHER * n(1_000) - required);
}

#[motsu::test]
fn an_adapter_takes_all_or_nothing() {
    let it = World::new();
    let (payer, token) = (it.purse.address(), it.token.address());
    // Others' money is here: a fee that was earned.
    let route = it.token_route(0, ETHER);
    it.execute(it.other.address(), n(0), &route).unwrap();
    let here = it.tokens(it.router.address());
    let route = it.token_route(2, ETHER);
    let adapter = it.rails[2].address();
    let due = ETHER;
    for takes in [n(999), n(1_001)] {
        it.rails[2].sender(OWNER).pay_in(token, takes);
        let taken = ETHER + takes - n(1_000);
        let took = AdapterTook {
            adapter,
            taken,
            due,
        };
        assert_eq!(it.execute(payer, n(0), &route), Err(took.into()));
        assert_eq!(it.tokens(it.router.address()), here);
    }
    it.rails[2].sender(OWNER).pay_in(token, n(1_000));
    it.execute(payer, n(0), &route).unwrap();
}

#[motsu::test]
fn an_adapter_that_fails_costs_the_payer_no_token() {
    let it = World::new();
    let (payer, token) = (it.purse.address(), it.token.address());
    it.rails[0].sender(OWNER).misbehave(1);
    let route = it.token_route(0, ETHER);
    let before = it.tokens(payer);
    it.execute(payer, n(0), &route).unwrap();
    assert_eq!(it.tokens(payer), before);
    assert_eq!(it.state(&route, payer), FAILED);
    it.router.assert_emitted(&RouteFailed {
        routeId: route.routeId,
        sender: payer,
        reason: Refusal::from("no liquidity").abi_encode().into(),
    });
    let left = it.token.sender(OWNER);
    let left = left.allowance(it.router.address(), it.rails[0].address());
    assert_eq!(left, n(0));

    // A token that does not give it back: it is the payer's credit, in the books of that token alone.
    let route = it.token_route(0, ETHER * n(2));
    it.token.sender(OWNER).refuse(payer, true);
    it.execute(payer, n(0), &route).unwrap();
    let price = price(ETHER * n(2), &route);
    let credit = || it.router.sender(OWNER).get_token_credit(token, payer);
    assert_eq!(credit(), price);
    it.router.assert_emitted(&TokenCredited {
        token,
        payer,
        amount: price,
    });
    assert_eq!(it.router.sender(OWNER).get_credit(payer), n(0));
    let fees = it.router.sender(OWNER).earned_token_fees(token);
    assert_eq!(fees.motsu_unwrap(), n(0));
    let withdraw = |by: Address| {
        let mut router = it.router.sender(by);
        router.withdraw_token_credit(token, STRANGER).motsu_res()
    };
    assert_eq!(withdraw(STRANGER), Err(NothingToWithdraw {}.into()));
    withdraw(payer).unwrap();
    assert_eq!((it.tokens(STRANGER), credit()), (price, n(0)));
    it.router.assert_emitted(&TokenCreditWithdrawn {
        token,
        payer,
        recipient: STRANGER,
        amount: price,
    });
}

#[motsu::test]
fn tokens_wait_and_come_back() {
    let it = World::new();
    let (payer, router) = (it.purse.address(), it.router.address());
    let (token, before) = (it.token.address(), it.tokens(payer));
    it.rails[1].sender(OWNER).misbehave(4);
    let route = it.token_route(1, ETHER);
    it.execute(payer, n(0), &route).unwrap();
    let known = it.router.sender(OWNER).get_route(route.routeId, payer);
    let (adapter, fee) = (it.rails[1].address(), route.estimatedFee);
    assert_eq!(known, (PENDING, adapter, token, ETHER, fee));
    let earned = || -> U256 {
        let reader = it.router.sender(OWNER);
        reader.earned_token_fees(token).motsu_unwrap()
    };
    assert_eq!(earned(), n(0));
    let id = it.payment_id(&route, payer);
    it.rails[1].fund(ETHER);
    let mut rail = it.rails[1].sender(OWNER);
    let value = n(1);
    let refused = rail.refunded(router, id, value);
    assert_eq!(refused, Err(UnexpectedEther { value }.abi_encode()));
    rail.refunded(router, id, n(0)).unwrap();
    drop(rail);
    assert_eq!(it.tokens(payer), before);
    assert_eq!(it.tokens(router), n(0));
    assert_eq!(earned(), n(0));
    assert_eq!(it.state(&route, payer), REFUNDED);
}

/// Strangers connect the router to no pools of theirs.
#[motsu::test]
fn nobody_connects_the_router() {
    let it = World::new();
    let network = Network::new();
    let token = network.token.address();
    it.rails[0].sender(OWNER).pay_in(token, n(1_000));
    it.register(0, it.rails[0].address()).unwrap();
    network.assert_forbidden(it.router.address());
    let pool = Address::repeat_byte(0x70);
    it.router
        .sender(STRANGER)
        .disconnect(token, pool)
        .motsu_unwrap();
    network.assert_disconnected(it.router.address(), pool);
}
