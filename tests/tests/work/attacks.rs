//! Whoever signs itself work loses the fee, and nobody else loses anything.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolError as _,
};
use bpe_abi::IWorkVouchers::{
    IWorkVouchersErrors, NoAllowance, SourceNeverPaid, TotalsBelowCounted, ValueWithoutWork,
    VoucherRejected,
};
use bpe_tests::{
    proof::events,
    settlement::{usdcx, RATE},
    stage::{mined, revert},
    suite::{tokens, units},
    work::{signer, Totals, Work, WORK},
};

const HOUR: u64 = 3_600;

/// A sink with a second key as its source gets back what it paid, less cuts, and never more, while others overpay: by a thousand
/// times the price, and for all of their work.
#[tokio::test]
async fn self_dealing_costs_the_fee_however_much_others_overpay() {
    let it = Work::start().await;
    let core = &it.core;
    let (mallory, her_source) = (signer(1), signer(2));
    let (honest, whale) = (signer(3), signer(4));
    it.sink(&mallory, 100).await;
    it.sink(&honest, 10).await;
    let hers = it.source(&her_source, 1_000, 100 * RATE).await;
    let whales = it.source(&whale, 10_000, 1_000 * RATE).await;
    core.advance(HOUR);
    let paid = it.note(hers).await;
    it.note(whales).await;
    // The whale overpays the honest sink: it has that from the whale.
    let generous = usdcx(1_000) + 1;
    it.redeem(it.voucher(&whale, &honest, Totals(10, generous, 1)), true)
        .await;
    // She signs herself work for all she has paid, a thousand times that, and whatever she likes.
    for (totals, pay) in [
        (Totals(1, 1_000 * paid, 1), true),
        (Totals(350_000, 1_000 * paid, 1), true),
        (Totals(350_000, 1_000_000 * paid, u64::from(u32::MAX)), true),
    ] {
        let voucher = it.voucher(&her_source, &mallory, totals);
        let redeem = core.vouchers.redeem(voucher, pay).from(it.relayer);
        if let Ok(sent) = redeem.send().await {
            sent.get_receipt().await.unwrap();
        }
    }
    core.end(hers, WORK).await;
    let paid = it.note(hers).await;
    let all = it.voucher(
        &her_source,
        &mallory,
        Totals(359_000, 1_000_000 * paid, u64::from(u32::MAX)),
    );
    let redeem = core.vouchers.redeem(all, true).from(it.relayer);
    if let Ok(sent) = redeem.send().await {
        sent.get_receipt().await.unwrap();
    }
    let received = core.whole(mallory.address()).await;
    let unspent = it.unspent(hers).await;
    assert_eq!(received + unspent, paid);
    if unspent > 0 {
        it.take_back(hers).await;
    }
    // Together they have what they had, less the fee.
    let together = core.whole(mallory.address()).await + core.whole(hers).await;
    assert!(together < usdcx(1_000));
    assert!(usdcx(1_000) - together >= paid / 1_000);
    assert_eq!(core.whole(honest.address()).await, generous);
    // Nothing of the whale's has moved but that.
    let whales_paid = it.note(whales).await;
    assert_eq!(it.unspent(whales).await, whales_paid - generous);
    assert!(it.reserve().await >= it.unspent(whales).await);
}

/// What issue 13 lists: each its own error, in a batch an event, and nothing is counted.
#[tokio::test]
async fn bad_vouchers_count_nothing() {
    let it = Work::start().await;
    let (client, worker, stranger) = (signer(1), signer(2), signer(3));
    let sink = it.sink(&worker, 10).await;
    let source = it.source(&client, 1_000, 100 * RATE).await;
    it.core.advance(HOUR);
    let value = 1_000_000_007_u128;
    it.redeem(it.voucher(&client, &worker, Totals(100, value, 10)), true)
        .await;
    let before = (it.core.whole(sink).await, it.unspent(source).await);

    let down = it.voucher(&client, &worker, Totals(99, value + 1, 11));
    let free = it.voucher(&client, &worker, Totals(100, value + 1, 11));
    let unpaid = it.voucher(&stranger, &worker, Totals(1, 1, 1));
    let idle = it.voucher(&client, &stranger, Totals(1, 1, 1));
    let mut forged = it.voucher(&client, &worker, Totals(200, 2 * value, 20));
    forged.sourceSig = forged.sinkSig.clone();
    let mut of_clone = it.voucher(&client, &worker, Totals(200, 2 * value, 20));
    let other = bpe_abi::typed_data::work_ledger(it.core.base.devnet.chain_id(), Address::ZERO);
    let message = bpe_abi::typed_data::WorkVoucher {
        taskTypeId: WORK,
        sink,
        source,
        work: of_clone.work,
        value: of_clone.value,
        tasks: of_clone.tasks,
        timestamp: of_clone.timestamp,
    };
    of_clone.sinkSig = bpe_abi::typed_data::sign(&worker, &message, &other).unwrap();
    let signature = 4;
    let batch = vec![down, free, unpaid, idle, forged, of_clone];
    for (place, voucher) in batch.clone().into_iter().enumerate() {
        let redeem = it.core.vouchers.redeem(voucher, true).call().await;
        let error: IWorkVouchersErrors = revert(redeem);
        let expected = match place {
            0 => matches!(error, IWorkVouchersErrors::TotalsBelowCounted(_)),
            1 => matches!(error, IWorkVouchersErrors::ValueWithoutWork(_)),
            2 => matches!(error, IWorkVouchersErrors::SourceNeverPaid(_)),
            3 => matches!(error, IWorkVouchersErrors::NoAllowance(_)),
            _ => matches!(error, IWorkVouchersErrors::InvalidSignature(_)),
        };
        assert!(expected, "{place}: {error:?}");
    }
    let receipt = it.redeem_batch(batch, true).await;
    let reasons: Vec<_> = events::<VoucherRejected>(&receipt)
        .into_iter()
        .map(|rejected| rejected.reason.0)
        .collect();
    assert_eq!(reasons.len(), 6);
    assert_eq!(
        reasons[..signature],
        [
            TotalsBelowCounted::SELECTOR,
            ValueWithoutWork::SELECTOR,
            SourceNeverPaid::SELECTOR,
            NoAllowance::SELECTOR,
        ]
    );
    let after = (it.core.whole(sink).await, it.unspent(source).await);
    assert_eq!(before, after);
    let totals = it
        .core
        .vouchers
        .getTotals(WORK, source, sink)
        .call()
        .await
        .unwrap();
    assert_eq!(totals.tasks, U256::from(10));
}

/// A sink is paid for no more than it has had the capacity for, whatever both sign, whoever pays how much.
#[tokio::test]
async fn no_more_than_capacity_seconds_count() {
    let it = Work::start().await;
    let (client, worker) = (signer(1), signer(2));
    let sink = it.sink(&worker, 10).await;
    it.source(&client, 1_000, 100 * RATE).await;
    it.core.advance(HOUR);
    // 10 units for an hour and a few seconds; half of it is paid.
    let all = it.voucher(&client, &worker, Totals(72_000, 72_000, 1));
    it.redeem(all.clone(), true).await;
    let has = it.core.whole(sink).await;
    assert!((36_000..36_500).contains(&has), "{has}");
    it.core.advance(HOUR);
    it.redeem(all.clone(), true).await;
    assert_eq!(it.core.whole(sink).await, 72_000);
    let again = it.core.vouchers.redeem(all, true).call().await;
    let error: IWorkVouchersErrors = revert(again);
    assert!(matches!(error, IWorkVouchersErrors::NothingNew(_)));
    // Leaving does not touch what it is owed, and nothing more can be counted than it served: half of this.
    it.core.advance(5);
    it.redeem(
        it.voucher(&client, &worker, Totals(72_100, 72_100, 2)),
        false,
    )
    .await;
    let leave = it.core.base.registry.deregisterSink(WORK).from(sink);
    mined(leave.send().await).await;
    let pay = it.core.reserve.payOut(WORK, sink);
    mined(pay.send().await).await;
    assert!(it.core.whole(sink).await > 72_000);
    // Away for an hour, and back for one: what it served counts once, however often it registers.
    it.core.advance(HOUR);
    let base = &it.core.base;
    base.equip(sink, 100).await;
    mined(base.stakes.stake(tokens(100)).from(sink).send().await).await;
    let back = base.registry.registerSink(WORK, units(10)).from(sink);
    mined(back.send().await).await;
    it.core.advance(HOUR);
    let greedy = it.voucher(&client, &worker, Totals(1_000_000, 1_000_000, 3));
    it.redeem(greedy, true).await;
    let counted = it.core.vouchers.getAllowance(WORK, sink).call().await;
    let counted = counted.unwrap().counted;
    assert!(
        (units(108_000)..units(109_500)).contains(&counted),
        "{counted}"
    );
}
