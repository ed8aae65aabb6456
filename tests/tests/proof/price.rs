//! What a unit of work costs, as demand, queues and the escrow change.

use std::collections::BTreeSet;

use alloy::{
    primitives::{Address, U256},
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
};
use bpe_abi::IPricingCurve::{self, BaseFeeUpdated, IPricingCurveErrors};
use bpe_tests::{
    proof::{events, Proof},
    settlement::RATE,
    stage::{mined, revert},
    suite::{units, CODE},
};

/// The base fee at first.
const FEE: u128 = 1_000_000_000_000_000;

const WAD: u128 = 1_000_000_000_000_000_000;

async fn report(it: &Proof, sink: Address, load: U256) -> TransactionReceipt {
    let report = it.pricing.reportQueueLoad(CODE, load).from(sink);
    mined(report.send().await).await
}

async fn fee(it: &Proof) -> u128 {
    it.pricing.getBaseFee(CODE).call().await.unwrap().to()
}

async fn price(it: &Proof, sink: Address) -> U256 {
    it.pricing.getPrice(CODE, sink).call().await.unwrap()
}

/// Closes the epoch, and says what fee that gave.
async fn close(it: &Proof) -> u128 {
    it.core.advance(60);
    let receipt = mined(it.pricing.advanceEpoch(CODE).send().await).await;
    let updates = events::<BaseFeeUpdated>(&receipt);
    assert_eq!(updates.len(), 1);
    let fee = fee(it).await;
    assert_eq!(updates[0].newBaseFee, U256::from(fee));
    fee
}

/// Two sinks of 100 and 50 units.
async fn market() -> (Proof, [Address; 2]) {
    let it = Proof::start().await;
    let sinks = [
        it.sink(&it.signer(3), 100).await,
        it.sink(&it.signer(4), 50).await,
    ];
    mined(it.core.pools.rebalance(CODE).send().await).await;
    (it, sinks)
}

#[tokio::test]
async fn the_base_fee_follows_demand_epoch_by_epoch() {
    let (it, sinks) = market().await;
    let mut expected = FEE;
    let mut fees = Vec::new();
    for _ in 0..10 {
        // 150 units and a billionth, for 150.
        report(&it, sinks[0], units(1_000)).await;
        report(&it, sinks[0], units(110)).await;
        report(&it, sinks[1], units(40) + U256::from(1)).await;
        let open = it.pricing.getEpoch(CODE).call().await.unwrap();
        assert_eq!(open.demand, units(150) + U256::from(1));
        let early = it.pricing.advanceEpoch(CODE).call().await;
        let error = IPricingCurveErrors::EpochNotElapsed(IPricingCurve::EpochNotElapsed {});
        assert_eq!(revert::<IPricingCurveErrors, _>(early), error);
        expected = expected * 9 / 8;
        assert_eq!(close(&it).await, expected);
        fees.push(expected);
    }
    // Just what there is, is not too much.
    for _ in 0..3 {
        report(&it, sinks[0], units(110)).await;
        report(&it, sinks[1], units(40)).await;
        expected = expected * 7 / 8;
        assert_eq!(close(&it).await, expected);
        fees.push(expected);
    }
    // Old reports are no demand.
    for _ in 0..3 {
        expected = expected * 7 / 8;
        assert_eq!(close(&it).await, expected);
        fees.push(expected);
    }
    println!("base fee, ten epochs above capacity, then below: {fees:?}");
    // The registry's capacity, as it is now: one leaves, and the same load is too much.
    let leave = it.core.base.registry.deregisterSink(CODE).from(sinks[1]);
    mined(leave.send().await).await;
    report(&it, sinks[0], units(110)).await;
    expected = expected * 9 / 8;
    assert_eq!(close(&it).await, expected);
    let gone = it.pricing.reportQueueLoad(CODE, units(1)).from(sinks[1]);
    let error = IPricingCurveErrors::SinkNotRegistered(IPricingCurve::SinkNotRegistered {});
    assert_eq!(revert::<IPricingCurveErrors, _>(gone.call().await), error);
    assert_eq!(price(&it, sinks[1]).await, U256::MAX);

    // Nobody calls for ten epochs: the next report closes them all, the first with its demand.
    report(&it, sinks[0], units(110)).await;
    it.core.advance(600);
    let receipt = report(&it, sinks[0], units(1)).await;
    expected = expected * 9 / 8;
    for _ in 0..9 {
        expected = expected * 7 / 8;
    }
    assert_eq!(events::<BaseFeeUpdated>(&receipt).len(), 1);
    assert_eq!(fee(&it).await, expected);
    let open = it.pricing.getEpoch(CODE).call().await.unwrap();
    assert_eq!(open.start, U256::from(it.now()));
    assert_eq!(open.demand, units(1));
}

#[tokio::test]
async fn prices_follow_the_pressure_of_the_real_escrow() {
    let (it, [sink, _]) = market().await;
    let price_now = || price(&it, sink);
    assert_eq!(price_now().await, U256::from(FEE));
    report(&it, sink, units(50)).await;
    assert_eq!(price_now().await, U256::from(2 * FEE));

    // Capacity worth half of the stream: the other half waits.
    let worth = it.core.pools.setCapacityPrice(CODE, U256::from(RATE / 300));
    mined(worth.send().await).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    it.core.measure().await;
    it.core.advance(3_600);
    mined(it.core.escrow.sync(CODE).send().await).await;
    let level = it.core.escrow.bufferLevel(CODE).call().await.unwrap();
    assert!(level > U256::from(RATE * 3_600 * 49 / 100));
    // Without a limit there is no pressure.
    assert_eq!(price_now().await, U256::from(2 * FEE));
    // 1 + 0.8 · pressure, of which no more than 1 counts. The queue doubles it.
    for (limit, tenths) in [
        (level * U256::from(4), 24),
        (level * U256::from(2), 28),
        (level, 36),
        (level / U256::from(2), 36),
    ] {
        let set = it.core.escrow.setBufferMax(CODE, limit);
        mined(set.send().await).await;
        let pressure = it.core.escrow.getEscrowPressure(CODE).call().await.unwrap();
        let now = price_now().await;
        println!("pressure {pressure}: price {now} at a base fee of {FEE} and half load");
        assert_eq!(now, U256::from(FEE / 10 * tenths));
    }
    // A limit that does not divide: floor of floor.
    let set = it.core.escrow.setBufferMax(CODE, level * U256::from(3));
    mined(set.send().await).await;
    let third = WAD / 3;
    let surcharge = WAD + third * 4 / 5;
    assert_eq!(price_now().await, U256::from(FEE * surcharge * 2 / WAD));

    // By both curves. The next report closes an hour of epochs, in which the base fee falls as low as it can.
    const LOW: u128 = 1_000_000_000_000;
    for (load, queue, relay) in [(0, 1, 1), (50, 2, 2), (80, 5, 4)] {
        report(&it, sink, units(load)).await;
        assert_eq!(fee(&it).await, LOW);
        for (curve, times) in [(0, queue), (1, relay)] {
            mined(it.pricing.setCurve(CODE, curve).send().await).await;
            let expected = U256::from(LOW * surcharge * times / WAD);
            assert_eq!(price_now().await, expected);
        }
    }
    // A queue counts as 99 % at most.
    mined(it.pricing.setCurve(CODE, 0).send().await).await;
    let highest = U256::from(LOW * surcharge * 100 / WAD);
    for load in [units(99), units(100), units(1_000_000)] {
        report(&it, sink, load).await;
        assert_eq!(price_now().await, highest);
    }

    // Whatever gas a caller brings, the pressure is in the price, or there is none.
    let (mut least, mut refusals) = (None, BTreeSet::new());
    for gas in (30_000..600_000).step_by(5_000) {
        match it.pricing.getPrice(CODE, sink).gas(gas).call().await {
            Ok(now) => {
                least.get_or_insert(gas);
                assert_eq!(now, highest);
            }
            Err(error) => {
                assert_eq!(least, None);
                refusals.insert(match error.as_decoded_interface_error() {
                    Some(IPricingCurveErrors::InsufficientGas(_)) => "InsufficientGas",
                    Some(other) => panic!("{other:?}"),
                    None => "out of gas",
                });
            }
        }
    }
    let least = least.expect("enough at last");
    println!("getPrice takes a gas limit of {least}; less is refused: {refusals:?}");
    assert!(refusals.contains("InsufficientGas"));

    // As the escrow drains, the price falls.
    report(&it, sink, units(50)).await;
    let before = U256::from(LOW * surcharge * 2 / WAD);
    assert_eq!(price_now().await, before);
    let worth = it.core.pools.setCapacityPrice(CODE, U256::ZERO);
    mined(worth.send().await).await;
    mined(it.core.escrow.drain_0(CODE).send().await).await;
    let left = it.core.escrow.bufferLevel(CODE).call().await.unwrap();
    assert!(left < U256::from(2), "less than a wei of each sink");
    assert_eq!(price_now().await, U256::from(2 * LOW));
}

#[tokio::test]
async fn a_queue_moves_the_stream_where_the_pool_pays_spare_capacity() {
    let (it, sinks) = market().await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    let spare = it.core.pools.setWeighting(CODE, 1);
    mined(spare.send().await).await;
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let idle = [it.units(sinks[0]).await, it.units(sinks[1]).await];
    assert_eq!(idle, [666_666_666, 333_333_333]);
    report(&it, sinks[0], units(75)).await;
    for sink in sinks {
        mined(it.core.pools.rebalanceSink(CODE, sink).send().await).await;
    }
    let busy = [it.units(sinks[0]).await, it.units(sinks[1]).await];
    assert_eq!(busy, [166_666_666, 333_333_333]);
    let flows = [it.flow_to(sinks[0]).await, it.flow_to(sinks[1]).await];
    assert_eq!(flows[0] / busy[0], flows[1] / busy[1]);
    assert_eq!(flows[0] % busy[0], 0);
    assert_eq!(price(&it, sinks[0]).await, U256::from(4 * FEE));
    assert_eq!(price(&it, sinks[1]).await, U256::from(FEE));
}

/// Base fees, in multiples of the equilibrium, under demand that is unit-elastic in the fee, from a fee that is `start` times
/// the equilibrium.
async fn fees_under_elastic_demand(
    it: &Proof,
    sink: &PrivateKeySigner,
    start: f64,
    epochs: usize,
) -> Vec<f64> {
    let equilibrium = fee(it).await as f64 / start;
    let mut fees = Vec::new();
    for _ in 0..epochs {
        // All the capacity, 100 units, at the equilibrium.
        let demand = 100e9 * equilibrium / fee(it).await as f64;
        report(it, sink.address(), U256::from(demand as u128)).await;
        fees.push(close(it).await as f64 / equilibrium);
    }
    fees
}

/// As PricingCurve's own test says: within an eighth after 8 epochs, within 2 % in the mean of every 15 from then on, and
/// a half per cent below the equilibrium in the long run.
#[tokio::test]
async fn the_base_fee_converges_under_elastic_demand() {
    let it = Proof::start().await;
    let sink = it.signer(3);
    it.sink(&sink, 100).await;
    let mean = |fees: &[f64]| fees.iter().sum::<f64>() / fees.len() as f64;
    for start in [0.4, 1.01, 2.9] {
        let fees = fees_under_elastic_demand(&it, &sink, start, 320).await;
        let arrived = &fees[7..];
        for fee in arrived {
            assert!((0.8749..1.1251).contains(fee), "from {start}: {fee}");
        }
        for fees in arrived.windows(15) {
            let mean = mean(fees);
            assert!((mean - 1.0).abs() < 0.02, "from {start}: {mean}");
        }
        let long_run = mean(arrived);
        println!(
            "from {start} times the equilibrium: {:.3} after 8 epochs, {:.3} in the mean of 15 then, {long_run:.4} of 313",
            fees[7],
            mean(&arrived[..15])
        );
        assert!((0.992..0.998).contains(&long_run), "{long_run}");
    }
}
