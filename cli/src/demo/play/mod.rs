//! The play: minute by minute, requests become tasks, tasks become receipts, and money flows by capacity.

mod epochs;
mod minutes;
mod samples;
mod streams;
mod vouchers;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    primitives::{Address, B256, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
};
use anyhow::Context as _;

pub use self::{
    samples::Sample,
    vouchers::{ReserveTally, Totals},
};
use super::{
    books::Books,
    cast::{Cast, Deal},
    chain::send,
    routing::Router,
    suite::Suite,
    work::{Dispatcher, Worker},
    world::{Habit, World, EPOCH, TICK},
};

/// Sources stream at least this part of what they need on average: their streams never end.
const LEAST_PART: f64 = 0.1;

/// What has become of a sink.
#[derive(Clone, Debug, Default)]
pub struct SinkTally {
    pub registered: bool,
    /// By market.
    pub done: [u64; 2],
    pub failed: [u64; 2],
    pub slashes: u64,
    pub slashed: U256,
    /// Tokens of what it did.
    pub tokens: [u64; 2],
    /// What the escrow paid it.
    pub drained: [U256; 2],
    /// What it was paid for vouchers.
    pub redeemed: [U256; 2],
    /// What it would have been paid by its part of the smoothed capacity, in wei.
    pub due: [f64; 2],
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

/// A task that is being done, and what was agreed for it.
struct Running {
    deal: Deal,
    done: u64,
    tokens: u32,
    value: U256,
}

/// What it took on chain to prove and to settle the tasks of a market.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettlementTally {
    pub gas: u64,
    /// Receipts, assignments or vouchers.
    pub items: u64,
}

impl SettlementTally {
    fn count(&mut self, receipt: &TransactionReceipt, items: usize) {
        self.gas += receipt.gas_used;
        self.items += items as u64;
    }
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
    /// What each source pays for a token now, in wei.
    prices: [U256; 2],
    /// By work: what sources know of sinks, what both know that they owe each other, by source and sink, what each source
    /// has promised and not paid, and what each sink has earned since the last sample.
    routers: [Router; 2],
    totals: Vec<Vec<[Totals; 2]>>,
    promised: Vec<[U256; 2]>,
    earned: Vec<[U256; 2]>,
    /// Tasks that no sink took.
    pub unserved: [u64; 2],
    pub reserves: [ReserveTally; 2],
    pub settlement: [SettlementTally; 2],
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
            prices: [U256::ZERO; 2],
            routers: [Router::new(sinks), Router::new(sinks)],
            totals: vec![vec![[Totals::default(); 2]; sinks]; world.sources.len()],
            promised: vec![[U256::ZERO; 2]; world.sources.len()],
            earned: vec![[U256::ZERO; 2]; sinks],
            unserved: [0; 2],
            reserves: [ReserveTally::default(); 2],
            settlement: [SettlementTally::default(); 2],
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
        for market in self.markets(true) {
            self.redeem(market).await?;
        }
        if number == self.world.epochs {
            // Nothing streams in any more: capacity has become free.
            for market in self.markets(false) {
                self.drain(market).await?;
            }
            for market in self.markets(true) {
                self.settle_up(market).await?;
            }
            self.take_back().await?;
            // The last look is at what is left.
            self.samples.pop();
            self.sample().await?;
        }
        Ok(Some(std::mem::take(&mut self.epoch)))
    }

    pub async fn books(&self) -> anyhow::Result<Books> {
        Books::take(
            &self.world,
            &self.suite,
            &self.cast,
            &self.tallies,
            &self.reserves,
        )
        .await
    }

    // --- Small things

    fn id(&self, market: usize) -> B256 {
        self.suite.task_types[market].id
    }

    /// The task types that settle by work, or those that do not.
    fn markets(&self, by_work: bool) -> Vec<usize> {
        let markets = &self.world.markets;
        (0..2)
            .filter(|market| markets[*market].is_by_work() == by_work)
            .collect()
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
