//! Units: who gives whom how many.

use alloy::primitives::U256;
use bpe_tests::{
    settlement::{Settlement, RATE},
    stage::mined,
    suite::{units, CODE},
};

use super::{assert_near, Market};
use crate::HOUR;

/// Before: it set the anchor to 1; an honest sink then got 1e19 units, the pool's flow rounded to nothing, and a stranger swept
/// all of it.
#[tokio::test]
async fn a_first_sink_of_a_billionth_gets_a_billionth() {
    let it = Settlement::start().await;
    let dust = it.base.staked(0x31, 100).await;
    let registry = &it.base.registry;
    let join = registry.registerSink(CODE, U256::from(1)).from(dust);
    mined(join.send().await).await;
    mined(it.pools.rebalance(CODE).send().await).await;
    assert_eq!(it.pools.getAnchor(CODE).call().await.unwrap(), units(1));

    let honest = it.base.registered(0x32, 10_000, 100).await;
    // So many units at once there is no room for; the full rebalance that makes it is anybody's to call.
    let stranger = it.base.devnet.account(8);
    mined(it.pools.rebalance(CODE).from(stranger).send().await).await;
    let pool = it.pool(CODE).await;
    let total: u128 = pool.getTotalUnits().call().await.unwrap();
    assert!(total < 1_100_000_000, "{total}");

    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    let (paid, swept) = (it.paid(honest).await, it.whole(stranger).await);
    it.advance(HOUR);
    mined(it.pools.sweep().from(stranger).send().await).await;
    let paid = it.paid(honest).await - paid;
    println!("honest {paid} wei, dust {} wei", it.paid(dust).await);
    // All but the fee of 10 bps.
    assert_near(paid, RATE * u128::from(HOUR) * 999 / 1_000);
    assert!(it.paid(dust).await <= paid / 1_000_000_000);
    assert_eq!(it.whole(stranger).await, swept);
}

/// Before: each change left less than a wei per unit over, and sixty of them a tenth of the stream.
#[tokio::test]
async fn sixty_changes_leave_no_rounding_to_sweep() {
    let market = Market::start(RATE, 0, 500).await;
    let (it, owner) = (&market.it, market.it.base.owner);
    mined(it.pools.setPipeline(owner, true).send().await).await;
    let limit = it.pools.setEffectiveCapacity(CODE, U256::ZERO);
    mined(limit.send().await).await;
    let sink = market.sinks[2];
    for number in 0..60_u64 {
        it.base.devnet.mine(1).unwrap();
        let capacity = units(1 + 29 * (number % 2));
        let registry = &it.base.registry;
        let update = registry.updateCapacityFromAggregator(CODE, sink, capacity);
        mined(update.send().await).await;
        mined(it.pools.rebalanceSink(CODE, sink).send().await).await;
    }
    market.assert_rounds_little().await;
    let escrow = it.flow_to(*it.escrow.address()).await;
    let flow = it.rate_of(market.source, CODE).await;
    println!("after sixty changes the escrow gets {escrow} of {flow} wei/s");
    // The fee of 10 bps, 20 bps for the sinks lest the rest rounds off, and as much as rounds off.
    assert!(escrow * 1_000 > flow * 993);
    let kept = it.whole(*it.pools.address()).await;
    assert!(kept < flow * 400 / 100, "{kept} wei to sweep");
    market.passer_by.act(vec![it.sweep()]).await;
    market.assert_gained_nothing().await;
}

/// Before: a load that nobody tells was taken for a refusal, and the sink kept its units for ever.
#[tokio::test]
async fn who_left_is_paid_nothing_by_spare_capacity() {
    let market = Market::start(RATE, 0, 500).await;
    let it = &market.it;
    mined(it.pools.setWeighting(CODE, 1).send().await).await;
    mined(it.pools.rebalance(CODE).send().await).await;
    let [leaves, stays, _] = market.sinks;
    let leave = it.base.registry.deregisterSink(CODE).from(leaves);
    mined(leave.send().await).await;
    let (left_with, before) = (it.paid(leaves).await, it.paid(stays).await);
    it.advance(HOUR);
    let registered = it.base.registry.isRegistered(CODE, leaves);
    assert!(!registered.call().await.unwrap());
    let again = it.pools.rebalanceSink(CODE, leaves);
    mined(again.send().await).await;
    it.advance(HOUR);
    assert_eq!(it.paid(leaves).await, left_with);
    // Of 20 and 30 units.
    let whole = RATE * u128::from(2 * HOUR) * 999 / 1_000;
    assert_near(it.paid(stays).await - before, whole * 2 / 5);
}
