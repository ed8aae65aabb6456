//! The play: minute by minute, requests become tasks, tasks become receipts, and money flows by capacity.

use alloy::{
    contract::{CallBuilder, CallDecoder},
    primitives::{aliases::I96, keccak256, Address, B256, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
};
use anyhow::{bail, ensure, Context as _};
use bpe_abi::{
    ICompletionTracker::{AssignmentRejected, AutoSlashed, CompletionRejected, SignedTask},
    IEscrowBuffer::{self, Drained, IEscrowBufferErrors},
    IOffchainAggregator::AttestationRejected,
};

use super::{
    books::Books,
    cast::{Cast, Deal, HIGHEST_PRICE},
    chain::{events, read, send},
    report::usdcx,
    suite::{tokens, units, wei_per_second, Suite, PRICE, TOKENS_PER_FEE},
    work::{Dispatcher, Outcome, Worker, PATIENCE},
    world::{Habit, Task, World, EPOCH, TICK},
};

/// The most receipts or assignments in a batch.
const BATCH: usize = 100;

/// How long after its request a task is due: time to do it, and to bring the receipt.
const DEADLINE: u64 = PATIENCE as u64 + 2 * TICK;

/// Sources stream at least this part of what they need on average: their streams never end.
const LEAST_PART: f64 = 0.1;

/// By how much attested capacities vary, either way.
const WOBBLE: f64 = 0.05;

/// What has become of a sink.
#[derive(Clone, Debug, Default)]
pub struct SinkTally {
    pub registered: bool,
    /// By market.
    pub done: [u64; 2],
    pub failed: [u64; 2],
    pub slashes: u64,
    pub slashed: U256,
    /// What the escrow paid it.
    pub drained: [U256; 2],
    /// What it would have been paid by its part of the smoothed capacity, in wei.
    pub due: [f64; 2],
}

/// How things stand at the end of a tick.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Simulated seconds.
    pub at: u64,
    /// Wei per second, by sink and market.
    pub pay: Vec<[U256; 2]>,
    /// Smoothed capacity, by sink and market.
    pub capacity: Vec<[U256; 2]>,
    /// By market: tokens per second that were asked for, the base fee and what waits in escrow.
    pub asked: [f64; 2],
    pub base_fee: [U256; 2],
    pub escrow: [U256; 2],
}

/// What an epoch brought.
#[derive(Clone, Debug, Default)]
pub struct EpochTally {
    pub tokens: u64,
    pub done: u64,
    pub failed: u64,
    /// What the escrow paid out.
    pub drained: U256,
    /// What happened beside the usual.
    pub notes: Vec<String>,
}

/// A task that is being done.
struct Running {
    deal: Deal,
    done: u64,
}

pub struct Play {
    pub world: World,
    pub suite: Suite,
    pub cast: Cast,
    pub tallies: Vec<SinkTally>,
    pub samples: Vec<Sample>,
    workers: Vec<Worker>,
    dispatcher: Dispatcher,
    /// The chain's time at simulated second 0.
    start: u64,
    /// Simulated seconds.
    now: u64,
    /// How many tasks there were so far.
    tasks: usize,
    running: Vec<Running>,
    /// Tokens of the last tick, by market: of each sink and each source.
    asked: Vec<[f64; 2]>,
    needed: Vec<[f64; 2]>,
    /// What each source streams to each market now.
    rates: Vec<[U256; 2]>,
    epoch: EpochTally,
}

impl Play {
    /// Registers the sinks, opens the streams, and goes to the beginning of an epoch.
    pub async fn begin(world: World, suite: Suite, cast: Cast, seed: u64) -> anyhow::Result<Self> {
        let sinks = world.sinks.len();
        let sources = world.sources.iter();
        let needed = sources
            .map(|it| [0, 1].map(|market| it.parts[market] * world.markets[market].mean))
            .collect();
        let mut play = Self {
            tallies: vec![SinkTally::default(); sinks],
            samples: Vec::new(),
            workers: world.workers(),
            dispatcher: Dispatcher::new(seed ^ 1),
            start: 0,
            now: 0,
            tasks: 0,
            running: Vec::new(),
            asked: vec![[0.0; 2]; sinks],
            rates: vec![[U256::ZERO; 2]; world.sources.len()],
            needed,
            epoch: EpochTally::default(),
            world,
            suite,
            cast,
        };
        for sink in 0..sinks {
            if play.world.sinks[sink].habit != Habit::JoinsLate {
                play.join(sink).await?;
            }
        }
        let devnet = &play.suite.devnet;
        play.start = (devnet.timestamp() / EPOCH + 1) * EPOCH;
        devnet.set_timestamp(play.start)?;
        Ok(play)
    }

    /// Plays an epoch; `None` when all is over. Requests come for [`World::epochs`]; one more is there to finish in.
    pub async fn epoch(&mut self) -> anyhow::Result<Option<EpochTally>> {
        let number = self.now / EPOCH;
        if number > self.world.epochs {
            return Ok(None);
        }
        self.open_epoch(number).await?;
        for _ in 0..EPOCH / TICK {
            self.tick(number < self.world.epochs).await?;
        }
        self.judge().await?;
        if number == self.world.epochs {
            // Nothing streams in any more: capacity has become free.
            self.drain(0).await?;
            self.drain(1).await?;
            // The last look is at what is left.
            self.samples.pop();
            self.sample().await?;
        }
        Ok(Some(std::mem::take(&mut self.epoch)))
    }

    pub async fn books(&self) -> anyhow::Result<Books> {
        let slashed: Vec<U256> = self.tallies.iter().map(|it| it.slashed).collect();
        let drained: Vec<[U256; 2]> = self.tallies.iter().map(|it| it.drained).collect();
        Books::take(&self.world, &self.suite, &self.cast, &slashed, &drained).await
    }

    // --- Epochs

    /// What there is to do once in an epoch, after the last one was judged.
    async fn open_epoch(&mut self, number: u64) -> anyhow::Result<()> {
        self.leave_if_broken().await?;
        let mut newcomers = Vec::new();
        if number == self.world.joining_epoch() {
            newcomers = self.join_late().await?;
        }
        if number > 0 {
            self.attest(number, &newcomers).await?;
        }
        for market in 0..2 {
            let rebalance = self.suite.pools.rebalance(self.id(market));
            self.send(rebalance, "rebalance a pool").await?;
        }
        if number == self.world.epochs {
            self.end_streams().await?;
        }
        for market in 0..2 {
            self.drain(market).await?;
        }
        Ok(())
    }

    /// Sinks say what they can do: a little more or less than they declared. Broken ones say nothing.
    async fn attest(&mut self, number: u64, newcomers: &[usize]) -> anyhow::Result<()> {
        let mut attestations = Vec::new();
        for sink in 0..self.world.sinks.len() {
            if !self.tallies[sink].registered || newcomers.contains(&sink) || self.is_broken(sink) {
                continue;
            }
            for market in self.served(sink) {
                let wobble = 1.0 + WOBBLE * (2.0 * self.dispatcher.fraction() - 1.0);
                let capacity = units(self.world.sinks[sink].declared[market] * wobble);
                let (id, time) = (self.id(market), self.start + self.now);
                let attestation = self.cast.attestation(sink, id, capacity, time, number)?;
                attestations.push(attestation);
            }
        }
        let submit = self.suite.aggregator.submitBatch(attestations);
        let receipt = self.send(submit, "submit attestations").await?;
        let rejected = events::<AttestationRejected>(&receipt);
        if let Some(first) = rejected.first() {
            bail!("an attestation was refused: {}", first.reason);
        }
        Ok(())
    }

    /// Judges the epoch that has ended, and slashes.
    async fn judge(&mut self) -> anyhow::Result<()> {
        for market in 0..2 {
            let tracker = &self.suite.tracker;
            let advance = tracker.advanceEpochs(self.id(market), U256::ZERO, U256::MAX);
            let receipt = self.send(advance, "judge an epoch").await?;
            for slash in events::<AutoSlashed>(&receipt) {
                let sink = self.place(slash.sink)?;
                self.tallies[sink].slashes += 1;
                self.tallies[sink].slashed += slash.slashAmount;
                let amount = usdcx(slash.slashAmount, 2);
                let name = self.world.sinks[sink].name;
                self.note(format!("{name} is slashed by {amount} USDCx"));
            }
        }
        Ok(())
    }

    // --- Sinks come and go

    /// Stakes all it has, and registers wherever it serves.
    async fn join(&mut self, sink: usize) -> anyhow::Result<()> {
        let account = self.cast.sinks[sink].address();
        let stake = tokens(self.world.sinks[sink].stake);
        let stakes = *self.suite.stakes.address();
        let approve = self.suite.usdcx.approve(stakes, stake).from(account);
        self.send(approve, "approve a stake").await?;
        let staking = self.suite.stakes.stake(stake).from(account);
        self.send(staking, "stake").await?;
        for market in self.served(sink) {
            let capacity = units(self.world.sinks[sink].declared[market]);
            let register = self.suite.registry.registerSink(self.id(market), capacity);
            self.send(register.from(account), "register a sink").await?;
            let units = self.suite.pools.rebalanceSink(self.id(market), account);
            self.send(units, "give a sink its units").await?;
        }
        self.tallies[sink].registered = true;
        Ok(())
    }

    async fn join_late(&mut self) -> anyhow::Result<Vec<usize>> {
        let sinks = 0..self.world.sinks.len();
        let late: Vec<usize> = sinks
            .filter(|sink| self.world.sinks[*sink].habit == Habit::JoinsLate)
            .collect();
        for sink in &late {
            self.join(*sink).await?;
            self.note(format!("{} joins", self.world.sinks[*sink].name));
        }
        Ok(late)
    }

    /// The operator of a broken machine notices when it is slashed, and leaves.
    async fn leave_if_broken(&mut self) -> anyhow::Result<()> {
        for sink in 0..self.world.sinks.len() {
            let tally = &self.tallies[sink];
            if !tally.registered || tally.slashes == 0 || !self.is_broken(sink) {
                continue;
            }
            for market in self.served(sink) {
                let account = self.cast.sinks[sink].address();
                let leave = self.suite.registry.deregisterSink(self.id(market));
                self.send(leave.from(account), "deregister a sink").await?;
            }
            self.tallies[sink].registered = false;
            self.note(format!("{} leaves", self.world.sinks[sink].name));
        }
        Ok(())
    }

    fn is_broken(&self, sink: usize) -> bool {
        self.world.sinks[sink].habit == Habit::GoesDown && self.now as f64 >= self.world.breakdown()
    }

    // --- Ticks

    /// A minute: sources stream, requests are served, and at its end the chain hears of it.
    async fn tick(&mut self, open: bool) -> anyhow::Result<()> {
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

    fn note_breakdown(&mut self) {
        let broken = self
            .world
            .sinks
            .iter()
            .filter(|it| it.habit == Habit::GoesDown);
        let names: Vec<&str> = broken.map(|it| it.name).collect();
        self.note(format!("{} goes down", names.join(", ")));
    }

    /// Every source streams what it asks for: the tokens per second of the last minute at the base fee, not below the posted
    /// price and not above what it is willing to pay.
    async fn set_streams(&mut self) -> anyhow::Result<()> {
        for market in 0..2 {
            let id = self.id(market);
            let fee = read(self.suite.pricing.getBaseFee(id).call(), "a base fee").await?;
            let posted = U256::from(PRICE);
            let price = fee / U256::from(TOKENS_PER_FEE);
            let highest = posted * U256::from(HIGHEST_PRICE) / U256::from(100);
            let price = price.clamp(posted, highest);
            for source in 0..self.world.sources.len() {
                let part = self.world.sources[source].parts[market];
                let least = LEAST_PART * part * self.world.markets[market].mean;
                let needed = self.needed[source][market].max(least);
                let rate = wei_per_second(needed) * price / posted;
                self.set_stream(source, market, rate).await?;
            }
        }
        Ok(())
    }

    async fn set_stream(&mut self, source: usize, market: usize, rate: U256) -> anyhow::Result<()> {
        let current = self.rates[source][market];
        if rate == current {
            return Ok(());
        }
        let flow = I96::try_from(rate.to::<u128>()).context("a stream's rate is too large")?;
        let (gateway, id) = (&self.suite.gateway, self.id(market));
        let account = self.cast.sources[source].address();
        if current.is_zero() {
            let create = gateway.createStream(id, flow).from(account);
            self.send(create, "open a stream").await?;
        } else {
            let update = gateway.updateStream(id, flow).from(account);
            self.send(update, "change a stream").await?;
        }
        self.rates[source][market] = rate;
        Ok(())
    }

    /// Gives the tasks of the coming minute to sinks, by the units they are paid by.
    async fn serve(&mut self) -> anyhow::Result<Vec<(Deal, u64)>> {
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
    fn next_task(&mut self) -> Option<Task> {
        let task = *self.world.tasks.get(self.tasks)?;
        let soon = task.at < (self.now + TICK) as f64;
        self.tasks += usize::from(soon);
        soon.then_some(task)
    }

    /// The sink accepts the task; whether it keeps its word is another matter. Gives the deal and its deadline.
    fn offer(&mut self, task: Task, sink: usize) -> (Deal, u64) {
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

    async fn weights(&self, market: usize) -> anyhow::Result<Vec<u128>> {
        let pool = &self.suite.task_types[market].pool;
        let mut weights = Vec::new();
        for sink in &self.cast.sinks {
            weights.push(read(pool.getUnits(sink.address()).call(), "units").await?);
        }
        Ok(weights)
    }

    /// Brings what was accepted, and what was done until now.
    async fn record(&mut self, deals: Vec<(Deal, u64)>) -> anyhow::Result<()> {
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
    async fn report_loads(&mut self) -> anyhow::Result<()> {
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

    // --- Escrow

    /// Books what overflowed to the sources whose it is.
    async fn sync(&mut self, market: usize) -> anyhow::Result<()> {
        let mut sources: Vec<Address> = self.cast.sources.iter().map(|it| it.address()).collect();
        sources.push(Address::ZERO);
        let sync = self.suite.escrow.sync(self.id(market), sources);
        self.send(sync, "book the overflow").await.map(drop)
    }

    /// Pays out what waits, as far as capacity has become free.
    async fn drain(&mut self, market: usize) -> anyhow::Result<()> {
        let drain = self.suite.escrow.drain(self.id(market));
        if let Err(error) = drain.call().await {
            let nothing = IEscrowBufferErrors::NothingToDrain(IEscrowBuffer::NothingToDrain {});
            // Nothing waits, or nothing is free: that is no failure.
            if error.as_decoded_interface_error() == Some(nothing) {
                return Ok(());
            }
        }
        let receipt = self.send(drain, "drain the escrow").await?;
        let mut total = U256::ZERO;
        for payment in events::<Drained>(&receipt) {
            let sink = self.place(payment.sink)?;
            self.tallies[sink].drained[market] += payment.amount;
            total += payment.amount;
        }
        self.epoch.drained += total;
        let listed = self.listed(market).await?;
        self.add_due(market, &listed, f64::from(total));
        Ok(())
    }

    /// Sources have their deposits back.
    async fn end_streams(&mut self) -> anyhow::Result<()> {
        for source in 0..self.world.sources.len() {
            let account = self.cast.sources[source].address();
            for market in 0..2 {
                let delete = self.suite.gateway.deleteStream(self.id(market));
                self.send(delete.from(account), "end a stream").await?;
                self.rates[source][market] = U256::ZERO;
            }
            let withdraw = self.suite.gateway.withdraw(account);
            self.send(withdraw, "withdraw a source's credit").await?;
        }
        Ok(())
    }

    // --- Samples

    async fn sample(&mut self) -> anyhow::Result<()> {
        let mut sample = Sample {
            at: self.now,
            pay: vec![[U256::ZERO; 2]; self.world.sinks.len()],
            capacity: vec![[U256::ZERO; 2]; self.world.sinks.len()],
            asked: [0, 1].map(|market| self.needed.iter().map(|it| it[market]).sum()),
            base_fee: [U256::ZERO; 2],
            escrow: [U256::ZERO; 2],
        };
        for market in 0..2 {
            self.sample_market(market, &mut sample).await?;
        }
        self.samples.push(sample);
        Ok(())
    }

    async fn sample_market(&mut self, market: usize, sample: &mut Sample) -> anyhow::Result<()> {
        let (suite, id) = (&self.suite, self.id(market));
        sample.base_fee[market] = read(suite.pricing.getBaseFee(id).call(), "a base fee").await?;
        sample.escrow[market] = read(suite.escrow.bufferLevel(id).call(), "an escrow").await?;
        let pool = &suite.task_types[market].pool;
        let listed = self.listed(market).await?;
        let mut paid = 0.0;
        for (sink, capacity) in &listed {
            let account = self.cast.sinks[*sink].address();
            let flow = read(pool.getMemberFlowRate(account).call(), "a flow").await?;
            let flow = U256::from(flow.into_raw().to::<u128>());
            sample.pay[*sink][market] = flow;
            sample.capacity[*sink][market] = *capacity;
            paid += f64::from(flow);
        }
        self.add_due(market, &listed, paid * TICK as f64);
        Ok(())
    }

    /// The registered sinks and their smoothed capacities.
    async fn listed(&self, market: usize) -> anyhow::Result<Vec<(usize, U256)>> {
        let listed = self.suite.registry.getSinks(self.id(market));
        let listed = read(listed.call(), "the sinks").await?;
        let pairs = listed.sinks.into_iter().zip(listed.capacities);
        pairs
            .map(|(account, capacity)| Ok((self.place(account)?, capacity)))
            .collect()
    }

    /// Takes note of what `wei` would give each by capacity.
    fn add_due(&mut self, market: usize, listed: &[(usize, U256)], wei: f64) {
        let total: U256 = listed.iter().map(|(_, capacity)| capacity).sum();
        for (sink, capacity) in listed {
            let part = f64::from(*capacity) / f64::from(total).max(1.0);
            self.tallies[*sink].due[market] += wei * part;
        }
    }

    // --- Small things

    fn id(&self, market: usize) -> B256 {
        self.suite.task_types[market].id
    }

    fn served(&self, sink: usize) -> Vec<usize> {
        let sink = &self.world.sinks[sink];
        (0..2).filter(|market| sink.serves(*market)).collect()
    }

    /// The place of a sink in the cast.
    fn place(&self, account: Address) -> anyhow::Result<usize> {
        let place = self
            .cast
            .sinks
            .iter()
            .position(|it| it.address() == account);
        place.with_context(|| format!("{account} is no sink of the demo"))
    }

    fn note(&mut self, note: String) {
        self.epoch.notes.push(note);
    }

    async fn send<P: Provider, D: CallDecoder>(
        &self,
        call: CallBuilder<P, D>,
        what: &str,
    ) -> anyhow::Result<TransactionReceipt> {
        send(&self.suite.devnet, call, what).await
    }
}
