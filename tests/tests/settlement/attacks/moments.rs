//! Streams that are there at chosen moments only.

use alloy::primitives::U256;
use bpe_tests::{settlement::RATE, stage::mined, suite::CODE};

use super::{assert_near, Market, PRICE};
use crate::HOUR;

/// Before: the whole stream of a priced task type became adjustment flow, and the attacker swept it to its own task type.
async fn a_huge_stream_moves_nothing(flow: u128, price: u128, capital: u64) {
    let market = Market::start(flow, price, capital).await;
    let (it, me) = (&market.it, &market.passer_by);
    let flows = market.flows().await;
    let steps = vec![
        me.distribute(it, market.pool, market.huge()),
        it.look(),
        it.full_rebalance(),
        me.distribute(it, market.pool, 0),
        it.sweep(),
        it.sync(),
    ];
    me.act(steps).await;
    market.assert_gained_nothing().await;
    market.assert_rounds_little().await;
    for (now, before) in market.flows().await.into_iter().zip(&flows) {
        assert_near(now, *before);
    }
    let sinks: u128 = flows[..3].iter().sum();
    assert_near(market.pay_of_an_hour().await, sinks * u128::from(HOUR));
    // Nor has it made anything for later.
    me.act(vec![it.sweep(), it.look(), it.sync()]).await;
    market.assert_gained_nothing().await;
}

#[tokio::test]
async fn a_huge_stream_of_a_moment_moves_nothing_with_a_price() {
    a_huge_stream_moves_nothing(RATE, PRICE, 400_000).await;
}

#[tokio::test]
async fn a_huge_stream_of_a_moment_moves_nothing_without_a_price() {
    a_huge_stream_moves_nothing(RATE, 0, 400_000).await;
}

/// 500 USDCx against 10 USDCx a month.
#[tokio::test]
async fn a_huge_stream_of_a_moment_moves_nothing_in_a_small_pool() {
    a_huge_stream_moves_nothing(RATE / 100, PRICE / 100, 500).await;
    a_huge_stream_moves_nothing(RATE / 100, 0, 500).await;
}

/// Before: with its own stream gone for a moment, the source had the pool believe that nothing overflows; its sinks were
/// paid four times what they were worth.
#[tokio::test]
async fn a_stream_that_ends_for_a_moment_lifts_no_cap() {
    let market = Market::start(RATE / 10, PRICE, 10_000).await;
    let (it, me) = (&market.it, &market.passer_by);
    me.act(vec![me.distribute(it, market.pool, 2 * RATE)]).await;
    it.advance(120);
    me.act(vec![it.look()]).await;
    let worth = 60 * PRICE;
    let before: u128 = market.flows().await[..3].iter().sum();
    assert_near(before, worth);
    let trick = vec![
        me.distribute(it, market.pool, 0),
        it.look(),
        it.full_rebalance(),
        me.distribute(it, market.pool, 2 * RATE),
        it.look(),
    ];
    me.act(trick).await;
    let after: u128 = market.flows().await[..3].iter().sum();
    assert_near(after, worth);
    let paid = market.pay_of_an_hour().await;
    println!(
        "paid in an hour: {paid} wei, worth {}",
        worth * u128::from(HOUR)
    );
    assert_near(paid, worth * u128::from(HOUR));
}

/// Before: two moments were enough to show a pool a stream that never flowed; units, prices and bookings followed it.
#[tokio::test]
async fn two_looks_at_a_stream_that_never_flowed_see_nothing() {
    let market = Market::start(2 * RATE, PRICE, 400_000).await;
    let (it, me) = (&market.it, &market.passer_by);
    let flows = market.flows().await;
    let ledger = *it.ledger.address();
    let note = |source| {
        let call = bpe_abi::IWorkLedger::noteCall {
            taskTypeId: CODE,
            source,
        };
        bpe_tests::strangers::step(ledger, call)
    };
    let free = it.meter.getFreeValue(CODE).call().await.unwrap().value;
    for _ in 0..2 {
        let steps = vec![
            me.distribute(it, market.pool, market.huge()),
            it.look(),
            note(me.address),
            it.full_rebalance(),
            note(me.address),
            me.distribute(it, market.pool, 0),
            note(me.address),
        ];
        me.act(steps).await;
        let inflow: u128 = it.meter.getInflow(CODE).call().await.unwrap().inflow.to();
        assert_near(inflow, it.rate_of(market.source, CODE).await);
        for (now, before) in market.flows().await.into_iter().zip(&flows) {
            assert_near(now, *before);
        }
        it.advance(90);
    }
    let grown = it.meter.getFreeValue(CODE).call().await.unwrap().value - free;
    // Nothing is free while it overflows, but what rounds off.
    assert!(grown < U256::from(PRICE * 60 * 200 / 1_000), "{grown}");
    // No booking: neither noted nor attributed.
    let noted = it.ledger.getNoted(CODE, me.address).call().await.unwrap();
    assert_eq!(noted.noted, U256::ZERO);
    let attribute = it.escrow.attribute(CODE, vec![me.address]);
    mined(attribute.send().await).await;
    assert_eq!(it.booked(me.address).await, 0);
    market.assert_gained_nothing().await;
}
