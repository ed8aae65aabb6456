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
