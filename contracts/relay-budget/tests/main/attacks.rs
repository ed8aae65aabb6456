//! What somebody gains who lies.

use alloy_primitives::{Address, U256};
use bpe_common::clock::testing::advance_time;
use motsu::prelude::*;

use crate::{contract::*, world::*};

/// Without a signature nobody but the operator collects, and it no more than was allowed.
#[motsu::test]
fn an_operator_takes_no_more_without_a_voucher_than_was_allowed() {
    let world = World::new();
    let (_, client) = world.client(1, 10_000);
    world.collect_events(client, 1);
    world.rejected(client, "price");
    let mut it = world.budget.sender(client);
    it.set_allowance(RELAY, n(100), n(300)).motsu_unwrap();
    for caller in [ANYONE, client] {
        let mut it = world.budget.sender(caller);
        let error = it
            .collect_events(RELAY, vec![client], vec![n(1)])
            .motsu_unwrap_err();
        let expected = NotRelayOperator {
            nostrPubkey: RELAY,
            caller,
        };
        assert_eq!(error, expected.into());
    }
    // A count beyond all measure, the client named twice, a load that makes the tariff dear.
    let (clients, counts) = (vec![client; 2], vec![U256::MAX, U256::MAX]);
    let mut it = world.budget.sender(OPERATOR);
    it.collect_events(RELAY, clients, counts).motsu_unwrap();
    assert_eq!(
        (world.tokens(OPERATOR), world.balance(client)),
        (300, 9_700)
    );
    advance_time(86_400);
    world.set_price(101);
    world.collect_events(client, 1);
    world.rejected(client, "price");
    // What another relay's operator would collect is not there.
    let mut it = world.budget.sender(OPERATOR);
    let other = it.collect_events(OTHER_RELAY, vec![client], vec![n(1)]);
    assert!(other.motsu_res().is_err());
    assert_eq!(world.balance(client), 9_700);
}

#[motsu::test]
fn a_voucher_pays_once_and_whom_it_names() {
    let world = World::new();
    let (key, client) = world.client(1, 1_000);
    let stranger = key_of_a_stranger();
    let mut renamed = world.voucher(&key, client, OPERATOR, 300);
    renamed.operator = ANYONE;
    let mut raised = world.voucher(&key, client, OPERATOR, 300);
    raised.total = n(301);
    let mut elsewhere = world.voucher(&key, client, OPERATOR, 300);
    elsewhere.nostrPubkey = OTHER_RELAY;
    for (bad, reason) in [
        (world.voucher(&stranger, client, OPERATOR, 300), "signature"),
        (renamed, "signature"),
        (raised, "signature"),
        (world.voucher(&key, client, Address::ZERO, 300), "client"),
    ] {
        world.collect(vec![bad]);
        world.rejected(client, reason);
    }
    world.collect(vec![elsewhere]);
    assert_eq!(world.balance(client), 1_000);
    // Twice in a batch, and again: once. A bad one stops no other.
    world.collect(vec![
        world.voucher(&stranger, client, OPERATOR, 900),
        world.voucher(&key, client, OPERATOR, 300),
        world.voucher(&key, client, OPERATOR, 300),
    ]);
    world.rejected(client, "voucher");
    assert_eq!((world.tokens(OPERATOR), world.balance(client)), (300, 700));
    let error = world.budget.sender(ANYONE).collect(vec![]).motsu_res();
    assert_eq!(error, Ok(()));
}

/// A client that asks its money back after it has published pays first.
#[motsu::test]
fn asking_back_saves_nothing_that_is_collected_within_the_notice() {
    let world = World::new();
    let (key, client) = world.client(1, 1_000);
    let mut it = world.budget.sender(client);
    it.request_withdrawal(RELAY, n(1_000)).motsu_unwrap();
    advance_time(3_599);
    world.collect(vec![world.voucher(&key, client, OPERATOR, 1_000)]);
    advance_time(1);
    let error = world.budget.sender(client).withdraw(RELAY).motsu_res();
    assert_eq!(error, Err(NoAmount {}.into()));
    assert_eq!(world.tokens(OPERATOR), 1_000);
}

/// What the contract holds is the sum of all budgets, whatever the token keeps for itself.
#[motsu::test]
fn a_token_that_takes_a_fee_makes_no_money() {
    let world = World::new();
    let client = ANYONE;
    world.token.sender(client).mint(client, n(1_000));
    let fee = bpe_testing::Behaviour::Fee as u8;
    world.token.sender(client).behave(fee);
    world
        .budget
        .sender(client)
        .deposit(RELAY, n(1_000))
        .motsu_unwrap();
    assert_eq!(world.balance(client), 900);
    assert_eq!(world.tokens(world.budget.address()), 900);
}

fn key_of_a_stranger() -> k256::ecdsa::SigningKey {
    key(9)
}
