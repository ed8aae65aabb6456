//! What waits: whose it is, and who gets it.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolInterface,
};
use bpe_abi::IEscrowBuffer::{self, IEscrowBufferErrors};
use bpe_tests::{
    settlement::{usdcx, Settlement, RATE},
    stage::{mined, revert},
    strangers::{step, PasserBy},
    suite::{tokens, units, CODE, TOKEN},
};

use super::{joined, Market, PRICE};
use crate::HOUR;

#[track_caller]
fn assert_nothing_to_drain<T>(result: Result<T, alloy::contract::Error>) {
    let error: IEscrowBufferErrors = revert(result);
    let nothing = matches!(error, IEscrowBufferErrors::NothingToDrain(_));
    assert!(nothing, "{}", error.selector().len());
}

/// Before: it booked the overflow of another's large distribution as its own, and took it back; drains failed for a day.
#[tokio::test]
async fn a_small_source_gets_back_what_overflowed_of_its_own() {
    let market = Market::start(20 * RATE, PRICE, 500).await;
    let (it, large) = (&market.it, market.source);
    let small = it.source(4, 100).await;
    it.stream(small, CODE, RATE / 10).await;
    let since = it.base.devnet.timestamp();
    it.advance(HOUR);
    // It books, as often as it likes, and lists whom it likes.
    let grab = vec![small, small, market.passer_by.address, small];
    for _ in 0..2 {
        it.book(CODE, &grab).await;
        let elapsed = u128::from(it.base.devnet.timestamp() - since);
        let (booked, rest) = (it.booked(small).await, it.booked(Address::ZERO).await);
        assert!(booked > 0 && booked <= RATE / 10 * elapsed, "{booked}");
        // One of two hundred parts.
        assert!(rest > 199 * booked, "{booked}, {rest}");
    }
    let of_small = it.booked(small).await;
    it.book(CODE, &[large]).await;
    let of_large = it.booked(large).await;
    println!("small {of_small} wei, large {of_large} wei");
    assert!(of_large > 199 * of_small);

    // Drains go on: capacity comes, and is paid what is free by then.
    mined(it.escrow.drain_0(CODE).send().await).await;
    joined(it, 0x34, 3_000).await;
    it.advance(HOUR);
    let level = it.level().await;
    mined(it.escrow.drain_0(CODE).send().await).await;
    assert!(it.level().await < level);
    // A day later it has back at most what it booked.
    it.end(small, CODE).await;
    it.advance(25 * HOUR);
    let (had, waits) = (it.whole(small).await, it.booked(small).await);
    assert!(waits <= of_small + RATE / 10 * u128::from(HOUR + 60));
    let bounds = it.escrow.queueBounds(CODE).call().await.unwrap();
    let (head, tail): (u64, u64) = (bounds.head.to(), bounds.tail.to());
    for index in head..tail {
        let deposit = it.escrow.getDeposit(CODE, U256::from(index)).call().await;
        let reclaim = it.escrow.reclaim(CODE, U256::from(index)).from(small);
        match deposit.unwrap().source == small {
            true => drop(mined(reclaim.send().await).await),
            false => assert!(reclaim.call().await.is_err()),
        }
    }
    assert_eq!(it.whole(small).await, had + waits);
    assert!(it.escrow.drain_0(CODE).call().await.is_ok());
}

/// A contract with hooks of ERC-777, in which it drains again and refuses what it gets: `transfer` of a Super Token calls none.
#[tokio::test]
async fn a_sink_with_hooks_takes_only_its_own() {
    let it = Settlement::start().await;
    let hooked = PasserBy::deploy(&it).await;
    let sink = hooked.address;
    it.base.equip(sink, 100).await;
    let stake = it.base.stakes.stake(tokens(100)).from(sink);
    mined(stake.send().await).await;
    let join = it.base.registry.registerSink(CODE, units(10)).from(sink);
    mined(join.send().await).await;
    let honest = joined(&it, 0x31, 10).await;
    let source = it.source(3, 1_000).await;
    let drain = IEscrowBuffer::drain_0Call { taskTypeId: CODE };
    let again = vec![step(*it.escrow.address(), drain)];
    mined(hooked.contract.arm(again, true).send().await).await;
    for _ in 0..2 {
        let before = [it.whole(sink).await, it.whole(honest).await];
        it.deposit_by_hand(source, usdcx(100)).await;
        it.advance(5 * HOUR);
        mined(it.escrow.drain_0(CODE).send().await).await;
        for (account, had) in [sink, honest].into_iter().zip(before) {
            assert_eq!(it.whole(account).await - had, usdcx(50));
        }
    }
    assert_eq!(hooked.contract.hooks().call().await.unwrap(), U256::ZERO);
}

/// Before: one that registered for the second of a drain took five days of overflow, another 900 of 1 000.
#[tokio::test]
async fn a_second_before_a_drain_is_paid_nothing() {
    let it = Settlement::start().await;
    let honest = joined(&it, 0x31, 10).await;
    let source = it.source(3, 10_000).await;
    it.deposit_by_hand(source, usdcx(1_000)).await;
    it.advance(120 * HOUR);
    let late = joined(&it, 0x32, 90).await;
    it.advance(1);
    let before = it.whole(honest).await;
    mined(it.escrow.drain_0(CODE).send().await).await;
    let gained = [it.whole(honest).await - before, it.whole(late).await];
    println!("of 1 000 USDCx after a second of 90 units beside 10: {gained:?} wei");
    assert_eq!(gained, [usdcx(1_000), 0]);
    // Once it has served, it is paid for that: 90 units for an hour beside 10 units for five days.
    it.deposit_by_hand(source, usdcx(1_000)).await;
    it.advance(120 * HOUR);
    let later = joined(&it, 0x33, 90).await;
    it.advance(HOUR);
    mined(it.escrow.drain_0(CODE).send().await).await;
    let gained = it.whole(later).await;
    let share = 90 * u128::from(HOUR) * usdcx(1_000) / (100 * 120 * u128::from(HOUR));
    println!("of 1 000 USDCx after an hour beside five days: {gained} wei, {share} by time");
    assert!(gained <= share + share / 20);
}

/// The same before anything was ever drained: the five days that the money waited count as well.
#[tokio::test]
async fn an_hour_before_the_first_drain_is_an_hour() {
    let it = Settlement::start().await;
    joined(&it, 0x31, 10).await;
    let source = it.source(3, 10_000).await;
    it.deposit_by_hand(source, usdcx(1_000)).await;
    it.advance(120 * HOUR);
    let late = joined(&it, 0x32, 90).await;
    it.advance(HOUR);
    mined(it.escrow.drain_0(CODE).send().await).await;
    let gained = it.whole(late).await;
    let share = 90 * usdcx(1_000) / (90 + 10 * 121);
    println!("of 1 000 USDCx after an hour beside five days: {gained} wei, {share} by time");
    assert!(gained <= share + share / 20);
}

/// Before: `sync` and `drain` paid the sink 99.8 % of the stream all the same.
#[tokio::test]
async fn a_limit_to_nothing_is_not_drained_around() {
    let market = Market::start(RATE, 0, 500).await;
    let (it, owner) = (&market.it, market.it.base.owner);
    mined(it.pools.setPipeline(owner, true).send().await).await;
    let limit = |capacity| it.pools.setEffectiveCapacity(CODE, capacity);
    mined(limit(U256::ZERO).send().await).await;
    // Before: 998 of 1 000.
    let paid = market.pay_of_an_hour().await;
    let flowed = RATE * u128::from(HOUR);
    println!("limited to nothing, the sinks get {paid} of {flowed} wei");
    assert!(paid * 1_000 <= flowed * 3);
    let stranger = it.base.devnet.account(8);
    mined(it.escrow.sync(CODE).from(stranger).send().await).await;
    assert!(it.level().await * 1_000 > flowed * 990);
    // The first look only takes note of what was free.
    let (paid, level) = (market.paid_to_sinks().await, it.level().await);
    mined(it.escrow.drain_0(CODE).from(stranger).send().await).await;
    assert_eq!(it.level().await, level);
    assert!((market.paid_to_sinks().await - paid) * 1_000 <= RATE * 30);
    assert_nothing_to_drain(it.escrow.drain_0(CODE).from(stranger).call().await);
    // Lifted for a moment it stays so, and for an hour. Then it is the sinks', who can serve again.
    mined(limit(U256::MAX).send().await).await;
    assert_nothing_to_drain(it.escrow.drain_0(CODE).call().await);
    mined(limit(U256::ZERO).send().await).await;
    it.advance(2 * HOUR);
    assert_nothing_to_drain(it.escrow.drain_0(CODE).call().await);
    mined(limit(U256::MAX).send().await).await;
    it.advance(HOUR - 10);
    assert_nothing_to_drain(it.escrow.drain_0(CODE).call().await);
    it.advance(20);
    mined(it.escrow.drain_0(CODE).send().await).await;
}

/// An account of its own with a millionth of a USDCx, which is the least that can be deposited, in the queue.
async fn depositor(it: &Settlement, number: u8, banker: Address) {
    let account = Address::repeat_byte(number);
    it.base.devnet.impersonate(account);
    it.base.devnet.set_balance(account, U256::from(TOKEN));
    let least = U256::from(LEAST);
    let token = it.superfluid.usdcx();
    let pay = token.transfer(account, least);
    mined(pay.from(banker).send().await).await;
    it.deposit_by_hand(account, LEAST).await;
}

/// A millionth of a USDCx in wei.
const LEAST: u128 = TOKEN as u128 / 1_000_000;

/// Before: 32 deposits of a wei cost 5.5 million gas to clear, a page of 32 sinks 5.2 million.
#[tokio::test]
async fn dust_is_refused_or_merged_and_a_page_has_a_bound() {
    let it = Settlement::start().await;
    let source = it.source(3, 1_000).await;
    let (token, escrow) = (it.superfluid.usdcx(), *it.escrow.address());
    let approve = token.approve(escrow, U256::MAX).from(source);
    mined(approve.send().await).await;
    for amount in [1, LEAST - 1] {
        let deposit = it.escrow.deposit(CODE, U256::from(amount)).from(source);
        let error: IEscrowBufferErrors = revert(deposit.call().await);
        let small = matches!(error, IEscrowBufferErrors::AmountTooSmall(_));
        assert!(small, "{amount}");
    }
    // Those of one source are one place in the queue.
    for _ in 0..32 {
        let deposit = it.escrow.deposit(CODE, U256::from(LEAST));
        mined(deposit.from(source).send().await).await;
    }
    let bounds = it.escrow.queueBounds(CODE).call().await.unwrap();
    assert_eq!((bounds.head, bounds.tail), (U256::ZERO, U256::from(1)));
    // Of many sources, and a page of as many sinks as `drain` pays: the worst there is.
    for number in 0..31 {
        depositor(&it, 0x41 + number, source).await;
    }
    for number in 0..12 {
        it.base.registered(0x81 + number, 100, 1).await;
    }
    assert_eq!(it.level().await, 63 * LEAST);
    it.advance(4 * HOUR);
    let receipt = mined(it.escrow.drain_0(CODE).send().await).await;
    println!("drain of 32 deposits to 12 sinks: {} gas", receipt.gas_used);
    assert!(it.level().await < 12);
    assert!(receipt.gas_used < 3_000_000, "{}", receipt.gas_used);
    // One sink at a time, for whom that is too much.
    it.deposit_by_hand(source, usdcx(1)).await;
    let one = it.escrow.drain_1(CODE, U256::from(1));
    let gas = mined(one.send().await).await.gas_used;
    println!("drain to one sink of 12: {gas} gas");
    assert!(gas < 500_000);
    let capacity = it.base.registry.getTaskType(CODE).call().await.unwrap();
    assert_eq!(capacity.totalCapacity, units(12));
}
