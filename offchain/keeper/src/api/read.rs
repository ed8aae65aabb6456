//! The economy as the store has it, in pages.

use std::sync::Arc;

use axum::{
    extract::{rejection::QueryRejection, Path, Query, State},
    http::StatusCode,
    Json,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use super::{
    params::{self, Params},
    problem::{Problem, Reading},
};
use crate::{
    index::{event_of, Rows as _},
    shared::Shared,
};

type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    items: Vec<T>,
    /// What to ask with as `after` for the rest; null at the end.
    next: Option<String>,
}

impl<T> Page<T> {
    fn of(items: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let full = i64::try_from(items.len()).is_ok_and(|count| count >= limit);
        let next = items.last().filter(|_| full).map(key);
        Self { items, next }
    }
}

/// A task type. Amounts are decimal strings: capacities in units of 1e-9, money in payment-token wei.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskType {
    id: String,
    creator: String,
    min_stake: String,
    /// Superfluid's pool, once there is one.
    pool: Option<String>,
    /// Per work unit; null until a price epoch was closed.
    base_fee: Option<String>,
    /// Wei per second and capacity unit at most; null without a limit.
    capacity_price: Option<String>,
    /// 0 capacity, 1 spare capacity, 2 shares, 3 work.
    weighting: u64,
    /// How the pool divides what streams in.
    units: Units,
    /// Of the escrow, 1e18 = full.
    pressure: String,
    /// In the escrow.
    waiting: String,
    sinks: u64,
    sources: u64,
    /// Of all sinks, smoothed.
    capacity: String,
    /// Of all sources, wei per second.
    flow: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Units {
    sinks: String,
    fee: String,
    budget: String,
    overflow: String,
}

/// A sink of a task type.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sink {
    sink: String,
    registered: bool,
    /// Declared or attested, as far as the stake backs it.
    declared: String,
    /// By which it is weighted.
    smoothed: String,
    queue_load: String,
    units: String,
    stake: String,
    slashed: String,
    completions: u64,
    /// The last epoch that was judged, and how much of what was due it did, in basis points.
    epoch: u64,
    rate_bps: u64,
    /// When what counts was attested; 0 if never.
    attested: u64,
}

/// A source's stream.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    source: String,
    /// Wei per second.
    rate: String,
    since: u64,
}

/// An event, by the chain's time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEvent {
    block: u64,
    log_index: u64,
    time: u64,
    transaction: String,
    name: String,
    task_type: Option<String>,
    account: Option<String>,
    other: Option<String>,
    amount: Option<String>,
    #[schema(value_type = Option<Object>)]
    detail: Value,
}

/// A value over time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Series {
    times: Vec<u64>,
    values: Vec<String>,
}

/// What became of something that was handed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Outcome {
    status: String,
    reason: String,
    at: u64,
}

/// The task types.
#[utoipa::path(
    get, path = "/v1/task-types",
    params(("after" = Option<String>, Query, description = "The last id of the page before"), ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000)),
    responses((status = 200, body = Page<TaskType>), Reading)
)]
pub async fn task_types(
    State(shared): State<Arc<Shared>>,
    query: Pairs,
) -> Result<Json<Page<TaskType>>, Problem> {
    let params = Params::of(query, &["after", "limit"])?;
    let limit = params.limit()?;
    let after = params.text("after").map(params::task_type).transpose()?;
    let rows = sqlx::query("SELECT id, creator, min_stake, pool, base_fee, capacity_price, weighting, sink_units, fee_units, budget_units, overflow_units, pressure, waiting FROM task_types WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after.map(|it| it.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(shared.database.pool())
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(task_type_of(&shared, row).await?);
    }
    Ok(Json(Page::of(items, limit, |it| it.id.clone())))
}

async fn task_type_of(shared: &Shared, row: &AnyRow) -> Result<TaskType, Problem> {
    let id = row.text(0)?;
    let sinks = sqlx::query("SELECT smoothed FROM sinks WHERE task_type = $1 AND registered = 1")
        .bind(&id)
        .fetch_all(shared.database.pool())
        .await?;
    let streams = sqlx::query("SELECT rate FROM streams WHERE task_type = $1 AND rate <> '0'")
        .bind(&id)
        .fetch_all(shared.database.pool())
        .await?;
    Ok(TaskType {
        creator: row.text(1)?,
        min_stake: row.text(2)?,
        pool: row.optional(3)?,
        base_fee: row.optional(4)?,
        capacity_price: row.optional(5)?,
        weighting: row.number(6)?,
        units: Units {
            sinks: row.text(7)?,
            fee: row.text(8)?,
            budget: row.text(9)?,
            overflow: row.text(10)?,
        },
        pressure: row.text(11)?,
        waiting: row.text(12)?,
        sinks: sinks.len() as u64,
        sources: streams.len() as u64,
        capacity: sum(&sinks)?,
        flow: sum(&streams)?,
        id,
    })
}

fn sum(rows: &[AnyRow]) -> Result<String, Problem> {
    let mut sum = alloy::primitives::U256::ZERO;
    for row in rows {
        sum = sum.saturating_add(row.parsed(0)?);
    }
    Ok(sum.to_string())
}

/// The sinks of a task type, also those that have left.
#[utoipa::path(
    get, path = "/v1/task-types/{id}/sinks",
    params(("id" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$"), ("after" = Option<String>, Query, description = "The last sink of the page before"), ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000)),
    responses((status = 200, body = Page<Sink>), Reading)
)]
pub async fn sinks(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    query: Pairs,
) -> Result<Json<Page<Sink>>, Problem> {
    let id = params::task_type(&id)?;
    let params = Params::of(query, &["after", "limit"])?;
    let limit = params.limit()?;
    let after: Option<alloy::primitives::Address> = params.parsed("after", "an address")?;
    exists(&shared, &id.to_string()).await?;
    let rows = sqlx::query("SELECT s.sink, s.registered, s.raw, s.smoothed, s.queue_load, COALESCE(m.units, '0'), COALESCE(k.amount, '0'), s.slashed, s.completions, s.epoch, s.rate_bps, s.attested FROM sinks s LEFT JOIN members m ON m.task_type = s.task_type AND m.member = s.sink LEFT JOIN stakes k ON k.sink = s.sink WHERE s.task_type = $1 AND s.sink > $2 ORDER BY s.sink LIMIT $3")
        .bind(id.to_string())
        .bind(after.map(|it| it.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(shared.database.pool())
        .await?;
    let items = rows.iter().map(|row| {
        Ok(Sink {
            sink: row.text(0)?,
            registered: row.number(1)? == 1,
            declared: row.text(2)?,
            smoothed: row.text(3)?,
            queue_load: row.text(4)?,
            units: row.text(5)?,
            stake: row.text(6)?,
            slashed: row.text(7)?,
            completions: row.number(8)?,
            epoch: row.number(9)?,
            rate_bps: row.number(10)?,
            attested: row.number(11)?,
        })
    });
    let items = items.collect::<Result<_, Problem>>()?;
    Ok(Json(Page::of(items, limit, |it: &Sink| it.sink.clone())))
}

/// The streams into a task type's pool.
#[utoipa::path(
    get, path = "/v1/task-types/{id}/streams",
    params(("id" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$"), ("after" = Option<String>, Query, description = "The last source of the page before"), ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000)),
    responses((status = 200, body = Page<Stream>), Reading)
)]
pub async fn streams(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    query: Pairs,
) -> Result<Json<Page<Stream>>, Problem> {
    let id = params::task_type(&id)?;
    let params = Params::of(query, &["after", "limit"])?;
    let limit = params.limit()?;
    let after: Option<alloy::primitives::Address> = params.parsed("after", "an address")?;
    exists(&shared, &id.to_string()).await?;
    let rows = sqlx::query("SELECT source, rate, since FROM streams WHERE task_type = $1 AND source > $2 AND rate <> '0' ORDER BY source LIMIT $3")
        .bind(id.to_string())
        .bind(after.map(|it| it.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(shared.database.pool())
        .await?;
    let items = rows.iter().map(|row| {
        Ok(Stream {
            source: row.text(0)?,
            rate: row.text(1)?,
            since: row.number(2)?,
        })
    });
    let items = items.collect::<Result<_, Problem>>()?;
    Ok(Json(Page::of(items, limit, |it: &Stream| {
        it.source.clone()
    })))
}

async fn exists(shared: &Shared, id: &str) -> Result<(), Problem> {
    let row = sqlx::query("SELECT id FROM task_types WHERE id = $1")
        .bind(id)
        .fetch_optional(shared.database.pool())
        .await?;
    row.map(drop)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no task type {id}")))
}

/// What happened, the latest first: epochs (`EpochAdvanced`), slashes (`AutoSlashed`, `Slashed`), prices, payments and all
/// else.
#[utoipa::path(
    get, path = "/v1/history",
    params(
        ("taskType" = Option<String>, Query, pattern = "^0x[0-9a-fA-F]{64}$"), ("account" = Option<String>, Query, description = "Of this sink or source", pattern = "^0x[0-9a-fA-F]{40}$"),
        ("name" = Option<String>, Query, description = "Of this event"),
        ("after" = Option<String>, Query, description = "`next` of the page before"), ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000)
    ),
    responses((status = 200, body = Page<HistoryEvent>), Reading)
)]
pub async fn history(
    State(shared): State<Arc<Shared>>,
    query: Pairs,
) -> Result<Json<Page<HistoryEvent>>, Problem> {
    let params = Params::of(query, &["taskType", "account", "name", "after", "limit"])?;
    let limit = params.limit()?;
    let (block, index) = match params.text("after") {
        None => (i64::MAX, i64::MAX),
        Some(text) => place(text).ok_or_else(|| {
            let shown: String = text.chars().take(80).collect();
            Problem::bad(format!("after should be what `next` said, not {shown:?}"))
        })?,
    };
    let mut sql = "SELECT block, log_index, time, tx, name, task_type, account, other, amount, detail FROM events WHERE (block < $1 OR (block = $1 AND log_index < $2))".to_owned();
    let mut values = Vec::new();
    if let Some(id) = params.task_type()? {
        values.push(id.to_string());
        sql += &format!(" AND task_type = ${}", values.len() + 2);
    }
    if let Some(account) = params.account()? {
        values.push(account.to_string());
        let number = values.len() + 2;
        sql += &format!(" AND (account = ${number} OR other = ${number})");
    }
    if let Some(name) = params.text("name") {
        values.push(name.to_owned());
        sql += &format!(" AND name = ${}", values.len() + 2);
    }
    sql += &format!(
        " ORDER BY block DESC, log_index DESC LIMIT ${}",
        values.len() + 3
    );
    let mut query = sqlx::query(&sql).bind(block).bind(index);
    for value in values {
        query = query.bind(value);
    }
    let rows = query.bind(limit).fetch_all(shared.database.pool()).await?;
    let items = rows.iter().map(|row| {
        let event = event_of(row)?;
        Ok(HistoryEvent {
            block: event.block,
            log_index: event.log_index,
            time: event.time,
            transaction: event.transaction.to_string(),
            name: event.name,
            task_type: event.task_type.map(|it| it.to_string()),
            account: event.account.map(|it| it.to_string()),
            other: event.other.map(|it| it.to_string()),
            amount: event.amount,
            detail: event.detail,
        })
    });
    let items = items.collect::<Result<_, Problem>>()?;
    let key = |it: &HistoryEvent| format!("{}-{}", it.block, it.log_index);
    Ok(Json(Page::of(items, limit, key)))
}

fn place(text: &str) -> Option<(i64, i64)> {
    let (block, index) = text.split_once('-')?;
    Some((block.parse().ok()?, index.parse().ok()?))
}

/// A value of a task type over time: `price`, `pressure`, `capacity` or `flow`, the latest points at most.
#[utoipa::path(
    get, path = "/v1/series",
    params(("taskType" = String, Query, pattern = "^0x[0-9a-fA-F]{64}$"), ("of" = String, Query, pattern = "^(price|pressure|capacity|flow)$"), ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000)),
    responses((status = 200, body = Series), Reading)
)]
pub async fn series(
    State(shared): State<Arc<Shared>>,
    query: Pairs,
) -> Result<Json<Series>, Problem> {
    let params = Params::of(query, &["taskType", "of", "limit"])?;
    let limit = params.limit()?;
    let id = params
        .task_type()?
        .ok_or_else(|| Problem::bad("taskType is missing"))?;
    let name = match params.text("of") {
        Some("price") => "BaseFeeUpdated",
        Some("pressure") => "PressureChanged",
        Some("capacity") => "Rebalanced",
        Some("flow") => "FlowDistributionUpdated",
        other => {
            let shown: String = other.unwrap_or_default().chars().take(40).collect();
            return Err(Problem::bad(format!(
                "of should be price, pressure, capacity or flow, not {shown:?}"
            )));
        }
    };
    let rows = sqlx::query("SELECT time, amount, detail FROM events WHERE task_type = $1 AND name = $2 ORDER BY block DESC, log_index DESC LIMIT $3")
        .bind(id.to_string())
        .bind(name)
        .bind(limit)
        .fetch_all(shared.database.pool())
        .await?;
    let mut series = Series {
        times: Vec::with_capacity(rows.len()),
        values: Vec::with_capacity(rows.len()),
    };
    for row in rows.iter().rev() {
        // Of a distribution the whole pool's flow.
        let detail: Option<Value> = row
            .optional(2)?
            .and_then(|text| serde_json::from_str(&text).ok());
        let total = detail.and_then(|it| it["total"].as_str().map(str::to_owned));
        series.times.push(row.number(0)?);
        series.values.push(match total {
            Some(total) if name == "FlowDistributionUpdated" => total,
            _ => row.optional(1)?.unwrap_or_default(),
        });
    }
    Ok(Json(series))
}

/// What became of something that was handed in, in the last hours: of worker `oracle` the item
/// `taskType:sink:nonce`, of `receipts` and `assignments` `taskType:sink:source:taskId`,
/// of `vouchers` `taskType:sink:source:tasks`.
#[utoipa::path(
    get, path = "/v1/outcomes/{worker}/{item}",
    params(("worker" = String, Path), ("item" = String, Path)),
    responses((status = 200, body = Outcome), Reading)
)]
pub async fn outcome(
    State(shared): State<Arc<Shared>>,
    Path((worker, item)): Path<(String, String)>,
) -> Result<Json<Outcome>, Problem> {
    if worker.contains('\0') || item.contains('\0') {
        return Err(Problem::bad("a name has a zero byte in it"));
    }
    let row =
        sqlx::query("SELECT status, reason, at FROM outcomes WHERE worker = $1 AND item = $2")
            .bind(&worker)
            .bind(&item)
            .fetch_optional(shared.database.pool())
            .await?;
    if let Some(row) = row {
        return Ok(Json(Outcome {
            status: row.text(0)?,
            reason: row.text(1)?,
            at: row.number(2)?,
        }));
    }
    let waits = sqlx::query("SELECT received FROM inbox WHERE worker = $1 AND item = $2")
        .bind(&worker)
        .bind(&item)
        .fetch_optional(shared.database.pool())
        .await?;
    let row = waits.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "nothing of that name waits or was settled in the last hours",
        )
    })?;
    Ok(Json(Outcome {
        status: "waits".to_owned(),
        reason: String::new(),
        at: row.number(0)?,
    }))
}
