//! The store of tasks and vouchers.

use alloy::primitives::{Address, Bytes, B256};
use bpe_chain::{ChainError, Database};
use sqlx::{any::AnyRow, AnyConnection, Row as _};

use super::{Order, TooLarge, Totals};
use crate::formats::{ReceiptBody, TaskOffer, VoucherBody, VoucherSubmission};

/// Receipts that go with a voucher at most; the others go with the next one.
const MOST_RECEIPTS: i64 = 500;
/// Seconds after its deadline that a task is no longer in anybody's hand, whatever is stored.
const FORGOTTEN: u64 = 3_600;

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

    fn texts(&self) -> [String; 3] {
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
    /// It is stored; so many wei more are signed for than before.
    Stored { more: u128 },
    /// It is the one that is there.
    Same(Signed),
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
    pub shown: u128,
}

/// Tasks and vouchers of one agent, on disk.
#[derive(Clone, Debug)]
pub struct Ledger {
    database: Database,
}

const OF_PAIR: &str = "task_type = $1 AND sink = $2 AND source = $3";

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
        let mut write = self.database.write().await?;
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
        write.commit().await?;
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
        let mut write = self.database.write().await?;
        sqlx::query(&format!("UPDATE agent_tasks SET sink_signature = $5, price = $6 WHERE {OF_PAIR} AND task_id = $4"))
            .bind(task_type)
            .bind(sink)
            .bind(source)
            .bind(task_id.to_string())
            .bind(sink_signature)
            .bind(price.to_string())
            .execute(write.connection())
            .await?;
        Ok(write.commit().await?)
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
        let mut write = self.database.write().await?;
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
        Ok(write.commit().await?)
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

    /// Forgets tasks whose deadline has passed and of which nothing is open: a replay of one is refused by its deadline.
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

    /// Signs, as the source, for all that is done between the two, stores it, and returns what to send: the latest voucher,
    /// with the receipts that have not been acknowledged. `None` if nothing is owed.
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

    /// Takes, as the source, a later voucher for the latest that it signed itself and has lost. The caller has verified that.
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

    /// Takes, as the sink, a voucher whose signature the caller has verified, and signs it. What is stored is the answer's
    /// ground: nothing may be sent before.
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
                Received::Stored {
                    more: offered.voucher.value.saturating_sub(before.value),
                }
            }
            (Order::Same | Order::Earlier | Order::Equivocation, None) => {
                // Totals of nothing: there is nothing to sign.
                Received::Behind(offered.clone())
            }
            (Order::Same, Some(there)) => Received::Same(there),
            (Order::Earlier, Some(there)) => Received::Behind(there),
            (Order::Equivocation, Some(there)) => {
                accuse(write.connection(), &offered, now).await?;
                Received::Equivocation(there)
            }
        };
        if let Received::Stored { more } = received {
            add_credit(write.connection(), &pair, more).await?;
        }
        if matches!(received, Received::Stored { .. } | Received::Same(_)) {
            for receipt in &submission.receipts {
                keep(write.connection(), receipt).await?;
                pay(write.connection(), &pair, receipt.task_id).await?;
            }
        }
        write.commit().await?;
        Ok(received)
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
            shown: 0,
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
            debt.shown = debt.shown.saturating_add(parsed(row, 1, "value")?);
        }
        Ok(debts.into_values().collect())
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

async fn latest(
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
async fn owed(connection: &mut AnyConnection, pair: &Pair) -> Result<Totals, LedgerError> {
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

async fn store(connection: &mut AnyConnection, signed_voucher: &Signed) -> Result<(), LedgerError> {
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

async fn mark(
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

async fn settle(
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
async fn add_credit(
    connection: &mut AnyConnection,
    pair: &Pair,
    more: u128,
) -> Result<(), LedgerError> {
    let credit = credit(connection, pair).await?.saturating_add(more);
    set_credit(connection, pair, credit).await
}

/// A task whose receipt has come is settled, if what was signed for covers it. Otherwise it stays owed.
async fn pay(
    connection: &mut AnyConnection,
    pair: &Pair,
    task_id: B256,
) -> Result<(), LedgerError> {
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
        return Ok(());
    };
    let left = credit(connection, pair)
        .await?
        .checked_sub(parsed(&row, 0, "value")?);
    let Some(left) = left else {
        tracing::warn!(source = %pair.source, %task_id, "a voucher does not cover what was done");
        return Ok(());
    };
    set_credit(connection, pair, left).await?;
    settle(connection, pair, task_id, "done").await
}

async fn credit(connection: &mut AnyConnection, pair: &Pair) -> Result<u128, LedgerError> {
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

async fn set_credit(
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
async fn receipts(
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
async fn accuse(
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

fn body(pair: &Pair, totals: Totals, now: u64) -> VoucherBody {
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

fn pair(row: &AnyRow) -> Result<Pair, LedgerError> {
    Ok(Pair {
        task_type: parsed(row, 0, "task_type")?,
        sink: parsed(row, 1, "sink")?,
        source: parsed(row, 2, "source")?,
    })
}

fn signed_voucher(row: &AnyRow) -> Result<Signed, LedgerError> {
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

fn parsed<T: std::str::FromStr>(
    row: &AnyRow,
    index: usize,
    column: &'static str,
) -> Result<T, LedgerError> {
    let value: String = row.try_get(index)?;
    value
        .parse()
        .map_err(|_| LedgerError::Corrupt { column, value })
}

fn bytes(row: &AnyRow, index: usize, column: &'static str) -> Result<Bytes, LedgerError> {
    let value: String = row.try_get(index)?;
    if value.is_empty() {
        return Ok(Bytes::new());
    }
    value
        .parse()
        .map_err(|_| LedgerError::Corrupt { column, value })
}

/// A signature as text; one that is not there is empty.
fn text(signature: &Bytes) -> String {
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
const fn signed(value: u64) -> i64 {
    value as i64
}

#[allow(clippy::cast_sign_loss, reason = "only what `signed` wrote is read")]
const fn unsigned(value: i64) -> u64 {
    value as u64
}
