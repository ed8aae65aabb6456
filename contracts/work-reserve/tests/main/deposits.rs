//! Deposits, and their cuts.

use crate::{contract::*, market::*};

impl Market {
    pub fn deposit(&self, source: Address, amount: u128) -> Result<(), Error> {
        let token = self.token.sender(OWNER);
        let mut token = token;
        token.mint(source, w(amount));
        drop(token);
        let reserve = self.reserve.sender(source);
        let mut reserve = reserve;
        reserve.deposit(CODE, w(amount)).motsu_res()
    }

    pub fn set_cuts(&self, fee: (Address, u64), budget: (Address, u64)) {
        let pools = self.pools.sender(OWNER);
        let mut pools = pools;
        pools.set_cuts(fee.0, n(fee.1), budget.0, n(budget.1));
        drop(pools);
        self.set_reserve_units(UNITS - u128::from(fee.1 + budget.1));
    }

    pub fn credit(&self, of: Address) -> u128 {
        self.reserve.sender(THIRD).credits(of).to()
    }
}

const REVIEWER: Address = Address::repeat_byte(0x44);

#[motsu::test]
fn a_deposit_is_money_after_the_cuts_of_a_stream() {
    let it = Market::empty();
    it.set_cuts((THIRD, 10), (REVIEWER, 500));
    it.serve(sink(), 10 * UNIT);
    it.deposit(source(), 100_000).unwrap();
    it.reserve.assert_emitted(&Deposited {
        taskTypeId: CODE,
        source: source(),
        amount: n(94_900),
        cuts: n(5_100),
    });
    assert_eq!((it.credit(THIRD), it.credit(REVIEWER)), (100, 5_000));
    assert_eq!(it.funds(source()), (94_900, 0, 0));
    // Both together, and what is paid by a stream besides.
    it.pay(source(), 100);
    it.deposit(source(), 1).unwrap();
    assert_eq!(it.funds(source()), (95_001, 0, 0));
    advance_time(100);
    it.redeem_and_pay(it.usual(1_000, 95_000, 1)).unwrap();
    assert_eq!((it.balance(sink()), it.funds(source()).0), (95_000, 1));
    it.reserve.sender(OWNER).claim_for(THIRD).motsu_unwrap();
    assert_eq!(it.balance(THIRD), 100);
    // One recipient of both is credited once.
    let it = Market::empty();
    it.set_cuts((THIRD, 10), (THIRD, 500));
    it.deposit(source(), 10_000).unwrap();
    assert_eq!((it.credit(THIRD), it.funds(source()).0), (510, 9_490));
}

/// A source that has deposited can take it back, and who has spent all of it is not told that it never paid.
#[motsu::test]
fn a_deposit_is_asked_back_like_other_money() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.deposit(source(), 1_000).unwrap();
    let ask = it.reserve.sender(source()).request_take_back(CODE, n(400));
    ask.motsu_unwrap();
    advance_time(TAKE_BACK_NOTICE);
    it.reserve.sender(source()).take_back(CODE).motsu_unwrap();
    assert_eq!(it.balance(source()), 400);
    it.redeem(it.usual(1_000, 600, 1)).unwrap();
    // Nothing is left of what was deposited, and nothing has ever been streamed.
    let source = source();
    let nothing = crate::evidence::SourceNeverPaid { source };
    assert_eq!(it.redeem(it.usual(2_000, 700, 2)), Err(nothing.into()));
    assert_eq!(it.funds(source), (0, 0, 0));
}

#[motsu::test]
fn what_is_no_money_is_refused() {
    let it = Market::empty();
    assert_eq!(it.deposit(source(), 0), Err(ZeroAmount {}.into()));
    it.deposit(source(), 5).unwrap();
    let amount = w((1 << 104) - 1);
    let large = it.deposit(source(), (1 << 104) - 1);
    assert_eq!(large, Err(AmountTooLarge { amount }.into()));
    // A token that takes a fee brings what arrives, one that brings nothing nothing.
    it.token.sender(OWNER).behave(Behaviour::Fee as u8);
    it.deposit(source(), 100).unwrap();
    assert_eq!(it.funds(source()).0, 95);
    it.token.sender(OWNER).behave(Behaviour::Reverts as u8);
    assert!(matches!(it.deposit(source(), 100), Err(Error::Erc20(_))));
    // Another weighting, or no pool yet.
    let refused = Err(NotPaidByWork { taskTypeId: CODE }.into());
    let other = Market::unconnected(0);
    assert_eq!(other.deposit(source(), 5), refused);
    let other = Market::unconnected(3);
    other.pools.sender(OWNER).set_pool(Address::ZERO);
    let refused = Err(NotPaidByWork { taskTypeId: CODE }.into());
    assert_eq!(other.deposit(source(), 5), refused);
}
