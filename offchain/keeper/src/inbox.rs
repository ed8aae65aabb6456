//! What clients handed in and the chain does not have yet: bounded, and on disk before it is acknowledged.

use bpe_chain::{ChainError, Database};
use serde::{de::DeserializeOwned, Serialize};
use sqlx::AnyConnection;

use crate::index::Rows as _;

/// Seconds that outcomes are kept.
const KEPT: u64 = 6 * 3_600;

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

    /// Takes items out, with what became of them.
    ///
    /// # Errors
    /// If the database does not answer: then they are tried again, which does no harm.
    pub async fn settle(
        &self,
        outcomes: &[(String, &'static str, String)],
        now: u64,
    ) -> Result<(), ChainError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let mut write = self.database.write().await?;
        for (item, status, reason) in outcomes {
            sqlx::query("DELETE FROM inbox WHERE worker = $1 AND item = $2")
                .bind(self.worker)
                .bind(item)
                .execute(write.connection())
                .await?;
            sqlx::query("INSERT INTO outcomes (worker, item, status, reason, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (worker, item) DO UPDATE SET status = excluded.status, reason = excluded.reason, at = excluded.at")
                .bind(self.worker)
                .bind(item)
                .bind(*status)
                .bind(reason)
                .bind(signed(now))
                .execute(write.connection())
                .await?;
        }
        sqlx::query("DELETE FROM outcomes WHERE at < $1")
            .bind(signed(now.saturating_sub(KEPT)))
            .execute(write.connection())
            .await?;
        write.commit().await
    }
}

#[allow(
    clippy::cast_possible_wrap,
    reason = "ranks and times are far below 2^63"
)]
const fn signed(value: u64) -> i64 {
    value as i64
}
