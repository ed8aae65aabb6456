//! Attacks on sources' money and on what sinks are promised of it.

use crate::{contract::*, market::*};

const HOUR: u64 = 3_600;
const REVIEWER: Address = Address::repeat_byte(0x44);

fn earmark(it: &Market, sink: Address, amount: u128, ahead: u64) -> Result<(), Error> {
    let until = n(timestamp() + ahead);
    let reserve = it.reserve.sender(source());
    let mut reserve = reserve;
    reserve.earmark(CODE, sink, w(amount), until).motsu_res()
}

fn ask(it: &Market, amount: u128) -> Result<(), Error> {
    let reserve = it.reserve.sender(source());
    let mut reserve = reserve;
    reserve.request_take_back(CODE, w(amount)).motsu_res()
}

/// BackpressurePool's owner names WorkReserve as recipient: no pool by work follows, but a deposit asked how many units the recipient
/// has, and of 10 000 that was all but nothing was left to the source; the rest was WorkReserve's own, and nobody's.
#[motsu::test]
fn a_deposit_is_not_paid_to_the_reserve_itself() {
    for fee in [0, 10] {
        let it = Market::empty();
        let reserve = it.reserve.address();
        it.set_cuts((THIRD, fee), (REVIEWER, 500));
        for (recipient, reviewer, left) in [
            (reserve, REVIEWER, 9_500),
            (THIRD, reserve, 9_500 - u128::from(fee)),
            (reserve, reserve, 10_000),
        ] {
            let before = it.funds(source()).0;
            it.pools.sender(OWNER).name_recipients(recipient, reviewer);
            it.deposit(source(), 10_000).unwrap();
            assert_eq!(it.credit(reserve), 0);
            let added = it.funds(source()).0 - before;
            // Whoever is named besides gets the cuts that there are.
            assert!(added >= left, "{added}");
            let holdings = it.reserve.sender(THIRD).get_holdings(CODE).0;
            assert_eq!(holdings, w(it.funds(source()).0));
        }
        let credited: u128 = it.reserve.sender(THIRD).credited().to();
        let all = credited + it.funds(source()).0;
        assert_eq!((it.balance(reserve), all), (30_000, 30_000));
    }
}

/// A recipient has no units before a pool has followed. A deposit in between went free of cuts, and whoever signed itself work
/// for it lost nothing.
#[motsu::test]
fn a_deposit_costs_the_cuts_while_recipients_change() {
    let it = Market::empty();
    it.set_cuts((THIRD, 100), (REVIEWER, 500));
    let (next, other) = (Address::repeat_byte(0x55), Address::repeat_byte(0x66));
    for (recipient, reviewer, credits) in [
        (next, REVIEWER, [100, 500, 0]),
        (next, other, [700, 500, 0]),
        (THIRD, REVIEWER, [700, 1_000, 100]),
        (REVIEWER, THIRD, [700, 1_500, 200]),
    ] {
        let before = it.funds(source()).0;
        it.pools.sender(OWNER).name_recipients(recipient, reviewer);
        it.deposit(source(), 10_000).unwrap();
        assert_eq!(it.funds(source()).0 - before, 9_400);
        let has = [it.credit(next), it.credit(REVIEWER), it.credit(THIRD)];
        assert_eq!(has, credits);
    }
}

/// The owner raises the cuts just before a deposit: a deposit pays them at once, where a stream would lose by the second.
#[motsu::test]
fn cuts_that_were_raised_meanwhile_take_nothing_of_a_deposit_with_a_least() {
    let it = Market::empty();
    it.set_cuts((THIRD, 10), (REVIEWER, 500));
    it.token.sender(OWNER).mint(source(), w(20_000));
    let deposit = |least: u64| {
        let reserve = it.reserve.sender(source());
        let mut reserve = reserve;
        let deposit = reserve.deposit_at_least(CODE, n(10_000), n(least));
        deposit.motsu_res()
    };
    deposit(9_490).unwrap();
    it.set_cuts((THIRD, 1_000), (REVIEWER, 8_989));
    let (amount, least) = (n(11), n(9_490));
    assert_eq!(
        deposit(9_490),
        Err(DepositTooSmall { amount, least }.into())
    );
    assert_eq!(
        (it.balance(source()), it.funds(source()).0),
        (10_000, 9_490)
    );
    deposit(11).unwrap();
    assert_eq!((it.balance(source()), it.funds(source()).0), (0, 9_501));
}

/// Earmarks of each hour of a day, looked at after every number of hours: what ended is free, once, and what has not is not,
/// although 32 places are used again and again.
#[motsu::test]
fn places_of_hours_are_never_mixed_up() {
    for wait in 1..=70_u64 {
        let it = Market::empty();
        advance_time(HOUR - timestamp() % HOUR + 17);
        let all = 1_000_000;
        it.pay(source(), all);
        let sinks = |round: u8, hour: u64| Address::repeat_byte(0x80 * round + hour as u8);
        for round in 0..2_u8 {
            for hour in 1..=24 {
                earmark(&it, sinks(round, hour), 1 << hour.min(14), hour * HOUR).unwrap();
            }
            advance_time(wait * HOUR);
            // One ahead is up to the full hour after it.
            let left = |hour: u64| hour + 1 > wait;
            let mut expected = 0;
            for hour in 1..=24 {
                let amount: u128 = if left(hour) { 1 << hour.min(14) } else { 0 };
                let view = it.reserve.sender(THIRD);
                let (has, _) = view.get_earmark(CODE, source(), sinks(round, hour));
                assert_eq!(has, w(amount), "{wait} {hour}");
                expected += amount;
            }
            assert_eq!(it.funds(source()), (all, expected, 0), "{wait}");
            // Nothing of it can be asked back, and all else can.
            assert!(ask(&it, all - expected + 1).is_err());
            ask(&it, all - expected).unwrap();
            assert_eq!(it.funds(source()), (all, expected, all - expected));
            advance_time(TAKE_BACK_LAPSE + HOUR);
            assert_eq!(it.funds(source()), (all, 0, 0));
        }
    }
}

/// In its last second the sink has it and the source does not; from the full hour on it is the other way round.
#[motsu::test]
fn an_earmark_is_one_sides_at_every_second() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.pay(source(), 1_000);
    advance_time(2 * HOUR - timestamp() % HOUR);
    earmark(&it, sink(), 1_000, HOUR).unwrap();
    advance_time(HOUR - 1);
    assert!(ask(&it, 1).is_err());
    assert!(earmark(&it, THIRD, 1, 10).is_err());
    it.redeem(it.usual(400, 400, 1)).unwrap();
    assert_eq!(it.funds(source()), (600, 600, 0));
    advance_time(1);
    earmark(&it, THIRD, 600, 10).unwrap();
    let (source, available) = (source(), n(0));
    let nothing = crate::evidence::NothingAvailable { source, available };
    assert_eq!(it.redeem(it.usual(500, 500, 2)), Err(nothing.into()));
    assert_eq!(it.funds(source), (600, 600, 0));
}

/// Both signed several vouchers of other prices. Whoever redeems which when, in whatever parts: together they bring what one of
/// them says, and never more work or value than the most of each.
#[motsu::test]
fn vouchers_of_other_prices_do_not_add_up() {
    let totals = [
        (100, 1_000),
        (101, 400),
        (350, 3_000),
        (3_600, 3_001),
        (3_600, 9_000),
        (7_200, 2_999),
    ];
    let orders: [[usize; 6]; 5] = [
        [0, 1, 2, 3, 4, 5],
        [5, 4, 3, 2, 1, 0],
        [3, 0, 5, 1, 4, 2],
        [1, 2, 5, 4, 0, 3],
        [2, 5, 1, 4, 3, 0],
    ];
    for order in orders {
        let it = Market::empty();
        it.serve(sink(), UNIT / 1_000_000_000);
        let mut before = (0, 0);
        for round in 0..12 {
            it.pay(source(), 700);
            advance_time(599);
            for place in order {
                let (work, value) = totals[place];
                let redeemed = it.redeem(it.usual(work, value, 1)).is_ok();
                let totals = it.vouchers.sender(THIRD).get_totals(CODE, source(), sink());
                let counted: (u128, u128) = (totals.0.to(), totals.1.to());
                assert!(counted.0 <= work.max(before.0) && counted.1 <= value.max(before.1));
                assert_eq!(redeemed, counted != before);
                assert!(counted.0 >= before.0 && counted.1 >= before.1);
                before = counted;
            }
            let (unspent, _, _) = it.funds(source());
            assert_eq!(unspent + before.1, 700 * (round + 1));
            assert_eq!(it.account(sink()), (before.1, before.0));
            assert!(before.0 <= 600 * (round + 1), "capacity-seconds");
        }
    }
}
