//! Vouchers: what counts, what is refused, and what stays redeemable.

use crate::{contract::*, market::*};
use bpe_common::{
    call::NotAContract,
    ownable::{self, OwnableUnauthorizedAccount},
};

#[motsu::test]
fn hashes_are_of_what_they_say() {
    assert_eq!(VOUCHER_TYPEHASH, keccak256(VOUCHER));
    let registration = "KeyRegistration(address account,address key,uint256 nonce)";
    assert_eq!(KEY_TYPEHASH, keccak256(registration));
}

// --- Links

#[motsu::test]
fn constructor_links_the_ledger_and_its_registry() {
    let it = Market::empty();
    let vouchers = it.vouchers.sender(THIRD);
    assert_eq!(vouchers.work_ledger(), it.ledger.address());
    assert_eq!(vouchers.capacity_registry(), it.registry.address());
    drop(vouchers);
    let another = Contract::<WorkVouchers>::new();
    let construct = |ledger, owner| {
        let another = another.sender(OWNER);
        let mut another = another;
        another.constructor(ledger, owner).motsu_res()
    };
    let account = THIRD;
    assert_eq!(
        construct(THIRD, OWNER),
        Err(NotAContract { account }.into())
    );
    let owner = Address::ZERO;
    let no_owner = Error::Ownable(ownable::OwnableInvalidOwner { owner }.into());
    assert_eq!(construct(it.ledger.address(), owner), Err(no_owner));
    let no_ledger = construct(it.fees.address(), OWNER);
    assert!(matches!(no_ledger, Err(Error::Revert(_))));
}

#[motsu::test]
fn nothing_is_redeemed_before_there_is_a_reserve() {
    let it = Market::unconnected(3);
    let voucher = it.usual(1, 1, 1);
    assert_eq!(it.redeem(voucher.clone()), Err(NoWorkReserve {}.into()));
    let batch = it
        .vouchers
        .sender(THIRD)
        .redeem_batch(vec![voucher.clone()], false)
        .motsu_res();
    assert_eq!(batch, Err(NoWorkReserve {}.into()));
    it.connect().unwrap();
    let sink = sink();
    assert_eq!(it.redeem(voucher), Err(NoAllowance { sink }.into()));
}

#[motsu::test]
fn the_owner_sets_the_pricing_curve() {
    let it = Market::unconnected(3);
    let set = |who: Address, curve: Address| {
        let vouchers = it.vouchers.sender(who);
        let mut vouchers = vouchers;
        vouchers.set_pricing_curve(curve).motsu_res()
    };
    let (fees, account) = (it.fees.address(), THIRD);
    let not_owner = Error::Ownable(OwnableUnauthorizedAccount { account }.into());
    assert_eq!(set(THIRD, fees), Err(not_owner));
    assert_eq!(set(OWNER, THIRD), Err(NotAContract { account }.into()));
    set(OWNER, fees).unwrap();
    it.vouchers
        .assert_emitted(&PricingCurveSet { pricingCurve: fees });
    assert_eq!(it.vouchers.sender(THIRD).pricing_curve(), fees);
}

// --- What counts

#[motsu::test]
fn a_voucher_counts_once_and_is_paid_to_the_wei() {
    let it = Market::new();
    let paid = 1_000_000_000_000_000_000;
    let first = it.usual(1_000 * UNIT, 7_000_001, 10);
    it.redeem(first.clone()).unwrap();
    it.vouchers.assert_emitted(&Redeemed {
        taskTypeId: CODE,
        sink: sink(),
        source: source(),
        work: w(1_000 * UNIT),
        value: w(7_000_001),
        tasks: n(10),
        restWork: n(0),
        restValue: n(0),
    });
    assert_eq!(it.account(sink()), (7_000_001, 1_000 * UNIT));
    assert_eq!(it.funds(source()), (paid - 7_000_001, 0, 0));
    assert_eq!(it.redeem(first), Err(NothingNew {}.into()));

    // Totals: only what is above what has counted. With pay, all that is owed.
    it.redeem_and_pay(it.usual(1_500 * UNIT, 9_000_001, 12))
        .unwrap();
    assert_eq!(it.account(sink()), (0, 1_500 * UNIT));
    assert_eq!(it.balance(sink()), 9_000_001);
    assert_eq!(it.funds(source()), (paid - 9_000_001, 0, 0));
    let totals = it.vouchers.sender(THIRD).get_totals(CODE, source(), sink());
    assert_eq!(totals, (w(1_500 * UNIT), n(9_000_001), n(12)));
    // The registry's capacity-seconds are what may count at all.
    let (counted, allowance) = it
        .vouchers
        .sender(THIRD)
        .get_allowance(CODE, sink())
        .motsu_unwrap();
    assert_eq!(counted + allowance, w(10 * UNIT * 3_600));
}

#[motsu::test]
fn each_bad_voucher_is_an_error_of_its_own() {
    let it = Market::new();
    it.redeem(it.usual(1_000, 1_000, 5)).unwrap();
    let refused = |work: u128, value: u128, tasks: u64, error: Error| {
        assert_eq!(it.redeem(it.usual(work, value, tasks)), Err(error));
    };
    let below = || TotalsBelowCounted {
        work: n(1_000),
        value: n(1_000),
        tasks: n(5),
    };
    refused(999, 2_000, 6, below().into());
    refused(2_000, 999, 6, below().into());
    refused(2_000, 2_000, 4, below().into());
    refused(1_000, 1_000, 5, NothingNew {}.into());
    refused(1_000, 1_000, 6, NothingNew {}.into());
    refused(1_000, 1_500, 5, ValueWithoutWork { value: n(500) }.into());
    refused(1_500, 1_000, 5, WorkWithoutValue { work: n(500) }.into());
    for (work, value, tasks, amount) in [
        (2_000, 1 << 112, 6, w(1 << 112)),
        (1 << 104, 2_000, 6, w(1 << 104)),
        (2_000, 2_000, 1 << 40, w(1 << 40)),
    ] {
        refused(work, value, tasks, AmountTooLarge { amount }.into());
    }
    let mut future = it.usual(2_000, 2_000, 6);
    future.timestamp = n(timestamp() + 31);
    it.sign(&mut future, &key(2), &key(1));
    let (timestamp, latest) = (future.timestamp, future.timestamp - n(1));
    assert_eq!(
        it.redeem(future.clone()),
        Err(VoucherFromFuture { timestamp, latest }.into())
    );
    advance_time(1);
    it.redeem(future).unwrap();
}

#[motsu::test]
fn nothing_counts_that_is_not_covered() {
    let it = Market::new();
    // Of a source that never paid, and of one whose money is less than the least part.
    let source = address(&key(9));
    let stranger = it.voucher(&key(9), &key(1), 1_000, 1_000, 1);
    let never = Err(SourceNeverPaid { source }.into());
    assert_eq!(it.redeem(stranger), never);
    it.pay(source, 1);
    let available = n(1);
    let small = it.voucher(&key(9), &key(1), 1, 1_000, 1);
    let nothing = NothingAvailable { source, available };
    assert_eq!(it.redeem(small), Err(nothing.into()));
    // Of a sink that has never had a capacity.
    let sink = address(&key(8));
    let idle = it.voucher(&key(2), &key(8), 1_000, 1_000, 1);
    assert_eq!(it.redeem(idle), Err(NoAllowance { sink }.into()));
    // Of which not a wei would count for what the sink may still count.
    it.serve(sink, 1);
    advance_time(1);
    let cheap = it.voucher(&key(2), &key(8), 1_000, 1, 1);
    assert_eq!(it.redeem(cheap), Err(NoAllowance { sink }.into()));
    assert_eq!(it.account(sink), (0, 0));
    assert_eq!(it.owed(), 0);
}

/// A task type that is not paid by work has notes, but none of them is money here.
#[motsu::test]
fn overflow_pays_for_no_voucher() {
    let it = Market::unconnected(0);
    it.connect().unwrap();
    it.serve(sink(), 10 * UNIT);
    let (pools, pool) = (it.pools.address(), it.pool.address());
    let max = U256::MAX;
    it.meter
        .sender(pools)
        .settle(CODE, pool, n(1), n(1), n(0), n(0), max, true)
        .motsu_unwrap();
    it.stream(source(), 1_000_000_000_000_000);
    it.note(source());
    advance_time(100);
    assert_eq!(it.note(source()), 0);
    let noted = it.ledger.sender(THIRD).get_noted(CODE, source()).0;
    assert!(noted > n(0));
    let source = source();
    let never = Err(SourceNeverPaid { source }.into());
    assert_eq!(it.redeem(it.usual(10, 10, 1)), never);
    assert_eq!(it.funds(source), (0, 0, 0));
}

#[motsu::test]
fn signatures_of_others_other_chains_and_clones_count_for_nothing() {
    let it = Market::new();
    let good = it.usual(1_000, 1_000, 1);
    let refused = |voucher: SignedVoucher, account: Address| match it.redeem(voucher) {
        Err(Error::InvalidSignature(error)) => assert_eq!(error.account, account),
        other => panic!("{other:?}"),
    };
    let mut other = good.clone();
    it.sign(&mut other, &key(2), &key(7));
    refused(other, sink());
    let mut other = good.clone();
    it.sign(&mut other, &key(7), &key(1));
    refused(other, source());
    // Each signs once, and neither for the other.
    let mut swapped = good.clone();
    (swapped.sinkSig, swapped.sourceSig) = (good.sourceSig.clone(), good.sinkSig.clone());
    refused(swapped, sink());
    for digest in [
        digest_of(it.vouchers.address(), 1, message(&good)),
        digest_of(THIRD, 42_161, message(&good)),
    ] {
        let mut other = good.clone();
        other.sinkSig = sign(&key(1), digest);
        other.sourceSig = sign(&key(2), digest);
        refused(other, sink());
    }
    let mut changed = good.clone();
    changed.value += n(1);
    refused(changed, sink());
    for bytes in [vec![], vec![1; 64], vec![0; 65]] {
        let mut malformed = good.clone();
        malformed.sourceSig = bytes.into();
        assert!(matches!(it.redeem(malformed), Err(Error::Signature(_))));
    }
    it.redeem(good).unwrap();
}

#[motsu::test]
fn in_a_batch_a_bad_item_is_an_event_and_counts_nothing() {
    let it = Market::new();
    let redeem = |batch: Vec<SignedVoucher>, pay: bool| {
        let vouchers = it.vouchers.sender(THIRD);
        let mut vouchers = vouchers;
        vouchers.redeem_batch(batch, pay).motsu_res()
    };
    let good = it.usual(1_000, 1_000, 1);
    let worthless = it.voucher(&key(3), &key(1), 0, 5, 1);
    let unpaid = it.voucher(&key(4), &key(1), 5, 5, 1);
    let mut forged = it.voucher(&key(5), &key(1), 5, 5, 1);
    forged.sourceSig = forged.sinkSig.clone();
    let mut elsewhere = it.voucher(&key(2), &key(1), 5, 5, 1);
    elsewhere.taskTypeId = B256::ZERO;
    it.sign(&mut elsewhere, &key(2), &key(1));
    let mut malformed = it.voucher(&key(6), &key(1), 5, 5, 1);
    malformed.sinkSig = Bytes::new();
    let last = it.usual(1_500, 2_000, 2);
    let signed = address(&key(1));
    let batch = vec![
        worthless,
        good.clone(),
        unpaid,
        forged,
        elsewhere,
        malformed,
        good,
        last,
    ];
    assert_eq!(redeem(batch, true), Ok(()));
    assert_eq!(it.account(sink()), (0, 1_500));
    assert_eq!(it.balance(sink()), 2_000);
    assert_eq!(it.owed(), 0);
    let rejected = |id: B256, of: u8, error: Error| {
        it.vouchers.assert_emitted(&VoucherRejected {
            taskTypeId: id,
            sink: sink(),
            source: address(&key(of)),
            reason: reason(error),
        });
    };
    rejected(CODE, 3, ValueWithoutWork { value: n(5) }.into());
    let source = address(&key(4));
    rejected(CODE, 4, SourceNeverPaid { source }.into());
    let wrong = InvalidSignature {
        account: address(&key(5)),
        signer: signed,
    };
    rejected(CODE, 5, wrong.into());
    let length = bpe_common::signature::ECDSAInvalidSignatureLength { length: n(0) };
    rejected(
        CODE,
        6,
        Error::Signature(bpe_common::signature::Error::Length(length)),
    );
    rejected(CODE, 2, NothingNew {}.into());
    let sink = sink();
    rejected(B256::ZERO, 2, NoAllowance { sink }.into());

    let length = n(65);
    let many = redeem(vec![it.usual(2_000, 3_000, 3); 65], false);
    assert_eq!(many, Err(BatchTooLarge { length }.into()));
    // What a neighbour says for reasons of its own is a reason, too.
    it.registry.sender(OWNER).set_fails(true);
    assert_eq!(redeem(vec![it.usual(2_000, 3_000, 3)], false), Ok(()));
    let refusal = bpe_common::call::Revert(crate::neighbours::refusal());
    rejected(CODE, 2, Error::Revert(refusal));
}

#[motsu::test]
fn what_money_or_capacity_do_not_cover_stays_redeemable() {
    let it = Market::empty();
    it.serve(sink(), 10);
    it.pay(source(), 500);
    advance_time(99);
    // 1000 of work allowed; 500 of 1600 paid.
    let all = it.usual(1_600, 1_600, 4);
    it.redeem(all.clone()).unwrap();
    it.vouchers.assert_emitted(&Redeemed {
        taskTypeId: CODE,
        sink: sink(),
        source: source(),
        work: n(500),
        value: n(500),
        tasks: n(0),
        restWork: n(1_100),
        restValue: n(1_100),
    });
    it.pay(source(), 10_000);
    it.redeem(all.clone()).unwrap();
    assert_eq!(it.account(sink()), (1_010, 1_010));
    let sink = sink();
    assert_eq!(it.redeem(all.clone()), Err(NoAllowance { sink }.into()));
    advance_time(60);
    it.redeem(all.clone()).unwrap();
    assert_eq!(it.account(sink), (1_600, 1_600));
    let (_, _, tasks) = it.vouchers.sender(THIRD).get_totals(CODE, source(), sink);
    assert_eq!(tasks, n(4));
    assert_eq!(it.redeem(all), Err(NothingNew {}.into()));
}

#[motsu::test]
fn capacity_seconds_that_went_backwards_are_nothing_and_no_failure() {
    let it = Market::new();
    it.redeem(it.usual(1_000 * UNIT, 1_000, 1)).unwrap();
    // The registry forgets what the sink had served.
    it.serve(sink(), 10 * UNIT);
    let allowance = it.vouchers.sender(THIRD).get_allowance(CODE, sink());
    assert_eq!(allowance.motsu_unwrap(), (w(1_000 * UNIT), n(0)));
    let next = it.usual(2_000 * UNIT, 2_000, 2);
    let sink = sink();
    assert_eq!(it.redeem(next), Err(NoAllowance { sink }.into()));
}

/// Otherwise anybody's voucher worth nothing, redeemed just before, would take a sink's pay.
#[motsu::test]
fn a_worthless_voucher_before_takes_nothing_of_a_sinks_pay() {
    let it = Market::new();
    it.pay(address(&key(3)), 1_000);
    let dear = it.usual(30_000 * UNIT, 30_000_000, 1);
    let cheap = it.voucher(&key(3), &key(1), 1_000 * UNIT, 1, 1);
    it.redeem(cheap).unwrap();
    it.redeem(dear).unwrap();
    assert_eq!(it.account(sink()), (30_000_001, 31_000 * UNIT));
}

#[motsu::test]
fn padded_tasks_move_nothing() {
    let (honest, padded) = (Market::new(), Market::new());
    honest.redeem(honest.usual(1_000 * UNIT, 1_000, 1)).unwrap();
    padded
        .redeem(padded.usual(1_000 * UNIT, 1_000, 1_000_000))
        .unwrap();
    assert_eq!(honest.account(sink()), padded.account(sink()));
    assert_eq!(honest.verified(sink()), padded.verified(sink()));
    assert_eq!(honest.owed(), padded.owed());
}

#[motsu::test]
fn streams_are_noted_when_a_voucher_needs_them() {
    let it = Market::empty();
    it.serve(sink(), 10 * UNIT);
    it.stream(source(), 110_000);
    advance_time(100);
    let pending = |it: &Market| {
        let it = it.ledger.sender(THIRD).get_pending(CODE, source());
        it.to::<u128>()
    };
    // Told before anybody's first note, as after it.
    assert_eq!((pending(&it), it.funds(source()).0), (100 * 100_000, 0));
    assert_eq!(it.note(source()), 100 * 100_000);
    advance_time(50);
    assert_eq!(pending(&it), 50 * 100_000);
    // What is noted suffices: nothing is noted.
    it.redeem(it.usual(500, 10_000_000, 1)).unwrap();
    assert_eq!(pending(&it), 50 * 100_000);
    it.redeem(it.usual(1_000, 12_000_000, 1)).unwrap();
    assert_eq!((pending(&it), it.funds(source()).0), (0, 3_000_000));
}

/// Sinks are paid what they were counted, in wei, whatever the fee does in between: it tells of prices, and moves no money.
#[motsu::test]
fn a_fee_of_another_moment_changes_no_pay() {
    let mut paid = Vec::new();
    for [before, after] in [[FEE, FEE], [FEE, 1_000 * FEE], [1_000 * FEE, 1], [1, 0]] {
        let it = Market::new();
        it.fees.sender(OWNER).set_fee(n(before), false);
        it.redeem(it.usual(1_000 * UNIT, 7_000_001, 1)).unwrap();
        it.fees.sender(OWNER).set_fee(n(after), after == 0);
        it.redeem(it.usual(1_500 * UNIT, 9_000_001, 2)).unwrap();
        let pay = it.reserve.sender(THIRD).pay_out(CODE, sink()).motsu_res();
        assert!(pay.is_ok());
        paid.push((it.balance(sink()), it.account(sink()), it.funds(source())));
    }
    let expected = 1_000_000_000_000_000_000 - 9_000_001;
    let all = (9_000_001, (0, 1_500 * UNIT), (expected, 0, 0));
    assert_eq!(paid, [all; 4]);
}
