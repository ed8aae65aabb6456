//! The keeper's store from outside: taken away, brought back, and read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use sqlx::{any::install_default_drivers, AnyPool, Connection as _, Executor as _, Row as _};

pub enum Store {
    Sqlite(PathBuf),
    Postgres(String),
}

/// A store that does not answer.
pub enum Away {
    /// Another process has the lock.
    Locked(sqlx::AnyConnection),
    /// Nobody is let in: by whom, and into what.
    Closed(AnyPool, String),
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL has a password in it.
        formatter.write_str(match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "Postgres",
        })
    }
}

/// What follows from events, as text: what is first in a row tells which it is.
const TABLES: [(&str, &str); 6] = [
    ("events", "CAST(block AS TEXT) || '|' || CAST(log_index AS TEXT) || '|' || CAST(time AS TEXT) || '|' || tx || '|' || name || '|' || COALESCE(task_type, '') || '|' || COALESCE(account, '') || '|' || COALESCE(other, '') || '|' || COALESCE(amount, '') || '|' || COALESCE(detail, '')"),
    ("task_types", "id || '|' || creator || '|' || min_stake || '|' || COALESCE(pool, '') || '|' || COALESCE(base_fee, '') || '|' || CAST(weighting AS TEXT) || '|' || sink_units || '|' || fee_units || '|' || pressure || '|' || waiting"),
    ("sinks", "task_type || '|' || sink || '|' || CAST(registered AS TEXT) || '|' || smoothed || '|' || raw || '|' || CAST(attested AS TEXT) || '|' || CAST(completions AS TEXT) || '|' || CAST(epoch AS TEXT) || '|' || CAST(rate_bps AS TEXT) || '|' || slashed"),
    ("members", "task_type || '|' || member || '|' || units"),
    ("streams", "task_type || '|' || source || '|' || rate || '|' || CAST(since AS TEXT)"),
    ("stakes", "sink || '|' || amount || '|' || slashed"),
];

impl Store {
    pub fn sqlite(folder: &Path) -> Self {
        Self::sqlite_at(&folder.join("state"))
    }

    pub fn sqlite_at(state: &Path) -> Self {
        Self::Sqlite(state.to_owned())
    }

    pub fn postgres(url: String) -> Self {
        Self::Postgres(url)
    }

    /// Its lines of the section `store`.
    pub fn config(&self) -> String {
        match self {
            Self::Sqlite(state) => format!("state = \"{}\"", state.display()),
            Self::Postgres(url) => format!("url = \"{url}\""),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(state) => format!("sqlite://{}", state.join("keeper.sqlite").display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    pub async fn take_away(&self) -> Away {
        install_default_drivers();
        match self {
            Self::Sqlite(_) => {
                let mut connection = sqlx::AnyConnection::connect(&self.url()).await.unwrap();
                connection
                    .execute("PRAGMA busy_timeout = 20000")
                    .await
                    .unwrap();
                connection.execute("BEGIN EXCLUSIVE").await.unwrap();
                Away::Locked(connection)
            }
            Self::Postgres(url) => {
                let (_, database) = url.rsplit_once('/').unwrap();
                let admin = std::env::var("BPE_TEST_POSTGRES_URL").unwrap();
                let database = database.split('?').next().unwrap().to_owned();
                let admin = AnyPool::connect(&admin).await.unwrap();
                let close = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false");
                admin.execute(close.as_str()).await.unwrap();
                let end = format!("SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) FROM pg_stat_activity WHERE datname = '{database}'");
                admin.execute(end.as_str()).await.unwrap();
                Away::Closed(admin, database)
            }
        }
    }

    /// All rows of the tables that follow from events.
    pub async fn dump(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        install_default_drivers();
        let pool = AnyPool::connect(&self.url()).await.unwrap();
        let mut tables = BTreeMap::new();
        for (table, columns) in TABLES {
            let query = format!("SELECT {columns} FROM {table}");
            let rows = sqlx::query(&query).fetch_all(&pool).await.unwrap();
            let rows = rows.iter().map(|row| row.get::<String, _>(0));
            tables.insert(table, rows.collect());
        }
        pool.close().await;
        tables
    }

    pub async fn bytes(&self) -> u64 {
        match self {
            Self::Sqlite(state) => {
                let files = std::fs::read_dir(state).unwrap();
                files
                    .map(|file| file.unwrap().metadata().unwrap().len())
                    .sum()
            }
            Self::Postgres(url) => {
                let pool = AnyPool::connect(url).await.unwrap();
                let row = sqlx::query("SELECT pg_database_size(current_database())")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
                pool.close().await;
                row.get::<i64, _>(0) as u64
            }
        }
    }
}

impl Away {
    pub async fn bring_back(self) {
        match self {
            Self::Locked(mut connection) => {
                connection.execute("ROLLBACK").await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Closed(admin, database) => {
                let open = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true");
                admin.execute(open.as_str()).await.unwrap();
                admin.close().await;
            }
        }
    }
}
