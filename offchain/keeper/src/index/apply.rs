//! What an event changes in the tables, and how that is taken back.

use alloy::primitives::{Address, U256};
use bpe_chain::ChainError;
use serde_json::Value;
use sqlx::AnyConnection;

use super::{Event, Rows as _};

/// Finds out which task type an event of a pool is of. False if it is none of ours.
pub async fn place(connection: &mut AnyConnection, event: &mut Event) -> Result<bool, ChainError> {
    if !matches!(
        event.name.as_str(),
        "MemberUnitsUpdated" | "FlowDistributionUpdated"
    ) {
        return Ok(true);
    }
    let pool = event.other.unwrap_or_default().to_string();
    let row = sqlx::query("SELECT id FROM task_types WHERE pool = $1")
        .bind(pool)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(false) };
    event.task_type = Some(row.parsed(0)?);
    Ok(true)
}

/// Adds the event to the history.
pub async fn store(connection: &mut AnyConnection, event: &Event) -> Result<(), ChainError> {
    let detail = match &event.detail {
        Value::Null => None,
        detail => Some(detail.to_string()),
    };
    sqlx::query("INSERT INTO events (block, log_index, time, tx, name, task_type, account, other, amount, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(signed(event.block))
        .bind(signed(event.log_index))
        .bind(signed(event.time))
        .bind(event.transaction.to_string())
        .bind(&event.name)
        .bind(event.task_type.map(|it| it.to_string()))
        .bind(event.account.map(|it| it.to_string()))
        .bind(event.other.map(|it| it.to_string()))
        .bind(&event.amount)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes the tables.
pub async fn apply(connection: &mut AnyConnection, event: &Event) -> Result<(), ChainError> {
    let task_type = event.task_type.map(|it| it.to_string()).unwrap_or_default();
    let account = event.account.map(|it| it.to_string()).unwrap_or_default();
    let other = event.other.map(|it| it.to_string()).unwrap_or_default();
    let amount = event.amount.clone().unwrap_or_else(|| "0".to_owned());
    let text = |key: &str| event.detail[key].as_str().unwrap_or("0").to_owned();
    let statement: (&str, Vec<String>) = match event.name.as_str() {
        "TaskTypeRegistered" => (
            "INSERT INTO task_types (id, creator, min_stake, weighting, sink_units, fee_units, budget_units, overflow_units, pressure, waiting) VALUES ($1, $2, $3, 0, '0', '0', '0', '0', '0', '0') ON CONFLICT (id) DO NOTHING",
            vec![task_type, account, amount],
        ),
        "PoolCreated" => (
            "UPDATE task_types SET pool = $2 WHERE id = $1",
            vec![task_type, other],
        ),
        "BaseFeeUpdated" => ("UPDATE task_types SET base_fee = $2 WHERE id = $1", vec![task_type, amount]),
        "CapacityPriceSet" => ("UPDATE task_types SET capacity_price = $2 WHERE id = $1", vec![task_type, amount]),
        "PressureChanged" => ("UPDATE task_types SET pressure = $2 WHERE id = $1", vec![task_type, amount]),
        "WeightingSet" => (
            "UPDATE task_types SET weighting = CAST($2 AS BIGINT) WHERE id = $1",
            vec![task_type, amount],
        ),
        "CarveOutsSet" => (
            "UPDATE task_types SET sink_units = $2, fee_units = $3, budget_units = $4, overflow_units = $5 WHERE id = $1",
            vec![task_type, amount, text("fee"), text("budget"), text("overflow")],
        ),
        "Deposited" => return waiting(connection, &task_type, &amount, true).await,
        "Drained" | "Credited" | "Reclaimed" => return waiting(connection, &task_type, &amount, false).await,
        "SinkRegistered" => (
            "INSERT INTO sinks (task_type, sink, registered, raw, smoothed, queue_load, attested, completions, epoch, rate_bps, slashed) VALUES ($1, $2, 1, $3, $3, '0', 0, 0, 0, 0, '0') ON CONFLICT (task_type, sink) DO UPDATE SET registered = 1, raw = excluded.raw, smoothed = excluded.smoothed",
            vec![task_type, account, amount],
        ),
        "SinkDeregistered" => (
            "UPDATE sinks SET registered = 0 WHERE task_type = $1 AND sink = $2",
            vec![task_type, account],
        ),
        "CapacityRevealed" | "CapacityClipped" => (
            "UPDATE sinks SET smoothed = $3, raw = $4 WHERE task_type = $1 AND sink = $2",
            vec![task_type, account, amount, text("raw")],
        ),
        "QueueLoadUpdated" => (
            "UPDATE sinks SET queue_load = $3 WHERE task_type = $1 AND sink = $2",
            vec![task_type, account, amount],
        ),
        "AttestationApplied" => (
            "UPDATE sinks SET attested = CAST($3 AS BIGINT) WHERE task_type = $1 AND sink = $2",
            vec![task_type, account, text("timestamp")],
        ),
        "CompletionRecorded" => (
            "UPDATE sinks SET completions = completions + 1 WHERE task_type = $1 AND sink = $2",
            vec![task_type, account],
        ),
        "EpochAdvanced" => (
            "UPDATE sinks SET rate_bps = CAST($3 AS BIGINT), epoch = CAST($4 AS BIGINT) WHERE task_type = $1 AND sink = $2",
            vec![task_type, account, amount, text("epoch")],
        ),
        "AutoSlashed" => return slashed(connection, &task_type, &account, &amount).await,
        "MemberUnitsUpdated" => (
            "INSERT INTO members (task_type, member, units) VALUES ($1, $2, $3) ON CONFLICT (task_type, member) DO UPDATE SET units = excluded.units",
            vec![task_type, account, amount],
        ),
        "FlowDistributionUpdated" => (
            "INSERT INTO streams (task_type, source, rate, since) VALUES ($1, $2, $3, CAST($4 AS BIGINT)) ON CONFLICT (task_type, source) DO UPDATE SET rate = excluded.rate, since = excluded.since",
            vec![task_type, account, amount, event.time.to_string()],
        ),
        "Staked" | "Unstaked" => (
            "INSERT INTO stakes (sink, amount, slashed) VALUES ($1, $2, '0') ON CONFLICT (sink) DO UPDATE SET amount = excluded.amount",
            vec![account, text("total")],
        ),
        "MissReported" => (
            "INSERT INTO misses (task_type, sink, source, task, epoch, value) VALUES ($1, $2, $3, $4, CAST($5 AS BIGINT) / 300, $6) ON CONFLICT (task_type, sink, source, task) DO NOTHING",
            vec![task_type, account, other, text("taskId"), text("deadline"), amount],
        ),
        "MissAnswered" => (
            "DELETE FROM misses WHERE task_type = $1 AND sink = $2 AND source = $3 AND task = $4",
            vec![task_type, account, other, text("taskId")],
        ),
        "MissesSettled" => (
            "DELETE FROM misses WHERE task_type = $1 AND sink = $2 AND epoch = CAST($3 AS BIGINT)",
            vec![task_type, account, text("epoch")],
        ),
        "Slashed" => return stake_slashed(connection, &account, &amount).await,
        _ => return Ok(()),
    };
    let (sql, values) = statement;
    let mut query = sqlx::query(sql);
    for value in values {
        query = query.bind(value);
    }
    query.execute(connection).await?;
    Ok(())
}

/// What waits in the escrow for the sinks of a task type.
async fn waiting(
    connection: &mut AnyConnection,
    task_type: &str,
    amount: &str,
    more: bool,
) -> Result<(), ChainError> {
    let row = sqlx::query("SELECT waiting FROM task_types WHERE id = $1")
        .bind(task_type)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let now = sum(row.parsed(0)?, amount, more);
    sqlx::query("UPDATE task_types SET waiting = $2 WHERE id = $1")
        .bind(task_type)
        .bind(now.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn slashed(
    connection: &mut AnyConnection,
    task_type: &str,
    sink: &str,
    amount: &str,
) -> Result<(), ChainError> {
    let row = sqlx::query("SELECT slashed FROM sinks WHERE task_type = $1 AND sink = $2")
        .bind(task_type)
        .bind(sink)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let now = sum(row.parsed(0)?, amount, true);
    sqlx::query("UPDATE sinks SET slashed = $3 WHERE task_type = $1 AND sink = $2")
        .bind(task_type)
        .bind(sink)
        .bind(now.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn stake_slashed(
    connection: &mut AnyConnection,
    sink: &str,
    amount: &str,
) -> Result<(), ChainError> {
    let row = sqlx::query("SELECT amount, slashed FROM stakes WHERE sink = $1")
        .bind(sink)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let left = sum(row.parsed(0)?, amount, false);
    let slashed = sum(row.parsed(1)?, amount, true);
    sqlx::query("UPDATE stakes SET amount = $2, slashed = $3 WHERE sink = $1")
        .bind(sink)
        .bind(left.to_string())
        .bind(slashed.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

fn sum(now: U256, amount: &str, more: bool) -> U256 {
    let amount: U256 = amount.parse().unwrap_or_default();
    if more {
        now.saturating_add(amount)
    } else {
        now.saturating_sub(amount)
    }
}

/// Forgets what was read of blocks after `block`, and makes the tables again out of what is left. Reorganisations are rare
/// and shallow; this is right for all of them.
pub async fn rewind(connection: &mut AnyConnection, block: u64) -> Result<(), ChainError> {
    let gone = sqlx::query("DELETE FROM events WHERE block > $1")
        .bind(signed(block))
        .execute(&mut *connection)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(());
    }
    for table in [
        "task_types",
        "sinks",
        "members",
        "streams",
        "stakes",
        "misses",
    ] {
        let sql = format!("DELETE FROM {table}");
        sqlx::query(&sql).execute(&mut *connection).await?;
    }
    const PAGE: i64 = 5_000;
    let (mut after, mut index) = (-1, -1);
    loop {
        let rows = sqlx::query("SELECT block, log_index, time, tx, name, task_type, account, other, amount, detail FROM events WHERE block > $1 OR (block = $1 AND log_index > $2) ORDER BY block, log_index LIMIT $3")
            .bind(after)
            .bind(index)
            .bind(PAGE)
            .fetch_all(&mut *connection)
            .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        (after, index) = (signed(last.number(0)?), signed(last.number(1)?));
        for row in &rows {
            apply(connection, &event_of(row)?).await?;
        }
    }
}

/// An event out of a row of the history.
pub fn event_of(row: &sqlx::any::AnyRow) -> Result<Event, ChainError> {
    let address = |column| -> Result<Option<Address>, ChainError> {
        Ok(row.optional(column)?.and_then(|text| text.parse().ok()))
    };
    let detail = row
        .optional(9)?
        .and_then(|text| serde_json::from_str(&text).ok());
    Ok(Event {
        block: row.number(0)?,
        log_index: row.number(1)?,
        time: row.number(2)?,
        transaction: row.parsed(3)?,
        name: row.text(4)?,
        task_type: row.optional(5)?.and_then(|text| text.parse().ok()),
        account: address(6)?,
        other: address(7)?,
        amount: row.optional(8)?,
        detail: detail.unwrap_or(Value::Null),
    })
}

#[allow(
    clippy::cast_possible_wrap,
    reason = "no chain has 2^63 blocks or seconds"
)]
const fn signed(value: u64) -> i64 {
    value as i64
}
