//! What capacity is not worth waits in escrow, and drains as capacity becomes free.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolEvent,
};
use bpe_abi::IEscrowBuffer::{BufferFull, Drained, SlowDown};
use bpe_tests::{
    settlement::{Settlement, RATE},
    stage::mined,
    suite::{tokens, CODE},
};

use crate::HOUR;

/// Wei per second and capacity unit: 60 units are worth half of [`RATE`].
const PRICE: u128 = RATE / 120;

/// Three sinks of 10, 20 and 30 units, priced, and two sources that together stream four times what that is worth, as long as
/// it takes to know that.
async fn congested() -> (Settlement, [Address; 3], [Address; 2]) {
    let it = Settlement::start().await;
    let sinks = [
        it.sink(0x31, 10).await,
        it.sink(0x32, 20).await,
        it.sink(0x33, 30).await,
    ];
    mined(it.pools.rebalance(CODE).send().await).await;
    let price = it.pools.setCapacityPrice(CODE, U256::from(PRICE));
    mined(price.send().await).await;
    let sources = [it.source(3, 1_000).await, it.source(4, 1_000).await];
    it.stream(sources[0], CODE, RATE / 2).await;
    it.stream(sources[1], CODE, 3 * RATE / 2).await;
    it.measure().await;
    (it, sinks, sources)
}

/// Invariant 1: as many tokens as are owed.
async fn assert_covered(it: &Settlement) {
    let owed = it.escrow.getLiabilities().call().await.unwrap();
    let has = it.whole(*it.escrow.address()).await;
    assert!(U256::from(has) >= owed.booked + owed.credited);
}

/// What waits of a source; of the zero address, what is nobody's.
async fn level_of(it: &Settlement, source: Address) -> u128 {
    let level = it.escrow.sourceLevel(CODE, source).call().await;
    level.unwrap().to()
}

/// Escrow's units times seconds: more than rounding can leave over.
async fn unit_seconds(it: &Settlement) -> u128 {
    let counts = it.meter.getOverflowIndex(CODE).call().await.unwrap();
    counts.unitSeconds.to()
}

async fn free_value(it: &Settlement) -> u128 {
    let free = it.meter.getFreeValue(CODE).call().await.unwrap();
    free.value.to()
}

#[tokio::test]
async fn the_excess_is_in_escrow_and_booked_to_its_sources() {
    let (it, sinks, sources) = congested().await;
    let started = it.base.devnet.timestamp();
    let mut paid = 0;
    for sink in sinks {
        paid += it.flow_to(sink).await;
    }
    let worth = 60 * PRICE;
    // At most what the capacity is worth, and only rounding less.
    assert!(
        paid <= worth && paid > worth - 10_000_000_000,
        "{paid} of {worth}"
    );
    let shares = [it.flow_to(sinks[0]).await, it.flow_to(sinks[2]).await];
    assert!(shares[1].abs_diff(3 * shares[0]) < 10_000_000_000);
    let escrow = *it.escrow.address();
    let overflow = it.flow_to(escrow).await;
    assert!(overflow + paid > 2 * RATE - 2 * RATE / 1_000 - 20_000_000_000);

    it.advance(HOUR);
    let pool = it.pool(CODE).await;
    let received = pool.getTotalAmountReceivedByMember(escrow);
    let now = it.base.devnet.timestamp();
    assert!(received.call().await.unwrap() >= U256::from(overflow * u128::from(now - started)));
    it.book(CODE, &sources).await;
    assert_covered(&it).await;
    let levels = [
        level_of(&it, sources[0]).await,
        level_of(&it, sources[1]).await,
    ];
    println!(
        "escrow: {} and {} wei of sources that stream 1:3",
        levels[0], levels[1]
    );
    // Of each a wei per unit and second is deducted, and they are noted some seconds apart.
    let deducted = unit_seconds(&it).await;
    assert!(levels[1].abs_diff(3 * levels[0]) <= 2 * deducted + 4 * RATE);
    let nobody = level_of(&it, Address::ZERO).await;
    assert!(nobody <= 2 * deducted + 8 * RATE);
    let booked = levels[0] + levels[1] + nobody;
    assert_eq!(it.level().await, booked);
    assert!(U256::from(booked) <= received.call().await.unwrap());

    it.advance(HOUR);
    it.book(CODE, &sources).await;
    let more = [
        level_of(&it, sources[0]).await - levels[0],
        level_of(&it, sources[1]).await - levels[1],
    ];
    let deducted = unit_seconds(&it).await - deducted;
    assert!(more[1].abs_diff(3 * more[0]) <= 2 * deducted + 4 * RATE);
    assert_covered(&it).await;
}

#[tokio::test]
async fn capacity_returns_and_the_oldest_drain_by_what_has_become_free() {
    let (it, sinks, sources) = congested().await;
    it.advance(HOUR);
    it.book(CODE, &[sources[0]]).await;
    it.book(CODE, &[sources[1]]).await;
    // The first drain of a priced task type takes note of the counter. Nothing is free.
    mined(it.escrow.drain_0(CODE).send().await).await;
    let (full, counted) = (it.level().await, free_value(&it).await);
    it.advance(HOUR);
    // While the pool overflows, nothing is free but what rounding takes from the sinks.
    let rounding = free_value(&it).await - counted;
    assert!(rounding < 3 * 1_000_000_000 * u128::from(HOUR + 10));

    // Capacity comes: 60 + 240 units, worth 2.5 RATE, for streams of 2 RATE.
    let big = it.sink(0x34, 240).await;
    mined(it.pools.rebalance(CODE).send().await).await;
    let since = it.base.devnet.timestamp();
    let rounding = free_value(&it).await - counted;
    let escrow = *it.escrow.address();
    assert!(it.flow_to(escrow).await < 10_000_000);
    it.advance(600);
    let before = [
        it.whole(sinks[0]).await,
        it.whole(big).await,
        it.level().await,
        level_of(&it, sources[0]).await,
    ];
    let at = it.base.devnet.timestamp();
    let (rate_small, rate_big) = (it.flow_to(sinks[0]).await, it.flow_to(big).await);
    let mut streamed = rate_big;
    for sink in sinks {
        streamed += it.flow_to(sink).await;
    }
    let receipt = mined(it.escrow.drain_0(CODE).send().await).await;
    println!("drain to 4 sinks: {} gas", receipt.gas_used);
    let now = it.base.devnet.timestamp();
    let passed = u128::from(now - at);
    let drained = before[2] - it.level().await;
    let elapsed = u128::from(now - since);
    let free = (300 * PRICE - streamed) * elapsed + rounding;
    println!("free {free} wei, drained {drained} wei");
    // The capacity that is worth something is known to a billionth, by its units.
    assert!(free - drained <= 300 * PRICE * elapsed / 1_000_000_000 + 1_000);
    // In proportion to what each has served in four hours, beside what streams. The big one came minutes ago.
    let small = it.whole(sinks[0]).await - before[0] - rate_small * passed;
    let large = it.whole(big).await - before[1] - rate_big * passed;
    let epoch = |time: u64| U256::from(time - time % 300);
    let span = [epoch(now - 4 * HOUR), epoch(now)];
    let weigh = it
        .meter
        .weigh(CODE, U256::ZERO, U256::from(9), span[0], span[1]);
    let weighed = weigh.call().await.unwrap();
    let total: U256 = weighed.weights.iter().sum();
    let share = |sink: Address| -> u128 {
        let place = weighed.sinks.iter().position(|it| *it == sink).unwrap();
        (U256::from(drained) * weighed.weights[place] / total).to()
    };
    assert!(
        share(big) < drained * 7 / 10,
        "240 of 300 units, but not for long"
    );
    assert!(small.abs_diff(share(sinks[0])) <= 1, "{small}");
    assert!(large.abs_diff(share(big)) <= 1, "{large}");
    // The oldest first: only the first deposit, of the first source, was touched.
    assert_eq!(before[3] - level_of(&it, sources[0]).await, drained);
    let payments = receipt
        .logs()
        .iter()
        .filter(|log| Drained::decode_log(&log.inner).is_ok());
    assert_eq!(payments.count(), 4);
    assert!(full > drained);

    // What never drained goes back to its source after the timeout.
    it.advance(24 * HOUR);
    let deposits = it.escrow.queueBounds(CODE).call().await.unwrap();
    let index = deposits.tail - U256::from(1);
    let its = level_of(&it, sources[1]).await;
    let (had, at) = (it.whole(sources[1]).await, it.base.devnet.timestamp());
    mined(it.escrow.reclaim(CODE, index).from(sources[1]).send().await).await;
    let rate = it.rate_of(sources[1], CODE).await;
    let streamed = rate * u128::from(it.base.devnet.timestamp() - at);
    assert_eq!(it.whole(sources[1]).await, had + its - streamed);
    assert_covered(&it).await;
}

#[tokio::test]
async fn a_full_buffer_says_so_and_loses_nothing() {
    let (it, _, sources) = congested().await;
    let max = U256::from(RATE);
    mined(it.escrow.setBufferMax(CODE, max).send().await).await;
    it.advance(HOUR);
    let receipt = it.book(CODE, &sources).await;
    let slow: Vec<Address> = receipt
        .logs()
        .iter()
        .filter_map(|log| Some(SlowDown::decode_log(&log.inner).ok()?.source))
        .collect();
    assert_eq!(slow, sources);
    assert!(receipt
        .logs()
        .iter()
        .any(|log| BufferFull::decode_log(&log.inner).is_ok()));
    assert!(it.escrow.isFull(CODE).call().await.unwrap());
    for source in sources {
        assert!(it.escrow.shouldSlowDown(CODE, source).call().await.unwrap());
    }
    assert!(it.escrow.getEscrowPressure(CODE).call().await.unwrap() > tokens(1));
    // Far beyond the limit, and all there.
    assert!(it.level().await > 1_000 * RATE);
    assert_covered(&it).await;
    // Deposits by hand are refused.
    let token = it.superfluid.usdcx();
    let escrow = *it.escrow.address();
    mined(token.approve(escrow, max).from(sources[0]).send().await).await;
    let refused = it.escrow.deposit(CODE, max).from(sources[0]);
    assert!(refused.call().await.is_err());
}

#[tokio::test]
async fn without_a_price_all_drains_and_dust_is_swept() {
    let it = Settlement::start().await;
    let source = it.source(3, 1_000).await;
    // No sink yet: all goes into escrow.
    it.stream(source, CODE, RATE).await;
    it.advance(HOUR);
    it.book(CODE, &[source]).await;
    assert!(it.level().await > RATE * u128::from(HOUR) * 999 / 1_000);
    // A sink that has not served for an epoch gets nothing.
    let sink = it.sink(0x31, 10).await;
    assert!(it.escrow.drain_0(CODE).call().await.is_err());
    it.advance(600);
    it.book(CODE, &[source]).await;
    let (had, waits) = (it.whole(sink).await, it.level().await);
    let (at, rate) = (it.base.devnet.timestamp(), it.flow_to(sink).await);
    mined(it.escrow.drain_0(CODE).send().await).await;
    let passed = u128::from(it.base.devnet.timestamp() - at);
    assert_eq!(it.whole(sink).await, had + waits + rate * passed);
    assert_eq!(it.level().await, 0);

    // What the change of units left over flows to the pools' admin; it is the fee recipient's, whoever calls.
    it.advance(HOUR);
    let (admin, treasury) = (*it.pools.address(), it.base.devnet.account(1));
    let dust = it.whole(admin).await;
    assert!(dust > 0);
    let (had, at) = (it.whole(treasury).await, it.base.devnet.timestamp());
    let fee = it.flow_to(treasury).await;
    let sweep = it.pools.sweep().from(it.base.devnet.account(8));
    mined(sweep.send().await).await;
    let passed = u128::from(it.base.devnet.timestamp() - at);
    assert!(it.whole(treasury).await >= had + dust + fee * passed);
    assert_covered(&it).await;
}
