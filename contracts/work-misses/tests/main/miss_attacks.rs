//! Who would like to gain by misses, or have others lose by them.

use crate::misses::*;
use bpe_common::signature::{ECDSAInvalidSignatureLength, Error as SignatureError};

/// A WorkMisses that was named, and has no rules.
fn lying() -> (Court, Contract<Seat>) {
    let (it, liar) = (Court::closed(), Contract::<Seat>::new());
    it.market.seat(&liar, it.stakes.address());
    (it, liar)
}

fn charge(it: &Court, caller: Address, task: &SignedWork) -> Result<(), reserve::Error> {
    let signed = Task {
        id: task.taskId,
        sink: task.sink,
        source: task.source,
        work: task.work,
        value: task.value,
        timestamp: task.timestamp,
        deadline: task.deadline,
    };
    it.market.charge(caller, &signed, &task.sourceSig)
}

/// It takes no more than a source has signed, from what is free, in time and once; only the sink or the treasury gets it.
#[test]
fn one_that_lies_takes_what_was_signed_and_gets_nothing_itself() {
    let _precompiles = deploy_precompiles();
    let (it, liar) = lying();
    let misses = liar.address();
    let before = it.books();
    // What no source signed: more, for another sink, of another's signature.
    let task = it.task(1);
    advance_time(11);
    let mut more = it.task(1);
    more.sourceSig = task.sourceSig.clone();
    (more.timestamp, more.deadline) = (task.timestamp, task.deadline);
    more.value += n(1);
    let account = source();
    let error = reserve::NotSigned { account };
    assert_eq!(charge(&it, misses, &more), Err(error.into()));
    (more.value, more.sink) = (task.value, THIRD);
    let error = reserve::NotSigned { account };
    assert_eq!(charge(&it, misses, &more), Err(error.into()));
    (more.sink, more.sourceSig) = (task.sink, task.sinkSig.clone());
    let error = reserve::NotSigned { account };
    assert_eq!(charge(&it, misses, &more), Err(error.into()));
    assert_eq!(it.books(), before);
    // Nobody else can even do that.
    for caller in [OWNER, THIRD, source(), sink(), it.desk.address()] {
        let error = reserve::UnauthorizedCaller { caller };
        assert_eq!(charge(&it, caller, &task), Err(error.into()));
    }
    charge(&it, misses, &task).unwrap();
    let again = charge(&it, misses, &task);
    assert_eq!(again, Err(reserve::AlreadyCharged {}.into()));
    // Nor long after the task.
    let old = it.task(2);
    advance_time(611);
    let deadline = old.deadline;
    let error = reserve::NotToBeReported { deadline };
    assert_eq!(charge(&it, misses, &old), Err(error.into()));
    // It goes to nobody but the sink that the source named, or the treasury, and once.
    let award = |caller, sink, amount, to_sink| {
        let mut it = it.market.reserve.sender(caller);
        it.award(CODE, sink, w(amount), to_sink).motsu_res()
    };
    for (caller, sink, amount) in [
        (misses, misses, VALUE),
        (misses, source(), VALUE),
        (misses, sink(), VALUE + 1),
        (THIRD, sink(), 1),
    ] {
        let error = reserve::NothingPending { caller };
        assert_eq!(award(caller, sink, amount, true), Err(error.into()));
        let error = reserve::NothingPending { caller };
        assert_eq!(award(caller, sink, amount, false), Err(error.into()));
    }
    assert_eq!(award(misses, sink(), VALUE - 1, true), Ok(sink()));
    assert_eq!(award(misses, sink(), 1, false), Ok(TREASURY));
    let error = reserve::NothingPending { caller: misses };
    assert_eq!(award(misses, sink(), 1, false), Err(error.into()));
    let (unspent, owed, treasury, _) = it.books();
    assert_eq!((unspent, owed), (before.0 - VALUE, before.1 + VALUE - 1));
    assert_eq!(treasury, 1);
    assert!(it.is_covered());
}

/// The sink never accepted: its signature is missing, of somebody else, or over something else.
#[test]
fn what_a_sink_did_not_accept_it_cannot_miss() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let before = it.books();
    let mut task = it.task(1);
    it.sign(&mut task, &key(2), &key(3));
    advance_time(11);
    let error = NotSigned { account: sink() };
    assert_eq!(it.report(task), Err(error.into()));
    let mut task = it.task(1);
    task.sinkSig = Bytes::new();
    advance_time(11);
    let length = ECDSAInvalidSignatureLength { length: n(0) };
    let expected = Err(SignatureError::from(length).into());
    assert_eq!(it.report(task), expected);
    // A short signature of the source, where nothing of it is read.
    let mut task = it.task(1);
    task.sourceSig = Bytes::from(task.sourceSig[..64].to_vec());
    advance_time(11);
    let length = ECDSAInvalidSignatureLength { length: n(64) };
    assert_eq!(it.report(task), Err(SignatureError::from(length).into()));
    // Of less than is reported.
    let mut task = it.task(1);
    task.work += n(1);
    advance_time(11);
    let error = NotSigned { account: sink() };
    assert_eq!(it.report(task), Err(error.into()));
    assert_eq!(it.books(), before);
    // Nobody has a task of its own missed, which would cost nothing but its own.
    let mut task = it.task(1);
    task.source = sink();
    it.sign(&mut task, &key(1), &key(1));
    advance_time(11);
    assert_eq!(it.report(task), Err(contract::SinkIsSource {}.into()));
}

/// What was signed for another contract or chain: a clone, a fork.
#[test]
fn nothing_signed_elsewhere_counts() {
    let _precompiles = deploy_precompiles();
    let (it, clone) = (Court::new(), Court::new());
    let vouchers = it.market.vouchers.address();
    let elsewhere = [
        (clone.market.vouchers.address(), 42_161),
        (it.desk.address(), 42_161),
        (vouchers, 1),
    ];
    for (contract, chain) in elsewhere {
        for place in 0..2 {
            let mut task = it.task(1);
            let digest = digest_of(contract, chain, assignment_message(&task));
            match place {
                0 => task.sinkSig = sign(&key(1), digest),
                _ => task.sourceSig = sign(&key(2), digest),
            }
            advance_time(11);
            assert!(it.report(task).is_err(), "{contract} {chain} {place}");
        }
        let task = it.task(1);
        let report = sign(&key(2), digest_of(contract, chain, report_message(&task)));
        advance_time(11);
        assert!(it.relay(task, report, THIRD).is_err());
    }
    it.miss(1, WORK, VALUE);
    let tracker = it.tracker.address();
    let of = (source(), &key(2));
    for (contract, chain) in [
        (tracker, 1),
        (clone.tracker.address(), 42_161),
        (vouchers, 42_161),
    ] {
        let receipt = receipt_of(1, of, contract, chain);
        let error = NotSigned { account: source() };
        assert_eq!(it.answer(receipt), Err(error.into()));
    }
    it.answer(receipt_of(1, of, tracker, 42_161)).unwrap();
}

/// A source whose free money is gone: earmarked, asked back, or spent. Nothing is written then.
#[test]
fn what_is_not_free_is_not_taken() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let free = it.market.funds(source()).0;
    let reserve = &it.market.reserve;
    let until = n(timestamp() + 7_200);
    let set = reserve
        .sender(source())
        .earmark(CODE, sink(), w(free / 2), until);
    set.motsu_unwrap();
    let ask = reserve
        .sender(source())
        .request_take_back(CODE, w(free - free / 2 - VALUE + 1));
    ask.motsu_unwrap();
    let task = it.task(1);
    advance_time(11);
    let before = it.books();
    let expected = refused(reserve::InsufficientFunds {
        source: source(),
        required: w(VALUE),
        free: w(VALUE - 1),
    });
    assert_eq!(it.report(task), expected);
    assert_eq!(it.books(), before);
    // One wei less is covered, and neither earmark nor request is touched.
    it.miss(2, WORK, VALUE - 1);
    let (unspent, earmarked, asked) = it.market.funds(source());
    assert_eq!(unspent, free - VALUE + 1);
    assert_eq!((earmarked, asked), (free / 2, free - free / 2 - VALUE + 1));
    assert!(it.is_covered());
}

#[test]
fn amounts_beyond_all_measure_are_refused() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let huge = n(1) << 255;
    for (work, value) in [
        (huge, w(VALUE)),
        (w(WORK), huge),
        (n(1) << 104, w(VALUE)),
        (w(WORK), n(1) << 112),
        (U256::MAX, U256::MAX),
    ] {
        let mut task = it.task(1);
        (task.work, task.value) = (work, value);
        it.sign(&mut task, &key(2), &key(1));
        advance_time(11);
        let amount = work.max(value);
        let error = contract::AmountTooLarge { amount };
        assert_eq!(it.report(task), Err(error.into()));
    }
    for (work, value) in [(0, VALUE), (WORK, 0)] {
        let task = it.assignment(1, work, value, timestamp() + 1);
        advance_time(2);
        assert_eq!(it.report(task), Err(contract::ZeroAmount {}.into()));
    }
    for (timestamp, deadline) in [(huge, huge), (n(0), huge), (huge, n(0)), (n(0), U256::MAX)] {
        let mut task = it.task(1);
        (task.timestamp, task.deadline) = (timestamp, deadline);
        it.sign(&mut task, &key(2), &key(1));
        assert!(it.report(task).is_err());
    }
    let mut desk = it.desk.sender(THIRD);
    let settle = desk.settle_misses(CODE, sink(), U256::MAX);
    assert!(settle.motsu_res().is_err());
}

/// A sink reports against itself, by another account, more work than there can be, and answers: what others reported stays.
#[test]
fn a_sink_does_not_wipe_out_its_misses() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let own = key(9);
    it.market.pay(address(&own), 100 * VALUE);
    let greatest = (1 << 104) - 1;
    let mut task = it.assignment(1, greatest, 1, timestamp() + 1);
    task.source = address(&own);
    it.sign(&mut task, &own, &key(1));
    let honest = it.assignment(2, WORK, VALUE, timestamp() + 1);
    advance_time(2);
    it.report(task).unwrap();
    it.report(honest).unwrap();
    it.answer(it.receipt(1, &own)).unwrap();
    to_next_epoch();
    advance_time(4_200);
    assert_eq!(it.settle(it.first), Ok((WORK, VALUE)));
}

/// A source that was served and paid, keeps the receipt back and reports: the sink keeps its pay, the source pays twice, and
/// what it does to the sink is bounded by what it loses.
#[test]
fn a_source_that_keeps_the_receipt_back_pays_twice() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    it.stake(100);
    let start = it.books();
    for number in 0..3 {
        let voucher = it.market.usual(
            WORK * u128::from(number + 1),
            VALUE * u128::from(number + 1),
            number + 1,
        );
        it.market.redeem(voucher).unwrap();
        it.miss(number, WORK, VALUE);
        to_next_epoch();
    }
    advance_time(4_200);
    let verdicts = it.advance(3, TWO).unwrap();
    // As much counted as was missed: not bad.
    assert!(verdicts.iter().all(|it| it.slashed == 0));
    let (unspent, owed, treasury, pending) = it.books();
    assert_eq!(unspent, start.0 - 6 * VALUE);
    assert_eq!((owed, treasury, pending), (3 * VALUE, 3 * VALUE, 0));
    assert_eq!(it.staked(), 100 * ONE);
    assert!(it.is_covered());
}

/// Withheld tasks: a source has a sink accept and sends nothing. What the sink loses is at most what that costs, at the rate.
#[test]
fn withheld_tasks_cost_their_source_what_they_cost_the_sink() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    it.stake(100);
    for number in 0..3 {
        it.miss(number, WORK, VALUE);
        to_next_epoch();
    }
    advance_time(4_200);
    it.advance(3, ONE).unwrap();
    let (_, _, treasury, _) = it.books();
    // At one for one: three values each.
    assert_eq!((treasury, 100 * ONE - it.staked()), (3 * VALUE, 3 * VALUE));
}

/// Work beyond all measure for a wei makes an epoch bad, and takes a wei.
#[test]
fn worthless_misses_cost_nothing() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    it.stake(100);
    for number in 0..3 {
        it.miss(number, (1 << 104) - 1, 1);
        to_next_epoch();
    }
    advance_time(4_200);
    let verdicts = it.advance(3, ONE).unwrap();
    assert_eq!(verdicts[2].slashed, 3);
    assert_eq!(it.staked(), 100 * ONE - 3);
}

/// A source that is also the treasury gets back what it reports with, and what is slashed: it takes a tenth, and only of a sink
/// that is paid for less than it withholds.
#[test]
fn a_source_in_league_with_the_treasury_is_bounded_by_a_tenth() {
    let _precompiles = deploy_precompiles();
    for (paid, slashed) in [(0, 10 * ONE), (WORK, 0)] {
        let it = Court::new();
        it.stake(100);
        for number in 1..=3_u64 {
            if paid > 0 {
                let times = u128::from(number);
                let voucher = it.market.usual(times * paid, times * VALUE, number);
                it.market.redeem(voucher).unwrap();
            }
            it.miss(number, WORK, VALUE);
            to_next_epoch();
        }
        advance_time(4_200);
        // 4000 stake for one of payment: what is lost is worth 12 tokens, a tenth is 10.
        it.advance(3, 4_000 * ONE).unwrap();
        assert_eq!(it.staked(), 100 * ONE - slashed);
        let (_, _, treasury, _) = it.books();
        assert_eq!(treasury, 3 * VALUE);
    }
}

/// Reports of one hour's tasks, all made at the end: each counts in the epoch of its deadline.
#[test]
fn hoarded_reports_count_where_their_deadlines_were() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let epoch = to_epoch(timestamp());
    // Accepted at once, due in three epochs; reported in the third.
    let tasks: Vec<_> = [100, 400, 700]
        .into_iter()
        .enumerate()
        .map(|(number, after)| it.assignment(number as u64, WORK, VALUE, timestamp() + after))
        .collect();
    advance_time(701);
    let mut tasks = tasks.into_iter();
    let first = tasks.next().unwrap();
    let deadline = first.deadline;
    // The first one is too old by a second: nobody keeps reports for the epoch that he likes.
    assert_eq!(
        it.report(first),
        refused(reserve::NotToBeReported { deadline })
    );
    for task in tasks {
        it.report(task).unwrap();
    }
    let missed = |epoch: u32| {
        let it = it.desk.sender(THIRD);
        let (work, value, settled) = it.get_missed(CODE, sink(), U256::from(epoch));
        (work.to::<u128>(), value.to::<u128>(), settled)
    };
    assert_eq!(missed(epoch), (0, 0, false));
    assert_eq!(missed(epoch + 1), (WORK, VALUE, false));
    assert_eq!(missed(epoch + 2), (WORK, VALUE, false));
}

/// No token is asked for anything: one that reverts, or would call back, stands in nobody's way.
#[test]
fn no_token_is_called() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    it.market
        .token
        .sender(OWNER)
        .behave(Behaviour::Reverts as u8);
    it.miss(1, WORK, VALUE);
    it.miss(2, WORK, VALUE);
    it.answer(it.receipt(1, &key(2))).unwrap();
    to_next_epoch();
    advance_time(4_200);
    assert_eq!(it.settle(it.first), Ok((WORK, VALUE)));
}

/// The owner takes WorkMisses away while a report waits. What the source lost was nobody's for ever; it is the treasury's, or the
/// sink's, as before, and what the sink has shown stays.
#[test]
fn one_that_was_replaced_gives_away_what_it_has_taken() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    it.market.redeem(it.market.usual(WORK, VALUE, 1)).unwrap();
    it.miss(1, WORK, VALUE);
    it.miss(2, WORK, VALUE);
    let mut ledger = it.market.ledger.sender(OWNER);
    ledger.set_work_misses(Address::ZERO).motsu_unwrap();
    drop(ledger);
    it.answer(it.receipt(1, &key(2))).unwrap();
    to_next_epoch();
    advance_time(4_200);
    let shown = it.market.verified(sink());
    assert_eq!(it.settle(it.first), Ok((WORK, VALUE)));
    let (_, owed, treasury, pending) = it.books();
    assert_eq!((owed, treasury, pending), (2 * VALUE, VALUE, 0));
    assert_eq!(it.market.verified(sink()), shown);
    assert!(it.is_covered());
    // Once.
    it.settle(it.first).unwrap();
    assert_eq!(it.books().2, VALUE);
}

/// A sink that signs itself as much work as it missed, by a second key, ends a row of bad epochs only if it pays itself
/// what that is worth at the base fee, and so loses the protocol's fee on it. What it signs itself for two wei counts for
/// nothing, and shows nothing.
#[test]
fn signing_oneself_work_ends_no_row_unless_it_is_paid_for() {
    let _precompiles = deploy_precompiles();
    // A per cent more than it is worth: it counts in a line from one redemption to the next, rounded down.
    let price = WORK / UNIT * u128::from(crate::market::FEE);
    let enough = price + price / 100;
    for (worth, slashed) in [(0, 10), (1, 10), (price / 2, 10), (enough, 0)] {
        let it = Court::new();
        it.stake(100);
        let own = key(9);
        it.market.pay(address(&own), 100 * VALUE);
        it.market.redeem(it.market.usual(WORK, VALUE, 1)).unwrap();
        if worth > 0 {
            let first = it.market.voucher(&own, &key(1), 1, 1, 1);
            it.market.redeem(first).unwrap();
        }
        let begin = timestamp();
        for number in 0..3 {
            it.miss(number, WORK, VALUE);
            to_next_epoch();
        }
        let epochs = u128::from((timestamp() - begin) / 300 + 1);
        if worth > 0 {
            let value = 1 + epochs * worth;
            let all = it
                .market
                .voucher(&own, &key(1), 1 + epochs * WORK, value, 2);
            it.market.redeem(all).unwrap();
        }
        advance_time(4_200);
        it.advance(3, 4_000 * ONE).unwrap();
        assert_eq!(it.staked(), (100 - slashed) * ONE, "{worth}");
        assert_eq!(it.books().2, 3 * VALUE);
    }
}
