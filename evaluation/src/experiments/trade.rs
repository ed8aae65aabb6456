//! How tasks find sinks by work: as the demo's sources choose them.

use std::collections::HashMap;

use alloy::primitives::Address;

use crate::{
    market::{Actor, Market},
    routing::Router,
    work::{Dispatcher, Outcome, Worker, PATIENCE},
};

/// A source asks so many sinks at most.
const TRIES: usize = 3;

/// How a sink behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Refuses what it could not do in time.
    Honest,
    /// Accepts everything, and does what it can.
    Greedy,
    /// Accepts everything, and does nothing.
    Dead,
}

/// A task that was done, and when.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    pub at: f64,
    pub source: usize,
    pub sink: usize,
}

/// A task type's sinks and what sources know of them.
pub struct Trade {
    pub manners: Vec<Manner>,
    router: Router,
    workers: Vec<Worker>,
    running: Vec<Done>,
    /// Unit-seconds of a task.
    pub task: u32,
}

impl Trade {
    pub fn new(sinks: usize, task: u32) -> Self {
        Self {
            manners: vec![Manner::Honest; sinks],
            router: Router::new(sinks),
            workers: vec![Worker::new(1.0); sinks],
            running: Vec::new(),
            task,
        }
    }

    /// So many units a sink can do from now on.
    pub fn set_speed(&mut self, sink: usize, units: f64) {
        self.workers[sink].set_speed(units.max(1e-3));
    }

    /// Sources see what sinks declare, and what they have shown on the chain; each times what `noise` gives.
    pub async fn look(
        &mut self,
        market: &Market,
        sinks: &[(usize, &Actor)],
        mut noise: impl FnMut() -> f64,
    ) -> anyhow::Result<()> {
        let declared: HashMap<Address, f64> = market.capacities().await?;
        for (place, sink) in sinks {
            let declared = declared.get(&sink.account).copied().unwrap_or(0.0);
            let shown = market.verified(sink.account).await?;
            let noise = noise();
            self.router.look(*place, declared * noise, shown * noise);
        }
        Ok(())
    }

    /// A source has a task, and asks a few sinks. Says whether one took it.
    pub fn offer(&mut self, random: &mut Dispatcher, at: f64, source: usize) -> bool {
        let mut refused = Vec::new();
        while refused.len() < TRIES {
            let Some(sink) = self.router.choose(random, at, self.task, &refused) else {
                return false;
            };
            let (worker, manner) = (&mut self.workers[sink], self.manners[sink]);
            if manner == Manner::Honest && worker.is_full(at, self.task) {
                refused.push(sink);
                continue;
            }
            let outcome = match manner {
                Manner::Dead => Outcome::Failed,
                _ => worker.offer(at, self.task),
            };
            self.accept(at, source, sink, outcome);
            return true;
        }
        false
    }

    /// A task that comes to a sink from somebody who is not routed. Says whether it is done, as far as the sink can.
    pub fn labour(&mut self, sink: usize, at: f64, tokens: u32) -> bool {
        let worker = &mut self.workers[sink];
        !worker.is_full(at, tokens) && matches!(worker.offer(at, tokens), Outcome::Done { .. })
    }

    fn accept(&mut self, at: f64, source: usize, sink: usize, outcome: Outcome) {
        let (until, is_done) = match outcome {
            Outcome::Done { at } => (at, true),
            Outcome::Failed => (at + PATIENCE, false),
        };
        self.router.accepted(sink, self.task, until, is_done);
        if is_done {
            self.running.push(Done {
                at: until,
                source,
                sink,
            });
        }
    }

    /// What was done until now.
    pub fn finished(&mut self, now: f64) -> Vec<Done> {
        let all = std::mem::take(&mut self.running).into_iter();
        let (done, running) = all.partition(|it| it.at <= now);
        self.running = running;
        done
    }
}

/// The times at which a source with `demand` units has tasks in a stretch: at even distances.
pub fn arrivals(
    random: &mut Dispatcher,
    start: f64,
    seconds: f64,
    demand: f64,
    task: u32,
) -> Vec<f64> {
    let wanted = demand * seconds / f64::from(task);
    // What is left of a task comes with its probability.
    let count = (wanted + random.fraction()).floor() as usize;
    let gap = seconds / count.max(1) as f64;
    let first = gap * random.fraction();
    (0..count)
        .map(|it| start + first + gap * it as f64)
        .collect()
}
