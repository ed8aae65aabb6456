//! Misses that sources have reported and sinks have not answered: until somebody settles them, what they cost is nobody's, and
//! the sink shows what it did not do. Where a task type is judged by misses, judging its epochs does it.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::IWorkMisses::{settleMissesCall, IWorkMissesInstance, MissesSettled};
use bpe_chain::{Batch, Call, ChainError, Database, Effect, Refusal};

use super::MISSES;
use crate::{index::Rows as _, verification::EPOCH};

/// Seconds after the end of an epoch from which on nothing of it can be reported or answered any more.
const WAIT: u64 = 4_200;
/// Epochs that are looked at: a week. Whoever reports misses that nobody settles, as they are worth less than the gas, fills no memory.
const WEEK: u64 = 7 * 86_400 / EPOCH;

/// What was missed of a sink in an epoch, by what is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    pub task_type: B256,
    pub sink: Address,
    pub epoch: u64,
    /// In wei.
    pub value: U256,
    /// When it is looked at, in seconds.
    pub at: u64,
}

/// What can be settled as of `at`: the sums of what was reported and not answered.
///
/// # Errors
/// If the database does not answer.
pub async fn unsettled(database: &Database, at: u64) -> Result<Vec<Unsettled>, ChainError> {
    let Some(last) = (at.saturating_sub(WAIT) / EPOCH).checked_sub(1) else {
        return Ok(Vec::new());
    };
    let rows = sqlx::query("SELECT task_type, sink, epoch, value FROM misses WHERE epoch <= $1 AND epoch > $2 ORDER BY epoch, task_type, sink")
        .bind(i64::try_from(last).unwrap_or(i64::MAX))
        .bind(i64::try_from(last.saturating_sub(WEEK)).unwrap_or(i64::MAX))
        .fetch_all(database.pool())
        .await?;
    let mut sums: BTreeMap<(u64, B256, Address), U256> = BTreeMap::new();
    for row in &rows {
        let key = (row.number(2)?, row.parsed(0)?, row.parsed(1)?);
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(row.parsed(3)?);
    }
    let unsettled = |((epoch, task_type, sink), value)| Unsettled {
        task_type,
        sink,
        epoch,
        value,
        at,
    };
    Ok(sums.into_iter().map(unsettled).collect())
}

/// Settlements, one a call.
pub struct Misses {
    pub misses: IWorkMissesInstance<alloy::providers::DynProvider>,
    /// Seconds between two attempts.
    pub every: u64,
}

impl Batch for Misses {
    type Item = Unsettled;
    const WORKER: &'static str = MISSES;
    const MOST: usize = 1;

    fn id(&self, it: &Unsettled) -> String {
        let turn = it.at / self.every.max(1);
        format!("{}:{}:{}:{turn}", it.task_type, it.sink, it.epoch)
    }

    fn call(&self, items: &[Unsettled]) -> Call {
        let data = items.first().map(|it| {
            settleMissesCall {
                taskTypeId: it.task_type,
                sink: it.sink,
                epoch: U256::from(it.epoch),
            }
            .abi_encode()
        });
        Call {
            to: *self.misses.address(),
            data: data.unwrap_or_default().into(),
        }
    }

    /// Those that the contract has not settled.
    async fn open(&self, items: Vec<Unsettled>) -> Result<Vec<Unsettled>, ChainError> {
        let mut open = Vec::with_capacity(items.len());
        for it in items {
            let epoch = U256::from(it.epoch);
            let missed = self.misses.getMissed(it.task_type, it.sink, epoch);
            let missed = missed.call().await?;
            if !missed.settled && !missed.value.is_zero() {
                open.push(it);
            }
        }
        Ok(open)
    }

    fn judge(&self, items: &[Unsettled], logs: &[Log]) -> Vec<Effect> {
        let settled = |it: &Unsettled| {
            logs.iter()
                .filter(|log| log.address() == *self.misses.address())
                .filter_map(|log| MissesSettled::decode_log(&log.inner).ok())
                .any(|event| {
                    let epoch = event.epoch.saturating_to::<u64>();
                    (event.taskTypeId, event.sink, epoch) == (it.task_type, it.sink, it.epoch)
                })
        };
        let effect = |it| match settled(it) {
            true => Effect::Done,
            false => Effect::None,
        };
        items.iter().map(effect).collect()
    }

    fn refusal(&self, _: &str) -> Refusal {
        Refusal::Later
    }
}
