//! The paper's set-up on the contracts: three task types, by capacity or by work.

use alloy::primitives::U256;

use super::trade::{arrivals, Manner, Trade};
use crate::{
    lab::{Curve, Lab},
    market::{price_of, stake_for, Actor, Market, Meter, PRICE},
    model::paper::{serve, Served, Setup, NOISE, TASK_TYPES},
    suite::tokens,
    work::{Dispatcher, PATIENCE},
};

/// Seconds of a step.
pub const STEP: u64 = 60;
/// By capacity, units follow every so many steps: an epoch.
const REBALANCE: u64 = 5;
/// By work, vouchers are redeemed every so many steps: an epoch.
const REDEEM: u64 = 5;
/// By work, a task is so many unit-seconds.
const TASK: u32 = 100;

/// What stands behind the sinks' capacities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stakes {
    /// The paper's 100 to 1 000, whose square root cuts most capacities.
    Paper,
    /// As much as each capacity needs.
    Backing,
}

impl Stakes {
    fn of(self, sink: &crate::model::paper::Sink) -> U256 {
        match self {
            Self::Paper => tokens(sink.stake as u64),
            // Room for signals that are too high by noise.
            Self::Backing => stake_for(sink.capacity * (1.0 + 5.0 * NOISE)),
        }
    }
}

/// Everybody of the paper's set-up on a chain.
pub struct Economy {
    setup: Setup,
    markets: Vec<Market>,
    pub meter: Meter,
    sinks: Vec<Actor>,
    sources: Vec<Actor>,
    random: Dispatcher,
    step: u64,
    /// Which sinks work no more.
    dead: Vec<bool>,
    /// Which sinks are registered.
    registered: Vec<bool>,
    /// By capacity: units of all sinks, as they were when they changed last.
    units: Vec<f64>,
    /// By work: how tasks find sinks, by task type, and the unit-seconds that have counted.
    trades: Option<Vec<Trade>>,
    counted: f64,
    /// By work: unit-seconds that wait for capacity, by task type, where nothing that could be served is not.
    waiting: [f64; TASK_TYPES],
}

impl Economy {
    /// Sinks register, and sources stream what they ask for at the price that capacity starts with.
    pub async fn start(
        lab: &mut Lab,
        purpose: &str,
        by_work: bool,
        stakes: Stakes,
    ) -> anyhow::Result<Self> {
        let suite = lab.fresh(Curve::Sqrt).await?;
        let mut random = lab.random("the paper's set-up");
        let (sinks, sources) = (lab.sized(50, 12) as usize, lab.sized(10, 4) as usize);
        let setup = Setup::draw(&mut random, sinks, sources);
        let meter = Meter::default();
        let kind = if by_work { "work" } else { "capacity" };
        let mut markets = Vec::new();
        for number in 1..=TASK_TYPES {
            markets.push(Market::open(&suite, &format!("{kind}-{number}"), &meter).await?);
        }
        let mut it = Self {
            sinks: Actor::crowd("sink", sinks)?,
            sources: Actor::crowd("source", sources)?,
            random: lab.random(purpose),
            step: 0,
            dead: vec![false; sinks],
            registered: vec![true; sinks],
            units: vec![0.0; sinks],
            trades: by_work.then(|| (0..TASK_TYPES).map(|_| Trade::new(sinks, TASK)).collect()),
            counted: 0.0,
            waiting: [0.0; TASK_TYPES],
            setup,
            markets,
            meter,
        };
        it.settle_in(stakes).await?;
        Ok(it)
    }

    async fn settle_in(&mut self, stakes: Stakes) -> anyhow::Result<()> {
        for (actor, sink) in self.sinks.iter().zip(&self.setup.sinks) {
            let market = &self.markets[sink.task_type];
            market.join(actor, stakes.of(sink), sink.capacity).await?;
        }
        for (actor, source) in self.sources.iter().zip(&self.setup.sources) {
            let market = &self.markets[source.task_type];
            market.fund(actor, tokens(1_000_000)).await?;
            // By work a source pays the fee beside the price, and wants a cushion.
            let rate = match self.trades.is_some() {
                true => source.demand * 1.02,
                false => source.demand,
            };
            market.stream(actor, price_of(rate)).await?;
        }
        if self.trades.is_some() {
            for market in &self.markets {
                // A price that stands: how it moves is another experiment.
                market.set_fees(PRICE, PRICE, PRICE).await?;
            }
        }
        self.markets[0].advance_to_next(300)
    }

    /// A step by what is on the chain: what was served of what could have been.
    pub async fn next(&mut self) -> anyhow::Result<Served> {
        self.step += 1;
        self.markets[0].advance(STEP)?;
        match self.trades.is_some() {
            true => self.next_by_work().await,
            false => self.next_by_capacity().await,
        }
    }

    /// What a sink can really do.
    fn true_capacity(&self, sink: usize) -> f64 {
        match self.dead[sink] {
            true => 0.0,
            false => self.setup.sinks[sink].capacity,
        }
    }

    /// Every so many-th sink works no more, and nobody knows.
    pub fn die(&mut self, every: usize) {
        for sink in (0..self.sinks.len()).step_by(every) {
            self.dead[sink] = true;
        }
    }

    /// Those who are dead deregister.
    pub async fn bury(&mut self) -> anyhow::Result<()> {
        for sink in 0..self.sinks.len() {
            if self.dead[sink] && self.registered[sink] {
                let market = &self.markets[self.setup.sinks[sink].task_type];
                market.leave(&self.sinks[sink]).await?;
                self.registered[sink] = false;
                self.units[sink] = 0.0;
            }
        }
        Ok(())
    }

    // --- By capacity

    /// Sinks attest, units follow, and demand goes where money goes. Who is dead goes on attesting what it had: its
    /// front end lives.
    async fn next_by_capacity(&mut self) -> anyhow::Result<Served> {
        let mut all = Served::default();
        for task_type in 0..TASK_TYPES {
            let sinks = self.setup.sinks_of(task_type);
            let signals: Vec<f64> = sinks
                .iter()
                .map(|it| self.setup.sinks[*it].capacity * (1.0 + NOISE * self.random.normal()))
                .collect();
            let attested: Vec<(&Actor, f64)> = sinks
                .iter()
                .zip(signals)
                .filter(|(sink, _)| self.registered[**sink])
                .map(|(sink, signal)| (&self.sinks[*sink], signal))
                .collect();
            let market = &self.markets[task_type];
            market.attest(&attested).await?;
            if self.step % REBALANCE == 1 {
                market.rebalance(attested.len()).await?;
                for sink in &sinks {
                    self.units[*sink] = market.units(self.sinks[*sink].account).await?;
                }
            }
            let weights: Vec<f64> = sinks.iter().map(|it| self.units[*it]).collect();
            let capacities: Vec<f64> = sinks.iter().map(|it| self.true_capacity(*it)).collect();
            all.add(serve(self.setup.demand(task_type), &weights, &capacities));
        }
        Ok(all)
    }

    // --- By work

    async fn next_by_work(&mut self) -> anyhow::Result<Served> {
        let Some(mut trades) = self.trades.take() else {
            return Ok(Served::default());
        };
        let outcome = self.serve_by_work(&mut trades).await;
        self.trades = Some(trades);
        outcome
    }

    /// Sources ask sinks, sinks do what they can and are paid for, and once an epoch vouchers are redeemed. What counts
    /// as served is what counted on the chain.
    async fn serve_by_work(&mut self, trades: &mut [Trade]) -> anyhow::Result<Served> {
        if self.step % REDEEM == 1 {
            self.look(trades).await?;
        }
        let start = (self.step - 1) as f64 * STEP as f64;
        for (place, sink) in self.setup.sinks.iter().enumerate() {
            let trade = &mut trades[sink.task_type];
            trade.set_speed(place, sink.capacity);
            if self.dead[place] {
                trade.manners[place] = Manner::Dead;
            }
        }
        let tasks = self.tasks(start);
        let possible = self.possible(&tasks);
        for (at, source) in tasks {
            let trade = &mut trades[self.setup.sources[source].task_type];
            trade.offer(&mut self.random, at, source);
        }
        for (market, trade) in self.markets.iter_mut().zip(trades) {
            for it in trade.finished(start + STEP as f64) {
                let value = U256::from(price_of(f64::from(TASK)));
                let (source, sink) = (&self.sources[it.source], &self.sinks[it.sink]);
                market.agree(source, sink, f64::from(TASK), value);
            }
        }
        let mut served = Served {
            possible,
            ..Served::default()
        };
        if self.step.is_multiple_of(REDEEM) {
            served.served = self.redeem().await?;
        }
        Ok(served)
    }

    /// Unit-seconds that could be served in a step in which these tasks come: of them, and of those that still wait for
    /// capacity, which nobody does for longer than he has patience.
    fn possible(&mut self, tasks: &[(f64, usize)]) -> f64 {
        let mut all = 0.0;
        for task_type in 0..TASK_TYPES {
            let sinks = self.setup.sinks_of(task_type).into_iter();
            let capacity: f64 = sinks.map(|it| self.true_capacity(it)).sum();
            let asked = tasks
                .iter()
                .filter(|(_, source)| self.setup.sources[*source].task_type == task_type);
            let asked = asked.count() as f64 * f64::from(TASK) + self.waiting[task_type];
            let possible = asked.min(capacity * STEP as f64);
            self.waiting[task_type] = (asked - possible).min(capacity * PATIENCE);
            all += possible;
        }
        all
    }

    /// Sources see what sinks declare, and what they have shown.
    /// All that they see has the noise of signals.
    async fn look(&mut self, trades: &mut [Trade]) -> anyhow::Result<()> {
        for (place, (market, trade)) in self.markets.iter().zip(trades).enumerate() {
            let sinks = self.setup.sinks_of(place).into_iter();
            let sinks: Vec<_> = sinks.map(|it| (it, &self.sinks[it])).collect();
            let random = &mut self.random;
            let noise = || 1.0 + NOISE * random.normal();
            trade.look(market, &sinks, noise).await?;
        }
        Ok(())
    }

    /// The tasks of a step, in the order of their time.
    fn tasks(&mut self, start: f64) -> Vec<(f64, usize)> {
        let mut tasks = Vec::new();
        for (place, source) in self.setup.sources.iter().enumerate() {
            let times = arrivals(&mut self.random, start, STEP as f64, source.demand, TASK);
            tasks.extend(times.into_iter().map(|at| (at, place)));
        }
        tasks.sort_by(|a, b| a.0.total_cmp(&b.0));
        tasks
    }

    /// Redeems what was signed; gives the unit-seconds that counted.
    async fn redeem(&mut self) -> anyhow::Result<f64> {
        let mut counted = 0.0;
        for market in &mut self.markets {
            market.redeem().await?;
            let totals = market.totals.values();
            counted += totals
                .map(|it| f64::from(it.counted_work) / 1e9)
                .sum::<f64>();
        }
        let before = std::mem::replace(&mut self.counted, counted);
        Ok(counted - before)
    }
}
