//! What happens every minute: requests are served, and the chain hears of it.

use alloy::primitives::keccak256;
use anyhow::ensure;
use bpe_abi::ICompletionTracker::{AssignmentRejected, CompletionRejected, SignedTask};

use super::{
    super::{
        cast::Deal,
        chain::{events, read},
        suite::units,
        work::{Outcome, PATIENCE},
        world::{Habit, Task, TICK},
    },
    Play, Running,
};

/// The most receipts or assignments in a batch.
const BATCH: usize = 100;

/// How long after its request a task is due: time to do it, and to bring the receipt.
const DEADLINE: u64 = PATIENCE as u64 + 2 * TICK;

impl Play {
    /// A minute: sources stream, requests are served, and at its end the chain hears of it.
    pub(super) async fn tick(&mut self, open: bool) -> anyhow::Result<()> {
        if open {
            self.set_streams().await?;
        }
        let deals = self.serve().await?;
        self.now += TICK;
        let broke = self.world.breakdown();
        if (self.now - TICK) as f64 <= broke && broke < self.now as f64 {
            self.note_breakdown();
        }
        self.suite.devnet.set_timestamp(self.start + self.now)?;
        self.record(deals).await?;
        self.report_loads().await?;
        for market in 0..2 {
            self.sync(market).await?;
        }
        self.sample().await
    }

    pub(super) fn note_breakdown(&mut self) {
        let broken = self
            .world
            .sinks
            .iter()
            .filter(|it| it.habit == Habit::GoesDown);
        let names: Vec<&str> = broken.map(|it| it.name).collect();
        self.note(format!("{} goes down", names.join(", ")));
    }

    /// Gives the tasks of the coming minute to sinks, by the units they are paid by.
    pub(super) async fn serve(&mut self) -> anyhow::Result<Vec<(Deal, u64)>> {
        let weights = [self.weights(0).await?, self.weights(1).await?];
        self.asked.fill([0.0; 2]);
        self.needed.fill([0.0; 2]);
        let mut deals = Vec::new();
        while let Some(task) = self.next_task() {
            self.epoch.tokens += u64::from(task.tokens);
            self.needed[task.source][task.market] += f64::from(task.tokens) / TICK as f64;
            let drawn = self.dispatcher.draw(&weights[task.market]);
            if let Some(sink) = drawn {
                deals.push(self.offer(task, sink));
            }
        }
        Ok(deals)
    }

    /// The next task, if it comes within this minute.
    pub(super) fn next_task(&mut self) -> Option<Task> {
        let task = *self.world.tasks.get(self.tasks)?;
        let soon = task.at < (self.now + TICK) as f64;
        self.tasks += usize::from(soon);
        soon.then_some(task)
    }

    /// The sink accepts the task; whether it keeps its word is another matter. Gives the deal and its deadline.
    pub(super) fn offer(&mut self, task: Task, sink: usize) -> (Deal, u64) {
        self.asked[sink][task.market] += f64::from(task.tokens) / TICK as f64;
        let deal = Deal {
            task_type: self.id(task.market),
            sink,
            source: task.source,
            id: keccak256((self.tasks as u64).to_be_bytes()),
        };
        match self.workers[sink].offer(task.at, task.tokens) {
            Outcome::Done { at } => {
                let done = self.start + at as u64;
                self.running.push(Running { deal, done });
                self.tallies[sink].done[task.market] += 1;
                self.epoch.done += 1;
            }
            Outcome::Failed => {
                self.tallies[sink].failed[task.market] += 1;
                self.epoch.failed += 1;
            }
        }
        (deal, self.start + task.at as u64 + DEADLINE)
    }

    pub(super) async fn weights(&self, market: usize) -> anyhow::Result<Vec<u128>> {
        let pool = &self.suite.task_types[market].pool;
        let mut weights = Vec::new();
        for sink in &self.cast.sinks {
            weights.push(read(pool.getUnits(sink.address()).call(), "units").await?);
        }
        Ok(weights)
    }

    /// Brings what was accepted, and what was done until now.
    pub(super) async fn record(&mut self, deals: Vec<(Deal, u64)>) -> anyhow::Result<()> {
        let assignments = deals.iter();
        let assignments: Vec<SignedTask> = assignments
            .map(|(deal, deadline)| self.cast.assignment(deal, *deadline))
            .collect::<Result<_, _>>()?;
        for batch in assignments.chunks(BATCH) {
            let record = self.suite.tracker.recordAssignments(batch.to_vec());
            let receipt = self.send(record, "record assignments").await?;
            let rejected = events::<AssignmentRejected>(&receipt);
            let reason = rejected.first().map(|it| it.reason);
            ensure!(
                reason.is_none(),
                "an assignment was refused with error {reason:?}"
            );
        }
        let now = self.start + self.now;
        let running = std::mem::take(&mut self.running).into_iter();
        let (done, running): (Vec<_>, Vec<_>) = running.partition(|it| it.done <= now);
        self.running = running;
        let receipts: Vec<SignedTask> = done
            .iter()
            .map(|it| self.cast.receipt(&it.deal, it.done))
            .collect::<Result<_, _>>()?;
        for batch in receipts.chunks(BATCH) {
            let record = self.suite.tracker.recordReceipts(batch.to_vec());
            let receipt = self.send(record, "record receipts").await?;
            let rejected = events::<CompletionRejected>(&receipt);
            let reason = rejected.first().map(|it| it.reason);
            ensure!(
                reason.is_none(),
                "a receipt was refused with error {reason:?}"
            );
        }
        Ok(())
    }

    /// Every sink reports what was asked of it in the last minute, in tokens per second, and prices follow.
    pub(super) async fn report_loads(&mut self) -> anyhow::Result<()> {
        for sink in 0..self.world.sinks.len() {
            if !self.tallies[sink].registered {
                continue;
            }
            let account = self.cast.sinks[sink].address();
            for market in self.served(sink) {
                let load = units(self.asked[sink][market]);
                let report = self.suite.pricing.reportQueueLoad(self.id(market), load);
                self.send(report.from(account), "report a load").await?;
            }
        }
        let ids = self.suite.task_types.iter().map(|it| it.id).collect();
        let advance = self.suite.pricing.advanceEpochs(ids);
        self.send(advance, "move the base fees").await.map(drop)
    }
}
