//! The store: SQLite in a file, or Postgres for several instances; the same statements for both.

use std::{borrow::Cow, path::Path, str::FromStr, sync::Arc, time::Duration};

use alloy::primitives::{Address, B256};
use sqlx::{
    any::{install_default_drivers, AnyPoolOptions},
    migrate::{Migration, MigrationType, Migrator},
    pool::PoolConnection,
    Any, AnyConnection, AnyPool, Executor as _, Row as _, Transaction,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::ChainError;

/// How long a statement may wait for a connection: a database that is away is to be seen, not waited for.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: u32 = 8;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Whose state it is. A database of another identity is refused, never wiped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub chain_id: u64,
    /// The hash of block 0.
    pub instance: B256,
    /// CapacityRegistry: what all other contracts of a deployment stand on.
    pub registry: Address,
}

/// A pool of connections to the store.
#[derive(Clone, Debug)]
pub struct Database {
    pool: AnyPool,
    kind: Kind,
    /// SQLite has one writer. Two that began by reading would refuse each other at once instead of taking turns.
    writer: Arc<Mutex<()>>,
}

/// A transaction that writes; dropped without [`Write::commit`] it never was.
pub struct Write {
    transaction: Transaction<'static, Any>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Makes it so.
    ///
    /// # Errors
    /// If the database refuses: then nothing of it was done.
    pub async fn commit(self) -> Result<(), ChainError> {
        Ok(self.transaction.commit().await?)
    }
}

/// A connection for one statement that writes: it is done when it returns, without a transaction around it. What a request
/// waits for is written so, in one exchange instead of three.
pub struct Once {
    connection: PoolConnection<Any>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Once {
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

/// The tables of this crate, for a migrator that has others as well. Their versions are below 100.
pub fn chain_migrations() -> Vec<Migration> {
    vec![migration(
        1,
        "chain",
        include_str!("../migrations/0001_chain.sql"),
    )]
}

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    Migration::new(
        version,
        Cow::Borrowed(description),
        MigrationType::Simple,
        Cow::Borrowed(sql),
        false,
    )
}

impl Database {
    /// Opens the store at `url`: `sqlite://FILE` or `postgres://…`, brings its schema up to date, with the tables in `own`
    /// (version, description, statements) beside those of this crate, and compares whose it is.
    ///
    /// # Errors
    /// If it cannot be opened, is of a newer schema, or is another deployment's.
    pub async fn open(
        url: &str,
        identity: &Identity,
        own: &[(i64, &'static str, &'static str)],
    ) -> Result<Self, ChainError> {
        install_default_drivers();
        let kind = if url.starts_with("postgres") {
            Kind::Postgres
        } else {
            Kind::Sqlite
        };
        let url = match kind {
            Kind::Sqlite if !url.contains('?') => format!("{url}?mode=rwc"),
            _ => url.to_owned(),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if kind == Kind::Sqlite {
                        // A killed process loses nothing; at a power failure the last second may be missing, which the
                        // chain gives again.
                        connection
                            .execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; PRAGMA journal_size_limit = 67108864;")
                            .await?;
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await?;
        let mut migrations = chain_migrations();
        migrations.extend(
            own.iter()
                .map(|(version, name, sql)| migration(*version, name, sql)),
        );
        let migrator = Migrator {
            migrations: Cow::Owned(migrations),
            ..Migrator::DEFAULT
        };
        migrator.run(&pool).await?;
        let it = Self {
            pool,
            kind,
            writer: Arc::default(),
        };
        it.identify(identity).await?;
        Ok(it)
    }

    /// Opens `<folder>/<role>.sqlite`.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_file(
        folder: &Path,
        role: &str,
        identity: &Identity,
        own: &[(i64, &'static str, &'static str)],
    ) -> Result<Self, ChainError> {
        std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?;
        let file = folder.join(format!("{role}.sqlite"));
        Self::open(&format!("sqlite://{}", file.display()), identity, own).await
    }

    async fn identify(&self, identity: &Identity) -> Result<(), ChainError> {
        let values = [
            ("chain", identity.chain_id.to_string()),
            ("instance", identity.instance.to_string()),
            ("deployment", identity.registry.to_string()),
        ];
        for (what, expected) in values {
            sqlx::query("INSERT INTO chain_identity (what, value) VALUES ($1, $2) ON CONFLICT (what) DO NOTHING")
                .bind(what)
                .bind(&expected)
                .execute(&self.pool)
                .await?;
            let row = sqlx::query("SELECT value FROM chain_identity WHERE what = $1")
                .bind(what)
                .fetch_one(&self.pool)
                .await?;
            let stored: String = row.try_get(0)?;
            if stored != expected {
                return Err(ChainError::OtherIdentity {
                    what,
                    stored,
                    expected,
                });
            }
        }
        Ok(())
    }

    /// Connections for reading.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// If there is no connection in time.
    pub async fn write(&self) -> Result<Write, ChainError> {
        let turn = self.turn().await;
        Ok(Write {
            transaction: self.pool.begin().await?,
            _turn: turn,
        })
    }

    /// For a single statement that writes.
    ///
    /// # Errors
    /// If there is no connection in time.
    pub async fn once(&self) -> Result<Once, ChainError> {
        let turn = self.turn().await;
        Ok(Once {
            connection: self.pool.acquire().await?,
            _turn: turn,
        })
    }

    async fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        match self.kind {
            Kind::Sqlite => Some(Arc::clone(&self.writer).lock_owned().await),
            Kind::Postgres => None,
        }
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// What it says if it does not.
    pub async fn ping(&self) -> Result<(), ChainError> {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A value out of a text column.
pub(crate) fn parse<T: FromStr>(column: &'static str, value: &str) -> Result<T, ChainError> {
    value.parse().map_err(|_| ChainError::Corrupt {
        column,
        value: value.to_owned(),
    })
}

/// Block numbers and times as the database has them.
#[allow(
    clippy::cast_possible_wrap,
    reason = "no chain has 2^63 blocks or seconds"
)]
pub(crate) const fn signed(value: u64) -> i64 {
    value as i64
}

#[allow(clippy::cast_sign_loss, reason = "only what `signed` wrote is read")]
pub(crate) const fn unsigned(value: i64) -> u64 {
    value as u64
}
