//! Vouchers to keepers, and to the chain before an epoch ends.

use std::{collections::HashMap, sync::Arc, time::Duration};

use alloy::{
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::IWorkVouchers::{redeemBatchCall, Redeemed, SignedVoucher, VoucherRejected};
use bpe_agent::vouchers::{Pair, Signed, Totals};
use bpe_chain::{Batch, Call, ChainError, Effect, Refusal};
use metrics::{counter, gauge};
use serde_json::json;
use tokio::sync::watch;

use crate::{measure::post, shared::Shared};

/// Counted work is judged by epochs of so many seconds.
const EPOCH: u64 = 300;

/// Vouchers in `redeemBatch`, each paid at once.
struct Redemptions<'a> {
    shared: &'a Shared,
}

impl Batch for Redemptions<'_> {
    type Item = Signed;
    const WORKER: &'static str = "vouchers";
    const MOST: usize = 64;

    /// A voucher by its totals: a later one of the same pair is another item.
    fn id(&self, signed: &Signed) -> String {
        let voucher = &signed.voucher;
        format!(
            "{}:{}:{}:{}",
            voucher.task_type_id, voucher.source, voucher.work, voucher.value
        )
    }

    fn call(&self, items: &[Signed]) -> Call {
        let vouchers = items.iter().map(on_chain).collect();
        Call {
            to: self.shared.contract,
            data: redeemBatchCall {
                vouchers,
                pay: true,
            }
            .abi_encode()
            .into(),
        }
    }

    async fn open(&self, items: Vec<Signed>) -> Result<Vec<Signed>, ChainError> {
        let mut open = Vec::with_capacity(items.len());
        for item in items {
            let counted = counted(self.shared, &item).await?;
            if item.voucher.totals().above(counted).value > 0 {
                open.push(item);
            }
        }
        Ok(open)
    }

    fn judge(&self, items: &[Signed], logs: &[Log]) -> Vec<Effect> {
        let ours: Vec<&Log> = logs
            .iter()
            .filter(|log| log.address() == self.shared.contract)
            .collect();
        items.iter().map(|item| effect(item, &ours)).collect()
    }

    /// Money and capacity may come later.
    fn refusal(&self, error: &str) -> Refusal {
        if error.starts_with("NothingNew") || error.starts_with("TotalsBelowCounted") {
            Refusal::Done
        } else {
            Refusal::Later
        }
    }
}

fn effect(item: &Signed, logs: &[&Log]) -> Effect {
    let voucher = &item.voucher;
    for log in logs {
        if let Ok(event) = Redeemed::decode_log(&log.inner) {
            if event.source == voucher.source && event.taskTypeId == voucher.task_type_id {
                return Effect::Done;
            }
        } else if let Ok(event) = VoucherRejected::decode_log(&log.inner) {
            if event.source == voucher.source && event.taskTypeId == voucher.task_type_id {
                let data = alloy::primitives::Bytes::copy_from_slice(event.reason.as_slice());
                return Effect::Refused(bpe_chain::describe(&data));
            }
        }
    }
    Effect::None
}

fn on_chain(signed: &Signed) -> SignedVoucher {
    let voucher = signed.voucher.voucher();
    SignedVoucher {
        taskTypeId: voucher.taskTypeId,
        sink: voucher.sink,
        source: voucher.source,
        work: voucher.work,
        value: voucher.value,
        tasks: voucher.tasks,
        timestamp: voucher.timestamp,
        sinkSig: signed.sink_signature.clone(),
        sourceSig: signed.source_signature.clone(),
    }
}

/// What has counted between the two.
async fn counted(shared: &Shared, signed: &Signed) -> Result<Totals, ChainError> {
    let voucher = &signed.voucher;
    let totals =
        shared
            .money
            .vouchers
            .getTotals(voucher.task_type_id, voucher.source, voucher.sink);
    let totals = totals.call().await?;
    Ok(Totals {
        work: totals.work.saturating_to(),
        value: totals.value.saturating_to(),
        tasks: totals.tasks.saturating_to(),
    })
}

/// Brings vouchers to keepers and to the chain until `stop`.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut posted = HashMap::new();
    let mut every = tokio::time::interval(Duration::from_millis(shared.config.chain.poll_ms));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let now = shared.base.now();
        if last == Some(now) {
            continue;
        }
        last = Some(now);
        if let Err(error) = round(&shared, now, &mut posted).await {
            tracing::warn!(%error, "vouchers wait");
        }
    }
}

type Posted = HashMap<Pair, Totals>;

async fn round(
    shared: &Shared,
    now: u64,
    posted: &mut Posted,
) -> Result<(), bpe_agent::vouchers::LedgerError> {
    let vouchers = shared.ledger.vouchers().await?;
    submit(shared, &vouchers, posted).await;
    let pay = &shared.config.pay;
    let ends = now % EPOCH >= EPOCH - pay.redeem_before_end;
    let mut unredeemed = Vec::new();
    let mut sum = 0_u128;
    for signed in vouchers {
        let rest = signed
            .voucher
            .totals()
            .above(counted(shared, &signed).await?)
            .value;
        if rest > 0 {
            sum = sum.saturating_add(rest);
            unredeemed.push(signed);
        }
    }
    gauge!("bpe_sink_unredeemed_tokens").set(sum as f64 / 1e18);
    let much = pay.redeem_at > 0 && sum >= pay.redeem_at;
    if unredeemed.is_empty() || !(ends || much) {
        return Ok(());
    }
    redeem(shared, unredeemed).await;
    shared.ledger.prune(now).await?;
    Ok(())
}

async fn redeem(shared: &Shared, vouchers: Vec<Signed>) -> usize {
    let (report, error) = shared
        .base
        .sender
        .run(&Redemptions { shared }, vouchers)
        .await;
    if let Some(error) = error {
        tracing::warn!(%error, "vouchers were not redeemed");
    }
    for (item, reason) in &report.refused {
        tracing::warn!(source = %item.voucher.source, reason, "a voucher did not count");
    }
    counter!("bpe_sink_redeemed_total").increment(report.done.len() as u64);
    report.done.len()
}

/// Redeems all that is not redeemed, at once.
///
/// # Errors
/// If the store or the node does not answer.
pub async fn redeem_all(shared: &Shared) -> Result<usize, bpe_agent::vouchers::LedgerError> {
    let mut unredeemed = Vec::new();
    for signed in shared.ledger.vouchers().await? {
        let counted = counted(shared, &signed).await?;
        if signed.voucher.totals().above(counted).value > 0 {
            unredeemed.push(signed);
        }
    }
    if unredeemed.is_empty() {
        return Ok(0);
    }
    Ok(redeem(shared, unredeemed).await)
}

/// Posts to keepers what they do not have yet.
async fn submit(shared: &Shared, vouchers: &[Signed], posted: &mut Posted) {
    const AT_ONCE: usize = 500;
    if shared.config.pay.keepers.is_empty() {
        return;
    }
    let new: Vec<&Signed> = vouchers
        .iter()
        .filter(|it| posted.get(&it.pair()) != Some(&it.voucher.totals()))
        .take(AT_ONCE)
        .collect();
    if new.is_empty() {
        return;
    }
    let body: Vec<_> = new
        .iter()
        .map(|it| {
            let mut body = json!(it.voucher);
            body["sinkSignature"] = json!(it.sink_signature);
            body["sourceSignature"] = json!(it.source_signature);
            body
        })
        .collect();
    let body = json!(body).to_string();
    let mut taken = false;
    for keeper in &shared.config.pay.keepers {
        match post(&shared.client, keeper, "/v1/vouchers", &body).await {
            Ok(_) => taken = true,
            Err(error) => tracing::debug!(keeper, error, "a keeper did not take vouchers"),
        }
    }
    if taken {
        posted.extend(new.iter().map(|it| (it.pair(), it.voucher.totals())));
    }
}
