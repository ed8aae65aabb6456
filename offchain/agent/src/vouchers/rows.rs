//! Tasks and vouchers as rows, each function within a transaction of its caller.

use alloy::primitives::{Bytes, B256};
use sqlx::{any::AnyRow, AnyConnection, Row as _};

use super::{
    ledger::{LedgerError, Pair, Signed},
    Totals,
};
use crate::formats::{ReceiptBody, VoucherBody, VoucherSubmission};

/// Receipts that go with a voucher at most; the others go with the next one.
const MOST_RECEIPTS: i64 = 500;

/// The rows of a pair.
pub(super) const OF_PAIR: &str = "task_type = $1 AND sink = $2 AND source = $3";

pub(super) async fn latest(
    connection: &mut AnyConnection,
    pair: &Pair,
) -> Result<Option<Signed>, LedgerError> {
    let [task_type, sink, source] = pair.texts();
    let row = sqlx::query(&format!("SELECT task_type, sink, source, work, value, tasks, timestamp, source_signature, sink_signature FROM agent_vouchers WHERE {OF_PAIR}"))
        .bind(task_type)
        .bind(sink)
        .bind(source)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(signed_voucher).transpose()
}

/// What is done and not signed for.
pub(super) async fn owed(
    connection: &mut AnyConnection,
    pair: &Pair,
) -> Result<Totals, LedgerError> {
    let [task_type, sink, source] = pair.texts();
    let rows = sqlx::query(&format!(
        "SELECT work, value FROM agent_tasks WHERE {OF_PAIR} AND state = 'done'"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .fetch_all(connection)
    .await?;
    let mut owed = Totals::default();
    for row in &rows {
        owed = owed.plus(Totals {
            work: parsed(row, 0, "work")?,
            value: parsed(row, 1, "value")?,
            tasks: 1,
        })?;
    }
    Ok(owed)
}

pub(super) async fn store(
    connection: &mut AnyConnection,
    signed_voucher: &Signed,
) -> Result<(), LedgerError> {
    let [task_type, sink, source] = signed_voucher.pair().texts();
    let voucher = &signed_voucher.voucher;
    sqlx::query("INSERT INTO agent_vouchers (task_type, sink, source, work, value, tasks, timestamp, source_signature, sink_signature, credit) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '0') ON CONFLICT (task_type, sink, source) DO UPDATE SET work = excluded.work, value = excluded.value, tasks = excluded.tasks, timestamp = excluded.timestamp, source_signature = excluded.source_signature, sink_signature = excluded.sink_signature")
        .bind(task_type)
        .bind(sink)
        .bind(source)
        .bind(voucher.work.to_string())
        .bind(voucher.value.to_string())
        .bind(signed(voucher.tasks))
        .bind(signed(voucher.timestamp))
        .bind(text(&signed_voucher.source_signature))
        .bind(text(&signed_voucher.sink_signature))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn mark(
    connection: &mut AnyConnection,
    pair: &Pair,
    from: &str,
    to: &str,
) -> Result<(), LedgerError> {
    let [task_type, sink, source] = pair.texts();
    sqlx::query(&format!(
        "UPDATE agent_tasks SET state = $5 WHERE {OF_PAIR} AND state = $4"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .bind(from)
    .bind(to)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn settle(
    connection: &mut AnyConnection,
    pair: &Pair,
    task_id: B256,
    from: &str,
) -> Result<(), LedgerError> {
    let [task_type, sink, source] = pair.texts();
    sqlx::query(&format!(
        "UPDATE agent_tasks SET state = 'settled' WHERE {OF_PAIR} AND task_id = $4 AND state = $5"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .bind(task_id.to_string())
    .bind(from)
    .execute(connection)
    .await?;
    Ok(())
}

/// A voucher was for so many wei more, which pay for tasks as their receipts come.
pub(super) async fn add_credit(
    connection: &mut AnyConnection,
    pair: &Pair,
    more: u128,
) -> Result<(), LedgerError> {
    let credit = credit(connection, pair).await?.saturating_add(more);
    set_credit(connection, pair, credit).await
}

/// Keeps the receipts that came with a voucher. Returns what the tasks are worth that they settle.
pub(super) async fn settle_all(
    connection: &mut AnyConnection,
    pair: &Pair,
    submission: &VoucherSubmission,
) -> Result<u128, LedgerError> {
    let mut settled = 0_u128;
    for receipt in &submission.receipts {
        keep(connection, receipt).await?;
        settled = settled.saturating_add(pay(connection, pair, receipt.task_id).await?);
    }
    Ok(settled)
}

/// A task whose receipt has come is settled, if what was signed for covers it. Otherwise it stays owed. Returns what it is worth.
async fn pay(
    connection: &mut AnyConnection,
    pair: &Pair,
    task_id: B256,
) -> Result<u128, LedgerError> {
    let [task_type, sink, source] = pair.texts();
    let row = sqlx::query(&format!(
        "SELECT value FROM agent_tasks WHERE {OF_PAIR} AND task_id = $4 AND state = 'done'"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .bind(task_id.to_string())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(0);
    };
    let value: u128 = parsed(&row, 0, "value")?;
    let Some(left) = credit(connection, pair).await?.checked_sub(value) else {
        tracing::warn!(source = %pair.source, %task_id, "a voucher does not cover what was done");
        return Ok(0);
    };
    set_credit(connection, pair, left).await?;
    settle(connection, pair, task_id, "done").await?;
    Ok(value)
}

pub(super) async fn credit(
    connection: &mut AnyConnection,
    pair: &Pair,
) -> Result<u128, LedgerError> {
    let [task_type, sink, source] = pair.texts();
    let row = sqlx::query(&format!(
        "SELECT credit FROM agent_vouchers WHERE {OF_PAIR}"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .fetch_optional(connection)
    .await?;
    row.map_or(Ok(0), |row| parsed(&row, 0, "credit"))
}

pub(super) async fn set_credit(
    connection: &mut AnyConnection,
    pair: &Pair,
    credit: u128,
) -> Result<(), LedgerError> {
    let [task_type, sink, source] = pair.texts();
    sqlx::query(&format!(
        "UPDATE agent_vouchers SET credit = $4 WHERE {OF_PAIR}"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .bind(credit.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Receipts of what was signed for and not acknowledged.
pub(super) async fn receipts(
    connection: &mut AnyConnection,
    pair: &Pair,
    sign: impl Fn(&ReceiptBody) -> Result<Bytes, alloy::signers::Error>,
) -> Result<Vec<ReceiptBody>, LedgerError> {
    let [task_type, sink, source] = pair.texts();
    let rows = sqlx::query(&format!("SELECT task_id, done_at FROM agent_tasks WHERE {OF_PAIR} AND state = 'vouchered' ORDER BY done_at, task_id LIMIT $4"))
        .bind(task_type)
        .bind(sink)
        .bind(source)
        .bind(MOST_RECEIPTS)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let mut receipt = ReceiptBody {
                task_type_id: pair.task_type,
                sink: pair.sink,
                source: pair.source,
                task_id: parsed(row, 0, "task_id")?,
                timestamp: unsigned(row.try_get(1)?),
                source_signature: Bytes::new(),
            };
            receipt.source_signature = sign(&receipt)?;
            Ok(receipt)
        })
        .collect()
}

/// The receipt of a task.
pub(super) async fn receipt(
    connection: &mut AnyConnection,
    pair: &Pair,
    task_id: B256,
) -> Result<Option<ReceiptBody>, LedgerError> {
    let [task_type, sink, source] = pair.texts();
    let row = sqlx::query(&format!(
        "SELECT timestamp, source_signature FROM agent_receipts WHERE {OF_PAIR} AND task_id = $4"
    ))
    .bind(task_type)
    .bind(sink)
    .bind(source)
    .bind(task_id.to_string())
    .fetch_optional(connection)
    .await?;
    let of = |row: &AnyRow| {
        Ok(ReceiptBody {
            task_type_id: pair.task_type,
            sink: pair.sink,
            source: pair.source,
            task_id,
            timestamp: unsigned(row.try_get(0)?),
            source_signature: parsed(row, 1, "source_signature")?,
        })
    };
    row.as_ref().map(of).transpose()
}

async fn keep(connection: &mut AnyConnection, receipt: &ReceiptBody) -> Result<(), LedgerError> {
    sqlx::query("INSERT INTO agent_receipts (task_type, sink, source, task_id, timestamp, source_signature) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (task_type, sink, source, task_id) DO NOTHING")
        .bind(receipt.task_type_id.to_string())
        .bind(receipt.sink.to_string())
        .bind(receipt.source.to_string())
        .bind(receipt.task_id.to_string())
        .bind(signed(receipt.timestamp))
        .bind(receipt.source_signature.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps one accusation of each pair: the first is enough, and more would fill the disk.
pub(super) async fn accuse(
    connection: &mut AnyConnection,
    offered: &Signed,
    now: u64,
) -> Result<(), LedgerError> {
    let [task_type, sink, source] = offered.pair().texts();
    let voucher = serde_json::to_string(&offered.voucher).unwrap_or_default();
    sqlx::query(&format!("INSERT INTO agent_equivocations (task_type, sink, source, voucher, signature, at) SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM agent_equivocations WHERE {OF_PAIR})"))
        .bind(task_type)
        .bind(sink)
        .bind(source)
        .bind(voucher)
        .bind(offered.source_signature.to_string())
        .bind(signed(now))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn body(pair: &Pair, totals: Totals, now: u64) -> VoucherBody {
    VoucherBody {
        task_type_id: pair.task_type,
        sink: pair.sink,
        source: pair.source,
        work: totals.work,
        value: totals.value,
        tasks: totals.tasks,
        timestamp: now,
    }
}

pub(super) fn pair(row: &AnyRow) -> Result<Pair, LedgerError> {
    Ok(Pair {
        task_type: parsed(row, 0, "task_type")?,
        sink: parsed(row, 1, "sink")?,
        source: parsed(row, 2, "source")?,
    })
}

pub(super) fn signed_voucher(row: &AnyRow) -> Result<Signed, LedgerError> {
    let pair = pair(row)?;
    let totals = Totals {
        work: parsed(row, 3, "work")?,
        value: parsed(row, 4, "value")?,
        tasks: unsigned(row.try_get(5)?),
    };
    Ok(Signed {
        voucher: body(&pair, totals, unsigned(row.try_get(6)?)),
        source_signature: bytes(row, 7, "source_signature")?,
        sink_signature: bytes(row, 8, "sink_signature")?,
    })
}

pub(super) fn parsed<T: std::str::FromStr>(
    row: &AnyRow,
    index: usize,
    column: &'static str,
) -> Result<T, LedgerError> {
    let value: String = row.try_get(index)?;
    value
        .parse()
        .map_err(|_| LedgerError::Corrupt { column, value })
}

pub(super) fn bytes(
    row: &AnyRow,
    index: usize,
    column: &'static str,
) -> Result<Bytes, LedgerError> {
    let value: String = row.try_get(index)?;
    if value.is_empty() {
        return Ok(Bytes::new());
    }
    value
        .parse()
        .map_err(|_| LedgerError::Corrupt { column, value })
}

/// A signature as text; one that is not there is empty.
pub(super) fn text(signature: &Bytes) -> String {
    if signature.is_empty() {
        String::new()
    } else {
        signature.to_string()
    }
}

#[allow(
    clippy::cast_possible_wrap,
    reason = "times and numbers of tasks are below 2^63"
)]
pub(super) const fn signed(value: u64) -> i64 {
    value as i64
}

#[allow(clippy::cast_sign_loss, reason = "only what `signed` wrote is read")]
pub(super) const fn unsigned(value: i64) -> u64 {
    value as u64
}
