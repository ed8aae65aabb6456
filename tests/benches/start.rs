//! How long a devnet takes to be ready: empty, with Superfluid deployed, with Superfluid from a saved state.

use std::{
    fs,
    future::Future,
    process,
    time::{Duration, Instant},
};

use devnet::Devnet;
use devnet_superfluid::{ready, Artifacts};

const RUNS: u32 = 5;

#[tokio::main]
async fn main() {
    let empty = || async { drop(Devnet::new().unwrap()) };
    report("empty", best(empty).await);

    let cache = std::env::temp_dir().join(format!("bench-start-{}", process::id()));
    let with_superfluid = || async {
        let artifacts = Artifacts::locate().unwrap();
        let ready = ready(&cache, &artifacts, Devnet::builder()).await.unwrap();
        Devnet::builder().state_file(ready.state).build().unwrap();
    };
    let deployed = || async {
        let _ = fs::remove_dir_all(&cache);
        with_superfluid().await;
    };
    report("Superfluid deployed and saved", best(deployed).await);
    report("Superfluid from saved state", best(with_superfluid).await);
    fs::remove_dir_all(&cache).unwrap();
}

async fn best<F: Future>(start: impl Fn() -> F) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let began = Instant::now();
        start().await;
        best = best.min(began.elapsed());
    }
    best
}

fn report(what: &str, time: Duration) {
    println!(
        "{what:32} {:8.1} ms (best of {RUNS})",
        time.as_secs_f64() * 1e3
    );
}
