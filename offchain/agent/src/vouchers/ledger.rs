//! The store of tasks and vouchers.

use alloy::primitives::{Address, Bytes, B256};
use bpe_chain::{ChainError, Database};
use sqlx::Row as _;

use super::{
    rows::{
        accuse, add_credit, body, latest, mark, owed, pair, parsed, receipt, receipts, settle,
        settle_all, signed, signed_voucher, store, unsigned, OF_PAIR,
    },
    Order, TooLarge, Totals,
};
use crate::formats::{ReceiptBody, TaskOffer, VoucherBody, VoucherSubmission};

/// Seconds after its deadline that a task is no longer in anybody's hand, whatever is stored.
const FORGOTTEN: u64 = 3_600;
/// Seconds that receipts are kept: a task is due an hour after it was accepted at the latest, reported within ten minutes, and
/// answered within another hour.
const RECEIPTS_KEPT: u64 = 10_800;

/// The store refuses, or holds what it should not.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("the store: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the store holds {value:?} where {column} should be")]
    Corrupt { column: &'static str, value: String },
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy::signers::Error),
}

/// Between whom, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    pub task_type: B256,
    pub sink: Address,
    pub source: Address,
}

impl Pair {
    pub const fn of(offer: &TaskOffer) -> Self {
        Self {
            task_type: offer.task_type_id,
            sink: offer.sink,
            source: offer.source,
        }
    }

    pub(super) fn texts(&self) -> [String; 3] {
        [
            self.task_type.to_string(),
            self.sink.to_string(),
            self.source.to_string(),
        ]
    }
}

/// Whether a task was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// There has been one of this id.
    Seen,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is owed: work in units of 1e-9, wei, and when, by the chain.
    Done { work: u128, value: u128, at: u64 },
    /// Nothing is owed.
    Failed,
}

/// A voucher with the signatures that are there; one that is not there is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub voucher: VoucherBody,
    pub source_signature: Bytes,
    pub sink_signature: Bytes,
}

impl Signed {
    pub fn pair(&self) -> Pair {
        Pair {
            task_type: self.voucher.task_type_id,
            sink: self.voucher.sink,
            source: self.voucher.source,
        }
    }
}

/// What became of a voucher that a sink received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored: `more` wei are signed for than before, and tasks worth `settled` have their receipts.
    Stored { more: u128, settled: u128 },
    /// It is the one that is there; receipts that came now settle tasks worth so many wei.
    Same { there: Signed, settled: u128 },
    /// There is a later one.
    Behind(Signed),
    /// It contradicts the one that is there. Both are kept.
    Equivocation(Signed),
}

/// What a source owes a sink and has signed, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debt {
    pub source: Address,
    pub outstanding: u128,
    pub signed: u128,
}

/// Tasks and vouchers of one agent, on disk.
#[derive(Clone, Debug)]
pub struct Ledger {
    database: Database,
}

impl Ledger {
    /// The tables that a database needs, as [`Database::open`] takes them.
    pub const MIGRATIONS: [(i64, &'static str, &'static str); 1] = [(
        201,
        "agent",
        include_str!("../../migrations/0201_agent.sql"),
    )];

    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores an obligation, before its signature is sent.
    ///
    /// # Errors
    /// If the store refuses: then nothing may be sent.
    pub async fn take(
        &self,
        offer: &TaskOffer,
        source_signature: &str,
        sink_signature: &str,
        price: u128,
    ) -> Result<Taken, LedgerError> {
        let [task_type, sink, source] = Pair::of(offer).texts();
        let json = serde_json::to_string(offer).unwrap_or_default();
        let mut write = self.database.once().await?;
        let stored = sqlx::query("INSERT INTO agent_tasks (task_type, sink, source, task_id, offer, source_signature, sink_signature, price, deadline, state, work, value, done_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'taken', '0', '0', 0) ON CONFLICT (task_type, sink, source, task_id) DO NOTHING")
            .bind(task_type)
            .bind(sink)
            .bind(source)
            .bind(offer.task_id.to_string())
            .bind(json)
            .bind(source_signature)
            .bind(sink_signature)
            .bind(price.to_string())
            .bind(signed(offer.deadline))
            .execute(write.connection())
            .await?;
        Ok(if stored.rows_affected() == 1 {
            Taken::New
        } else {
            Taken::Seen
        })
    }

    /// Whether there has been a task of this id.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn seen(&self, pair: &Pair, task_id: B256) -> Result<bool, LedgerError> {
        let [task_type, sink, source] = pair.texts();
        let row = sqlx::query(&format!(
            "SELECT COUNT(*) FROM agent_tasks WHERE {OF_PAIR} AND task_id = $4"
        ))
        .bind(task_type)
        .bind(sink)
        .bind(source)
        .bind(task_id.to_string())
        .fetch_one(self.database.pool())
        .await?;
        Ok(row.try_get::<i64, _>(0)? > 0)
    }

    /// Stores, as the source, that a sink has accepted a task, at so many wei per work unit.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn accepted(
        &self,
        pair: &Pair,
        task_id: B256,
        sink_signature: &str,
        price: u128,
    ) -> Result<(), LedgerError> {
        let [task_type, sink, source] = pair.texts();
        let mut write = self.database.once().await?;
        sqlx::query(&format!("UPDATE agent_tasks SET sink_signature = $5, price = $6 WHERE {OF_PAIR} AND task_id = $4"))
            .bind(task_type)
            .bind(sink)
            .bind(source)
            .bind(task_id.to_string())
            .bind(sink_signature)
            .bind(price.to_string())
            .execute(write.connection())
            .await?;
        Ok(())
    }

    /// Stores how a task ended. One that has ended already stays as it is.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn finish(
        &self,
        pair: &Pair,
        task_id: B256,
        finished: Finished,
    ) -> Result<(), LedgerError> {
        let (state, work, value, at) = match finished {
            Finished::Done { work, value, at } => ("done", work, value, at),
            Finished::Failed => ("failed", 0, 0, 0),
        };
        let [task_type, sink, source] = pair.texts();
        let mut write = self.database.once().await?;
        sqlx::query(&format!("UPDATE agent_tasks SET state = $5, work = $6, value = $7, done_at = $8 WHERE {OF_PAIR} AND task_id = $4 AND state = 'taken'"))
            .bind(task_type)
            .bind(sink)
            .bind(source)
            .bind(task_id.to_string())
            .bind(state)
            .bind(work.to_string())
            .bind(value.to_string())
            .bind(signed(at))
            .execute(write.connection())
            .await?;
        Ok(())
    }

    /// What a process that was killed left in hand has failed: its connection is gone. Says how many there were.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn fail_all_in_hand(&self) -> Result<u64, LedgerError> {
        let mut write = self.database.write().await?;
        let done = sqlx::query("UPDATE agent_tasks SET state = 'failed' WHERE state = 'taken'")
            .execute(write.connection())
            .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }

    /// Forgets tasks whose deadline has passed and of which nothing is open: a replay of one is refused by its
    /// deadline.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn prune(&self, now: u64) -> Result<u64, LedgerError> {
        let mut write = self.database.write().await?;
        let done = sqlx::query(
            "DELETE FROM agent_tasks WHERE (deadline < $1 AND state IN ('settled', 'failed')) OR (deadline < $2 AND state = 'taken')",
        )
        .bind(signed(now))
        .bind(signed(now.saturating_sub(FORGOTTEN)))
        .execute(write.connection())
        .await?;
        sqlx::query("DELETE FROM agent_receipts WHERE timestamp < $1")
            .bind(signed(now.saturating_sub(RECEIPTS_KEPT)))
            .execute(write.connection())
            .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }

    /// Pairs with something to sign for or to send: tasks done, or a voucher that the sink has not acknowledged.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn pairs_to_settle(&self) -> Result<Vec<Pair>, LedgerError> {
        let rows = sqlx::query("SELECT DISTINCT task_type, sink, source FROM agent_tasks WHERE state IN ('done', 'vouchered') UNION SELECT task_type, sink, source FROM agent_vouchers WHERE sink_signature = ''")
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(pair).collect()
    }

    /// Signs, as the source, for all that is done between the two, stores it, and returns what to send: the latest
    /// voucher, with the receipts that have not been acknowledged. `None` if nothing is owed.
    ///
    /// # Errors
    /// If the store or the signer refuses: then nothing was signed.
    pub async fn sign_for(
        &self,
        pair: &Pair,
        now: u64,
        sign: impl Fn(&VoucherBody) -> Result<Bytes, alloy::signers::Error> + Send + Sync,
        sign_receipt: impl Fn(&ReceiptBody) -> Result<Bytes, alloy::signers::Error> + Send + Sync,
    ) -> Result<Option<VoucherSubmission>, LedgerError> {
        let mut write = self.database.write().await?;
        let latest = latest(write.connection(), pair).await?;
        let owed = owed(write.connection(), pair).await?;
        let latest = if owed == Totals::default() {
            match latest {
                None => return Ok(None),
                Some(latest) => latest,
            }
        } else {
            let before = latest.map(|it| it.voucher.totals()).unwrap_or_default();
            let totals = before.plus(owed)?;
            let voucher = body(pair, totals, now);
            let signed = Signed {
                source_signature: sign(&voucher)?,
                sink_signature: Bytes::new(),
                voucher,
            };
            store(write.connection(), &signed).await?;
            mark(write.connection(), pair, "done", "vouchered").await?;
            signed
        };
        let receipts = receipts(write.connection(), pair, sign_receipt).await?;
        write.commit().await?;
        if receipts.is_empty() && !latest.sink_signature.is_empty() {
            return Ok(None);
        }
        Ok(Some(VoucherSubmission {
            voucher: latest.voucher,
            source_signature: latest.source_signature,
            receipts,
        }))
    }

    /// The sink has signed this voucher, with these receipts. A later one that was signed meanwhile stays open.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn acknowledged(
        &self,
        submission: &VoucherSubmission,
        sink_signature: &Bytes,
    ) -> Result<(), LedgerError> {
        let voucher = &submission.voucher;
        let pair = Pair {
            task_type: voucher.task_type_id,
            sink: voucher.sink,
            source: voucher.source,
        };
        let [task_type, sink, source] = pair.texts();
        let mut write = self.database.write().await?;
        sqlx::query(&format!(
            "UPDATE agent_vouchers SET sink_signature = $4 WHERE {OF_PAIR} AND work = $5 AND value = $6 AND tasks = $7"
        ))
        .bind(task_type)
        .bind(sink)
        .bind(source)
        .bind(sink_signature.to_string())
        .bind(voucher.work.to_string())
        .bind(voucher.value.to_string())
        .bind(signed(voucher.tasks))
        .execute(write.connection())
        .await?;
        for receipt in &submission.receipts {
            settle(write.connection(), &pair, receipt.task_id, "vouchered").await?;
        }
        Ok(write.commit().await?)
    }

    /// Takes, as the source, a later voucher for the latest that it signed itself and has lost. The caller has
    /// verified that.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn adopt(&self, signed: &Signed) -> Result<(), LedgerError> {
        let mut write = self.database.write().await?;
        store(write.connection(), signed).await?;
        // What was signed for since then was for other tasks: it goes on top of these totals.
        mark(write.connection(), &signed.pair(), "vouchered", "done").await?;
        Ok(write.commit().await?)
    }

    /// Takes, as the sink, a voucher whose signature the caller has verified, and signs it. What is stored is the
    /// answer's ground: nothing may be sent before.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn receive(
        &self,
        submission: &VoucherSubmission,
        sink_signature: &Bytes,
        now: u64,
    ) -> Result<Received, LedgerError> {
        let offered = Signed {
            voucher: submission.voucher.clone(),
            source_signature: submission.source_signature.clone(),
            sink_signature: sink_signature.clone(),
        };
        let pair = offered.pair();
        let mut write = self.database.write().await?;
        let there = latest(write.connection(), &pair).await?;
        let before = there
            .as_ref()
            .map(|it| it.voucher.totals())
            .unwrap_or_default();
        let received = match (before.order(offered.voucher.totals()), there) {
            (Order::Later, _) => {
                store(write.connection(), &offered).await?;
                let more = offered.voucher.value.saturating_sub(before.value);
                add_credit(write.connection(), &pair, more).await?;
                let settled = settle_all(write.connection(), &pair, submission).await?;
                Received::Stored { more, settled }
            }
            (Order::Same | Order::Earlier | Order::Equivocation, None) => {
                // Totals of nothing: there is nothing to sign.
                Received::Behind(offered.clone())
            }
            (Order::Same, Some(there)) => {
                let settled = settle_all(write.connection(), &pair, submission).await?;
                Received::Same { there, settled }
            }
            (Order::Earlier, Some(there)) => Received::Behind(there),
            (Order::Equivocation, Some(there)) => {
                accuse(write.connection(), &offered, now).await?;
                Received::Equivocation(there)
            }
        };
        write.commit().await?;
        Ok(received)
    }

    /// The source's receipt of a task, if it came.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn receipt(
        &self,
        pair: &Pair,
        task_id: B256,
    ) -> Result<Option<ReceiptBody>, LedgerError> {
        let mut connection = self.database.pool().acquire().await?;
        receipt(&mut connection, pair, task_id).await
    }

    /// The latest voucher of a pair.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn latest(&self, pair: &Pair) -> Result<Option<Signed>, LedgerError> {
        let mut connection = self.database.pool().acquire().await?;
        latest(&mut connection, pair).await
    }

    /// All latest vouchers that both sides have signed.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn vouchers(&self) -> Result<Vec<Signed>, LedgerError> {
        let rows = sqlx::query("SELECT task_type, sink, source, work, value, tasks, timestamp, source_signature, sink_signature FROM agent_vouchers WHERE sink_signature <> '' AND source_signature <> ''")
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(signed_voucher).collect()
    }

    /// What each source owes and has signed: what a sink's queue has to know after a restart.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn debts(&self) -> Result<Vec<Debt>, LedgerError> {
        let mut debts = std::collections::BTreeMap::<Address, Debt>::new();
        let zero = |source| Debt {
            source,
            outstanding: 0,
            signed: 0,
        };
        let rows = sqlx::query("SELECT source, value FROM agent_tasks WHERE state = 'done'")
            .fetch_all(self.database.pool())
            .await?;
        for row in &rows {
            let source = parsed(row, 0, "source")?;
            let debt = debts.entry(source).or_insert_with(|| zero(source));
            debt.outstanding = debt.outstanding.saturating_add(parsed(row, 1, "value")?);
        }
        let rows = sqlx::query("SELECT source, value FROM agent_vouchers")
            .fetch_all(self.database.pool())
            .await?;
        for row in &rows {
            let source = parsed(row, 0, "source")?;
            let debt = debts.entry(source).or_insert_with(|| zero(source));
            debt.signed = debt.signed.saturating_add(parsed(row, 1, "value")?);
        }
        Ok(debts.into_values().collect())
    }

    /// What tasks that are still in the store and were done since `time` are worth, in wei.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn done_since(&self, time: u64) -> Result<u128, LedgerError> {
        let rows = sqlx::query(
            "SELECT value FROM agent_tasks WHERE done_at >= $1 AND state IN ('done', 'vouchered', 'settled')",
        )
        .bind(signed(time))
        .fetch_all(self.database.pool())
        .await?;
        rows.iter().try_fold(0_u128, |sum, row| {
            Ok(sum.saturating_add(parsed::<u128>(row, 0, "value")?))
        })
    }

    /// How many tasks are in each state.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn counts(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        let rows =
            sqlx::query("SELECT state, COUNT(*) FROM agent_tasks GROUP BY state ORDER BY state")
                .fetch_all(self.database.pool())
                .await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?))))
            .collect()
    }
}
