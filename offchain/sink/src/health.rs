//! Is it alive, is it well, what does it offer.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::IntoResponse,
    Json,
};
use bpe_agent::formats::{Status, TaskTypeStatus};
use metrics::{counter, gauge};
use serde_json::{json, Value};

use crate::shared::Shared;

/// Every series.
pub const SERIES: [&str; 11] = [
    "bpe_sink_capacity",
    "bpe_sink_confidence_bps",
    "bpe_sink_in_flight",
    "bpe_sink_limit",
    "bpe_sink_misses_total",
    "bpe_sink_redeemed_total",
    "bpe_sink_requests_total",
    "bpe_sink_tasks_total",
    "bpe_sink_unredeemed_tokens",
    "bpe_sink_vouchers_total",
    "bpe_sink_waiting",
];

/// Every series at 0.
pub fn begin() {
    for name in [
        "bpe_sink_capacity",
        "bpe_sink_confidence_bps",
        "bpe_sink_in_flight",
        "bpe_sink_limit",
        "bpe_sink_unredeemed_tokens",
        "bpe_sink_waiting",
    ] {
        gauge!(name).set(0.0);
    }
    counter!("bpe_sink_redeemed_total").increment(0);
    for result in [
        "taken",
        "unpaid",
        "seen",
        "full",
        "malformed",
        "unavailable",
    ] {
        counter!("bpe_sink_requests_total", "result" => result).increment(0);
    }
    for end in ["answered", "lost"] {
        counter!("bpe_sink_misses_total", "end" => end).increment(0);
    }
    for end in ["done", "broken", "gone", "refused", "unreachable"] {
        counter!("bpe_sink_tasks_total", "end" => end).increment(0);
    }
    for result in ["stored", "same", "behind", "equivocation", "refused"] {
        counter!("bpe_sink_vouchers_total", "result" => result).increment(0);
    }
}

pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether it can serve; if not, why.
pub async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let mut problems = Vec::new();
    if let Err(error) = shared.base.head.fresh() {
        problems.push(format!("head: {error}"));
    }
    if let Err(error) = shared.base.database.ping().await {
        tracing::warn!(%error, "the store does not answer");
        problems.push("store: it does not answer".to_owned());
    }
    if !shared.is_up() {
        problems.push("service: the service behind does not answer".to_owned());
    }
    if shared.drains() {
        problems.push("draining: it takes no more tasks".to_owned());
    }
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({"ready": problems.is_empty(), "problems": problems})),
    )
}

pub async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    gauge!("bpe_sink_in_flight").set(shared.queue.running());
    gauge!("bpe_sink_waiting").set(shared.queue.waiting());
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = bpe_service::metrics::handle().render();
    ([(header::CONTENT_TYPE, kind)], text)
}

/// How the sink is, for sources.
pub async fn status(State(shared): State<Arc<Shared>>) -> Json<Status> {
    let up = shared.is_up();
    let (free, queued) = shared.queue.look(|book| {
        (
            book.at_once().saturating_sub(book.running()),
            book.waiting(),
        )
    });
    Json(Status {
        task_types: vec![TaskTypeStatus {
            task_type_id: shared.task_type(),
            capacity: if up { shared.capacity() } else { 0 },
            free: if up { free } else { 0 },
            queued,
            price: shared.money.price().await.unwrap_or(u128::MAX),
        }],
        draining: shared.drains(),
    })
}

/// The registration file of ERC-8004.
pub async fn registration(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let url = shared.config.service.public_url.clone().unwrap_or_default();
    Json(json!({
        "type": "https://eips.ethereum.org/EIPS/eip-8004#registration-v1",
        "name": format!("BPE sink {}", shared.sink().to_checksum(None)),
        "description": format!("Serves tasks of {} for payment by work", shared.task_type()),
        "services": [{"name": "web", "endpoint": url}],
        "x402Support": true,
        "active": !shared.drains(),
        "registrations": [],
        "supportedTrust": ["crypto-economic"],
    }))
}
