//! What a source signs for.

use std::{str::FromStr as _, sync::Arc};

use alloy::{
    primitives::{Address, Bytes as Hex, Signature, B256},
    sol_types::SolStruct as _,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{Response, StatusCode},
    response::IntoResponse,
    Json,
};
use bpe_abi::typed_data::{completion_tracker, sign, work_ledger};
use bpe_agent::{
    formats::{recover, LatestVoucher, ReceiptBody, VoucherAnswer, VoucherSubmission},
    vouchers::{Received, Signed, MOST_TASKS, MOST_VALUE, MOST_WORK},
};
use bpe_service::answer::Answer;
use metrics::counter;

use crate::shared::Shared;

/// Receipts that come with a voucher at most.
const MOST_RECEIPTS: usize = 1_000;
/// A voucher's time may be so many seconds ahead of the chain's: WorkVouchers takes no more.
const MOST_AHEAD: u64 = 30;

pub async fn take(State(shared): State<Arc<Shared>>, body: Bytes) -> Response<Body> {
    match receive(&shared, &body).await {
        Ok((result, response)) => {
            counter!("bpe_sink_vouchers_total", "result" => result).increment(1);
            response
        }
        Err(answer) => {
            counter!("bpe_sink_vouchers_total", "result" => "refused").increment(1);
            answer.into_response()
        }
    }
}

async fn receive(shared: &Shared, body: &[u8]) -> Result<(&'static str, Response<Body>), Answer> {
    let malformed = |error: &dyn std::fmt::Display| Answer::bad("malformed_voucher", error);
    let mut submission: VoucherSubmission =
        serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    check(shared, &submission).await?;
    let count = submission.receipts.len();
    if count > MOST_RECEIPTS {
        return Err(malformed(&format!(
            "{count} receipts are more than {MOST_RECEIPTS}"
        )));
    }
    let source = submission.voucher.source;
    let signer = signer(shared, &submission).await?;
    // One that is not right does not keep the others out.
    submission
        .receipts
        .retain(|receipt| right(shared, receipt, source, signer));
    let domain = work_ledger(shared.base.chain_id, shared.contract);
    let signature = sign(&shared.base.signer, &submission.voucher.voucher(), &domain)
        .map_err(|_| Answer::new(StatusCode::INTERNAL_SERVER_ERROR, "signer", "cannot sign"))?;
    let now = shared.base.now();
    let received = shared.ledger.receive(&submission, &signature, now).await;
    let received = received.map_err(|error| {
        tracing::error!(%error, "the store refuses a voucher");
        Answer::unavailable("store", "the store does not answer at the moment", 5)
    })?;
    Ok(match received {
        Received::Stored { more, settled } => {
            shared.queue.vouchered(source, more, settled);
            ("stored", accepted(signature))
        }
        Received::Same { there, settled } => {
            shared.queue.vouchered(source, 0, settled);
            ("same", accepted(there.sink_signature))
        }
        Received::Behind(there) => ("behind", behind(there)),
        Received::Equivocation(there) => {
            tracing::warn!(%source, "a source has signed vouchers that contradict each other");
            ("equivocation", behind(there))
        }
    })
}

fn accepted(sink_signature: Hex) -> Response<Body> {
    Json(VoucherAnswer { sink_signature }).into_response()
}

fn behind(there: Signed) -> Response<Body> {
    let latest = LatestVoucher {
        latest: there.voucher,
        sink_signature: there.sink_signature,
        source_signature: there.source_signature,
    };
    (StatusCode::CONFLICT, Json(latest)).into_response()
}

async fn check(shared: &Shared, submission: &VoucherSubmission) -> Result<(), Answer> {
    let voucher = &submission.voucher;
    let wrong = |text: String| Err(Answer::bad("malformed_voucher", text));
    if voucher.sink != shared.sink() {
        return wrong(format!(
            "the voucher is for {}; this is {}",
            voucher.sink,
            shared.sink()
        ));
    }
    if voucher.task_type_id != shared.task_type() {
        let served = shared.task_type();
        return wrong(format!(
            "the task type is {}; this sink serves {served}",
            voucher.task_type_id
        ));
    }
    if voucher.work > MOST_WORK || voucher.value > MOST_VALUE || voucher.tasks > MOST_TASKS {
        return wrong("a total is more than WorkVouchers can keep".to_owned());
    }
    if voucher.work == 0 || voucher.value == 0 {
        return wrong("a voucher is for work and value".to_owned());
    }
    let latest = shared.base.now() + MOST_AHEAD;
    if voucher.timestamp > latest {
        return wrong(format!(
            "the timestamp {} is after {latest}",
            voucher.timestamp
        ));
    }
    Ok(())
}

/// Who signed the voucher, for its source.
async fn signer(shared: &Shared, submission: &VoucherSubmission) -> Result<Address, Answer> {
    let voucher = &submission.voucher;
    let domain = work_ledger(shared.base.chain_id, shared.contract);
    let hash = voucher.voucher().eip712_signing_hash(&domain);
    let wrong = |text: String| Answer::bad("signature", text);
    let signer = recovered(&submission.source_signature, hash)
        .ok_or_else(|| wrong("sourceSignature is no signature of 65 bytes".to_owned()))?;
    let signs = shared.money.signs_for(signer, voucher.source).await;
    let signs = signs.map_err(|error| {
        tracing::warn!(%error, "the chain does not answer");
        Answer::unavailable("chain", "the chain does not answer at the moment", 5)
    })?;
    if signs {
        return Ok(signer);
    }
    Err(wrong(format!(
        "{signer} signed, who does not sign for {}",
        voucher.source
    )))
}

fn recovered(signature: &Hex, hash: B256) -> Option<Address> {
    let signature = Signature::from_str(&signature.to_string()).ok()?;
    recover(&signature, hash)
}

fn right(shared: &Shared, receipt: &ReceiptBody, source: Address, signer: Address) -> bool {
    let domain = completion_tracker(shared.base.chain_id, shared.tracker);
    let hash = receipt.receipt().eip712_signing_hash(&domain);
    receipt.source == source
        && receipt.sink == shared.sink()
        && receipt.task_type_id == shared.task_type()
        && recovered(&receipt.source_signature, hash).is_some_and(|by| by == source || by == signer)
}
