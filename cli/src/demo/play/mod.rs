//! The play: minute by minute, requests become tasks, tasks become receipts, and money flows by capacity.

mod epochs;
mod minutes;
mod samples;
mod streams;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    primitives::{Address, B256, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
};
use anyhow::Context as _;

pub use self::samples::Sample;
use super::{
    books::Books,
    cast::{Cast, Deal},
    chain::send,
    suite::Suite,
    work::{Dispatcher, Worker},
    world::{Habit, World, EPOCH, TICK},
};

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
