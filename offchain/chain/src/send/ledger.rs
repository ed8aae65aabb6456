//! What was signed, sent and spent, and what is not to be tried again.

use alloy::primitives::{Address, Bytes, B256};
use sqlx::{AnyConnection, Row as _};

use crate::{
    database::{parse, signed, unsigned},
    ChainError, Database,
};

pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 86_400;
/// Seconds that settled transactions are kept: the limit of a day needs one.
const KEPT: u64 = 2 * DAY;

/// A signed version of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub hash: B256,
    pub nonce: u64,
    pub raw: Bytes,
    pub target: Address,
    pub data: Bytes,
    pub gas_limit: u64,
    pub max_fee: u128,
    pub worker: String,
    pub items: Vec<String>,
    pub sent_at: u64,
    pub cost_gwei: u64,
}

/// What was spent, in gwei: of what is on its way, the most that it can cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    pub hour: u64,
    pub day: u64,
}

/// The tables of transactions, of one key.
#[derive(Clone, Debug)]
pub struct Ledger {
    database: Database,
    account: String,
}

impl Ledger {
    pub fn new(database: Database, account: Address) -> Self {
        Self {
            database,
            account: account.to_string(),
        }
    }

    /// Stores a version before it is sent: whatever happens then, its hash is known.
    pub async fn begin(&self, record: &Record) -> Result<(), ChainError> {
        let items = serde_json::to_string(&record.items).unwrap_or_default();
        let mut write = self.database.write().await?;
        sqlx::query("INSERT INTO chain_transactions (hash, account, nonce, raw, target, data, gas_limit, max_fee, worker, items, state, sent_at, cost_gwei) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'sent', $11, $12) ON CONFLICT (hash) DO NOTHING")
            .bind(record.hash.to_string())
            .bind(&self.account)
            .bind(signed(record.nonce))
            .bind(record.raw.to_string())
            .bind(record.target.to_string())
            .bind(record.data.to_string())
            .bind(signed(record.gas_limit))
            .bind(record.max_fee.to_string())
            .bind(&record.worker)
            .bind(items)
            .bind(signed(record.sent_at))
            .bind(signed(record.cost_gwei))
            .execute(write.connection())
            .await?;
        self.tidy(write.connection(), record.sent_at).await?;
        write.commit().await
    }

    /// What is settled keeps its cost for the limits, and after a while nothing else: the chain has the bytes.
    async fn tidy(&self, connection: &mut AnyConnection, now: u64) -> Result<(), ChainError> {
        sqlx::query("UPDATE chain_transactions SET raw = '', data = '' WHERE account = $1 AND state <> 'sent' AND raw <> '' AND sent_at < $2")
            .bind(&self.account)
            .bind(signed(now.saturating_sub(HOUR)))
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM chain_transactions WHERE account = $1 AND state <> 'sent' AND sent_at < $2")
            .bind(&self.account)
            .bind(signed(now.saturating_sub(KEPT)))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// The versions that may still be mined, the lowest nonce first, the latest version last.
    pub async fn open(&self) -> Result<Vec<Record>, ChainError> {
        let rows = sqlx::query("SELECT hash, nonce, raw, target, data, gas_limit, max_fee, worker, items, sent_at, cost_gwei FROM chain_transactions WHERE account = $1 AND state = 'sent' ORDER BY nonce, cost_gwei, hash")
            .bind(&self.account)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(record_of).collect()
    }

    /// The dearest version that was ever signed for a nonce, while its bytes are kept.
    pub async fn signed_for(&self, nonce: u64) -> Result<Option<Bytes>, ChainError> {
        let row = sqlx::query("SELECT raw FROM chain_transactions WHERE account = $1 AND nonce = $2 AND raw <> '' ORDER BY LENGTH(max_fee) DESC, max_fee DESC LIMIT 1")
            .bind(&self.account)
            .bind(signed(nonce))
            .fetch_optional(self.database.pool())
            .await?;
        row.map(|row| parse("raw", row.try_get(0)?)).transpose()
    }

    /// This version was mined, and so no other of its nonce.
    pub async fn mined(
        &self,
        record: &Record,
        succeeded: bool,
        block: u64,
        gas_used: u64,
        cost_gwei: u64,
    ) -> Result<(), ChainError> {
        let state = if succeeded { "mined" } else { "reverted" };
        let mut write = self.database.write().await?;
        sqlx::query("UPDATE chain_transactions SET state = 'replaced', cost_gwei = 0 WHERE account = $1 AND nonce = $2 AND state = 'sent'")
            .bind(&self.account)
            .bind(signed(record.nonce))
            .execute(write.connection())
            .await?;
        sqlx::query("UPDATE chain_transactions SET state = $1, block = $2, gas_used = $3, cost_gwei = $4 WHERE hash = $5")
            .bind(state)
            .bind(signed(block))
            .bind(signed(gas_used))
            .bind(signed(cost_gwei))
            .bind(record.hash.to_string())
            .execute(write.connection())
            .await?;
        write.commit().await
    }

    /// The nonce went to a transaction that was not signed here.
    pub async fn lost(&self, nonce: u64) -> Result<(), ChainError> {
        let mut write = self.database.write().await?;
        sqlx::query("UPDATE chain_transactions SET state = 'lost', cost_gwei = 0 WHERE account = $1 AND nonce = $2 AND state = 'sent'")
            .bind(&self.account)
            .bind(signed(nonce))
            .execute(write.connection())
            .await?;
        write.commit().await
    }

    /// What was spent in the hour and the day before `now`. Of several versions on their way only one will be mined: the
    /// dearest counts.
    pub async fn spending(&self, now: u64) -> Result<Spending, ChainError> {
        Ok(Spending {
            hour: self.spent_since(now.saturating_sub(HOUR)).await?,
            day: self.spent_since(now.saturating_sub(DAY)).await?,
        })
    }

    async fn spent_since(&self, time: u64) -> Result<u64, ChainError> {
        let row = sqlx::query("SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM (SELECT MAX(cost_gwei) AS cost FROM chain_transactions WHERE account = $1 AND sent_at > $2 GROUP BY nonce) AS versions")
            .bind(&self.account)
            .bind(signed(time))
            .fetch_one(self.database.pool())
            .await?;
        Ok(unsigned(row.try_get(0)?))
    }

    /// Counts a transaction that had no effect on these items; returns how often that was today, by item.
    pub async fn attempt(
        &self,
        worker: &str,
        items: &[String],
        now: u64,
    ) -> Result<Vec<u64>, ChainError> {
        let day = signed(now / DAY);
        let mut counts = Vec::with_capacity(items.len());
        let mut write = self.database.write().await?;
        for item in items {
            sqlx::query("INSERT INTO chain_attempts (worker, item, day, count) VALUES ($1, $2, $3, 1) ON CONFLICT (worker, item, day) DO UPDATE SET count = chain_attempts.count + 1")
                .bind(worker)
                .bind(item)
                .bind(day)
                .execute(write.connection())
                .await?;
            let row = sqlx::query(
                "SELECT count FROM chain_attempts WHERE worker = $1 AND item = $2 AND day = $3",
            )
            .bind(worker)
            .bind(item)
            .bind(day)
            .fetch_one(write.connection())
            .await?;
            counts.push(unsigned(row.try_get(0)?));
        }
        sqlx::query("DELETE FROM chain_attempts WHERE day < $1")
            .bind(day - 1)
            .execute(write.connection())
            .await?;
        write.commit().await?;
        Ok(counts)
    }

    /// Why an item is set aside, if it is, and how often it was sent without effect on this day.
    pub async fn known_of(
        &self,
        worker: &str,
        item: &str,
        now: u64,
    ) -> Result<(Option<String>, u64), ChainError> {
        let row = sqlx::query("SELECT (SELECT reason FROM chain_set_aside WHERE worker = $1 AND item = $2), COALESCE((SELECT count FROM chain_attempts WHERE worker = $1 AND item = $2 AND day = $3), 0)")
            .bind(worker)
            .bind(item)
            .bind(signed(now / DAY))
            .fetch_one(self.database.pool())
            .await?;
        Ok((row.try_get(0)?, unsigned(row.try_get(1)?)))
    }

    /// Does not try this item again.
    pub async fn set_aside(
        &self,
        worker: &str,
        item: &str,
        reason: &str,
        now: u64,
    ) -> Result<(), ChainError> {
        let mut write = self.database.write().await?;
        sqlx::query("INSERT INTO chain_set_aside (worker, item, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT (worker, item) DO NOTHING")
            .bind(worker)
            .bind(item)
            .bind(reason)
            .bind(signed(now))
            .execute(write.connection())
            .await?;
        write.commit().await
    }
}

fn record_of(row: &sqlx::any::AnyRow) -> Result<Record, ChainError> {
    let items: String = row.try_get(8)?;
    Ok(Record {
        hash: parse("hash", row.try_get(0)?)?,
        nonce: unsigned(row.try_get(1)?),
        raw: parse("raw", row.try_get(2)?)?,
        target: parse("target", row.try_get(3)?)?,
        data: parse("data", row.try_get(4)?)?,
        gas_limit: unsigned(row.try_get(5)?),
        max_fee: parse("max_fee", row.try_get(6)?)?,
        worker: row.try_get(7)?,
        items: serde_json::from_str(&items).map_err(|_| ChainError::Corrupt {
            column: "items",
            value: items.clone(),
        })?,
        sent_at: unsigned(row.try_get(9)?),
        cost_gwei: unsigned(row.try_get(10)?),
    })
}
