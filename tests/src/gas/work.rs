//! Task types by work: what a voucher costs, whatever it stands for, and what reads cost after a long time.

use alloy::primitives::U256;

use super::Table;
use crate::{
    settlement::{usdcx, RATE},
    stage::mined,
    work::{signer, Totals, Work, WORK},
};

const HOUR: u64 = 3_600;
/// Wei for a task.
const VALUE: u128 = 1_000_000_000_007;
/// So many epochs without work, in seconds.
const IDLE: [(&str, u64); 2] = [("1 epoch", 300), ("10 000 epochs", 3_000_000)];

pub async fn tables() -> String {
    [vouchers().await, batches().await].concat()
}

async fn vouchers() -> String {
    let it = Work::start().await;
    let core = &it.core;
    let mut table = Table::new(&core.base.devnet);
    let worker = signer(100);
    let sink = it.sink(&worker, 100).await;
    for (place, tasks) in [1_u64, 100, 10_000].into_iter().enumerate() {
        let client = signer(1 + place as u64);
        let source = it.source(&client, 1_000, 100 * RATE).await;
        core.advance(HOUR);
        let note = core.ledger.note(WORK, source).send().await;
        table.add("WorkLedger.note, first", None, mined(note).await);
        for (count, label) in [(1, "first of a pair"), (2, "next"), (3, "next, and paid")] {
            let tasks = tasks * count;
            let totals = Totals(u128::from(tasks), u128::from(tasks) * VALUE, tasks);
            let voucher = it.voucher(&client, &worker, totals);
            let receipt = it.redeem(voucher, count == 3).await;
            let of = tasks / count;
            table.add(format!("redeem, {label}, {of} tasks"), None, receipt);
        }
    }
    for (label, seconds) in IDLE {
        core.advance(seconds);
        let read = core.vouchers.getVerifiedCapacity(WORK, sink);
        let sent = read.from(it.relayer).into_transaction_request();
        let provider = &core.base.provider;
        let receipt =
            mined(alloy::providers::Provider::send_transaction(provider, sent).await).await;
        table.add(format!("getVerifiedCapacity, {label} idle"), None, receipt);
    }
    money(&it, &mut table).await;
    table.markdown("Task types by work: WorkLedger, WorkVouchers, WorkReserve")
}

/// What sources do with their money.
async fn money(it: &Work, table: &mut Table<'_>) {
    let (core, client) = (&it.core, signer(50));
    let source = it.source(&client, 1_000, 100 * RATE).await;
    let (reserve, amount) = (&core.reserve, U256::from(usdcx(10)));
    let token = core.superfluid.usdcx();
    let approve = token.approve(*reserve.address(), amount).from(source);
    mined(approve.send().await).await;
    let deposit = reserve.deposit(WORK, amount).from(source);
    table.add("deposit, first", None, mined(deposit.send().await).await);
    let now = core.base.devnet.timestamp();
    let (set_aside, until) = (U256::from(usdcx(1)), U256::from(now + HOUR));
    let earmark = reserve.earmark(WORK, signer(100).address(), set_aside, until);
    let receipt = mined(earmark.from(source).send().await).await;
    table.add("earmark, first", None, receipt);
    let ask = reserve.requestTakeBack(WORK, set_aside).from(source);
    table.add("requestTakeBack", None, mined(ask.send().await).await);
    core.advance(HOUR);
    let take = reserve.takeBack(WORK).from(source);
    table.add("takeBack", None, mined(take.send().await).await);
}

/// Fifty pairs, of five sources and ten sinks.
async fn batches() -> String {
    let it = Work::start().await;
    let mut table = Table::new(&it.core.base.devnet);
    for number in 100..110 {
        it.sink(&signer(number), 10).await;
    }
    for number in 0..5 {
        it.source(&signer(number), 1_000, 100 * RATE).await;
    }
    it.core.advance(HOUR);
    for number in 0..5 {
        it.note(signer(number).address()).await;
    }
    for (round, label) in [(1, "first"), (2, "next")] {
        let totals = Totals(
            100 * u128::from(round),
            VALUE * u128::from(round),
            100 * round,
        );
        let mut batch = Vec::new();
        for sink in 100..110 {
            for source in 0..5 {
                batch.push(it.voucher(&signer(source), &signer(sink), totals));
            }
        }
        let receipt = it.redeem_batch(batch, false).await;
        table.add(format!("redeemBatch of 50 pairs, {label}"), None, receipt);
    }
    let sinks = (100..110).map(|number| signer(number).address()).collect();
    let drain = it.core.reserve.drainTo(WORK, sinks).send().await;
    table.add("drainTo of 10 sinks", None, mined(drain).await);
    table.markdown("Task types by work: batches")
}
