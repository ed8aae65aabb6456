//! What makes points, and what makes none.

use alloy_primitives::U256;
use bpe_common::ownable::{self, OwnableUnauthorizedAccount};
use motsu::prelude::*;

use crate::{contract::*, *};

const MILLI: u64 = 1_000_000_000_000_000;

/// A point of 1e15 wei of fees at 5 % is 0.02 tokens of value.
#[motsu::test]
fn lost_fees_make_points_and_the_rest_waits() {
    let world = world();
    world.count(1_000);
    assert_eq!(world.record(), Ok(n(0)), "the record begins");
    world.work.assert_emitted(&RecordBegun {
        taskTypeId: TASK,
        source: SOURCE,
        sink: SINK,
        value: n(1_000) * n(MILLI),
    });
    world.count(70);
    assert_eq!(world.record(), Ok(n(3)));
    world.work.assert_emitted(&WorkRecorded {
        taskTypeId: TASK,
        source: SOURCE,
        sink: SINK,
        value: n(70) * n(MILLI),
        fee: n(3_500_000_000_000_000),
        points: n(3),
        rest: n(500_000_000_000_000),
    });
    world.count(10);
    assert_eq!(world.record(), Ok(n(1)), "with the rest");
    assert_eq!(world.score(), 4);
    // At most ten a call; what is left waits.
    world.count(300);
    assert_eq!(world.record(), Ok(n(10)));
    assert_eq!(world.record(), Ok(n(5)));
    assert_eq!(world.score(), 19);
    let (value, rest) = (n(1_380) * n(MILLI), n(0));
    assert_eq!(world.record(), Err(NothingNew { value, rest }.into()));
    let it = world.work.sender(ANYONE);
    assert_eq!(it.get_mark(TASK, SOURCE, SINK), (value, n(500), true));
    assert_eq!(it.get_rest(CLAW, SINK), n(0));
}

/// Whatever number of calls, of pairs, of keys: a point is a fixed sum of lost fees.
#[motsu::test]
fn self_signed_work_is_worth_its_lost_fees_and_no_more() {
    let world = world();
    world.record().unwrap();
    let mut points = U256::ZERO;
    for _ in 0..1_000 {
        // A thousand executions of a wei each.
        world.money.sender(OWNER).count(SINK, n(1));
        points += world.record().unwrap_or_default();
    }
    assert_eq!(points, n(0));
    assert_eq!(world.score(), 0);
    let it = world.ledger.sender(ANYONE);
    assert_eq!(it.get_stake_discount(SINK, RELAY), n(0));
}

#[motsu::test]
fn value_of_a_cheap_time_is_not_recorded_dear() {
    let world = world();
    let fee = |configured, taken| {
        let mut it = world.money.sender(OWNER);
        it.set_fee(n(configured), n(taken), FEES);
    };
    fee(10, 10);
    world.record().unwrap();
    world.count(1_000);
    fee(500, 500);
    // 0.1 % of it.
    assert_eq!(world.record(), Ok(n(1)));
    // As configured, or as the pool really takes it, whichever is less.
    world.count(1_000);
    fee(500, 20);
    assert_eq!(world.record(), Ok(n(2)));
    world.count(1_000);
    fee(0, 500);
    assert_eq!(world.record(), Ok(n(0)));
    assert_eq!(world.score(), 3);
}

#[motsu::test]
fn a_fee_that_returns_is_none() {
    let world = world();
    world.record().unwrap();
    world.count(1_000);
    for account in [SOURCE, SINK] {
        let mut it = world.money.sender(OWNER);
        it.set_fee(n(500), n(500), account);
        assert_eq!(world.record(), Err(FeeReturns { account }.into()));
    }
    assert_eq!(world.score(), 0);
}

#[motsu::test]
fn only_task_types_of_a_domain_count() {
    let world = world();
    let mut it = world.work.sender(ANYONE);
    let error = it.record_work(OTHER_TASK, SOURCE, SINK).motsu_unwrap_err();
    let expected = NoDomain {
        taskTypeId: OTHER_TASK,
    };
    assert_eq!(error, expected.into());
    // Nor does a ledger that no longer has this as a recorder.
    world.record().unwrap();
    world.count(1_000);
    let work = world.work.address();
    let mut it = world.ledger.sender(OWNER);
    it.revoke_recorder(CLAW, work).motsu_unwrap();
    assert!(matches!(world.record(), Err(Error::Revert(_))));
    let mut it = world.ledger.sender(OWNER);
    it.authorize_recorder(CLAW, work).motsu_unwrap();
    assert_eq!(world.record(), Ok(n(10)), "nothing was used up");
}

#[motsu::test]
fn the_owner_prices_points() {
    let world = world();
    let set = |by, cost| {
        let mut it = world.work.sender(by);
        it.set_wei_per_point(CLAW, cost).motsu_res()
    };
    let account = ANYONE;
    let error = ownable::Error::Unauthorized(OwnableUnauthorizedAccount { account });
    assert_eq!(set(ANYONE, n(1)), Err(Error::Ownable(error)));
    for cost in [U256::ZERO, U256::from(1) << 96, U256::MAX] {
        let error = InvalidWeiPerPoint { weiPerPoint: cost };
        assert_eq!(set(OWNER, cost), Err(error.into()));
    }
    let it = || world.work.sender(ANYONE);
    assert_eq!(it().wei_per_point(CLAW), n(MILLI));
    set(OWNER, n(10 * MILLI)).unwrap();
    assert_eq!(it().wei_per_point(CLAW), n(10 * MILLI));
    assert_eq!(it().wei_per_point(RELAY), n(MILLI));
    world.record().unwrap();
    world.count(450);
    assert_eq!(world.record(), Ok(n(2)));
    assert_eq!(it().get_rest(CLAW, SINK), n(2_500_000_000_000_000));
    assert_eq!(it().reputation_ledger(), world.ledger.address());
    assert_eq!(it().work_vouchers(), world.money.address());
    assert_eq!(it().backpressure_pool(), world.money.address());
}
