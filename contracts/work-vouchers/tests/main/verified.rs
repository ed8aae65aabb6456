//! Verified capacity: what a sink has shown by work that somebody paid for.

use crate::market::*;

#[motsu::test]
fn verified_capacity_follows_counted_work_and_fades() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.pay(source(), 1_000_000_000_000);
    advance_time(600 - timestamp() % 300);
    // 4 units for an epoch, at the fee: V = 0.3 · 4.
    let (work, value) = (4 * UNIT * 300, 4 * 300 * u128::from(FEE));
    it.redeem(it.usual(work, value, 1)).unwrap();
    assert_eq!(it.verified(sink()), 0);
    advance_time(300);
    assert_eq!(it.verified(sink()), 12 * UNIT / 10);
    advance_time(300);
    assert!(it.verified(sink()).abs_diff(84 * UNIT / 100) < 2);
    advance_time(300 * 10_000);
    assert_eq!(it.verified(sink()), 0);
    // Paid a tenth of the fee: counts in full, shows a tenth.
    it.redeem(it.usual(2 * work, value / 10 * 11, 2)).unwrap();
    assert_eq!(it.account(sink()).1, 2 * work);
    advance_time(300);
    assert!(it.verified(sink()) <= 12 * UNIT / 100);
}

#[motsu::test]
fn without_a_fee_nothing_is_shown() {
    for fails in [false, true] {
        let it = Market::new();
        it.fees.sender(OWNER).set_fee(n(0), fails);
        it.redeem(it.usual(1_000 * UNIT, 1_000_000, 1)).unwrap();
        advance_time(300);
        assert_eq!((it.verified(sink()), it.account(sink()).0), (0, 1_000_000));
    }
}

#[motsu::test]
fn a_burst_shows_no_more_than_the_capacity() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.pay(source(), 1_000_000_000_000_000);
    advance_time(86_400 * 30);
    it.redeem(it.usual(10 * UNIT * 86_400 * 20, 500_000_000_000_000, 1))
        .unwrap();
    advance_time(300);
    assert_eq!(it.verified(sink()), 3 * UNIT);
}

// --- What PricingCurve is told

/// What of a sink with 10 units counts in prices, in capacity-seconds, if it has shown so many thousandths of a unit.
fn serving(shown: u128) -> u128 {
    (4 * shown * UNIT / 1_000).min(10 * UNIT) * 300
}

#[motsu::test]
fn prices_are_told_the_work_and_the_capacity_that_was_shown() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.pay(source(), 1_000_000_000_000);
    advance_time(600 - timestamp() % 300);
    let fee = u128::from(FEE);
    // 4 units for an epoch: V = 1.2 with it.
    let (work, value) = (4 * UNIT * 300, 4 * 300 * fee);
    it.redeem(it.usual(work, value, 1)).unwrap();
    assert_eq!(it.told(), (1, work, serving(1_200)));
    // As much again in the same epoch: V = 2.4, of which only what is more is added.
    it.redeem(it.usual(2 * work, 2 * value, 2)).unwrap();
    assert_eq!(it.told(), (2, 2 * work, serving(2_400)));
    // Two epochs later: at the mean rate, with V from 2.4 by 4 units in each.
    advance_time(600);
    it.redeem(it.usual(4 * work, 4 * value, 3)).unwrap();
    let shown = 4_000 - (4_000 - 2_400) * 49 / 100;
    let (calls, told, capacity) = it.told();
    assert_eq!((calls, told), (3, 3 * work));
    let expected = serving(2_400) + serving(shown);
    assert!(
        capacity.abs_diff(expected) < 10_000,
        "{capacity} {expected}"
    );
    // No more than the capacity, however much it shows.
    advance_time(300);
    it.redeem(it.usual(6 * work, 6 * value, 4)).unwrap();
    let more = it.told().2 - capacity;
    assert_eq!(more, 10 * UNIT * 300);
}

/// What is signed between two for a wei moves no prices: no more work than its value buys at the base fee.
#[motsu::test]
fn work_that_nobody_paid_for_moves_no_prices() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.pay(source(), 1_000_000_000_000);
    advance_time(600 - timestamp() % 300);
    it.redeem(it.usual(10 * UNIT * 300, u128::from(FEE), 1))
        .unwrap();
    assert_eq!(it.told().1, UNIT);
    let nothing = Market::empty();
    assert_eq!(nothing.told(), (0, 0, 0));
}

#[motsu::test]
fn a_batch_tells_prices_once() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    for number in [2, 3] {
        it.pay(address(&key(number)), 1_000_000_000_000);
    }
    advance_time(600 - timestamp() % 300);
    let (work, value) = (2 * UNIT * 300, 2 * 300 * u128::from(FEE));
    let batch = [2, 3, 4].map(|number| it.voucher(&key(number), &key(1), work, value, 1));
    let mut vouchers = it.vouchers.sender(THIRD);
    let redeem = vouchers.redeem_batch(batch.to_vec(), false);
    redeem.motsu_unwrap();
    drop(vouchers);
    assert_eq!(it.told(), (1, 2 * work, serving(1_200)));
}

/// Prices are advice: what PricingCurve does with them stops no redemption.
#[motsu::test]
fn prices_that_fail_stop_nobody() {
    let it = Market::new();
    it.redeem(it.usual(1_000 * UNIT, 1_000_000, 1)).unwrap();
    let told = it.told();
    it.fees.sender(OWNER).deafen();
    it.redeem(it.usual(2_000 * UNIT, 2_000_000, 2)).unwrap();
    assert_eq!((it.told(), it.account(sink()).0), (told, 2_000_000));
}
