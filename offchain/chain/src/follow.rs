//! Following the chain: every event once, in order, with its effects and the cursor in one database transaction.

use std::{
    collections::BTreeMap,
    future::Future,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use alloy::{
    primitives::{Address, B256},
    providers::{DynProvider, Provider as _},
    rpc::types::Log,
};
use sqlx::{AnyConnection, Row as _};

use crate::{
    database::{parse, signed, unsigned},
    logs::{read_block, read_logs},
    ChainError, Database,
};

/// What events do to the store. All of it must be in the given transaction, and nothing outside of it.
pub trait Projection: Send + Sync {
    /// The contracts whose events count.
    fn addresses(&self) -> impl Future<Output = Result<Vec<Address>, ChainError>> + Send;

    /// The kinds of events that count, by their first topic; empty for all.
    fn topics(&self) -> Vec<B256> {
        Vec::new()
    }

    /// A transaction begins: what an earlier one may have left in memory never was.
    fn begin(&self) {}

    /// What was applied since [`Projection::begin`] is stored.
    fn stored(&self) {}

    /// Nothing after `block` happened, and the store says so.
    fn rewound(&self, block: u64) {
        let _ = block;
    }

    /// Contracts that these logs tell of, whose events count from their block on.
    fn discovered(&self, logs: &[Log]) -> Vec<Address>;

    /// Does what an event of a block with this time does.
    fn apply(
        &self,
        connection: &mut AnyConnection,
        log: &Log,
        timestamp: u64,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;

    /// Takes back what was done by events of blocks after `block`.
    fn rewind(
        &self,
        connection: &mut AnyConnection,
        block: u64,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;
}

/// How far to go at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerSettings {
    /// The block in which the first event can be.
    pub first_block: u64,
    /// Blocks in one query.
    pub range: u64,
    /// Blocks whose hashes are kept: a deeper reorganisation starts from the beginning.
    pub keep: u64,
}

impl Default for FollowerSettings {
    fn default() -> Self {
        Self {
            first_block: 0,
            range: 10_000,
            keep: 4_096,
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Up to this block, which is the head.
    AtHead { block: u64, logs: usize },
    /// Up to this block, and there is more.
    Behind { block: u64, logs: usize },
    /// Back to this block: what came after it is no longer part of the chain.
    Rewound { block: u64 },
    /// The node's head is before what has been read here.
    NodeBehind { head: u64, cursor: u64 },
}

/// Follows a chain.
pub struct Follower<P> {
    provider: DynProvider,
    database: Database,
    projection: P,
    settings: FollowerSettings,
    /// Blocks of the next range.
    span: AtomicU64,
}

/// Blocks of the first range: how much is in them is not known yet.
const FIRST: u64 = 250;
/// How many of the newest blocks are asked for by hash, one by one. A node behind a balancer may be that far behind the one that
/// was asked before; it does not have their logs and, asked for a range, does not say so.
const NEWEST: u64 = 16;
/// Logs of a range at most, about: they are all in memory at once.
const ENOUGH: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    number: u64,
    hash: B256,
}

impl<P: Projection> Follower<P> {
    pub fn new(
        provider: DynProvider,
        database: Database,
        projection: P,
        settings: FollowerSettings,
    ) -> Self {
        Self {
            provider,
            database,
            projection,
            span: AtomicU64::new(settings.range.clamp(1, FIRST)),
            settings,
        }
    }

    pub fn projection(&self) -> &P {
        &self.projection
    }

    /// The last block that has been read; none at the very start.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn cursor(&self) -> Result<Option<u64>, ChainError> {
        Ok(self.load().await?.map(|point| point.number))
    }

    /// Reads the next range, or takes back what is no longer part of the chain.
    ///
    /// # Errors
    /// If the node or the database does not answer: nothing was done, the next step tries the same again.
    pub async fn step(&self) -> Result<Progress, ChainError> {
        let head = self.provider.get_block_number().await?;
        let cursor = self.load().await?;
        if let Some(cursor) = cursor.filter(|cursor| head < cursor.number) {
            // Shorter than before: an older state of the same chain, or another chain.
            if self.left(head).await? {
                let block = self.rewind(cursor).await?;
                return Ok(Progress::Rewound { block });
            }
            return Ok(Progress::NodeBehind {
                head,
                cursor: cursor.number,
            });
        }
        if let Some(cursor) = cursor {
            if self.point(cursor.number).await? != cursor {
                let block = self.rewind(cursor).await?;
                return Ok(Progress::Rewound { block });
            }
        }
        let from = cursor.map_or(self.settings.first_block, |cursor| cursor.number + 1);
        if from > head {
            return Ok(Progress::AtHead {
                block: head,
                logs: 0,
            });
        }
        let to = head.min(from + self.span.load(Ordering::Relaxed) - 1);
        let newest = from.max((head + 1).saturating_sub(NEWEST));
        let logs = self.read(cursor, from, to, newest).await?;
        self.pace(logs);
        Ok(if to == head {
            Progress::AtHead { block: to, logs }
        } else {
            Progress::Behind { block: to, logs }
        })
    }

    /// Longer ranges where little happens, shorter ones where much does.
    fn pace(&self, logs: usize) {
        let span = self.span.load(Ordering::Relaxed);
        let next = match logs {
            _ if logs > ENOUGH => span / 2,
            _ if logs < ENOUGH / 2 => span.saturating_mul(2),
            _ => span,
        };
        let longest = self.settings.range.max(1);
        self.span.store(next.clamp(1, longest), Ordering::Relaxed);
    }

    /// Reads the blocks `from` to `to`, of which those from `newest` on are among the newest of the chain.
    async fn read(
        &self,
        cursor: Option<Point>,
        from: u64,
        to: u64,
        newest: u64,
    ) -> Result<usize, ChainError> {
        let end = self.point(to).await?;
        let mut single = Vec::new();
        for number in newest..to {
            single.push(self.point(number).await?.hash);
        }
        if newest <= to {
            single.push(end.hash);
        }
        let old = from..newest.min(to + 1);
        let mut addresses = self.projection.addresses().await?;
        let mut logs = self.logs(&addresses, &old, &single).await?;
        let mut new = self.unknown(&addresses, &logs);
        while !new.is_empty() {
            let more = self.logs(&new, &old, &single).await?;
            addresses.append(&mut new);
            new = self.unknown(&addresses, &more);
            logs.extend(more);
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        let times = self.times(&logs).await?;
        // The logs are those of this chain if both ends of the range still are.
        self.unmoved(end).await?;
        if let Some(cursor) = cursor {
            self.unmoved(cursor).await?;
        }
        self.store(&logs, &times, end).await?;
        Ok(logs.len())
    }

    /// The logs of `addresses` in a range of blocks, and in single blocks after it.
    async fn logs(
        &self,
        addresses: &[Address],
        old: &Range<u64>,
        single: &[B256],
    ) -> Result<Vec<Log>, ChainError> {
        let (provider, topics) = (&self.provider, self.projection.topics());
        let mut logs = Vec::new();
        if !old.is_empty() {
            logs = read_logs(provider, addresses, &topics, old.start, old.end - 1).await?;
        }
        for hash in single {
            logs.extend(read_block(provider, addresses, &topics, *hash).await?);
        }
        Ok(logs)
    }

    async fn store(
        &self,
        logs: &[Log],
        times: &BTreeMap<u64, u64>,
        end: Point,
    ) -> Result<(), ChainError> {
        self.projection.begin();
        let mut write = self.database.write().await?;
        let mut passed = BTreeMap::from([(end.number, end.hash)]);
        for log in logs {
            let (number, hash) = place(log)?;
            passed.insert(number, hash);
            let time = times
                .get(&number)
                .copied()
                .ok_or(ChainError::NoBlock(number))?;
            self.projection.apply(write.connection(), log, time).await?;
        }
        let oldest = end.number.saturating_sub(self.settings.keep);
        for (number, hash) in passed.range(oldest..) {
            sqlx::query("INSERT INTO chain_blocks (number, hash) VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET hash = excluded.hash")
                .bind(signed(*number))
                .bind(hash.to_string())
                .execute(write.connection())
                .await?;
        }
        sqlx::query("DELETE FROM chain_blocks WHERE number < $1")
            .bind(signed(oldest))
            .execute(write.connection())
            .await?;
        set_cursor(write.connection(), Some(end)).await?;
        write.commit().await?;
        self.projection.stored();
        Ok(())
    }

    /// Goes back to the last block that the chain still has, and returns its number.
    async fn rewind(&self, from: Point) -> Result<u64, ChainError> {
        let rows = sqlx::query(
            "SELECT number, hash FROM chain_blocks WHERE number < $1 ORDER BY number DESC",
        )
        .bind(signed(from.number))
        .fetch_all(self.database.pool())
        .await?;
        let mut ancestor = None;
        for row in rows {
            let kept = point_of(&row)?;
            if self.still(kept).await? {
                ancestor = Some(kept);
                break;
            }
        }
        let block = ancestor.map_or_else(
            || self.settings.first_block.saturating_sub(1),
            |point| point.number,
        );
        tracing::warn!(from = from.number, to = block, "the chain was reorganised");
        let mut write = self.database.write().await?;
        self.projection.rewind(write.connection(), block).await?;
        sqlx::query("DELETE FROM chain_blocks WHERE number > $1")
            .bind(signed(block))
            .execute(write.connection())
            .await?;
        set_cursor(write.connection(), ancestor).await?;
        write.commit().await?;
        self.projection.rewound(block);
        Ok(block)
    }

    /// Whether the last block up to `head` that was passed is no longer part of the chain.
    async fn left(&self, head: u64) -> Result<bool, ChainError> {
        let row = sqlx::query(
            "SELECT number, hash FROM chain_blocks WHERE number <= $1 ORDER BY number DESC LIMIT 1",
        )
        .bind(signed(head))
        .fetch_optional(self.database.pool())
        .await?;
        match row {
            Some(row) => {
                let kept = point_of(&row)?;
                Ok(!self.still(kept).await?)
            }
            None => Ok(false),
        }
    }

    fn unknown(&self, known: &[Address], logs: &[Log]) -> Vec<Address> {
        let mut new = self.projection.discovered(logs);
        new.retain(|address| !known.contains(address));
        new.sort_unstable();
        new.dedup();
        new
    }

    /// The time of every block that has logs. Newer nodes say it with the log.
    async fn times(&self, logs: &[Log]) -> Result<BTreeMap<u64, u64>, ChainError> {
        let mut times = BTreeMap::new();
        for log in logs {
            let (number, hash) = place(log)?;
            if times.contains_key(&number) {
                continue;
            }
            let time = match log.block_timestamp {
                Some(time) => time,
                None => {
                    let block = self.provider.get_block_by_hash(hash).await?;
                    block.ok_or(ChainError::NoBlock(number))?.header.timestamp
                }
            };
            times.insert(number, time);
        }
        Ok(times)
    }

    async fn unmoved(&self, point: Point) -> Result<(), ChainError> {
        let now = self.point(point.number).await?;
        if now != point {
            return Err(ChainError::Moved {
                number: point.number,
                before: point.hash,
                after: now.hash,
            });
        }
        Ok(())
    }

    /// Whether the chain has that block; it may have become shorter.
    async fn still(&self, point: Point) -> Result<bool, ChainError> {
        let block = self
            .provider
            .get_block_by_number(point.number.into())
            .await?;
        Ok(block.is_some_and(|block| block.header.hash == point.hash))
    }

    async fn point(&self, number: u64) -> Result<Point, ChainError> {
        let block = self.provider.get_block_by_number(number.into()).await?;
        let header = block.ok_or(ChainError::NoBlock(number))?.header;
        Ok(Point {
            number,
            hash: header.hash,
        })
    }

    async fn load(&self) -> Result<Option<Point>, ChainError> {
        let row = sqlx::query("SELECT number, hash FROM chain_cursor WHERE id = 0")
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(point_of).transpose()
    }
}

async fn set_cursor(
    connection: &mut AnyConnection,
    point: Option<Point>,
) -> Result<(), ChainError> {
    match point {
        Some(point) => {
            sqlx::query("INSERT INTO chain_cursor (id, number, hash) VALUES (0, $1, $2) ON CONFLICT (id) DO UPDATE SET number = excluded.number, hash = excluded.hash")
                .bind(signed(point.number))
                .bind(point.hash.to_string())
                .execute(connection)
                .await?
        }
        None => {
            sqlx::query("DELETE FROM chain_cursor WHERE id = 0")
                .execute(connection)
                .await?
        }
    };
    Ok(())
}

fn point_of(row: &sqlx::any::AnyRow) -> Result<Point, ChainError> {
    Ok(Point {
        number: unsigned(row.try_get(0)?),
        hash: parse("hash", row.try_get(1)?)?,
    })
}

fn place(log: &Log) -> Result<(u64, B256), ChainError> {
    let number = log
        .block_number
        .ok_or(ChainError::PendingLog("block number"))?;
    let hash = log.block_hash.ok_or(ChainError::PendingLog("block hash"))?;
    Ok((number, hash))
}
