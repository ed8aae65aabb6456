//! Who gets how much of a stream.

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::TransactionReceipt,
    sol,
    sol_types::SolEvent,
};
use bpe_tests::{
    economy::Factory,
    settlement::{rate, usdcx, Settlement, RATE},
    stage::{mined, Superfluid},
    suite::{units, CODE},
};

use crate::HOUR;

sol! {
    event MemberUnitsUpdated(address indexed token, address indexed member, uint128 oldUnits, uint128 newUnits);
}

/// Whose units a transaction wrote.
fn members_written(receipt: &TransactionReceipt) -> Vec<Address> {
    let written = receipt.logs().iter().filter_map(|log| {
        let update = MemberUnitsUpdated::decode_log(&log.inner).ok()?;
        Some(update.member)
    });
    written.collect()
}

/// `floor(10 bps of the total units)`, of which the sinks' are 9 990 bps.
fn fee_units(sinks: u128) -> u128 {
    (sinks * 10_000 / 9_990) * 10 / 10_000
}

/// The escrow's unit.
const ESCROW: u128 = 1;

#[tokio::test]
async fn three_sinks_share_two_sources_by_capacity() {
    share(Settlement::start().await).await;
}

#[tokio::test]
async fn an_economy_of_the_factory_shares_alike() {
    share(Factory::start().await.into_proof().await.core).await;
}

/// The same in money that decays while it lies idle, and not while it flows.
#[tokio::test]
async fn an_economy_is_paid_in_money_that_decays() {
    let superfluid = Superfluid::start().await.over_demurrage().await;
    share(Settlement::on(superfluid).await).await;
}

async fn share(it: Settlement) {
    let capacities = [10_u64, 20, 30];
    let mut sinks = Vec::new();
    for (number, capacity) in (0x31..).zip(capacities) {
        sinks.push(it.sink(number, capacity).await);
    }
    mined(it.pools.rebalance(CODE).send().await).await;
    // Units by the formula: floor(C · 1e9 / total), and a fee of 10 bps on top.
    let shares: Vec<u128> = capacities
        .map(|capacity| u128::from(capacity) * 1_000_000_000 / 60)
        .into();
    for (sink, share) in sinks.iter().zip(&shares) {
        let units = it.pools.getMemberUnits(CODE, *sink).call().await.unwrap();
        assert_eq!(units, *share);
    }
    let sink_units: u128 = shares.iter().sum();
    let total_units = sink_units + fee_units(sink_units) + ESCROW;
    let treasury = it.base.devnet.account(1);
    let pool = it.pool(CODE).await;
    assert_eq!(pool.getTotalUnits().call().await.unwrap(), total_units);

    let (alice, bob) = (it.source(3, 1_000).await, it.source(4, 1_000).await);
    it.stream(alice, CODE, RATE).await;
    let first = it.base.devnet.timestamp();
    it.stream(bob, CODE, 2 * RATE + 1).await;
    let second = it.base.devnet.timestamp();
    it.advance(HOUR);
    let now = it.base.devnet.timestamp();

    // A pool pays whole wei per unit and second, of each stream.
    let (one, other) = (RATE / total_units, (2 * RATE + 1) / total_units);
    let per_unit = one * u128::from(now - first) + other * u128::from(now - second);
    for (sink, share) in sinks.iter().zip(&shares) {
        let worth = it.worth(*sink).await;
        println!(
            "{sink}: {share} of {total_units} units, formula {} wei, received {worth} wei",
            share * per_unit
        );
        assert_eq!(worth, share * per_unit);
    }
    assert_eq!(it.worth(treasury).await, fee_units(sink_units) * per_unit);

    // Nothing is lost: what the sources paid is with the members, or as dust with the contracts.
    let paid = 2 * usdcx(1_000) - it.whole(alice).await - it.whole(bob).await;
    let received = total_units * per_unit;
    let dust = it.whole(*it.pools.address()).await;
    assert_eq!(paid, received + dust);
    // Less than a wei per unit and second.
    assert!(dust < total_units * u128::from(now - first));
}

#[tokio::test]
async fn a_new_capacity_writes_one_sinks_units_and_splits_at_once() {
    let it = Settlement::start().await;
    let sinks = [
        it.sink(0x31, 100).await,
        it.sink(0x32, 200).await,
        it.sink(0x33, 300).await,
    ];
    mined(it.pools.rebalance(CODE).send().await).await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.advance(HOUR);

    // Smoothed: 0.3 · 170 + 0.7 · 200 = 191 of 591. A decrease below 5 % waits for a call of anyone's.
    it.commit_and_reveal(sinks[1], 170).await;
    let before = [it.worth(sinks[0]).await, it.worth(sinks[1]).await];
    let at = it.base.devnet.timestamp();
    let receipt = mined(it.pools.rebalanceSink(CODE, sinks[1]).send().await).await;
    assert_eq!(members_written(&receipt), [sinks[1]]);
    println!("one sink's new capacity: {} gas", receipt.gas_used);
    let anchor = 600_000_000_000_u128;
    let of = |capacity: u128| capacity * 1_000_000_000 * 1_000_000_000 / anchor;
    let units = it
        .pools
        .getMemberUnits(CODE, sinks[1])
        .call()
        .await
        .unwrap();
    assert_eq!(units, of(191));
    let changed = it.base.devnet.timestamp();

    let old_total = of(100) + of(200) + of(300) + fee_units(of(600)) + ESCROW;
    let new_total = old_total - of(200) + of(191);
    let pool = it.pool(CODE).await;
    assert_eq!(pool.getTotalUnits().call().await.unwrap(), new_total);
    it.advance(HOUR);
    // The pool goes on distributing what it did, by the new units.
    let flow = RATE / old_total * old_total;
    let (old, new) = (RATE / old_total, flow / new_total);
    let (until, since) = (u128::from(changed - at), u128::from(HOUR));
    let other = before[0] + of(100) * (old * until + new * since);
    assert_eq!(it.worth(sinks[0]).await, other);
    let own = before[1] + of(200) * old * until + of(191) * new * since;
    assert_eq!(it.worth(sinks[1]).await, own);

    // Again: nothing has changed, nothing is written.
    let receipt = mined(it.pools.rebalanceSink(CODE, sinks[1]).send().await).await;
    assert_eq!(members_written(&receipt), Vec::<Address>::new());
}

#[tokio::test]
async fn who_leaves_is_paid_no_longer_and_who_is_slashed_is_paid_less() {
    let it = Settlement::start().await;
    let [leaves, slashed, stays] = [
        it.sink(0x31, 100).await,
        it.sink(0x32, 200).await,
        it.sink(0x33, 300).await,
    ];
    mined(it.pools.rebalance(CODE).send().await).await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.advance(HOUR);

    let deregister = it.base.registry.deregisterSink(CODE).from(leaves);
    let receipt = mined(deregister.send().await).await;
    println!("deregisterSink with a pool: {} gas", receipt.gas_used);
    let left_with = it.worth(leaves).await;
    assert!(left_with > 0);
    assert_eq!(
        it.pools.getMemberUnits(CODE, leaves).call().await.unwrap(),
        0
    );
    it.advance(HOUR);
    assert_eq!(it.worth(leaves).await, left_with);

    // 19 % of the stake gone, and a tenth of the cap.
    let stake = it.base.stakes.getStake(slashed).call().await.unwrap();
    let reason = B256::ZERO;
    let amount = stake * U256::from(19) / U256::from(100);
    mined(it.base.stakes.slash(slashed, amount, reason).send().await).await;
    let before = it.pools.getMemberUnits(CODE, slashed).call().await.unwrap();
    let receipt = mined(it.base.registry.syncCapacity(CODE, slashed).send().await).await;
    println!("syncCapacity with a pool: {} gas", receipt.gas_used);
    assert!(members_written(&receipt).contains(&slashed));
    let after = it.pools.getMemberUnits(CODE, slashed).call().await.unwrap();
    assert_eq!((before, after), (333_333_333, 300_000_000));
    let (low, high) = (it.worth(slashed).await, it.worth(stays).await);
    it.advance(HOUR);
    let earned = [it.worth(slashed).await - low, it.worth(stays).await - high];
    // 180 against 300.
    assert_eq!(
        earned[0] / u128::from(HOUR) / after,
        earned[1] / u128::from(HOUR) / (5 * after / 3)
    );

    // Clipped by an attestation: the stake no longer backs what it had.
    let stake = it.base.stakes.getStake(stays).call().await.unwrap();
    let amount = stake * U256::from(19) / U256::from(100);
    mined(it.base.stakes.slash(stays, amount, reason).send().await).await;
    it.base.devnet.mine(1).unwrap();
    let update = it
        .base
        .registry
        .updateCapacityFromAggregator(CODE, stays, units(300));
    let receipt = mined(update.send().await).await;
    assert!(members_written(&receipt).contains(&stays));
    let anchor = 600_u128;
    let units = it.pools.getMemberUnits(CODE, stays).call().await.unwrap();
    assert_eq!(units, 270 * 1_000_000_000 / anchor);

    // The last ones leave: all that comes in goes into escrow.
    for sink in [slashed, stays] {
        mined(
            it.base
                .registry
                .deregisterSink(CODE)
                .from(sink)
                .send()
                .await,
        )
        .await;
    }
    let pool = it.pool(CODE).await;
    let escrow = *it.escrow.address();
    let got = pool
        .getTotalAmountReceivedByMember(escrow)
        .call()
        .await
        .unwrap();
    it.advance(HOUR);
    let now = pool
        .getTotalAmountReceivedByMember(escrow)
        .call()
        .await
        .unwrap();
    let flow = pool.getTotalFlowRate().call().await.unwrap();
    let flow: u128 = flow.into_raw().to();
    assert_eq!(now - got, U256::from(flow * u128::from(HOUR)));
    // All but what changes of units left over, each less than a wei per second and unit.
    assert!(flow > RATE - 10_000_000_000);
}

#[tokio::test]
async fn whoever_distributes_into_the_pool_directly_pays_the_sinks_too() {
    let it = Settlement::start().await;
    let sink = it.sink(0x31, 100).await;
    mined(it.pools.rebalance(CODE).send().await).await;
    let giver = it.base.devnet.account(5);
    it.superfluid.fund(giver, 1_000).await;
    let pool = *it.pool(CODE).await.address();
    let token = it.superfluid.addresses.usdcx;
    let forwarder = it.superfluid.gda_forwarder();
    let distribute = forwarder.distributeFlow(token, giver, pool, rate(RATE), Default::default());
    mined(distribute.from(giver).send().await).await;
    it.advance(HOUR);
    let total = 1_000_000_000 + fee_units(1_000_000_000) + ESCROW;
    let expected = 1_000_000_000 * (RATE / total) * u128::from(HOUR);
    assert_eq!(it.worth(sink).await, expected);
}

#[tokio::test]
async fn fee_and_budget_follow_their_setting() {
    let it = Settlement::start().await;
    let sink = it.sink(0x31, 100).await;
    let (treasury, reviewer) = (it.base.devnet.account(1), it.base.devnet.account(2));
    let fee = it.pools.setProtocolFee(U256::from(100), treasury);
    mined(fee.send().await).await;
    let budget = it.pools.setVerificationBudget(CODE, U256::from(900));
    mined(budget.send().await).await;
    mined(it.pools.rebalance(CODE).send().await).await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.advance(HOUR);
    // 1 % and 9 % of the total units, the sinks have the rest: 1e9 are 90 %.
    let total = 1_000_000_000_u128 * 10_000 / 9_000;
    let units = [1_000_000_000, total / 100, total * 9 / 100];
    let per_unit = RATE / (units.iter().sum::<u128>() + ESCROW) * u128::from(HOUR);
    for (account, units) in [sink, treasury, reviewer].into_iter().zip(units) {
        assert_eq!(it.worth(account).await, units * per_unit);
    }
}
