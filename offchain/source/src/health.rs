//! Is it alive, is it well, what does it spend.

use std::{
    collections::BTreeMap,
    sync::{atomic::Ordering, Arc},
};

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::IntoResponse,
    Json,
};
use metrics::{counter, gauge};
use serde::Serialize;
use serde_json::json;

use crate::shared::Shared;

/// Every series.
pub const SERIES: [&str; 9] = [
    "bpe_source_faults_total",
    "bpe_source_flow_tokens_per_hour",
    "bpe_source_in_flight",
    "bpe_source_requests_total",
    "bpe_source_runway_seconds",
    "bpe_source_spent_hour_tokens",
    "bpe_source_tasks_total",
    "bpe_source_unspent_tokens",
    "bpe_source_vouchers_total",
];

/// Every series at 0.
pub fn begin() {
    for name in [
        "bpe_source_flow_tokens_per_hour",
        "bpe_source_in_flight",
        "bpe_source_runway_seconds",
        "bpe_source_spent_hour_tokens",
        "bpe_source_unspent_tokens",
    ] {
        gauge!(name).set(0.0);
    }
    counter!("bpe_source_faults_total").increment(0);
    for result in ["served", "unpaid", "unavailable", "refused", "failed"] {
        counter!("bpe_source_requests_total", "result" => result).increment(0);
    }
    for end in ["done", "broken", "gone"] {
        counter!("bpe_source_tasks_total", "end" => end).increment(0);
    }
    for result in ["signed", "refused", "unsent", "forged", "adopted"] {
        counter!("bpe_source_vouchers_total", "result" => result).increment(0);
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
    for id in shared.task_types() {
        if !shared.sinks.any(*id) {
            problems.push(format!("sinks: nobody serves {id}"));
        }
    }
    if shared.draining.load(Ordering::Relaxed) {
        problems.push("draining: it takes no more requests".to_owned());
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
    gauge!("bpe_source_in_flight").set(in_flight(&shared) as f64);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = bpe_service::metrics::handle().render();
    ([(header::CONTENT_TYPE, kind)], text)
}

fn in_flight(shared: &Shared) -> usize {
    let most = shared.config.gateway.at_once;
    most.saturating_sub(shared.gate.available_permits())
}

/// What was spent, for what, and who is there. Amounts are decimal strings in wei.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    source: String,
    in_flight: usize,
    spent_this_hour: String,
    most_hour: String,
    /// Tasks by state.
    tasks: BTreeMap<String, u64>,
    models: Vec<ModelOverview>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelOverview {
    models: Vec<String>,
    task_type_id: String,
    flow_rate: String,
    unspent: String,
    available: String,
    sinks: Vec<SinkOverview>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SinkOverview {
    sink: String,
    url: String,
    price: String,
    free: u32,
    faults: u32,
    /// All that was signed for with it.
    value: String,
    tasks: u64,
}

/// What was spent, and for what.
pub async fn status(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    match overview(&shared).await {
        Ok(overview) => Json(overview).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the status cannot be told");
            let answer = bpe_service::answer::Answer::unavailable(
                "chain",
                "store or chain do not answer at the moment",
                5,
            );
            answer.into_response()
        }
    }
}

async fn overview(shared: &Shared) -> Result<Overview, bpe_agent::vouchers::LedgerError> {
    let vouchers = shared.ledger.vouchers().await?;
    let mut models = Vec::new();
    for (id, lifecycle) in shared.money.lifecycles() {
        let state = lifecycle.state().await?;
        let of = |sink| {
            vouchers
                .iter()
                .find(|it| it.voucher.sink == sink && it.voucher.task_type_id == *id)
        };
        let sinks = shared.sinks.list(*id).into_iter().map(|it| {
            let voucher = of(it.sink).map(|it| &it.voucher);
            SinkOverview {
                sink: it.sink.to_checksum(None),
                url: it.url,
                price: it.price.to_string(),
                free: it.free,
                faults: it.faults,
                value: voucher.map_or(0, |it| it.value).to_string(),
                tasks: voucher.map_or(0, |it| it.tasks),
            }
        });
        let named = shared.config.models.iter();
        let named = named.filter(|(_, model)| model.task_type == *id);
        models.push(ModelOverview {
            models: named.map(|(name, _)| name.clone()).collect(),
            task_type_id: id.to_string(),
            flow_rate: state.rate.to_string(),
            unspent: state.unspent.to_string(),
            available: state.available.to_string(),
            sinks: sinks.collect(),
        });
    }
    let (spent, most) = shared.money.spent();
    Ok(Overview {
        source: shared.source().to_checksum(None),
        in_flight: in_flight(shared),
        spent_this_hour: spent.to_string(),
        most_hour: most.to_string(),
        tasks: shared.ledger.counts().await?.into_iter().collect(),
        models,
    })
}
