//! Of several keepers on one Postgres one leads: who holds the advisory lock. With SQLite there is one keeper.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::Duration,
};

use bpe_chain::{Database, Kind};
use sqlx::{pool::PoolConnection, Any, Row as _};

/// How soon another one takes over.
const INTERVAL: Duration = Duration::from_secs(2);

/// Whether this keeper leads.
#[derive(Clone, Debug)]
pub struct Leader {
    leads: Arc<AtomicBool>,
}

impl Leader {
    pub fn new(database: &Database) -> Self {
        Self {
            leads: Arc::new(AtomicBool::new(database.kind() == Kind::Sqlite)),
        }
    }

    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::SeqCst)
    }

    /// Tries for the lock, and holds it, on a connection of its own: when that is lost, so is the lock.
    pub async fn run(self, database: Database, chain_id: u64) {
        if database.kind() == Kind::Sqlite {
            return;
        }
        #[allow(
            clippy::cast_possible_wrap,
            reason = "any number will do that all instances share"
        )]
        let key = 0x0b9e_0000_0000_0000_u64.wrapping_add(chain_id) as i64;
        let mut holder: Option<PoolConnection<Any>> = None;
        loop {
            holder = match self.turn(&database, holder.take(), key).await {
                Ok(holder) => holder,
                Err(error) => {
                    tracing::warn!(%error, "leadership is uncertain, so this keeper does not lead");
                    None
                }
            };
            let leads = holder.is_some();
            if self.leads.swap(leads, Ordering::SeqCst) != leads {
                tracing::info!(leads, "leadership changed");
            }
            metrics::gauge!("bpe_keeper_leading").set(f64::from(u8::from(leads)));
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn turn(
        &self,
        database: &Database,
        holder: Option<PoolConnection<Any>>,
        key: i64,
    ) -> Result<Option<PoolConnection<Any>>, sqlx::Error> {
        if let Some(mut connection) = holder {
            // Alive is what counts: the lock lives as long as the session does.
            sqlx::query("SELECT 1").fetch_one(&mut *connection).await?;
            return Ok(Some(connection));
        }
        let mut connection = database.pool().acquire().await?;
        let row = sqlx::query("SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END")
            .bind(key)
            .fetch_one(&mut *connection)
            .await?;
        Ok((row.try_get::<i32, _>(0)? == 1).then_some(connection))
    }
}
