//! Sources' money: earmarked, asked back, free; and who may spend it.

use crate::{contract::*, market::*};
use bpe_common::call::NotAContract;

impl Market {
    fn earmark(&self, sink: Address, amount: u64, until: u64) -> Result<(), Error> {
        self.reserve
            .sender(source())
            .earmark(CODE, sink, n(amount), n(until))
            .motsu_res()
    }

    fn ask(&self, amount: u64) -> Result<(), Error> {
        self.reserve
            .sender(source())
            .request_take_back(CODE, n(amount))
            .motsu_res()
    }

    fn take_back(&self) -> Result<(), Error> {
        self.reserve.sender(source()).take_back(CODE).motsu_res()
    }

    fn insufficient(&self, required: u64, free: u64) -> Result<(), Error> {
        let source = source();
        let (required, free) = (n(required), n(free));
        Err(InsufficientFunds {
            source,
            required,
            free,
        }
        .into())
    }
}

/// A source with 1 000 wei, and a sink that has served for an hour.
fn market() -> Market {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.pay(source(), 1_000);
    advance_time(7_200 - timestamp() % 3_600);
    it
}

#[motsu::test]
fn constructor_links_the_neighbours() {
    let it = Market::empty();
    let reserve = it.reserve.sender(THIRD);
    assert_eq!(reserve.work_vouchers(), it.vouchers.address());
    assert_eq!(reserve.work_ledger(), it.ledger.address());
    assert_eq!(reserve.backpressure_pool(), it.pools.address());
    assert_eq!(reserve.token(), it.token.address());
    drop(reserve);
    let another = Contract::<WorkReserve>::new();
    let construct = |vouchers| another.sender(OWNER).constructor(vouchers).motsu_res();
    let account = THIRD;
    assert_eq!(construct(THIRD), Err(NotAContract { account }.into()));
    let none = construct(it.token.address());
    assert!(matches!(none, Err(Error::Revert(_))));
}

#[motsu::test]
fn nobody_connects_the_contract_to_junk_pools() {
    let network = bpe_testing::Network::new();
    let it = Market::unconnected(3);
    let (meter, registry) = (it.meter.address(), it.registry.address());
    let (gda, token) = (network.gda.address(), network.token.address());
    it.pools.sender(OWNER).wire(meter, registry, gda, token);
    let (pools, escrow) = (it.pools.address(), it.escrow.address());
    let ledger = Contract::<crate::ledger::WorkLedger>::new();
    ledger
        .sender(OWNER)
        .constructor(pools, registry, escrow, OWNER)
        .motsu_unwrap();
    let vouchers = Contract::<crate::evidence::WorkVouchers>::new();
    vouchers
        .sender(OWNER)
        .constructor(ledger.address(), OWNER)
        .motsu_unwrap();
    let reserve = Contract::<WorkReserve>::new();
    reserve
        .sender(OWNER)
        .constructor(vouchers.address())
        .motsu_unwrap();
    network.assert_forbidden(reserve.address());
    let junk = it.pool.address();
    reserve.sender(THIRD).disconnect(junk).motsu_unwrap();
    network.assert_disconnected(reserve.address(), junk);
}

#[motsu::test]
fn vouchers_alone_spend() {
    let it = market();
    for caller in [THIRD, OWNER, source(), sink(), it.ledger.address()] {
        let spend = it.reserve.sender(caller).spend(
            CODE,
            source(),
            sink(),
            n(1_000),
            n(1),
            n(1),
            n(1),
            n(1),
            false,
        );
        let denied = UnauthorizedCaller { caller };
        assert_eq!(spend.motsu_res(), Err(denied.into()));
    }
}

#[motsu::test]
fn vouchers_use_earmark_then_free_then_what_is_asked_back() {
    let it = market();
    let until = timestamp() + 7_200;
    it.earmark(sink(), 300, until).unwrap();
    it.earmark(THIRD, 100, until).unwrap();
    it.ask(400).unwrap();
    assert_eq!(it.funds(source()), (1_000, 400, 400));
    let budget = it.reserve.sender(THIRD).get_budget(CODE, source(), sink());
    assert_eq!(budget.motsu_unwrap(), (n(200), n(300)));
    for (total, left) in [
        (250, (750, 150, 400)),
        (450, (550, 100, 400)),
        (650, (350, 100, 250)),
        // All but what is set aside for the other.
        (2_000, (100, 100, 0)),
    ] {
        it.redeem(it.usual(total, total, 1)).unwrap();
        assert_eq!(it.funds(source()), left);
    }
    assert_eq!(it.owed(), 900);
    // Nothing is left of what was asked back.
    advance_time(3_600);
    assert_eq!(it.take_back(), Err(NothingAsked {}.into()));
}

#[motsu::test]
fn earmarks_only_grow_and_end() {
    let it = market();
    let now = timestamp();
    let earmark = |amount: u64, until: u64| it.earmark(sink(), amount, until);
    assert_eq!(earmark(0, now + 1), Err(ZeroAmount {}.into()));
    for until in [now, now - 1, now + MAX_EARMARK + 1] {
        let (refused, latest) = (n(until), n(now + MAX_EARMARK));
        let invalid = InvalidUntil {
            until: refused,
            latest,
        };
        assert_eq!(earmark(1, until), Err(invalid.into()));
    }
    assert_eq!(earmark(1_001, now + 10), it.insufficient(1_001, 1_000));
    earmark(300, now + 3_601).unwrap();
    let until = n(now + 7_200);
    it.reserve.assert_emitted(&Earmarked {
        taskTypeId: CODE,
        source: source(),
        sink: sink(),
        amount: n(300),
        until,
    });
    let shrinks = || {
        let amount = n(300);
        Err(EarmarkShrinks { amount, until }.into())
    };
    assert_eq!(earmark(299, now + MAX_EARMARK), shrinks());
    assert_eq!(earmark(400, now + 3_600), shrinks());
    earmark(500, now + 10_800).unwrap();
    assert_eq!(it.funds(source()), (1_000, 500, 0));
    let view = it.reserve.sender(THIRD).get_earmark(CODE, source(), sink());
    assert_eq!(view, (n(500), n(now + 10_800)));
    // Its old hour passes, and nothing ends; with its own it does.
    advance_time(7_200);
    assert_eq!(it.funds(source()), (1_000, 500, 0));
    advance_time(3_600);
    assert_eq!(it.funds(source()), (1_000, 0, 0));
    // A new one starts fresh, after however long.
    advance_time(40 * 3_600);
    earmark(1, timestamp() + 1).unwrap();
    assert_eq!(it.funds(source()), (1_000, 1, 0));
}

#[motsu::test]
fn what_is_asked_back_waits_an_hour_and_lapses_in_a_day() {
    let it = market();
    assert_eq!(it.ask(0), Err(ZeroAmount {}.into()));
    assert_eq!(it.take_back(), Err(NothingAsked {}.into()));
    it.ask(300).unwrap();
    it.reserve.assert_emitted(&TakeBackRequested {
        taskTypeId: CODE,
        source: source(),
        amount: n(300),
        from: n(timestamp() + TAKE_BACK_NOTICE),
    });
    advance_time(3_599);
    let early = TakeBackTooEarly {
        availableAt: n(timestamp() + 1),
    };
    assert_eq!(it.take_back(), Err(early.into()));
    // A further request begins the hour anew, for all of it.
    it.ask(200).unwrap();
    advance_time(3_599);
    assert!(it.take_back().is_err());
    advance_time(1);
    it.take_back().unwrap();
    it.reserve.assert_emitted(&TakenBack {
        taskTypeId: CODE,
        source: source(),
        amount: n(500),
    });
    assert_eq!(it.balance(source()), 500);
    assert_eq!(it.funds(source()), (500, 0, 0));
    assert_eq!(it.take_back(), Err(NothingAsked {}.into()));
    // More than is free.
    assert_eq!(it.ask(501), it.insufficient(501, 500));
    it.ask(500).unwrap();
    assert_eq!(it.ask(1), it.insufficient(1, 0));
    advance_time(TAKE_BACK_LAPSE - 1);
    assert_eq!(it.funds(source()), (500, 0, 500));
    advance_time(1);
    assert_eq!(it.funds(source()), (500, 0, 0));
    assert_eq!(it.take_back(), Err(NothingAsked {}.into()));
    it.ask(10).unwrap();
    assert_eq!(it.funds(source()), (500, 0, 10));
    // What is set aside cannot be asked back, nor what is asked back set aside.
    it.earmark(sink(), 490, timestamp() + 10).unwrap();
    assert_eq!(it.ask(1), it.insufficient(1, 0));
    assert_eq!(
        it.earmark(THIRD, 1, timestamp() + 10),
        it.insufficient(1, 0)
    );
}

/// What a source has paid and not noted it can set aside and ask back: it is noted on the way.
#[motsu::test]
fn a_sources_own_calls_note_its_stream() {
    let it = market();
    it.stream(source(), 11_000);
    advance_time(5);
    assert_eq!(it.funds(source()).0, 1_000);
    it.earmark(sink(), 6_000, timestamp() + 10).unwrap();
    assert_eq!(it.funds(source()), (6_000, 6_000, 0));
    advance_time(5);
    it.ask(5_000).unwrap();
    assert_eq!(it.funds(source()), (11_000, 6_000, 5_000));
}

/// A source has two sinks serve it for the same money: the second is not paid, unless it had it set aside.
#[motsu::test]
fn budgets_signed_away_before_the_others_redeem() {
    let it = market();
    let (friend, other) = (key(5), key(1));
    it.serve(address(&friend), 10 * UNIT);
    advance_time(3_600);
    it.earmark(sink(), 600, timestamp() + 3_600).unwrap();
    it.redeem(it.voucher(&key(2), &friend, 1_000, 1_000, 1))
        .unwrap();
    assert_eq!(it.account(address(&friend)), (400, 400));
    it.redeem(it.voucher(&key(2), &other, 600, 600, 1)).unwrap();
    assert_eq!(it.account(sink()), (600, 600));
    assert_eq!(it.funds(source()), (0, 0, 0));
}
