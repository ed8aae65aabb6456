//! Is it alive, is it well, and what does it spend.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::IntoResponse,
    Json,
};
use metrics::gauge;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, Reading};
use crate::{metrics::handle, shared::Shared};

/// Alive.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// All metrics, as Prometheus reads them.
pub async fn metrics() -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], handle().render())
}

/// Whether it can do its work; if not, why.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    ready: bool,
    problems: Vec<String>,
    workers: Vec<Worker>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    name: String,
    /// Seconds since it last finished a round.
    age: f64,
    error: Option<String>,
}

/// The keeper's own state.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Keeper {
    version: String,
    chain_id: u64,
    account: String,
    observes: bool,
    leads: bool,
    /// The newest block, its time by the chain, and how many seconds ago it was heard of.
    head: u64,
    time: u64,
    head_age: f64,
    /// The last block whose events are in the store.
    cursor: Option<u64>,
    /// Wei, decimal; null if the node does not say.
    balance: Option<String>,
    spent_hour_gwei: u64,
    spent_day_gwei: u64,
    limit_hour_gwei: u64,
    limit_day_gwei: u64,
    waiting: Waiting,
    readiness: Readiness,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Waiting {
    attestations: u64,
    receipts: u64,
    assignments: u64,
    vouchers: u64,
}

pub async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let readiness = readiness(&shared).await;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness))
}

async fn readiness(shared: &Shared) -> Readiness {
    let report = shared.health.report();
    let mut problems: Vec<String> = report.iter().filter_map(|it| it.problem.clone()).collect();
    if let Err(error) = shared.head.fresh() {
        problems.push(format!("head: {error}"));
    }
    if let Err(error) = shared.database.ping().await {
        tracing::warn!(%error, "the store does not answer");
        problems.push("database: it does not answer".to_owned());
    }
    if !shared.sender.observes() {
        match shared.sender.balance().await {
            Ok(balance) => {
                let gwei: u128 = balance.saturating_to::<u128>() / 1_000_000_000;
                let low = u128::from(shared.config.spending.low_balance_gwei);
                if gwei < low {
                    problems.push(format!("balance: {gwei} gwei are left, less than {low}"));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the node does not tell the balance");
                problems.push("node: it does not answer".to_owned());
            }
        }
    }
    gauge!("bpe_keeper_ready").set(f64::from(u8::from(problems.is_empty())));
    Readiness {
        ready: problems.is_empty(),
        problems,
        workers: report
            .into_iter()
            .map(|it| Worker {
                name: it.name.to_owned(),
                age: it.age.as_secs_f64(),
                error: it.error,
            })
            .collect(),
    }
}

/// How the keeper is, and what it spends.
#[utoipa::path(
    get, path = "/v1/keeper",
    responses((status = 200, body = Keeper), Reading)
)]
pub async fn keeper(State(shared): State<Arc<Shared>>) -> Result<Json<Keeper>, Problem> {
    let head = shared.head.get();
    let spending = shared.sender.spending().await?;
    let limits = shared.sender.limits();
    Ok(Json(Keeper {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        chain_id: shared.deployment.chain_id,
        account: shared.sender.account().to_string(),
        observes: shared.sender.observes(),
        leads: shared.leader.leads(),
        head: head.number,
        time: head.timestamp,
        head_age: head.since.elapsed().as_secs_f64(),
        cursor: shared.index.cursor().await?,
        balance: shared.sender.balance().await.ok().map(|it| it.to_string()),
        spent_hour_gwei: spending.hour,
        spent_day_gwei: spending.day,
        limit_hour_gwei: limits.hour_gwei,
        limit_day_gwei: limits.day_gwei,
        waiting: Waiting {
            attestations: shared.attestations.level().await?.count,
            receipts: shared.receipts.level().await?.count,
            assignments: shared.assignments.level().await?.count,
            vouchers: shared.vouchers.level().await?.count,
        },
        readiness: readiness(&shared).await,
    }))
}
