//! What clients handed in and the chain does not have yet: bounded, and on disk before it is acknowledged.

use bpe_chain::{ChainError, Database};
use serde::{de::DeserializeOwned, Serialize};
use sqlx::AnyConnection;

use crate::index::Rows as _;

/// Seconds that outcomes are kept.
const KEPT: u64 = 6 * 3_600;
/// Seconds that what was settled can come back. What clients hand in is good for ten minutes.
const TAKEN_BACK: u64 = 900;

/// The inbox of a worker.
#[derive(Clone)]
pub struct Inbox {
    database: Database,
    worker: &'static str,
    most: u64,
}

/// Something to be brought to the chain.
pub struct Item<'a, T> {
    /// Tells items apart.
    pub id: String,
    /// Of the items of one lane only the one of the highest rank is kept.
    pub lane: String,
    pub rank: u64,
    pub body: &'a T,
}

/// What became of an item that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// The same, or a later one of its lane, is there already.
    Known,
    Full,
}

/// How the inbox is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    pub count: u64,
    /// When the oldest was received, by the chain's time.
    pub oldest: Option<u64>,
}

impl Inbox {
    pub fn new(database: Database, worker: &'static str, most: u64) -> Self {
        Self {
            database,
            worker,
            most,
        }
    }

    /// Stores items, all in one transaction; a bad one does not keep the others out.
    ///
    /// # Errors
    /// If the database refuses: then none is stored.
    pub async fn put<T: Serialize>(
        &self,
        items: &[Item<'_, T>],
        now: u64,
    ) -> Result<Vec<Taken>, ChainError> {
        let mut write = self.database.write().await?;
        let mut count = self.count(write.connection()).await?;
        let mut taken = Vec::with_capacity(items.len());
        for item in items {
            if count >= self.most {
                taken.push(Taken::Full);
                continue;
            }
            let body = serde_json::to_string(item.body).unwrap_or_default();
            let done = sqlx::query("INSERT INTO inbox (worker, item, lane, rank, body, received) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (worker, lane) DO UPDATE SET item = excluded.item, rank = excluded.rank, body = excluded.body WHERE inbox.rank < excluded.rank")
                .bind(self.worker)
                .bind(&item.id)
                .bind(&item.lane)
                .bind(signed(item.rank))
                .bind(body)
                .bind(signed(now))
                .execute(write.connection())
                .await?;
            if done.rows_affected() > 0 {
                count += 1;
                taken.push(Taken::New);
            } else {
                taken.push(Taken::Known);
            }
        }
        write.commit().await?;
        Ok(taken)
    }

    async fn count(&self, connection: &mut AnyConnection) -> Result<u64, ChainError> {
        let row = sqlx::query("SELECT COUNT(*) FROM inbox WHERE worker = $1")
            .bind(self.worker)
            .fetch_one(connection)
            .await?;
        row.number(0)
    }

    /// How many wait, and since when.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn level(&self) -> Result<Level, ChainError> {
        let row = sqlx::query(
            "SELECT COUNT(*), COALESCE(MIN(received), -1) FROM inbox WHERE worker = $1",
        )
        .bind(self.worker)
        .fetch_one(self.database.pool())
        .await?;
        let count = row.number(0)?;
        Ok(Level {
            count,
            oldest: (count > 0).then(|| row.number(1)).transpose()?,
        })
    }

    /// The oldest, at most `count`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn oldest<T: DeserializeOwned>(&self, count: usize) -> Result<Vec<T>, ChainError> {
        let rows = sqlx::query(
            "SELECT body FROM inbox WHERE worker = $1 ORDER BY received, lane LIMIT $2",
        )
        .bind(self.worker)
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .fetch_all(self.database.pool())
        .await?;
        let bodies = rows.iter().map(|row| {
            let body = row.text(0)?;
            serde_json::from_str(&body).map_err(|_| ChainError::Corrupt {
                column: "body",
                value: body,
            })
        });
        bodies.collect()
    }

    /// Takes items out, with what became of them, as of block `block`. Until [`TAKEN_BACK`] they can come back: a
    /// reorganisation may take back what became of them.
    ///
    /// # Errors
    /// If the database does not answer: then they are tried again, which does no harm.
    pub async fn settle(
        &self,
        outcomes: &[(String, &'static str, String)],
        block: u64,
        now: u64,
    ) -> Result<(), ChainError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let mut write = self.database.write().await?;
        for (item, status, reason) in outcomes {
            let kept = sqlx::query("INSERT INTO outcomes (worker, item, status, reason, at, block, lane, rank, body, received) SELECT worker, item, $3, $4, CAST($5 AS BIGINT), CAST($6 AS BIGINT), lane, rank, body, received FROM inbox WHERE worker = $1 AND item = $2 ON CONFLICT (worker, item) DO UPDATE SET status = excluded.status, reason = excluded.reason, at = excluded.at, block = excluded.block, lane = excluded.lane, rank = excluded.rank, body = excluded.body, received = excluded.received")
                .bind(self.worker)
                .bind(item)
                .bind(*status)
                .bind(reason)
                .bind(signed(now))
                .bind(signed(block))
                .execute(write.connection())
                .await?;
            if kept.rows_affected() == 0 {
                // A later one of its lane has taken its place meanwhile.
                self.note(write.connection(), (item, status, reason), now)
                    .await?;
            }
            sqlx::query("DELETE FROM inbox WHERE worker = $1 AND item = $2")
                .bind(self.worker)
                .bind(item)
                .execute(write.connection())
                .await?;
        }
        forget(write.connection(), now).await?;
        write.commit().await
    }

    /// What became of an item that is no longer here.
    async fn note(
        &self,
        connection: &mut AnyConnection,
        (item, status, reason): (&str, &str, &str),
        now: u64,
    ) -> Result<(), ChainError> {
        sqlx::query("INSERT INTO outcomes (worker, item, status, reason, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (worker, item) DO UPDATE SET status = excluded.status, reason = excluded.reason, at = excluded.at")
            .bind(self.worker)
            .bind(item)
            .bind(status)
            .bind(reason)
            .bind(signed(now))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Outcomes that are old, and the items of those that no reorganisation reaches any more.
async fn forget(connection: &mut AnyConnection, now: u64) -> Result<(), ChainError> {
    sqlx::query("DELETE FROM outcomes WHERE at < $1")
        .bind(signed(now.saturating_sub(KEPT)))
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE outcomes SET body = NULL WHERE at < $1 AND at >= $2 AND body IS NOT NULL")
        .bind(signed(now.saturating_sub(TAKEN_BACK)))
        .bind(signed(now.saturating_sub(2 * TAKEN_BACK)))
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts back what was settled by blocks after `block`, which are no longer part of the chain. What is on the chain all the
/// same is found there before it is sent.
///
/// # Errors
/// If the database does not answer.
pub async fn take_back(connection: &mut AnyConnection, block: u64) -> Result<(), ChainError> {
    sqlx::query("INSERT INTO inbox (worker, item, lane, rank, body, received) SELECT worker, item, lane, rank, body, received FROM outcomes WHERE block > $1 AND body IS NOT NULL ON CONFLICT (worker, lane) DO NOTHING")
        .bind(signed(block))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM outcomes WHERE block > $1 AND body IS NOT NULL")
        .bind(signed(block))
        .execute(connection)
        .await?;
    Ok(())
}

#[allow(
    clippy::cast_possible_wrap,
    reason = "ranks and times are far below 2^63"
)]
const fn signed(value: u64) -> i64 {
    value as i64
}
