//! What clients hand in: arrays of signed structs, with an answer for each.

use std::{collections::HashMap, future::Future, sync::Arc};

use axum::{
    body::Bytes,
    extract::{rejection::BytesRejection, State},
    http::StatusCode,
    Json,
};
use bpe_chain::ChainError;
use metrics::counter;
use serde::{de::DeserializeOwned, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::problem::{Problem, Submitting};
use crate::{
    inbox::{Inbox, Item, Taken},
    oracle::{self, smoothed, AttestationBody},
    shared::Shared,
    verification::{TaskBody, VoucherBody},
};

/// Items in one request at most.
const MOST: usize = 1_000;

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    index: usize,
    /// `accepted`, `known`, `refused`, `malformed` or `full`.
    status: &'static str,
    /// Why it was not accepted; empty if it was.
    reason: String,
    /// Of an accepted attestation: the smoothed capacity that it would make, if the stake backs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    smoothed: Option<String>,
}

impl Answer {
    fn new(index: usize, status: &'static str, reason: impl Into<String>) -> Self {
        Self {
            index,
            status,
            reason: reason.into(),
            smoothed: None,
        }
    }
}

/// The elements of the body, each by itself: one that is malformed does not keep the others out.
fn elements(body: Result<Bytes, BytesRejection>) -> Result<Vec<Value>, Problem> {
    let body = body.map_err(|rejection| {
        let status = rejection.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(status, "the body is larger than the keeper takes")
        } else {
            Problem::bad("the body did not arrive")
        }
    })?;
    let elements: Vec<Value> = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad(format!("the body should be a JSON array: {error}")))?;
    if elements.len() > MOST {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("{} items are more than {MOST}", elements.len()),
        ));
    }
    Ok(elements)
}

/// Reads, checks and stores items.
async fn take<T, C, F>(
    elements: Vec<Value>,
    inbox: &Inbox,
    now: u64,
    item_of: impl for<'a> Fn(&'a T) -> Item<'a, T>,
    check: C,
) -> Result<Vec<Answer>, Problem>
where
    T: DeserializeOwned + Serialize,
    C: Fn(Arc<T>) -> F,
    F: Future<Output = Result<Result<(), String>, ChainError>>,
{
    let mut answers = Vec::with_capacity(elements.len());
    let mut good = Vec::new();
    for (index, element) in elements.into_iter().enumerate() {
        match serde_json::from_value::<T>(element) {
            Err(error) => answers.push(Answer::new(index, "malformed", error.to_string())),
            Ok(item) => {
                let item = Arc::new(item);
                match check(Arc::clone(&item)).await? {
                    Err(reason) => answers.push(Answer::new(index, "refused", reason)),
                    Ok(()) => {
                        answers.push(Answer::new(index, "accepted", ""));
                        good.push((index, item));
                    }
                }
            }
        }
    }
    if good.is_empty() {
        return Ok(answers);
    }
    let items: Vec<Item<'_, T>> = good.iter().map(|(_, item)| item_of(item)).collect();
    let taken = inbox.put(&items, now).await?;
    for ((index, _), taken) in good.iter().zip(taken) {
        match taken {
            Taken::New => {}
            Taken::Known => {
                answers[*index] =
                    Answer::new(*index, "known", "this one, or a later one, waits already");
            }
            Taken::Full => {
                answers[*index] = Answer::new(*index, "full", "too many wait: come back later");
            }
        }
    }
    Ok(answers)
}

/// Reads, checks and stores items that one check says everything of.
async fn take_signed<T, E, C, F>(
    body: Result<Bytes, BytesRejection>,
    inbox: &Inbox,
    now: u64,
    item_of: impl for<'a> Fn(&'a T) -> Item<'a, T>,
    check: C,
) -> Result<Vec<Answer>, Problem>
where
    T: DeserializeOwned + Serialize,
    E: ToString,
    C: Fn(Arc<T>) -> F,
    F: Future<Output = Result<Result<(), E>, ChainError>>,
{
    let said = |item| {
        let said = check(item);
        async move { Ok(said.await?.map_err(|refused| refused.to_string())) }
    };
    take(elements(body)?, inbox, now, item_of, said).await
}

fn count(series: &'static str, answers: &[Answer]) {
    let mut counts = HashMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_insert(0) += 1;
    }
    for (status, count) in counts {
        counter!(series, "result" => status).increment(count);
    }
}

/// Takes signed capacity attestations.
#[utoipa::path(
    post, path = "/v1/attestations", request_body = Vec<AttestationBody>,
    responses((status = 200, body = Vec<Answer>), Submitting)
)]
pub async fn attestations(
    State(shared): State<Arc<Shared>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Vec<Answer>>, Problem> {
    let elements = elements(body)?;
    let now = shared.head.get().timestamp;
    let by = &shared;
    let check = |item: Arc<AttestationBody>| async move {
        let signed = match by.checker.form(&item, now) {
            Ok(signed) => signed,
            Err(refused) => return Ok(Err(refused.to_string())),
        };
        let serves = by
            .index
            .smoothed(item.task_type_id, item.sink)
            .await?
            .is_some();
        if !serves {
            let refused = oracle::Refused::NotRegistered {
                task_type: item.task_type_id,
                sink: item.sink,
            };
            return Ok(Err(refused.to_string()));
        }
        if let Err(refused) = by.checker.nonce(&item).await? {
            return Ok(Err(refused.to_string()));
        }
        if !signed {
            if let Err(refused) = by.checker.by_contract(&item).await? {
                return Ok(Err(refused.to_string()));
            }
        }
        Ok::<_, ChainError>(Ok(()))
    };
    let previews: Vec<Option<AttestationBody>> = elements
        .iter()
        .map(|it| serde_json::from_value(it.clone()).ok())
        .collect();
    let mut answers = take(elements, &shared.attestations, now, attestation_item, check).await?;
    for answer in answers
        .iter_mut()
        .filter(|answer| answer.status == "accepted")
    {
        let Some(Some(item)) = previews.get(answer.index) else {
            continue;
        };
        let before = shared.index.smoothed(item.task_type_id, item.sink).await?;
        answer.smoothed = before.map(|before| smoothed(item.capacity, before).to_string());
    }
    count("bpe_keeper_attestations_total", &answers);
    Ok(Json(answers))
}

fn attestation_item(item: &AttestationBody) -> Item<'_, AttestationBody> {
    const MOST: u64 = i64::MAX as u64;
    Item {
        id: format!("{}:{}:{}", item.task_type_id, item.sink, item.nonce),
        lane: format!("{}:{}", item.task_type_id, item.sink),
        rank: item.nonce.saturating_to::<u64>().min(MOST),
        body: item,
    }
}

fn task_item(item: &TaskBody) -> Item<'_, TaskBody> {
    Item {
        id: item.id(),
        lane: item.id(),
        rank: 0,
        body: item,
    }
}

/// Takes receipts that sink and source have signed.
#[utoipa::path(
    post, path = "/v1/receipts", request_body = Vec<TaskBody>,
    responses((status = 200, body = Vec<Answer>), Submitting)
)]
pub async fn receipts(
    State(shared): State<Arc<Shared>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Vec<Answer>>, Problem> {
    let now = shared.head.get().timestamp;
    let by = &shared;
    let check = |item: Arc<TaskBody>| async move { by.tasks.receipt(&item, now).await };
    let answers = take_signed(body, &shared.receipts, now, task_item, check).await?;
    count("bpe_keeper_tasks_total", &answers);
    Ok(Json(answers))
}

/// Takes assignments that sink and source have signed.
#[utoipa::path(
    post, path = "/v1/assignments", request_body = Vec<TaskBody>,
    responses((status = 200, body = Vec<Answer>), Submitting)
)]
pub async fn assignments(
    State(shared): State<Arc<Shared>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Vec<Answer>>, Problem> {
    let now = shared.head.get().timestamp;
    let by = &shared;
    let check = |item: Arc<TaskBody>| async move { by.tasks.assignment(&item, now).await };
    let answers = take_signed(body, &shared.assignments, now, task_item, check).await?;
    count("bpe_keeper_tasks_total", &answers);
    Ok(Json(answers))
}

/// Takes vouchers that sink and source have signed. Of a pair the one of the most tasks is kept, and redeemed before the epoch
/// ends.
#[utoipa::path(
    post, path = "/v1/vouchers", request_body = Vec<VoucherBody>,
    responses((status = 200, body = Vec<Answer>), Submitting)
)]
pub async fn vouchers(
    State(shared): State<Arc<Shared>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Vec<Answer>>, Problem> {
    let now = shared.head.get().timestamp;
    let by = &shared;
    let check =
        |item: Arc<VoucherBody>| async move { by.voucher_checker.voucher(&item, now).await };
    let answers = take_signed(body, &shared.vouchers, now, voucher_item, check).await?;
    count("bpe_keeper_vouchers_total", &answers);
    Ok(Json(answers))
}

fn voucher_item(item: &VoucherBody) -> Item<'_, VoucherBody> {
    Item {
        id: item.id(),
        lane: item.pair(),
        // Fits: the contract takes fewer than 2^40.
        rank: item.tasks.saturating_to::<u64>().min(1 << 40),
        body: item,
    }
}
