//! Payments: to whom, of which task type, and what if the token refuses.

use crate::{contract::*, market::*};
use bpe_common::erc20::SafeERC20FailedOperation;

impl Market {
    fn pay_out(&self, to: Address) -> Result<(), Error> {
        self.reserve.sender(THIRD).pay_out(CODE, to).motsu_res()
    }

    fn holdings(&self) -> (u128, u128, u128) {
        let (held, received, owed) = self.reserve.sender(THIRD).get_holdings(CODE);
        (held.to(), received.to(), owed.to())
    }
}

#[motsu::test]
fn anyone_has_what_is_owed_paid() {
    let it = Market::new();
    let all = 1_000_000_000_000_010_000;
    it.redeem(it.usual(1_000, 5_000, 1)).unwrap();
    assert_eq!(it.holdings(), (0, 0, 5_000));
    it.pay_out(sink()).unwrap();
    it.reserve.assert_emitted(&Paid {
        taskTypeId: CODE,
        to: sink(),
        amount: n(5_000),
    });
    // It claimed all that the pool had paid; the next time that is not needed.
    assert_eq!(it.holdings(), (all - 5_000, all, 0));
    assert_eq!(it.balance(sink()), 5_000);
    it.pool.sender(OWNER).set_refuses(true);
    it.redeem(it.usual(2_000, 6_000, 2)).unwrap();
    let drain = |sinks: Vec<Address>| {
        let reserve = it.reserve.sender(THIRD);
        let mut reserve = reserve;
        reserve.drain_to(CODE, sinks).motsu_res()
    };
    // Nobody is paid twice, and who is owed nothing gets nothing.
    drain(vec![THIRD, sink(), sink(), Address::ZERO]).unwrap();
    assert_eq!((it.balance(sink()), it.balance(THIRD)), (6_000, 0));
    let (count, max) = (n(65), n(64));
    let many = drain(vec![sink(); 65]);
    assert_eq!(many, Err(TooManyAccounts { count, max }.into()));
}

#[motsu::test]
fn whoever_cannot_be_paid_is_credited_and_stops_nobody() {
    let it = Market::new();
    let other = address(&key(5));
    it.serve(other, 10 * UNIT);
    advance_time(100);
    it.token.sender(OWNER).refuse(sink(), true);
    let batch = vec![
        it.usual(1_000, 1_000, 1),
        it.voucher(&key(2), &key(5), 500, 700, 1),
    ];
    it.vouchers
        .sender(THIRD)
        .redeem_batch(batch, true)
        .motsu_unwrap();
    assert_eq!((it.balance(sink()), it.balance(other)), (0, 700));
    it.reserve.assert_emitted(&Credited {
        taskTypeId: CODE,
        to: sink(),
        amount: n(1_000),
    });
    let reserve = || it.reserve.sender(sink());
    assert_eq!(reserve().credits(sink()), n(1_000));
    assert_eq!(reserve().credited(), n(1_000));
    assert_eq!(it.owed(), 0);
    let token = it.token.address();
    let refused = Err(Error::Erc20(SafeERC20FailedOperation { token }));
    assert_eq!(reserve().claim().motsu_res(), refused);
    it.token.sender(OWNER).refuse(sink(), false);
    it.reserve.sender(THIRD).claim_for(sink()).motsu_unwrap();
    it.reserve.assert_emitted(&Claimed {
        account: sink(),
        amount: n(1_000),
    });
    assert_eq!(it.balance(sink()), 1_000);
    assert_eq!(reserve().credited(), n(0));
    let nothing = Err(NothingToClaim {}.into());
    assert_eq!(reserve().claim().motsu_res(), nothing);
    // A source that cannot be paid back is credited as well.
    it.token.sender(OWNER).refuse(source(), true);
    it.reserve
        .sender(source())
        .request_take_back(CODE, n(50))
        .motsu_unwrap();
    advance_time(TAKE_BACK_NOTICE);
    it.reserve.sender(source()).take_back(CODE).motsu_unwrap();
    assert_eq!(reserve().credits(source()), n(50));
}

/// A token whose answer says neither that it paid nor that it did not: to credit then would be to owe it twice.
#[motsu::test]
fn an_answer_that_says_nothing_takes_the_payment_back() {
    for behaviour in [Behaviour::ReturnsFalse, Behaviour::ReturnsTwo] {
        let it = Market::new();
        it.redeem(it.usual(1_000, 1_000, 1)).unwrap();
        it.token.sender(OWNER).behave(behaviour as u8);
        assert!(matches!(it.pay_out(sink()), Err(Error::Erc20(_))));
        assert_eq!(it.account(sink()).0, 1_000);
        // With a voucher: neither counts.
        assert!(it.redeem_and_pay(it.usual(2_000, 2_000, 2)).is_err());
        assert_eq!(it.account(sink()), (1_000, 1_000));
    }
}

/// Were notes ever wrong, no task type could take what is another's, or what is credited.
#[motsu::test]
fn a_task_type_pays_from_what_its_own_pool_has_paid() {
    let it = Market::new();
    // As if other task types had brought it.
    it.token
        .sender(OWNER)
        .mint(it.reserve.address(), w(1 << 100));
    it.redeem(it.usual(1_000, 1_000_000, 1)).unwrap();
    it.pay_out(sink()).unwrap();
    // Of which the pool pays too little.
    let poor = Market::empty();
    poor.serve(sink(), 10 * UNIT);
    poor.stream(source(), 20_000);
    advance_time(10);
    poor.accrue(99_999);
    poor.token
        .sender(OWNER)
        .mint(poor.reserve.address(), w(1 << 100));
    poor.redeem(poor.usual(1_000, 100_000, 1)).unwrap();
    let (required, available) = (n(100_000), n(99_999));
    let short = ReserveShort {
        required,
        available,
    };
    assert_eq!(poor.pay_out(sink()), Err(short.into()));
    poor.accrue(1);
    poor.pay_out(sink()).unwrap();
    assert_eq!(poor.holdings(), (0, 100_000, 0));
}

#[motsu::test]
fn a_pool_that_does_not_pay_takes_the_payment_back() {
    let it = Market::new();
    it.pool.sender(OWNER).set_refuses(true);
    let refused = it.redeem_and_pay(it.usual(1_000, 1_000, 1));
    assert!(matches!(refused, Err(crate::evidence::Error::Revert(_))));
    assert_eq!(it.account(sink()), (0, 0));
    // Without the payment it counts, and the money waits.
    it.redeem(it.usual(1_000, 1_000, 1)).unwrap();
    it.pool.sender(OWNER).set_refuses(false);
    it.pay_out(sink()).unwrap();
    assert_eq!(it.balance(sink()), 1_000);
}
