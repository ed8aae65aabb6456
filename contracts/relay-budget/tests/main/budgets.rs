//! Deposits, what relays see of them, how they collect, and how clients get the rest back.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolStruct;
use bpe_common::clock::testing::{advance_time, timestamp};
use motsu::prelude::*;

use crate::{contract::*, world::*};

#[motsu::test]
fn one_view_says_whether_to_take_an_event_in() {
    let world = World::new();
    let (_, client) = world.client(1, 1_050);
    let seen = |it: &World| {
        let answer = it.budget.sender(ANYONE).can_publish(RELAY, client);
        answer.motsu_unwrap()
    };
    assert_eq!(seen(&world), (true, n(1_050), n(100), n(10)));
    // By the key that signed the event; of a key that nobody has proven nothing.
    let by_key = |it: &World| it.budget.sender(ANYONE).can_publish_as(RELAY, WRITER);
    assert_eq!(by_key(&world).motsu_unwrap(), (false, n(0), n(100), n(0)));
    world.keys.sender(ANYONE).set(WRITER, client);
    assert_eq!(
        by_key(&world).motsu_unwrap(),
        (true, n(1_050), n(100), n(10))
    );
    // A busy relay asks for more.
    world.set_price(400);
    assert_eq!(seen(&world), (true, n(1_050), n(400), n(2)));
    world.set_price(1_051);
    assert_eq!(seen(&world), (false, n(1_050), n(1_051), n(0)));
    world.set_price(0);
    assert_eq!(seen(&world), (true, n(1_050), n(0), U256::MAX));
    // Another relay has nothing of it, and this one is in no pool.
    let other = world.budget.sender(ANYONE).can_publish(OTHER_RELAY, client);
    assert!(other.motsu_res().is_err());
    let other = world.budget.sender(ANYONE).get_budget(OTHER_RELAY, client);
    assert_eq!(other, (n(0), n(0), n(0)));
}

#[motsu::test]
fn vouchers_pay_what_was_not_collected() {
    let world = World::new();
    let (key, client) = world.client(1, 1_000);
    world.collect(vec![world.voucher(&key, client, OPERATOR, 300)]);
    world.budget.assert_emitted(&VoucherCollected {
        nostrPubkey: RELAY,
        client,
        operator: OPERATOR,
        amount: n(300),
        rest: n(0),
        balance: n(700),
    });
    assert_eq!((world.tokens(OPERATOR), world.balance(client)), (300, 700));
    // A total, not a sum more; the operator may be another one by now.
    let next = Address::repeat_byte(0x77);
    world.collect(vec![
        world.voucher(&key, client, OPERATOR, 350),
        world.voucher(&key, client, next, 400),
    ]);
    assert_eq!((world.tokens(OPERATOR), world.tokens(next)), (350, 50));
    // What there is no money for stays collectable.
    world.collect(vec![world.voucher(&key, client, OPERATOR, 1_200)]);
    world.budget.assert_emitted(&VoucherCollected {
        nostrPubkey: RELAY,
        client,
        operator: OPERATOR,
        amount: n(600),
        rest: n(200),
        balance: n(0),
    });
    world.collect(vec![world.voucher(&key, client, OPERATOR, 1_200)]);
    world.rejected(client, "balance");
    world.client(1, 500);
    world.collect(vec![world.voucher(&key, client, OPERATOR, 1_200)]);
    assert_eq!(world.balance(client), 300);
    let collected = world.budget.sender(ANYONE).get_collected(RELAY, client);
    assert_eq!(collected, n(1_200));
    assert_eq!(world.tokens(world.budget.address()), 300);
}

#[motsu::test]
fn a_relay_collects_by_its_tariff_what_clients_allow() {
    let world = World::new();
    let ((_, one), (_, two)) = (world.client(1, 1_000), world.client(2, 1_000));
    for (client, price, per_day) in [(one, 200, 450), (two, 100, 10_000)] {
        let mut it = world.budget.sender(client);
        it.set_allowance(RELAY, n(price), n(per_day)).motsu_unwrap();
    }
    let both = |counts: [u64; 2]| {
        let (clients, counts) = (vec![one, two], counts.map(n).to_vec());
        let mut it = world.budget.sender(OPERATOR);
        it.collect_events(RELAY, clients, counts).motsu_unwrap();
    };
    both([3, 4]);
    assert_eq!((world.balance(one), world.balance(two)), (700, 600));
    assert_eq!(world.tokens(OPERATOR), 700);
    // Of the first one 150 are left today: one event. The second one allows no such price.
    world.set_price(150);
    both([3, 4]);
    world.rejected(two, "price");
    assert_eq!((world.balance(one), world.balance(two)), (550, 600));
    both([1, 1]);
    world.rejected(one, "day");
    // Another day; of the second one as many as it has money for.
    advance_time(86_400);
    world.set_price(100);
    both([1, 9]);
    world.budget.assert_emitted(&EventsCollected {
        nostrPubkey: RELAY,
        client: two,
        operator: OPERATOR,
        count: n(6),
        price: n(100),
        balance: n(0),
    });
    assert_eq!((world.balance(one), world.balance(two)), (450, 0));
    both([0, 1]);
    world.rejected(two, "balance");
    assert_eq!(world.tokens(OPERATOR), 1_550);
    assert_eq!(
        world.budget.sender(ANYONE).get_allowance(RELAY, one),
        (n(200), n(450), n(350))
    );
}

#[motsu::test]
fn the_rest_comes_back_after_the_notice() {
    let world = World::new();
    let (key, client) = world.client(1, 1_000);
    let it = || world.budget.sender(client);
    let error = it().request_withdrawal(RELAY, n(1_001)).motsu_unwrap_err();
    let (requested, available) = (n(1_001), n(1_000));
    let expected = InsufficientBalance {
        requested,
        available,
    };
    assert_eq!(error, expected.into());
    let error = it().withdraw(RELAY).motsu_unwrap_err();
    assert_eq!(error, NoAmount {}.into());
    it().request_withdrawal(RELAY, n(900)).motsu_unwrap();
    let from = n(timestamp() + 3_600);
    // A relay leaves it out at once, and can still collect it.
    let answer = world.budget.sender(ANYONE).can_publish(RELAY, client);
    assert_eq!(answer.motsu_unwrap(), (true, n(100), n(100), n(1)));
    advance_time(3_599);
    let error = it().withdraw(RELAY).motsu_unwrap_err();
    assert_eq!(error, TooEarly { from }.into());
    world.collect(vec![world.voucher(&key, client, OPERATOR, 300)]);
    let (balance, asked, _) = world.budget.sender(ANYONE).get_budget(RELAY, client);
    assert_eq!(
        (balance, asked),
        (n(700), n(700)),
        "what is free goes first"
    );
    advance_time(1);
    it().withdraw(RELAY).motsu_unwrap();
    assert_eq!((world.tokens(client), world.balance(client)), (700, 0));
    let error = it().withdraw(RELAY).motsu_unwrap_err();
    assert_eq!(error, NoAmount {}.into());
}

#[motsu::test]
fn a_request_can_be_taken_back_and_restarts_the_notice() {
    let world = World::new();
    let (_, client) = world.client(1, 1_000);
    let it = || world.budget.sender(client);
    it().request_withdrawal(RELAY, n(500)).motsu_unwrap();
    advance_time(3_600);
    it().request_withdrawal(RELAY, n(501)).motsu_unwrap();
    assert!(it().withdraw(RELAY).motsu_res().is_err());
    it().request_withdrawal(RELAY, n(0)).motsu_unwrap();
    advance_time(3_600);
    let error = it().withdraw(RELAY).motsu_unwrap_err();
    assert_eq!(error, NoAmount {}.into());
    assert_eq!(world.balance(client), 1_000);
}

#[motsu::test]
fn deposits_for_several_relays_are_each_ones_own() {
    let world = World::new();
    let client = ANYONE;
    world.token.sender(client).mint(client, n(1_000));
    let it = || world.budget.sender(client);
    it().deposit_all(vec![RELAY, OTHER_RELAY], vec![n(300), n(500)])
        .motsu_unwrap();
    assert_eq!(it().get_budget(RELAY, client).0, n(300));
    assert_eq!(it().get_budget(OTHER_RELAY, client).0, n(500));
    let error = it().deposit_all(vec![RELAY], vec![]).motsu_unwrap_err();
    let (first, second) = (n(1), n(0));
    assert_eq!(error, LengthMismatch { first, second }.into());
    let error = it()
        .deposit_all(vec![RELAY; 257], vec![n(1); 257])
        .motsu_unwrap_err();
    let (length, maximum) = (n(257), n(256));
    assert_eq!(error, BatchTooLarge { length, maximum }.into());
    let error = it().deposit(RELAY, n(0)).motsu_unwrap_err();
    assert_eq!(error, NoAmount {}.into());
    let amount = U256::from(1) << 96;
    for error in [
        it().set_allowance(RELAY, amount, n(1)).motsu_unwrap_err(),
        it().set_allowance(RELAY, n(1), amount).motsu_unwrap_err(),
    ] {
        assert_eq!(error, AmountTooLarge { amount }.into());
    }
}

#[motsu::test]
fn the_type_is_hashed_as_said() {
    let world = World::new();
    let it = world.budget.sender(ANYONE);
    assert_eq!(
        it.relay_voucher_typehash(),
        alloy_primitives::keccak256(RelayVoucher::eip712_encode_type().as_bytes())
    );
    assert_eq!(it.notice(), n(3_600));
    assert_eq!(it.token(), world.token.address());
    assert_eq!(it.payment_pool(), world.pool.address());
    assert_eq!(it.key_registry(), world.keys.address());
}
