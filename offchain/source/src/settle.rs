//! Vouchers for what was done: signed, stored, sent, and sent again until the sink has signed too.

use std::{
    collections::HashMap,
    str::FromStr as _,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, Bytes as Hex, Signature, B256},
    sol_types::SolStruct as _,
};
use axum::http::{header, Request, Response};
use bpe_abi::typed_data::{completion_tracker, sign, work_ledger};
use bpe_agent::{
    formats::{
        recover, LatestVoucher, VoucherAnswer, VoucherBody, VoucherSubmission, VOUCHERS_PATH,
    },
    vouchers::{LedgerError, Order, Pair, Signed},
};
use http_body_util::Full;
use metrics::counter;
use tokio::sync::watch;

use crate::shared::Shared;

/// A sink answers within this time; bytes of what it says.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST_ANSWER: usize = 64 << 10;
/// Tasks that end at about the same time share a voucher.
const GATHER: Duration = Duration::from_millis(100);
/// Between looks for what could not be sent before, and the most that a sink which does not answer is left alone.
const EVERY: Duration = Duration::from_secs(2);
const MOST_PAUSE: Duration = Duration::from_secs(120);

/// Seconds in which `spend.most_hour` may be spent.
pub const HOUR: u64 = 3_600;

type Pauses = HashMap<Pair, (Instant, Duration)>;

/// Signs and sends until `stop`, and once more then.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut pauses = Pauses::new();
    loop {
        let ended = tokio::select! {
            () = shared.owed.notified() => {
                tokio::time::sleep(GATHER).await;
                false
            }
            () = tokio::time::sleep(EVERY) => false,
            // What is watched is not held while the others are gathered.
            () = async { drop(stop.wait_for(|stop| *stop).await) } => true,
        };
        if let Err(error) = round(&shared, &mut pauses, ended).await {
            tracing::warn!(%error, "vouchers wait");
        }
        if ended {
            return;
        }
    }
}

async fn round(shared: &Shared, pauses: &mut Pauses, last: bool) -> Result<(), LedgerError> {
    let now = Instant::now();
    for pair in shared.ledger.pairs_to_settle().await? {
        if !last && pauses.get(&pair).is_some_and(|(until, _)| *until > now) {
            continue;
        }
        match settle(shared, &pair).await? {
            true => {
                pauses.remove(&pair);
            }
            false => {
                let before = pauses
                    .get(&pair)
                    .map_or(Duration::from_secs(1), |(_, it)| *it);
                let pause = (before * 2).min(MOST_PAUSE);
                pauses.insert(pair, (Instant::now() + pause, pause));
            }
        }
    }
    // What was done within the hour counts for its limit, after a restart, too.
    let hour_ago = shared.base.now().saturating_sub(HOUR);
    shared.ledger.prune(hour_ago).await?;
    Ok(())
}

/// Signs for what is open between the two, and sends it. True if the sink has signed.
pub async fn settle(shared: &Shared, pair: &Pair) -> Result<bool, LedgerError> {
    let Some(url) = address(shared, pair) else {
        return Ok(false);
    };
    let signer = &shared.base.signer;
    let voucher_domain = work_ledger(shared.base.chain_id, shared.contract);
    let receipt_domain = completion_tracker(shared.base.chain_id, shared.tracker);
    let submission = shared
        .ledger
        .sign_for(
            pair,
            shared.base.now(),
            |voucher| sign(signer, &voucher.voucher(), &voucher_domain),
            |receipt| sign(signer, &receipt.receipt(), &receipt_domain),
        )
        .await?;
    let Some(submission) = submission else {
        return Ok(true);
    };
    let Some(answer) = send(shared, &url, &submission).await else {
        return Ok(false);
    };
    match answer.status().as_u16() {
        200 => acknowledged(shared, &submission, answer.body()).await,
        409 => behind(shared, &submission, answer.body()).await,
        status => {
            let text: String = String::from_utf8_lossy(answer.body())
                .chars()
                .take(300)
                .collect();
            tracing::warn!(sink = %pair.sink, status, text, "a sink does not take a voucher");
            counter!("bpe_source_vouchers_total", "result" => "refused").increment(1);
            Ok(false)
        }
    }
}

fn address(shared: &Shared, pair: &Pair) -> Option<String> {
    let known = shared.sinks.list(pair.task_type).into_iter();
    let mut of = known.filter(|it| it.sink == pair.sink);
    of.next().map(|it| it.url)
}

async fn send(
    shared: &Shared,
    url: &str,
    submission: &VoucherSubmission,
) -> Option<Response<hyper::body::Bytes>> {
    let body = serde_json::to_vec(submission).ok()?;
    let request = Request::post(format!("{}{VOUCHERS_PATH}", url.trim_end_matches('/')))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))
        .ok()?;
    match shared.client(url).ask(request, MOST_ANSWER, PATIENCE).await {
        Ok(answer) => Some(answer),
        Err(error) => {
            tracing::warn!(url, %error, "a sink cannot be sent its voucher");
            counter!("bpe_source_vouchers_total", "result" => "unsent").increment(1);
            None
        }
    }
}

async fn acknowledged(
    shared: &Shared,
    submission: &VoucherSubmission,
    body: &[u8],
) -> Result<bool, LedgerError> {
    let voucher = &submission.voucher;
    let answer = serde_json::from_slice::<VoucherAnswer>(body);
    let signature = answer.map(|it| it.sink_signature).unwrap_or_default();
    if signed_by(shared, voucher, &signature) != Some(voucher.sink) {
        tracing::warn!(sink = %voucher.sink, "a sink took a voucher and did not sign it");
        return Ok(false);
    }
    shared.ledger.acknowledged(submission, &signature).await?;
    counter!("bpe_source_vouchers_total", "result" => "signed").increment(1);
    Ok(true)
}

/// The sink says that it has a later one. It is, only if this source has signed it: then a store was lost here.
async fn behind(
    shared: &Shared,
    submission: &VoucherSubmission,
    body: &[u8],
) -> Result<bool, LedgerError> {
    let sink = submission.voucher.sink;
    let Ok(there) = serde_json::from_slice::<LatestVoucher>(body) else {
        return Ok(false);
    };
    let ours = &submission.voucher;
    let same_pair = there.latest.sink == ours.sink
        && there.latest.source == ours.source
        && there.latest.task_type_id == ours.task_type_id;
    let signed = signed_by(shared, &there.latest, &there.source_signature);
    if !same_pair || signed != Some(shared.source()) {
        tracing::error!(%sink, "a sink claims a voucher that this source has not signed");
        counter!("bpe_source_vouchers_total", "result" => "forged").increment(1);
        return Ok(false);
    }
    if ours.totals().order(there.latest.totals()) == Order::Earlier {
        return Ok(false);
    }
    tracing::warn!(%sink, "takes over a later voucher, which was lost here");
    let latest = Signed {
        voucher: there.latest,
        source_signature: there.source_signature,
        sink_signature: there.sink_signature,
    };
    shared.ledger.adopt(&latest).await?;
    counter!("bpe_source_vouchers_total", "result" => "adopted").increment(1);
    Ok(false)
}

fn signed_by(shared: &Shared, voucher: &VoucherBody, signature: &Hex) -> Option<Address> {
    let domain = work_ledger(shared.base.chain_id, shared.contract);
    let hash: B256 = voucher.voucher().eip712_signing_hash(&domain);
    let signature = Signature::from_str(&signature.to_string()).ok()?;
    recover(&signature, hash)
}
