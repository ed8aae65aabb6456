//! What happens every minute: requests are served, and the chain hears of it.

use alloy::{
    primitives::{keccak256, U256},
    rpc::types::TransactionReceipt,
};
use anyhow::ensure;
use bpe_abi::ICompletionTracker::{AssignmentRejected, CompletionRejected, SignedTask};

use super::{
    super::{
        cast::Deal,
        chain::{events, read},
        suite::{units, UNIT},
        work::{Outcome, PATIENCE},
        world::{Habit, Task, TICK},
    },
    Play, Running,
};

/// The most receipts or assignments in a batch.
const BATCH: usize = 100;

/// The most sinks that a source asks for a task, as `bpe source` does (`choose.tries`).
const TRIES: usize = 4;

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
        for market in self.markets(false) {
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

    /// Gives the tasks of the coming minute to sinks: by the units they are paid by, or by work as sources choose.
    pub(super) async fn serve(&mut self) -> anyhow::Result<Vec<(Deal, u64)>> {
        let mut weights = [vec![], vec![]];
        for market in self.markets(false) {
            weights[market] = self.weights(market).await?;
        }
        for market in self.markets(true) {
            self.look(market).await?;
        }
        self.asked.fill([0.0; 2]);
        self.needed.fill([0.0; 2]);
        let mut deals = Vec::new();
        while let Some(task) = self.next_task() {
            self.epoch.tokens += u64::from(task.tokens);
            self.needed[task.source][task.market] += f64::from(task.tokens) / TICK as f64;
            if self.world.markets[task.market].is_by_work() {
                self.offer_by_work(task);
            } else if let Some(sink) = self.dispatcher.draw(&weights[task.market]) {
                deals.push(self.offer(task, sink));
            }
        }
        Ok(deals)
    }

    /// Sources look at what sinks declare, and at what they have been paid for.
    async fn look(&mut self, market: usize) -> anyhow::Result<()> {
        let id = self.id(market);
        let listed = self.listed(market).await?;
        for sink in 0..self.cast.sinks.len() {
            let declared = listed.iter().find(|(listed, _)| *listed == sink);
            let declared = declared.map_or(U256::ZERO, |(_, capacity)| *capacity);
            let account = self.cast.sinks[sink].address();
            let shown = self.suite.vouchers.getVerifiedCapacity(id, account);
            let shown = read(shown.call(), "what a sink has shown").await?;
            let [declared, shown] = [declared, shown].map(|it| f64::from(it) / UNIT);
            self.routers[market].look(sink, declared, shown);
        }
        Ok(())
    }

    /// The source asks a few sinks. Those that could not do the task in time refuse it, if they are honest and up.
    fn offer_by_work(&mut self, task: Task) {
        let market = task.market;
        let mut refused = Vec::new();
        while refused.len() < TRIES {
            let dispatcher = &mut self.dispatcher;
            let router = &mut self.routers[market];
            let Some(sink) = router.choose(dispatcher, task.at, task.tokens, &refused) else {
                break;
            };
            if !self.refuses(sink, &task) {
                self.offer(task, sink);
                return;
            }
            refused.push(sink);
        }
        self.unserved[market] += 1;
        self.epoch.failed += 1;
    }

    /// A liar refuses nothing, nor does a front end without a machine behind it.
    fn refuses(&self, sink: usize, task: &Task) -> bool {
        let is_liar = self.world.sinks[sink].habit == Habit::OverReports;
        let is_full = self.workers[sink].is_full(task.at, task.tokens);
        is_full && !is_liar && !self.is_broken_at(sink, task.at)
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
        let market = task.market;
        let value = U256::from(task.tokens) * self.prices[market];
        let deal = Deal {
            market,
            task_type: self.id(task.market),
            sink,
            source: task.source,
            id: keccak256((self.tasks as u64).to_be_bytes()),
        };
        let outcome = self.workers[sink].offer(task.at, task.tokens);
        if self.world.markets[market].is_by_work() {
            self.promise(&deal, task, outcome, value);
        }
        match outcome {
            Outcome::Done { at } => {
                self.running.push(Running {
                    deal,
                    done: self.start + at as u64,
                    tokens: task.tokens,
                    value,
                });
                let tally = &mut self.tallies[sink];
                tally.done[market] += 1;
                tally.tokens[market] += u64::from(task.tokens);
                self.epoch.done += 1;
            }
            Outcome::Failed => {
                self.tallies[sink].failed[market] += 1;
                self.epoch.failed += 1;
            }
        }
        (deal, self.start + task.at as u64 + DEADLINE)
    }

    /// The source has promised what the task costs, and waits.
    fn promise(&mut self, deal: &Deal, task: Task, outcome: Outcome, value: U256) {
        let (until, is_done) = match outcome {
            Outcome::Done { at } => (at, true),
            Outcome::Failed => (task.at + PATIENCE, false),
        };
        if is_done {
            self.promised[deal.source][deal.market] += value;
        }
        self.routers[deal.market].accepted(deal.sink, task.tokens, until, is_done);
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
            self.count_settlement(&receipt, batch);
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
        let (by_work, done): (Vec<_>, Vec<_>) = done
            .into_iter()
            .partition(|it| self.world.markets[it.deal.market].is_by_work());
        for it in by_work {
            self.add_to_voucher(&it.deal, it.tokens, it.value);
        }
        let receipts: Vec<SignedTask> = done
            .iter()
            .map(|it| self.cast.receipt(&it.deal, it.done))
            .collect::<Result<_, _>>()?;
        for batch in receipts.chunks(BATCH) {
            let record = self.suite.tracker.recordReceipts(batch.to_vec());
            let receipt = self.send(record, "record receipts").await?;
            self.count_settlement(&receipt, batch);
            let rejected = events::<CompletionRejected>(&receipt);
            let reason = rejected.first().map(|it| it.reason);
            ensure!(
                reason.is_none(),
                "a receipt was refused with error {reason:?}"
            );
        }
        Ok(())
    }

    /// Books the gas of a batch to the task types of its items.
    fn count_settlement(&mut self, receipt: &TransactionReceipt, batch: &[SignedTask]) {
        for market in self.markets(false) {
            let id = self.id(market);
            let items = batch.iter().filter(|it| it.taskTypeId == id).count();
            let tally = &mut self.settlement[market];
            tally.gas += receipt.gas_used * items as u64 / batch.len() as u64;
            tally.items += items as u64;
        }
    }

    /// Every sink that has capacity reports what was asked of it in the last minute, in tokens per second, and prices follow.
    pub(super) async fn report_loads(&mut self) -> anyhow::Result<()> {
        for market in 0..2 {
            for (sink, capacity) in self.listed(market).await? {
                if capacity.is_zero() {
                    continue;
                }
                let account = self.cast.sinks[sink].address();
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
