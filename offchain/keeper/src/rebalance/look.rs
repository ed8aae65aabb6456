//! A task type as the store has it: capacities, units and flow, without a call to the node.

use alloy::primitives::{Address, B256, U256};
use bpe_chain::{ChainError, Database};

use super::Sink;
use crate::index::Rows as _;

/// What the engine decides by.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub task_type: B256,
    pub weighting: u64,
    pub sinks: Vec<Sink>,
    /// Of the sinks, wei per second.
    pub flow: f64,
    /// What waits in the escrow, wei.
    pub waiting: U256,
    /// Registered sinks.
    pub serving: u64,
}

/// All task types that have a pool.
///
/// # Errors
/// If the database does not answer.
pub async fn look(database: &Database) -> Result<Vec<View>, ChainError> {
    let rows = sqlx::query("SELECT id, weighting, sink_units, fee_units, budget_units, overflow_units, waiting FROM task_types WHERE pool IS NOT NULL ORDER BY id")
        .fetch_all(database.pool())
        .await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in &rows {
        let task_type: B256 = row.parsed(0)?;
        let sinks = sinks(database, task_type).await?;
        let total = total_flow(database, task_type).await?;
        let units = |column| -> Result<f64, ChainError> { Ok(row.parsed::<u128>(column)? as f64) };
        let cuts = units(3)? + units(4)? + units(5)?;
        let of_sinks: f64 = sinks.iter().map(|sink| sink.units as f64).sum();
        let flow = if of_sinks > 0.0 {
            total * of_sinks / (of_sinks + cuts)
        } else {
            0.0
        };
        views.push(View {
            task_type,
            weighting: row.number(1)?,
            serving: sinks.iter().filter(|sink| sink.capacity > 0).count() as u64,
            sinks,
            flow,
            waiting: row.parsed(6)?,
        });
    }
    Ok(views)
}

/// Sinks with capacity, with units, or with both.
async fn sinks(database: &Database, task_type: B256) -> Result<Vec<Sink>, ChainError> {
    let rows = sqlx::query("SELECT s.sink, CASE WHEN s.registered = 1 THEN s.smoothed ELSE '0' END, COALESCE(m.units, '0') FROM sinks s LEFT JOIN members m ON m.task_type = s.task_type AND m.member = s.sink WHERE s.task_type = $1 AND (s.registered = 1 OR COALESCE(m.units, '0') <> '0') ORDER BY s.sink")
        .bind(task_type.to_string())
        .fetch_all(database.pool())
        .await?;
    let sinks = rows.iter().map(|row| {
        Ok(Sink {
            address: row.parsed::<Address>(0)?,
            capacity: row.parsed::<U256>(1)?.saturating_to(),
            units: row.parsed(2)?,
        })
    });
    sinks.collect()
}

async fn total_flow(database: &Database, task_type: B256) -> Result<f64, ChainError> {
    let rows = sqlx::query("SELECT rate FROM streams WHERE task_type = $1")
        .bind(task_type.to_string())
        .fetch_all(database.pool())
        .await?;
    let mut total = 0.0;
    for row in &rows {
        total += row.parsed::<i128>(0)?.max(0) as f64;
    }
    Ok(total)
}
