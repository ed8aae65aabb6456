//! Notes of what sources by work have paid: what is not noted is lost when a source changes its rate directly, or is
//! liquidated.

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::IWorkLedger::{noteCall, Noted};
use bpe_chain::{views::Suite, Batch, Call, ChainError, Database, Effect, Refusal};

use super::NOTES;
use crate::index::Rows as _;

/// A source's stream, and when it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub task_type: B256,
    pub source: Address,
    pub at: u64,
}

/// The open streams of task types by work, as of `at`.
///
/// # Errors
/// If the database does not answer.
pub async fn streams_by_work(database: &Database, at: u64) -> Result<Vec<Note>, ChainError> {
    let rows = sqlx::query("SELECT s.task_type, s.source FROM streams s JOIN task_types t ON t.id = s.task_type WHERE t.weighting = 3 AND s.rate <> '0' ORDER BY s.task_type, s.source")
        .fetch_all(database.pool())
        .await?;
    let notes = rows.iter().map(|row| {
        Ok(Note {
            task_type: row.parsed(0)?,
            source: row.parsed(1)?,
            at,
        })
    });
    notes.collect()
}

/// Notes, one a call.
pub struct Notes {
    pub suite: Suite,
    /// Seconds between two notes of a stream.
    pub every: u64,
}

impl Notes {
    /// Whether the last note is old, and there is something to note.
    async fn is_due(&self, note: &Note) -> Result<bool, ChainError> {
        let ledger = &self.suite.ledger;
        let last = ledger.getNoted(note.task_type, note.source).call().await?;
        if last.time.saturating_add(U256::from(self.every)) > U256::from(note.at) {
            return Ok(false);
        }
        let pending = ledger.getPending(note.task_type, note.source);
        Ok(!pending.call().await?.is_zero())
    }
}

impl Batch for Notes {
    type Item = Note;
    const WORKER: &'static str = NOTES;
    const MOST: usize = 1;

    fn id(&self, note: &Note) -> String {
        let turn = note.at / self.every.max(1);
        format!("{}:{}:{turn}", note.task_type, note.source)
    }

    fn call(&self, notes: &[Note]) -> Call {
        let data = notes.first().map(|note| {
            noteCall {
                taskTypeId: note.task_type,
                source: note.source,
            }
            .abi_encode()
        });
        Call {
            to: *self.suite.ledger.address(),
            data: data.unwrap_or_default().into(),
        }
    }

    async fn open(&self, notes: Vec<Note>) -> Result<Vec<Note>, ChainError> {
        let mut open = Vec::with_capacity(notes.len());
        for note in notes {
            if self.is_due(&note).await? {
                open.push(note);
            }
        }
        Ok(open)
    }

    fn judge(&self, notes: &[Note], logs: &[Log]) -> Vec<Effect> {
        let noted = |note: &Note| {
            logs.iter()
                .filter(|log| log.address() == *self.suite.ledger.address())
                .filter_map(|log| Noted::decode_log(&log.inner).ok())
                .any(|event| event.taskTypeId == note.task_type && event.source == note.source)
        };
        let effect = |note| match noted(note) {
            true => Effect::Done,
            false => Effect::None,
        };
        notes.iter().map(effect).collect()
    }

    fn refusal(&self, _: &str) -> Refusal {
        Refusal::Later
    }
}
