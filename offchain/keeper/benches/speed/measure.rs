//! What this process takes, as Linux says; and the stores that there are.

use std::{fs, time::Duration};

/// Processor time so far, of all threads.
pub fn processor() -> Duration {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in brackets, may hold anything; user and system time are the 12th and 13th after it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|it| it.parse::<f64>().ok()).sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}

/// Megabytes in memory: now, and at most so far.
pub fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let megabytes = |key| of(key).unwrap_or_default() / 1_024;
    (megabytes("VmRSS:"), megabytes("VmHWM:"))
}

/// Forgets the most memory so far.
pub fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// SQLite, and Postgres where the environment names one: what the configuration says of each.
pub async fn stores(purpose: &str) -> Vec<(&'static str, String)> {
    let mut stores = vec![("SQLite", String::new())];
    if let Some(url) = postgres(purpose).await {
        stores.push(("Postgres", format!("url = \"{url}\"")));
    } else {
        println!("Not on Postgres: BPE_TEST_POSTGRES_URL is not set");
    }
    stores
}

async fn postgres(purpose: &str) -> Option<String> {
    let url = std::env::var("BPE_TEST_POSTGRES_URL").ok()?;
    sqlx::any::install_default_drivers();
    let name = format!("bpe_speed_{purpose}_{}", std::process::id());
    let pool = sqlx::AnyPool::connect(&url).await.ok()?;
    let create = format!("CREATE DATABASE {name}");
    sqlx::query(&create).execute(&pool).await.ok()?;
    pool.close().await;
    let (server, _) = url.rsplit_once('/')?;
    Some(format!("{server}/{name}"))
}
