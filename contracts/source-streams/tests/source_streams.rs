//! SourceStreams on motsu: every function, error, event and access rule. What only the real host can show (re-entry, the
//! validity of contexts, gas of callbacks) the devnet does.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod world;

use alloy_primitives::{uint, Address, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::advance_time,
    erc20::SafeERC20FailedOperation,
};
use bpe_testing::{
    superfluid::{flow_rate, order, AppRegistered, Distributed, Refusal},
    Behaviour, Token,
};
use contract::*;
use motsu::prelude::*;
use stylus_sdk::abi::Bytes;
use world::*;

const HOUR: u64 = 3_600;

fn distributed(world: &World, index: usize, rate: u128, inside: bool) -> Distributed {
    Distributed {
        pool: world.pool(index),
        from: world.streams.address(),
        flowRate: flow_rate(rate),
        withContext: inside,
    }
}

fn allocation_set(world: &World, index: usize, source: Address, rate: u64) -> AllocationSet {
    AllocationSet {
        pool: world.pool(index),
        source,
        flowRate: n(rate),
    }
}

fn inflow_set(source: Address, rate: u64, allocated: u64) -> InflowSet {
    InflowSet {
        source,
        flowRate: n(rate),
        allocated: n(allocated),
    }
}

// --- Construction

#[motsu::test]
fn constructor_registers_a_final_app() {
    let world = World::new();
    let it = world.streams.sender(ALICE);
    assert_eq!(it.host(), world.host.address());
    assert_eq!(it.super_token(), world.token.address());
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.escrow_buffer(), world.escrow.address());
    assert_eq!(it.stream_gateway(), world.gateway.address());
    assert_eq!(it.max_task_types(), n(4));
    drop(it);
    // APP_LEVEL_FINAL, and no callbacks before agreements are created, updated and terminated.
    world.host.assert_emitted(&AppRegistered {
        app: world.streams.address(),
        configWord: uint!(0x15_0000_0001_U256),
        registrationKey: String::new(),
    });
    let (streams, gateway) = (world.streams.address(), world.gateway.address());
    let allowed = world.token.sender(ALICE).allowance(streams, gateway);
    assert_eq!(allowed, U256::MAX);
}

#[motsu::test]
fn constructor_brings_a_registration_key() {
    let world = World::unbuilt();
    world
        .build("k1-of-the-governance, longer than a word")
        .unwrap();
    world.host.assert_emitted(&AppRegistered {
        app: world.streams.address(),
        configWord: uint!(0x15_0000_0001_U256),
        registrationKey: "k1-of-the-governance, longer than a word".into(),
    });
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::unbuilt();
    let right = [
        world.gda.address(),
        world.token.address(),
        world.pools.address(),
        world.escrow.address(),
        world.gateway.address(),
    ];
    let build = |[gda, token, pools, escrow, gateway]: [Address; 5]| {
        let streams = Contract::<SourceStreams>::new();
        let key = String::new();
        let it = streams
            .sender(ALICE)
            .constructor(gda, token, pools, escrow, gateway, key);
        it.motsu_res()
    };
    for place in 0..5 {
        let mut neighbours = right;
        neighbours[place] = BOB;
        let error = NotAContract { account: BOB };
        assert_eq!(build(neighbours), Err(error.into()), "{place}");
    }
    let plain = Contract::<Token>::new();
    let mut neighbours = right;
    neighbours[1] = plain.address();
    assert!(matches!(build(neighbours), Err(Error::Revert(_))));
    world.host.sender(ALICE).set_refuses(false, false, true);
    assert_eq!(world.build(""), Err(refused()));
    assert_eq!(world.build("key"), Err(refused()));
    world.host.sender(ALICE).set_refuses(false, false, false);
    world
        .token
        .sender(ALICE)
        .behave(Behaviour::ReturnsFalse as u8);
    assert_eq!(world.build(""), Err(token_failed(&world)));
}

// --- Who may call

#[motsu::test]
fn only_the_host_calls_back() {
    let world = World::new();
    let (token, cfa) = (world.token.address(), world.cfa.address());
    for caller in [ALICE, world.gateway.address(), world.cfa.address()] {
        let unauthorized = || Err(UnauthorizedCaller { caller }.into());
        let data = || Bytes::from(agreement_data(ALICE, world.streams.address()));
        let (none, ctx) = (|| Bytes::from(vec![]), || Bytes::from(vec![1]));
        let mut it = world.streams.sender(caller);
        let created = it.after_agreement_created(token, cfa, ID, data(), none(), ctx());
        assert_eq!(created.motsu_res(), unauthorized());
        let mut it = world.streams.sender(caller);
        let updated = it.after_agreement_updated(token, cfa, ID, data(), none(), ctx());
        assert_eq!(updated.motsu_res(), unauthorized());
        let mut it = world.streams.sender(caller);
        let ended = it.after_agreement_terminated(token, cfa, ID, data(), none(), ctx());
        assert_eq!(ended.motsu_res(), unauthorized());
    }
}

#[motsu::test]
fn only_the_gateway_takes_credit_and_only_the_escrow_overflow() {
    let world = World::new();
    for caller in [ALICE, world.escrow.address(), world.host.address()] {
        let it = world.streams.sender(caller).take_credit(ALICE);
        assert_eq!(it.motsu_res(), Err(UnauthorizedCaller { caller }.into()));
    }
    for caller in [ALICE, world.gateway.address(), world.host.address()] {
        let it = world
            .streams
            .sender(caller)
            .take_overflow(world.pool(0), ALICE);
        assert_eq!(it.motsu_res(), Err(UnauthorizedCaller { caller }.into()));
    }
}

#[motsu::test]
fn foreign_streams_are_refused_but_may_end() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    let (token, cfa, gda) = (
        world.token.address(),
        world.cfa.address(),
        world.gda.address(),
    );
    for (token, agreement) in [(BOB, cfa), (token, gda), (token, BOB)] {
        let unsupported = || {
            let error = UnsupportedStream {
                token,
                agreementClass: agreement,
            };
            Err(error.into())
        };
        let context = world.context(ALICE, &[]);
        let created = world.callback(Kind::Created, token, agreement, ALICE, &context);
        assert_eq!(created, unsupported());
        let updated = world.callback(Kind::Updated, token, agreement, ALICE, &context);
        assert_eq!(updated, unsupported());
        let ended = world.callback(Kind::Terminated, token, agreement, ALICE, &context);
        assert_eq!(ended, Ok(context));
    }
    assert_eq!(world.source(ALICE), (n(100), n(100), n(0)));
    assert_eq!(world.rate(0), 100);
}

// --- Orders

#[motsu::test]
fn a_source_streams_into_a_pool() {
    let world = World::new();
    assert_eq!(world.open(ALICE, 1_000, &[(0, 1_000)]), Ok(()));
    world
        .streams
        .assert_emitted(&allocation_set(&world, 0, ALICE, 1_000));
    world
        .streams
        .assert_emitted(&inflow_set(ALICE, 1_000, 1_000));
    world
        .host
        .assert_emitted(&distributed(&world, 0, 1_000, true));
    assert_eq!(world.source(ALICE), (n(1_000), n(1_000), n(0)));
    assert_eq!(world.outflow(0), (n(1_000), false));
    let deposit = 1_000 * 4 * HOUR;
    assert_eq!(world.allocation(0, ALICE), (n(1_000), n(deposit), n(0)));
    assert_eq!(world.list(ALICE), [world.pool(0)]);
    assert_eq!(world.held(), n(deposit));
}

#[motsu::test]
fn the_gateway_orders_for_a_source_and_nobody_else_does() {
    let world = World::new();
    let gateway = world.gateway.address();
    world
        .order_by(Kind::Created, gateway, ALICE, 100, 0, 60)
        .unwrap();
    assert_eq!(world.source(ALICE), (n(100), n(60), n(0)));
    // An operator of her flows changes the flow, but not where it goes.
    world
        .order_by(Kind::Updated, BOB, ALICE, 90, 1, 30)
        .unwrap();
    assert_eq!(world.source(ALICE), (n(90), n(60), n(0)));
    assert_eq!(world.rate(1), 0);
    world.order_by(Kind::Updated, BOB, ALICE, 90, 0, 0).unwrap();
    assert_eq!(world.rate(0), 60);
    world
        .order_by(Kind::Updated, gateway, ALICE, 90, 1, 30)
        .unwrap();
    assert_eq!(world.source(ALICE), (n(90), n(90), n(0)));
    // Less of her flow is less of all that it pays, by whoever's hand.
    world
        .order_by(Kind::Updated, BOB, ALICE, 45, 0, 45)
        .unwrap();
    assert_eq!((world.rate(0), world.rate(1)), (30, 15));
}

#[motsu::test]
fn what_is_no_order_is_none() {
    let world = World::new();
    let mut dirty = order(world.pool(0), n(5));
    dirty[0] = 1;
    let mut long = order(world.pool(0), n(5));
    long.extend([0; 32]);
    for data in [vec![], vec![7; 31], vec![0xff; 64], dirty, long] {
        world.set(Kind::Updated, ALICE, ALICE, 100, &data).unwrap();
        assert_eq!(world.source(ALICE).1, n(0), "{data:?}");
    }
    assert!(world.list(ALICE).is_empty());
}

#[motsu::test]
fn one_flow_pays_several_task_types() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 40), (1, 60)]).unwrap();
    world.open(BOB, 11, &[(1, 11)]).unwrap();
    assert_eq!((world.rate(0), world.rate(1)), (40, 71));
    assert_eq!(world.outflow(1), (n(71), false));
    assert_eq!(world.list(ALICE), [world.pool(0), world.pool(1)]);
    world.change(ALICE, 110, 0, 50).unwrap();
    assert_eq!((world.rate(0), world.rate(1)), (50, 71));
    assert_eq!(world.source(ALICE), (n(110), n(110), n(0)));
    world.change(ALICE, 60, 0, 0).unwrap();
    assert_eq!((world.rate(0), world.rate(1)), (0, 71));
    assert_eq!(world.list(ALICE), [world.pool(1)]);
}

#[motsu::test]
fn a_plan_says_what_the_flow_has_to_become() {
    let world = World::new();
    world.open(ALICE, 110, &[(0, 40), (1, 60)]).unwrap();
    let plan = |index: usize, rate: u64| {
        let it = world.streams.sender(BOB);
        it.plan(world.pool(index), ALICE, n(rate))
    };
    assert_eq!(plan(0, 70), (n(40), n(110), n(130)));
    assert_eq!(plan(0, 0), (n(40), n(110), n(60)));
    assert_eq!(plan(2, 5), (n(0), n(110), n(105)));
    let it = world.streams.sender(BOB);
    assert_eq!(
        it.plan(world.pool(0), ALICE, U256::MAX),
        (n(40), n(110), U256::MAX)
    );
    assert_eq!(it.plan(world.pool(0), BOB, n(9)), (n(0), n(0), n(9)));
}

#[motsu::test]
fn no_more_flows_out_than_in() {
    let world = World::new();
    let exceeded = |allocated: u64, rate: u64| {
        let error = FlowRateExceeded {
            allocated: n(allocated),
            flowRate: n(rate),
        };
        Err(error.into())
    };
    assert_eq!(world.open(ALICE, 99, &[(0, 100)]), exceeded(100, 99));
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    assert_eq!(world.change(ALICE, 149, 1, 50), exceeded(150, 149));
    world.change(ALICE, 150, 1, 50).unwrap();
    assert_eq!(world.change(ALICE, 150, 1, 51), exceeded(151, 150));
    // However much somebody asks for.
    let data = order(world.pool(0), U256::MAX);
    let all = world.set(Kind::Updated, ALICE, ALICE, 150, &data);
    let error = FlowRateExceeded {
        allocated: U256::from(u128::MAX),
        flowRate: n(150),
    };
    assert_eq!(all, Err(error.into()));
    // An order of less is followed first, the rest shrinks with it.
    world.change(ALICE, 90, 0, 70).unwrap();
    assert_eq!((world.rate(0), world.rate(1)), (52, 37));
    assert_eq!(world.source(ALICE).1, n(89));
}

#[motsu::test]
fn pools_of_others_are_refused() {
    let world = World::new();
    let foreign = world.foreign.address();
    let data = order(foreign, n(10));
    let error = UnknownPool { pool: foreign };
    let ordered = world.set(Kind::Created, ALICE, ALICE, 100, &data);
    assert_eq!(ordered, Err(error.into()));
    // What does not even answer as a pool.
    let data = order(world.token.address(), n(10));
    let ordered = world.set(Kind::Created, ALICE, ALICE, 100, &data);
    assert!(matches!(ordered, Err(Error::Revert(_))));
}

#[motsu::test]
fn a_pool_once_known_is_not_asked_again() {
    let world = World::new();
    world.open(ALICE, 10, &[(0, 10)]).unwrap();
    world.gda_pools[0].sender(BOB).set_admin(BOB);
    assert_eq!(world.change(ALICE, 20, 0, 20), Ok(()));
    assert_eq!(world.rate(0), 20);
}

#[motsu::test]
fn a_source_pays_four_task_types_at_most() {
    let world = World::new();
    for index in 0..4 {
        let rate = 10 * (index as u64 + 1);
        world.change(ALICE, rate, index, 10).unwrap();
    }
    let error = TooManyTaskTypes { maximum: n(4) };
    assert_eq!(world.change(ALICE, 50, 4, 10), Err(error.into()));
    // Changing one of them is no fifth, nor is nothing.
    assert_eq!(world.change(ALICE, 50, 3, 20), Ok(()));
    assert_eq!(world.change(ALICE, 50, 4, 0), Ok(()));
    assert_eq!(world.change(ALICE, 40, 1, 0), Ok(()));
    assert_eq!(world.change(ALICE, 50, 4, 10), Ok(()));
    let pools = [0, 3, 2, 4].map(|index| world.pool(index));
    assert_eq!(world.list(ALICE), pools);
    world.end(ALICE);
    assert!(world.list(ALICE).is_empty());
    for index in 0..5 {
        assert_eq!(world.rate(index), 0);
    }
}

#[motsu::test]
fn the_last_takes_the_place_of_one_that_ends() {
    let world = World::new();
    world
        .open(ALICE, 40, &[(0, 10), (1, 10), (2, 10), (3, 10)])
        .unwrap();
    let list = |places: &[usize]| {
        let pools: Vec<_> = places.iter().map(|index| world.pool(*index)).collect();
        assert_eq!(world.list(ALICE), pools);
    };
    world.change(ALICE, 40, 1, 0).unwrap();
    list(&[0, 3, 2]);
    world.change(ALICE, 40, 2, 0).unwrap();
    list(&[0, 3]);
    world.change(ALICE, 40, 0, 0).unwrap();
    list(&[3]);
    world.change(ALICE, 40, 1, 5).unwrap();
    list(&[3, 1]);
    world.change(ALICE, 40, 3, 0).unwrap();
    list(&[1]);
    world.change(ALICE, 40, 1, 0).unwrap();
    list(&[]);
}

// --- Deposits and credit

#[motsu::test]
fn deposits_are_taken_to_the_wei() {
    let world = World::new();
    assert_eq!(
        world.streams.sender(BOB).get_deposit(n(7)).motsu_unwrap(),
        n(7 * 14_400)
    );
    world.cfa.sender(BOB).set_minimum_deposit(n(1_000_000));
    assert_eq!(
        world.streams.sender(BOB).get_deposit(n(7)).motsu_unwrap(),
        n(1_000_000)
    );
    let before = world.balance(ALICE);
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    assert_eq!(world.allocation(0, ALICE).1, n(1_440_000));
    assert_eq!(before - world.balance(ALICE), n(1_440_000));
    // Another pool, another deposit, of the minimum.
    world.change(ALICE, 110, 1, 10).unwrap();
    assert_eq!(before - world.balance(ALICE), n(2_440_000));
    // Less is needed: that is credit.
    world.change(ALICE, 110, 0, 80).unwrap();
    assert_eq!(world.allocation(0, ALICE).1, n(1_152_000));
    assert_eq!(world.credit(ALICE), n(288_000));
    // And is used first.
    world.change(ALICE, 120, 1, 40).unwrap();
    assert_eq!(world.credit(ALICE), n(288_000));
    world.change(ALICE, 150, 1, 70).unwrap();
    assert_eq!(world.allocation(1, ALICE).1, n(1_008_000));
    assert_eq!(world.credit(ALICE), n(280_000));
    world.change(ALICE, 180, 0, 110).unwrap();
    assert_eq!(world.credit(ALICE), n(0));
    assert_eq!(world.held(), n(1_008_000 + 110 * 14_400));
    assert_eq!(before - world.balance(ALICE), world.held());
}

#[motsu::test]
fn without_the_deposit_there_is_no_stream() {
    let world = World::new();
    for behaviour in [
        Behaviour::ReturnsFalse,
        Behaviour::ReturnsTwo,
        Behaviour::ReturnsShort,
        Behaviour::Reverts,
    ] {
        world.token.sender(BOB).behave(behaviour as u8);
        let opened = world.open(ALICE, 100, &[(0, 100)]);
        assert_eq!(opened, Err(token_failed(&world)), "{behaviour:?}");
    }
    assert_eq!(world.source(ALICE), (n(0), n(0), n(0)));
    world.token.sender(BOB).behave(Behaviour::Standard as u8);
    // One who has nothing.
    let opened = world.open(PAUPER, 100, &[(0, 100)]);
    assert_eq!(opened, Err(token_failed(&world)));
    world.cfa.sender(BOB).set_refuses(true);
    assert_eq!(world.open(ALICE, 100, &[(0, 100)]), Err(refused()));
    let it = world.streams.sender(BOB).get_deposit(n(7));
    assert_eq!(it.motsu_res(), Err(refused()));
}

#[motsu::test]
fn a_flow_without_an_order_is_credit() {
    let world = World::new();
    world.set(Kind::Created, ALICE, ALICE, 100, &[]).unwrap();
    world.streams.assert_emitted(&inflow_set(ALICE, 100, 0));
    advance_time(10);
    assert_eq!(world.source(ALICE), (n(100), n(0), n(1_000)));
    // Half of it is ordered to go on; the credit pays for the deposit as far as it goes.
    world.receive(n(1_000));
    let before = world.balance(ALICE);
    world.change(ALICE, 100, 0, 50).unwrap();
    assert_eq!(before - world.balance(ALICE), n(50 * 14_400 - 1_000));
    advance_time(3);
    assert_eq!(world.credit(ALICE), n(150));
    world.set(Kind::Updated, ALICE, ALICE, 70, &[]).unwrap();
    advance_time(1);
    assert_eq!(world.credit(ALICE), n(170));
    world.end(ALICE);
    advance_time(1_000);
    assert_eq!(world.credit(ALICE), n(170 + 50 * 14_400));
}

#[motsu::test]
fn credit_is_handed_over_once() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 90)]).unwrap();
    advance_time(7);
    let take = |source: Address| {
        let it = world
            .streams
            .sender(world.gateway.address())
            .take_credit(source);
        it.motsu_unwrap()
    };
    assert_eq!(take(ALICE), n(70));
    assert_eq!(take(ALICE), n(0));
    assert_eq!(take(BOB), n(0));
    advance_time(1);
    assert_eq!(take(ALICE), n(10));
    // Deposits are no credit before they are free.
    assert_eq!(world.allocation(0, ALICE).1, n(90 * 14_400));
    world.end(ALICE);
    assert_eq!(take(ALICE), n(90 * 14_400));
    assert_eq!(world.held(), n(90 * 14_400));
}

// --- Shrinking and ending

#[motsu::test]
fn a_smaller_flow_shrinks_all_in_proportion() {
    let world = World::new();
    world
        .open(ALICE, 100, &[(0, 50), (1, 30), (2, 20)])
        .unwrap();
    world.set(Kind::Updated, ALICE, ALICE, 33, &[]).unwrap();
    // 16.5, 9.9, 6.6.
    assert_eq!(world.rates(3), [16, 9, 6]);
    for (index, rate) in [(0, 16), (1, 9), (2, 6)] {
        let event = allocation_set(&world, index, ALICE, rate);
        world.streams.assert_emitted(&event);
        assert_eq!(world.outflow(index), (n(rate), false));
    }
    world.streams.assert_emitted(&inflow_set(ALICE, 33, 31));
    // Deposits stay with what is left of the streams.
    assert_eq!(world.allocation(0, ALICE).1, n(50 * 14_400));
    // To one of them not a wei is left.
    world.set(Kind::Updated, ALICE, ALICE, 4, &[]).unwrap();
    assert_eq!(world.rates(3), [2, 1, 0]);
    assert_eq!(world.list(ALICE), [world.pool(0), world.pool(1)]);
    assert_eq!(world.credit(ALICE), n(20 * 14_400));
    assert_eq!(world.allocation(2, ALICE), (n(0), n(0), n(0)));
}

#[motsu::test]
fn a_flow_that_ends_ends_all() {
    let world = World::new();
    world
        .open(ALICE, 100, &[(0, 50), (1, 30), (2, 20)])
        .unwrap();
    world.open(BOB, 7, &[(1, 7)]).unwrap();
    world.end(ALICE);
    assert_eq!(world.rates(3), [0, 7, 0]);
    assert!(world.list(ALICE).is_empty());
    let deposit = n(100 * 14_400);
    assert_eq!(world.source(ALICE), (n(0), n(0), deposit));
    for index in 0..3 {
        assert_eq!(world.allocation(index, ALICE), (n(0), n(0), n(0)));
        let event = allocation_set(&world, index, ALICE, 0);
        world.streams.assert_emitted(&event);
    }
    world.streams.assert_emitted(&inflow_set(ALICE, 0, 0));
    assert_eq!(world.source(BOB), (n(7), n(7), n(0)));
    // Again, and of one who never was: nothing.
    world.end(ALICE);
    world.end(PAUPER);
    assert_eq!(world.source(ALICE), (n(0), n(0), deposit));
}

#[motsu::test]
fn whatever_is_refused_a_flow_ends() {
    for refusal in [Refusal::Flows, Refusal::Everything, Refusal::Answers] {
        let world = World::new();
        world
            .open(ALICE, 100, &[(0, 50), (1, 30), (2, 20)])
            .unwrap();
        world.open(BOB, 5, &[(1, 5)]).unwrap();
        for index in 0..3 {
            world
                .host
                .sender(BOB)
                .refuse(world.pool(index), refusal as u8);
            world.gda_pools[index].sender(BOB).set_silent(true);
        }
        world.cfa.sender(BOB).set_refuses(true);
        world.token.sender(BOB).behave(Behaviour::Reverts as u8);
        // Ends need no flow to be asked for.
        let context = world.context(CRITIC, &[0xff; 99]);
        let ended = world.callback_of(Kind::Terminated, ALICE, &context);
        assert!(ended.is_ok(), "{refusal:?}: {ended:?}");
        assert_eq!(world.source(ALICE), (n(0), n(0), n(100 * 14_400)));
        assert!(world.list(ALICE).is_empty());
        let halted = DistributionHalted {
            pool: world.pool(1),
        };
        world.streams.assert_emitted(&halted);
        assert_eq!(world.outflow(1), (n(5), true));
    }
}

#[motsu::test]
fn malformed_data_at_the_end_is_nobodys() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    for data in [vec![], vec![0xff; 31]] {
        let context = world.context(ALICE, &[]);
        let host = world.host.address();
        let (token, cfa) = (world.token.address(), world.cfa.address());
        let it = world.streams.sender(host).after_agreement_terminated(
            token,
            cfa,
            ID,
            data.into(),
            vec![].into(),
            context.clone().into(),
        );
        assert_eq!(it.motsu_res(), Ok(Bytes(context)));
    }
    assert_eq!(world.rate(0), 100);
}

#[motsu::test]
fn contexts_are_passed_on_from_call_to_call() {
    let world = World::new();
    world
        .open(ALICE, 100, &[(0, 50), (1, 30), (2, 20)])
        .unwrap();
    let first = world.context(ALICE, &[]);
    let last = world.callback_of(Kind::Terminated, ALICE, &first).unwrap();
    assert_ne!(first, last);
    // The host refuses any but the last, so three distributions ended one after the other.
    assert!(world.host.sender(BOB).is_current(Bytes(last)));
    assert_eq!(world.rates(3), [0, 0, 0]);
}

// --- Halting

#[motsu::test]
fn a_distribution_that_cannot_shrink_is_halted_and_resumed() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    world.open(BOB, 10, &[(0, 10)]).unwrap();
    world
        .host
        .sender(BOB)
        .refuse(world.pool(0), Refusal::Flows as u8);
    let resume = |index: usize| {
        let it = world.streams.sender(CRITIC).resume(world.pool(index));
        it.motsu_res()
    };
    let not_halted = |index: usize| {
        let pool = world.pool(index);
        Err(NotHalted { pool }.into())
    };
    assert_eq!(resume(0), not_halted(0));
    assert_eq!(world.set(Kind::Updated, ALICE, ALICE, 40, &[]), Ok(()));
    let pool = world.pool(0);
    world.streams.assert_emitted(&DistributionHalted { pool });
    assert_eq!(world.rate(0), 0);
    assert_eq!(world.outflow(0), (n(50), true));
    // Halted, it stays so: less is booked, more is refused.
    assert_eq!(world.change(BOB, 5, 0, 5), Ok(()));
    assert_eq!(world.change(ALICE, 60, 0, 60), Err(refused()));
    assert_eq!((world.rate(0), world.outflow(0)), (0, (n(45), true)));
    assert_eq!(resume(0), Err(refused()));
    assert_eq!(world.outflow(0), (n(45), true));
    world
        .host
        .sender(BOB)
        .refuse(world.pool(0), Refusal::Nothing as u8);
    assert_eq!(resume(0), Ok(()));
    world.streams.assert_emitted(&DistributionResumed {
        pool,
        flowRate: n(45),
    });
    world
        .host
        .assert_emitted(&distributed(&world, 0, 45, false));
    assert_eq!((world.rate(0), world.outflow(0)), (45, (n(45), false)));
    assert_eq!(resume(0), not_halted(0));
    assert_eq!(resume(1), not_halted(1));
}

#[motsu::test]
fn a_source_that_streams_more_resumes() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    world.open(BOB, 10, &[(0, 10)]).unwrap();
    let pool = world.pool(0);
    let refuse = |refusal: Refusal| world.host.sender(BOB).refuse(pool, refusal as u8);
    refuse(Refusal::Flows);
    world.change(ALICE, 40, 0, 40).unwrap();
    assert_eq!((world.rate(0), world.outflow(0)), (0, (n(50), true)));
    refuse(Refusal::Nothing);
    // Less does not.
    world.change(ALICE, 30, 0, 30).unwrap();
    assert_eq!((world.rate(0), world.outflow(0)), (0, (n(40), true)));
    world.change(BOB, 11, 0, 11).unwrap();
    assert_eq!((world.rate(0), world.outflow(0)), (41, (n(41), false)));
    let flow_rate = n(41);
    let resumed = DistributionResumed {
        pool,
        flowRate: flow_rate,
    };
    world.streams.assert_emitted(&resumed);
}

/// What raises a distribution fails as a whole; what lowers it does not fail.
#[motsu::test]
fn a_refused_order_of_more_fails_and_of_less_halts() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 50), (1, 50)]).unwrap();
    let (refuse, pool) = (Refusal::Flows as u8, world.pool(0));
    world.host.sender(BOB).refuse(pool, refuse);
    assert_eq!(world.change(ALICE, 110, 0, 60), Err(refused()));
    assert_eq!(world.allocation(0, ALICE).0, n(50));
    assert_eq!(world.rate(0), 50);
    assert_eq!(world.change(ALICE, 100, 0, 40), Ok(()));
    assert_eq!((world.rate(0), world.outflow(0)), (0, (n(40), true)));
    world.streams.assert_emitted(&DistributionHalted { pool });
    // The other goes on.
    assert_eq!(world.rate(1), 50);
}

/// An answer that does not decode counts as a refusal: there is no context to go on with.
#[motsu::test]
fn an_answer_that_is_none_is_a_refusal() {
    let world = World::new();
    let pool = world.pool(0);
    world.host.sender(BOB).refuse(pool, Refusal::Answers as u8);
    let opened = world.open(ALICE, 100, &[(0, 100)]);
    assert_eq!(opened, Err(Error::Revert(Revert(vec![1; 31]))));
}

// --- Overflow

#[motsu::test]
fn overflow_is_divided_by_rates() {
    let world = World::new();
    world.open(ALICE, 384, &[(0, 384)]).unwrap();
    world.open(BOB, 128, &[(0, 128)]).unwrap();
    world.overflow(0, 4_096);
    assert_eq!(world.take_overflow(0, ALICE), n(3_072));
    assert_eq!(world.take_overflow(0, ALICE), n(0));
    // Until then it is as of the last change.
    assert_eq!(world.allocation(0, BOB).2, n(1_024));
    // At other rates.
    world.overflow(0, 5_120);
    world.change(BOB, 640, 0, 640).unwrap();
    assert_eq!(world.allocation(0, BOB).2, n(1_280));
    world.overflow(0, 7_168);
    world.end(ALICE);
    world.overflow(0, 7_668);
    assert_eq!(world.take_overflow(0, BOB), n(1_280 + 1_280 + 500));
    assert_eq!(world.take_overflow(0, ALICE), n(768 + 768));
    // Of another pool it is none.
    assert_eq!(world.take_overflow(1, ALICE), n(0));
    assert_eq!(world.take_overflow(0, Address::ZERO), n(0));
}

/// Never up: the parts of what was received are not more than that.
#[motsu::test]
fn parts_of_the_overflow_round_down() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 100)]).unwrap();
    world.open(BOB, 200, &[(0, 200)]).unwrap();
    world.overflow(0, 1_000);
    assert_eq!(world.take_overflow(0, ALICE), n(333));
    assert_eq!(world.take_overflow(0, BOB), n(666));
    // A wei may be lost even when there is nothing to divide.
    world.end(ALICE);
    world.overflow(0, 1_001);
    assert_eq!(world.take_overflow(0, BOB), n(0));
    world.overflow(0, 1_401);
    assert_eq!(world.take_overflow(0, BOB), n(400));
}

#[motsu::test]
fn overflow_without_sources_is_nobodys() {
    let world = World::new();
    world.overflow(0, 900);
    assert_eq!(world.take_overflow(0, ALICE), n(0));
    world.open(ALICE, 128, &[(0, 128)]).unwrap();
    world.overflow(0, 1_000);
    assert_eq!(world.take_overflow(0, Address::ZERO), n(900));
    assert_eq!(world.take_overflow(0, Address::ZERO), n(0));
    assert_eq!(world.take_overflow(0, ALICE), n(100));
    world.overflow(0, 1_001);
    world.end(ALICE);
    world.overflow(0, 1_008);
    assert_eq!(world.take_overflow(0, ALICE), n(1));
    assert_eq!(world.take_overflow(0, Address::ZERO), n(7));
}

#[motsu::test]
fn a_pool_that_does_not_say_is_asked_next_time() {
    let world = World::new();
    world.open(ALICE, 128, &[(0, 128)]).unwrap();
    world.overflow(0, 500);
    world.gda_pools[0].sender(BOB).set_silent(true);
    world.change(ALICE, 256, 0, 256).unwrap();
    assert_eq!(world.take_overflow(0, ALICE), n(0));
    world.gda_pools[0].sender(BOB).set_silent(false);
    assert_eq!(world.take_overflow(0, ALICE), n(500));
    // What was received does not become less; if it does, nothing happens until it is more again.
    world.overflow(0, 400);
    assert_eq!(world.take_overflow(0, ALICE), n(0));
    world.overflow(0, 501);
    assert_eq!(world.take_overflow(0, ALICE), n(1));
}

/// Every field of the storage has a place of its own.
#[motsu::test]
fn storage_does_not_overlap() {
    let world = World::new();
    world.open(ALICE, 100, &[(0, 30), (1, 50)]).unwrap();
    world.open(BOB, 20, &[(1, 10), (0, 5)]).unwrap();
    world.overflow(1, 6_000);
    world.change(ALICE, 100, 1, 60).unwrap();
    advance_time(2);
    assert_eq!(world.source(ALICE), (n(100), n(90), n(20)));
    assert_eq!(world.source(BOB), (n(20), n(15), n(10)));
    assert_eq!(world.allocation(0, ALICE), (n(30), n(432_000), n(0)));
    assert_eq!(world.allocation(1, ALICE), (n(60), n(864_000), n(5_000)));
    assert_eq!(world.allocation(1, BOB), (n(10), n(144_000), n(1_000)));
    assert_eq!(world.allocation(0, BOB), (n(5), n(72_000), n(0)));
    assert_eq!(world.list(ALICE), [world.pool(0), world.pool(1)]);
    assert_eq!(world.list(BOB), [world.pool(1), world.pool(0)]);
    assert_eq!(world.outflow(0), (n(35), false));
    assert_eq!(world.outflow(1), (n(70), false));
    let it = world.streams.sender(BOB);
    assert_eq!(it.host(), world.host.address());
    assert_eq!(it.escrow_buffer(), world.escrow.address());
}

fn token_failed(world: &World) -> Error {
    let token = world.token.address();
    Error::Token(SafeERC20FailedOperation { token })
}
