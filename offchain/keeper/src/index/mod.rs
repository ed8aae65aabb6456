//! The keeper's picture of the economy: every event, and what follows from it.

mod apply;
mod decode;
mod rows;

pub use apply::event_of;
pub use decode::{topics, Event, MemberUnitsUpdated};
pub use rows::Rows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::Log,
    sol_types::SolEvent as _,
};
use bpe_abi::IBackpressurePool::PoolCreated;
use bpe_chain::{ChainError, Database, Deployment, Projection};
use sqlx::{AnyConnection, Row as _};
use tokio::sync::broadcast;

use crate::inbox;

/// Events that live clients may lag behind.
const LIVE: usize = 4_096;

/// Turns the suite's events into tables.
#[derive(Clone)]
pub struct Index {
    database: Database,
    contracts: Vec<Address>,
    live: broadcast::Sender<Event>,
    /// Applied in the transaction that is open.
    applied: Arc<Mutex<Vec<Event>>>,
}

impl Index {
    /// Of a deployment: all its contracts, and Superfluid's distributions.
    pub fn new(database: Database, deployment: &Deployment) -> Self {
        let mut contracts: Vec<Address> =
            deployment.contracts.values().map(|it| it.address).collect();
        contracts.extend(deployment.superfluid.as_ref().map(|it| it.gda));
        Self {
            database,
            contracts,
            live: broadcast::Sender::new(LIVE),
            applied: Arc::default(),
        }
    }

    /// Hears of events as they are stored. They may be taken back by a reorganisation, of which [`Event::rewound`] tells.
    pub fn live(&self) -> broadcast::Receiver<Event> {
        self.live.subscribe()
    }

    /// The last block whose events are in the store.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn cursor(&self) -> Result<Option<u64>, ChainError> {
        let row = sqlx::query("SELECT number FROM chain_cursor WHERE id = 0")
            .fetch_optional(self.database.pool())
            .await?;
        row.map(|row| row.number(0)).transpose()
    }

    /// The smoothed capacity of a sink that serves; `None` if it does not.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn smoothed(
        &self,
        task_type: B256,
        sink: Address,
    ) -> Result<Option<U256>, ChainError> {
        let row = sqlx::query(
            "SELECT smoothed FROM sinks WHERE task_type = $1 AND sink = $2 AND registered = 1",
        )
        .bind(task_type.to_string())
        .bind(sink.to_string())
        .fetch_optional(self.database.pool())
        .await?;
        row.map(|row| row.parsed(0)).transpose()
    }

    /// Task types with sinks: how many serve, and up to which epoch all that were ever judged have been.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn judged(&self) -> Result<Vec<(B256, u64, u64)>, ChainError> {
        let rows = sqlx::query("SELECT task_type, COUNT(*), MAX(epoch) FROM sinks WHERE registered = 1 GROUP BY task_type ORDER BY task_type")
            .fetch_all(self.database.pool())
            .await?;
        let rows = rows
            .iter()
            .map(|row| Ok((row.parsed(0)?, row.number(1)?, row.number(2)?)));
        rows.collect()
    }

    /// When an event of that name was last seen of a task type.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn last(&self, task_type: &B256, name: &str) -> Result<Option<u64>, ChainError> {
        let row = sqlx::query("SELECT time FROM events WHERE task_type = $1 AND name = $2 ORDER BY block DESC, log_index DESC LIMIT 1")
            .bind(task_type.to_string())
            .bind(name)
            .fetch_optional(self.database.pool())
            .await?;
        row.map(|row| row.number(0)).transpose()
    }

    fn applied(&self) -> MutexGuard<'_, Vec<Event>> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Projection for Index {
    async fn addresses(&self) -> Result<Vec<Address>, ChainError> {
        let rows = sqlx::query("SELECT pool FROM task_types WHERE pool IS NOT NULL")
            .fetch_all(self.database.pool())
            .await?;
        let mut addresses = self.contracts.clone();
        for row in rows {
            let pool: String = row.try_get(0)?;
            addresses.extend(pool.parse::<Address>().ok());
        }
        Ok(addresses)
    }

    fn topics(&self) -> Vec<B256> {
        topics()
    }

    fn discovered(&self, logs: &[Log]) -> Vec<Address> {
        let created = logs
            .iter()
            .filter_map(|log| PoolCreated::decode_log(&log.inner).ok());
        created.map(|event| event.pool).collect()
    }

    async fn apply(
        &self,
        connection: &mut AnyConnection,
        log: &Log,
        timestamp: u64,
    ) -> Result<(), ChainError> {
        let Some(mut event) = Event::decode(log, timestamp) else {
            return Ok(());
        };
        if !apply::place(connection, &mut event).await? {
            return Ok(());
        }
        apply::store(connection, &event).await?;
        apply::apply(connection, &event).await?;
        if self.live.receiver_count() > 0 {
            self.applied().push(event);
        }
        Ok(())
    }

    async fn rewind(&self, connection: &mut AnyConnection, block: u64) -> Result<(), ChainError> {
        apply::rewind(&mut *connection, block).await?;
        inbox::take_back(connection, block).await
    }

    fn begin(&self) {
        self.applied().clear();
    }

    fn stored(&self) {
        for event in self.applied().drain(..) {
            let _ = self.live.send(event);
        }
    }

    fn rewound(&self, block: u64) {
        let _ = self.live.send(Event::rewound(block));
    }
}
