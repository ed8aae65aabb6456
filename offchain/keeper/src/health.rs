//! Whether each worker gets on.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A worker that fails for so long, again and again, is not well, however patient one is with it.
const FAILING: Duration = Duration::from_secs(5);

/// What the workers report.
#[derive(Debug, Default)]
pub struct Health {
    workers: Mutex<BTreeMap<&'static str, Worker>>,
}

#[derive(Clone, Debug)]
struct Worker {
    /// When it last finished a round without an error.
    progress: Instant,
    patience: Duration,
    error: Option<String>,
    /// Rounds that failed since, and when the first of them did.
    failures: u32,
    first: Instant,
}

/// A worker as `/readyz` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub name: &'static str,
    pub age: Duration,
    /// Why it is not ready.
    pub problem: Option<String>,
    /// The last error, also of one that is ready.
    pub error: Option<String>,
}

impl Health {
    /// Expects progress of a worker at least every `patience`.
    pub fn expect(&self, name: &'static str, patience: Duration) {
        self.workers().insert(
            name,
            Worker {
                progress: Instant::now(),
                patience,
                error: None,
                failures: 0,
                first: Instant::now(),
            },
        );
    }

    /// A worker finished a round.
    pub fn progress(&self, name: &'static str) {
        if let Some(worker) = self.workers().get_mut(name) {
            worker.progress = Instant::now();
            worker.error = None;
            worker.failures = 0;
        }
    }

    /// A worker's round ended in an error.
    pub fn failed(&self, name: &'static str, error: String) {
        if let Some(worker) = self.workers().get_mut(name) {
            worker.error = Some(error);
            if worker.failures == 0 {
                worker.first = Instant::now();
            }
            worker.failures += 1;
        }
    }

    /// All workers.
    pub fn report(&self) -> Vec<Status> {
        let workers = self.workers();
        let status = |(name, worker): (&&'static str, &Worker)| {
            let age = worker.progress.elapsed();
            // One failure is a hiccup.
            let failing = worker.failures > 1 && worker.first.elapsed() > FAILING;
            let late = age > worker.patience || failing;
            let problem = late.then(|| match &worker.error {
                Some(error) => format!("{name} fails since {} s: {error}", age.as_secs()),
                None => format!("{name} has not finished anything for {} s", age.as_secs()),
            });
            Status {
                name,
                age,
                problem,
                error: worker.error.clone(),
            }
        };
        workers.iter().map(status).collect()
    }

    fn workers(&self) -> MutexGuard<'_, BTreeMap<&'static str, Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_hangs_or_fails_is_named() {
        let health = Health::default();
        health.expect("follow", Duration::from_secs(60));
        health.expect("oracle", Duration::ZERO);
        std::thread::sleep(Duration::from_millis(5));
        let report = health.report();
        assert_eq!(report[0].problem, None);
        assert_eq!(
            report[1].problem.as_deref(),
            Some("oracle has not finished anything for 0 s")
        );

        health.failed("oracle", "no funds".to_owned());
        assert!(health.report()[1]
            .problem
            .as_ref()
            .unwrap()
            .ends_with("no funds"));
        health.expect("oracle", Duration::from_secs(60));
        health.failed("oracle", "once".to_owned());
        assert_eq!(health.report()[1].problem, None);
        assert_eq!(health.report()[1].error.as_deref(), Some("once"));
        health.progress("oracle");
        assert_eq!(health.report()[1].error, None);
    }
}
