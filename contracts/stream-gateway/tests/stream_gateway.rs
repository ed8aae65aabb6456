//! StreamGateway on motsu: every function, error, event and access rule, and what it asks the host for, to the byte.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod neighbours;

use std::borrow::BorrowMut;

use alloy_primitives::{aliases::I96, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use bpe_testing::{
    superfluid::{flow_rate, order, Cfa, FlowChanged, GdaPool, Host, ICfa},
    Behaviour, Token,
};
use contract::*;
use motsu::prelude::*;
use neighbours::{refusal, CreditTaken, OverflowRebalanced, Pools, Streams};

const CODE: B256 = B256::repeat_byte(0xc0);
const NOWHERE: B256 = B256::repeat_byte(0x99);
const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);
const BOB: Address = Address::repeat_byte(0x0b);
const SINK: Address = Address::repeat_byte(0xa1);

fn n(number: u64) -> U256 {
    U256::from(number)
}

fn ownable_of(gateway: &mut StreamGateway) -> &mut Ownable {
    gateway.borrow_mut()
}

struct World {
    gateway: Contract<StreamGateway>,
    token: Contract<Token>,
    host: Contract<Host>,
    cfa: Contract<Cfa>,
    pools: Contract<Pools>,
    pool: Contract<GdaPool>,
    streams: Contract<Streams>,
}

impl World {
    /// SourceStreams is not connected. The pool has 1000 units.
    fn unconnected() -> Self {
        let world = Self {
            gateway: Contract::new(),
            token: Contract::new(),
            host: Contract::new(),
            cfa: Contract::new(),
            pools: Contract::new(),
            pool: Contract::new(),
            streams: Contract::new(),
        };
        let (token, cfa) = (world.token.address(), world.cfa.address());
        world.token.sender(OWNER).set_host(world.host.address());
        world.host.sender(OWNER).set_up(token, cfa, Address::ZERO);
        world
            .pools
            .sender(OWNER)
            .set_pool(CODE, world.pool.address());
        world.pool.sender(OWNER).set_admin(OWNER);
        let units = world.pool.sender(OWNER).update_member_units(SINK, 1_000);
        units.motsu_unwrap();
        let pools = world.pools.address();
        let build = world.gateway.sender(ALICE).constructor(token, pools, OWNER);
        build.motsu_unwrap();
        world
    }

    fn new() -> Self {
        let world = Self::unconnected();
        world.connect(OWNER, world.streams.address()).unwrap();
        world
    }

    fn connect(&self, who: Address, streams: Address) -> Result<(), Error> {
        let it = self.gateway.sender(who).set_source_streams(streams);
        it.motsu_res()
    }

    /// What Alice streams: to the task type, by her flow, and to others.
    fn plan(&self, current: u64, inflow: u64, rest: u64) {
        let pool = self.pool.address();
        self.streams
            .sender(OWNER)
            .set_plan(pool, ALICE, n(current), n(inflow), n(rest));
    }

    fn create(&self, rate: u128) -> Result<(), Error> {
        let it = self
            .gateway
            .sender(ALICE)
            .create_stream(CODE, flow_rate(rate));
        it.motsu_res()
    }

    fn update(&self, rate: u128) -> Result<(), Error> {
        let it = self
            .gateway
            .sender(ALICE)
            .update_stream(CODE, flow_rate(rate));
        it.motsu_res()
    }

    fn delete(&self) -> Result<(), Error> {
        self.gateway.sender(ALICE).delete_stream(CODE).motsu_res()
    }

    fn withdraw(&self, who: Address, source: Address) -> Result<U256, Error> {
        self.gateway.sender(who).withdraw(source).motsu_res()
    }

    /// The host was asked to change Alice's flow so, and for nothing else.
    fn assert_asked(&self, selector: [u8; 4], rate: u128, ordered: u64) {
        self.host.assert_emitted(&FlowChanged {
            selector: selector.into(),
            operator: self.gateway.address(),
            sender: ALICE,
            receiver: self.streams.address(),
            flowRate: flow_rate(rate),
            userData: order(self.pool.address(), n(ordered)).into(),
        });
        assert_eq!(self.host.all_events().len(), 1);
        self.gateway.assert_emitted(&StreamSet {
            taskTypeId: CODE,
            source: ALICE,
            flowRate: n(ordered),
        });
        self.pools
            .assert_emitted(&OverflowRebalanced { taskTypeId: CODE });
    }
}

const CREATE: [u8; 4] = ICfa::createFlowByOperatorCall::SELECTOR;
const UPDATE: [u8; 4] = ICfa::updateFlowByOperatorCall::SELECTOR;
const DELETE: [u8; 4] = ICfa::deleteFlowByOperatorCall::SELECTOR;

fn refused() -> Result<(), Error> {
    Err(Error::Revert(Revert(refusal())))
}

// --- Construction and wiring

#[motsu::test]
fn constructor_sets_what_it_is_given() {
    let world = World::unconnected();
    let it = world.gateway.sender(ALICE);
    assert_eq!(it.super_token(), world.token.address());
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.source_streams(), Address::ZERO);
    drop(it);
    let mut it = world.gateway.sender(ALICE);
    assert_eq!(ownable_of(&mut it).owner(), OWNER);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::unconnected();
    let (token, pools) = (world.token.address(), world.pools.address());
    let build = |token: Address, pools: Address, owner: Address| {
        let gateway = Contract::<StreamGateway>::new();
        let it = gateway.sender(ALICE).constructor(token, pools, owner);
        it.motsu_res()
    };
    let neighbour = BOB;
    let invalid = || Err(NotAContract { account: neighbour }.into());
    assert_eq!(build(BOB, pools, OWNER), invalid());
    assert_eq!(build(token, BOB, OWNER), invalid());
    let no_owner = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        build(token, pools, Address::ZERO),
        Err(Error::Ownable(no_owner.into()))
    );
    let plain = Contract::<Token>::new();
    let built = build(plain.address(), pools, OWNER);
    assert!(matches!(built, Err(Error::Revert(_))));
}

#[motsu::test]
fn source_streams_is_connected_once_by_the_owner() {
    let world = World::unconnected();
    let streams = world.streams.address();
    let account = ALICE;
    let unauthorized = Error::Ownable(ownable::Error::Unauthorized(OwnableUnauthorizedAccount {
        account,
    }));
    assert_eq!(world.connect(ALICE, streams), Err(unauthorized));
    let neighbour = BOB;
    let invalid = NotAContract { account: neighbour };
    assert_eq!(world.connect(OWNER, BOB), Err(invalid.into()));
    assert_eq!(world.connect(OWNER, streams), Ok(()));
    world.gateway.assert_emitted(&SourceStreamsSet {
        sourceStreams: streams,
    });
    assert_eq!(world.gateway.sender(ALICE).source_streams(), streams);
    let again = world.connect(OWNER, world.cfa.address());
    assert_eq!(again, Err(SourceStreamsAlreadySet {}.into()));
    assert_eq!(world.gateway.sender(ALICE).source_streams(), streams);
}

#[motsu::test]
fn nothing_streams_before_it_is_connected() {
    let world = World::unconnected();
    let no_streams = || Err(NoSourceStreams {}.into());
    assert_eq!(world.create(1_000), no_streams());
    assert_eq!(world.update(1_000), no_streams());
    assert_eq!(world.delete(), no_streams());
    let it = world.withdraw(ALICE, ALICE);
    assert_eq!(it, Err(NoSourceStreams {}.into()));
    let it = world.gateway.sender(BOB).get_stream(CODE, ALICE);
    assert_eq!(it.motsu_res(), Err(NoSourceStreams {}.into()));
}

// --- Streams

#[motsu::test]
fn the_first_stream_opens_a_flow() {
    let world = World::new();
    assert_eq!(world.create(1_000), Ok(()));
    world.assert_asked(CREATE, 1_000, 1_000);
}

#[motsu::test]
fn another_stream_raises_the_flow() {
    let world = World::new();
    world.plan(0, 500, 500);
    assert_eq!(world.create(1_000), Ok(()));
    world.assert_asked(UPDATE, 1_500, 1_000);
}

#[motsu::test]
fn a_change_changes_the_flow() {
    let world = World::new();
    world.plan(2_000, 2_500, 500);
    assert_eq!(world.update(1_200), Ok(()));
    world.assert_asked(UPDATE, 1_700, 1_200);
}

#[motsu::test]
fn the_end_of_one_stream_lowers_the_flow_and_pays_out() {
    let world = World::new();
    let (streams, credit) = (world.streams.address(), n(77));
    world.plan(2_000, 2_500, 500);
    world.token.sender(OWNER).mint(streams, n(100));
    world.streams.sender(OWNER).set_credit(ALICE, credit);
    assert_eq!(world.delete(), Ok(()));
    world.assert_asked(UPDATE, 500, 0);
    world.gateway.assert_emitted(&CreditWithdrawn {
        source: ALICE,
        amount: credit,
    });
    assert_eq!(world.token.sender(OWNER).balance(ALICE), credit);
    assert_eq!(world.token.sender(OWNER).balance(streams), n(23));
}

#[motsu::test]
fn the_end_of_the_last_stream_ends_the_flow() {
    let world = World::new();
    world.plan(2_000, 2_500, 0);
    assert_eq!(world.delete(), Ok(()));
    world.assert_asked(DELETE, 0, 0);
    // Nothing to pay out: nothing is said of it.
    let none = CreditWithdrawn {
        source: ALICE,
        amount: n(0),
    };
    assert!(!world.gateway.emitted(&none));
}

#[motsu::test]
fn what_exists_is_not_created_and_what_does_not_is_not_changed() {
    let world = World::new();
    let no_stream = || Err(StreamDoesNotExist {}.into());
    assert_eq!(world.update(1_000), no_stream());
    assert_eq!(world.delete(), no_stream());
    world.plan(0, 500, 500);
    assert_eq!(world.update(1_000), no_stream());
    assert_eq!(world.delete(), no_stream());
    world.plan(1, 1, 0);
    assert_eq!(world.create(1_000), Err(StreamAlreadyExists {}.into()));
    assert_eq!(world.host.all_events().len(), 0);
}

#[motsu::test]
fn rates_are_positive_and_reach_every_unit() {
    let world = World::new();
    for rate in [I96::ZERO, I96::MINUS_ONE, I96::MIN] {
        let error = || Err(InvalidFlowRate { flowRate: rate }.into());
        let it = world.gateway.sender(ALICE).create_stream(CODE, rate);
        assert_eq!(it.motsu_res(), error());
        let it = world.gateway.sender(ALICE).update_stream(CODE, rate);
        assert_eq!(it.motsu_res(), error());
    }
    let too_low = || {
        let error = FlowRateTooLow {
            flowRate: n(999),
            minimum: n(1_000),
        };
        Err(error.into())
    };
    assert_eq!(world.create(999), too_low());
    world.plan(2_000, 2_000, 0);
    assert_eq!(world.update(999), too_low());
    assert_eq!(world.update(1_000), Ok(()));
    // The largest rate there is.
    let it = world.gateway.sender(BOB).create_stream(CODE, I96::MAX);
    assert_eq!(it.motsu_res(), Ok(()));
}

#[motsu::test]
fn without_a_pool_there_is_no_stream() {
    let world = World::new();
    let no_pool = || Err(PoolDoesNotExist {}.into());
    let rate = flow_rate(1_000);
    let it = world.gateway.sender(ALICE).create_stream(NOWHERE, rate);
    assert_eq!(it.motsu_res(), no_pool());
    let it = world.gateway.sender(ALICE).update_stream(NOWHERE, rate);
    assert_eq!(it.motsu_res(), no_pool());
    let it = world.gateway.sender(ALICE).delete_stream(NOWHERE);
    assert_eq!(it.motsu_res(), no_pool());
    let it = world.gateway.sender(ALICE).get_stream(NOWHERE, ALICE);
    assert_eq!(it.motsu_res(), Err(PoolDoesNotExist {}.into()));
}

#[motsu::test]
fn a_source_streams_for_itself_only() {
    let world = World::new();
    world.plan(2_000, 2_000, 0);
    // Bob ends his own, of which there is none.
    let it = world.gateway.sender(BOB).delete_stream(CODE);
    assert_eq!(it.motsu_res(), Err(StreamDoesNotExist {}.into()));
    let it = world.gateway.sender(BOB).get_stream(CODE, ALICE);
    assert_eq!(it.motsu_res(), Ok(n(2_000)));
    let it = world.gateway.sender(BOB).get_stream(CODE, BOB);
    assert_eq!(it.motsu_res(), Ok(n(0)));
}

#[motsu::test]
fn what_others_refuse_is_passed_on() {
    let world = World::new();
    world.host.sender(OWNER).set_refuses(false, true, false);
    assert_eq!(world.create(1_000), refused());
    world.host.sender(OWNER).set_refuses(false, false, false);
    world.pools.sender(OWNER).set_refuses(true);
    assert_eq!(world.create(1_000), refused());
    // All of it was undone.
    assert_eq!(world.host.all_events().len(), 0);
}

// --- Credit

#[motsu::test]
fn anyone_has_credit_paid_out_to_its_source() {
    let world = World::new();
    let streams = world.streams.address();
    world.token.sender(OWNER).mint(streams, n(1_000));
    world.streams.sender(OWNER).set_credit(ALICE, n(300));
    assert_eq!(world.withdraw(BOB, ALICE), Ok(n(300)));
    world.streams.assert_emitted(&CreditTaken {
        caller: world.gateway.address(),
        source: ALICE,
    });
    world.gateway.assert_emitted(&CreditWithdrawn {
        source: ALICE,
        amount: n(300),
    });
    assert_eq!(world.token.sender(OWNER).balance(ALICE), n(300));
    assert_eq!(world.token.sender(OWNER).balance(BOB), n(0));
    assert_eq!(world.withdraw(BOB, ALICE), Ok(n(0)));
    assert_eq!(world.token.sender(OWNER).balance(ALICE), n(300));
}

#[motsu::test]
fn credit_that_cannot_be_sent_is_not_lost() {
    let world = World::new();
    let token = world.token.address();
    world.streams.sender(OWNER).set_credit(ALICE, n(300));
    let streams = world.streams.address();
    world.token.sender(OWNER).mint(streams, n(1_000));
    world
        .token
        .sender(OWNER)
        .behave(Behaviour::ReturnsFalse as u8);
    let failed = SafeERC20FailedOperation { token };
    assert_eq!(world.withdraw(BOB, ALICE), Err(Error::Token(failed)));
    world.token.sender(OWNER).behave(Behaviour::Standard as u8);
    assert_eq!(world.withdraw(BOB, ALICE), Ok(n(300)));
}
