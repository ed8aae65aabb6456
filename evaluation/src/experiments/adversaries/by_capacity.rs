//! Days of adversaries where sinks are paid by their capacity.

use alloy::primitives::{keccak256, B256, U256};
use bpe_abi::typed_data::{self, CompletionReceipt, TaskAssignment};

use super::{
    strategy::{Strategy, Yardstick},
    Day,
};
use crate::{
    lab::{Curve, Lab},
    market::{price_of, stake_for, usdcx, Actor, Market, Meter, PRICE},
    suite::tokens,
};

/// Units of every machine; a task of a judged task type is an epoch of one.
pub const UNITS: f64 = 20.0;
pub const HONEST: usize = 3;
/// Units that the honest source streams for.
pub const DEMAND: f64 = 60.0;
const EPOCH: u64 = 300;
const HOUR: u64 = 3_600;
/// What a source has at the start: more than it can spend.
pub const FUNDS: u64 = 1_000_000;

/// A market, and who is honest in it.
struct Arena {
    market: Market,
    honest: Vec<Actor>,
    source: Actor,
    adversary: Actor,
    epochs: u64,
    task: u64,
}

impl Arena {
    async fn start(lab: &mut Lab, name: &str) -> anyhow::Result<Self> {
        let suite = lab.fresh(Curve::Sqrt).await?;
        let market = Market::open(&suite, name, &Meter::default()).await?;
        let honest = Actor::crowd("honest", HONEST)?;
        for sink in &honest {
            market.join(sink, stake_for(UNITS), UNITS).await?;
        }
        let source = Actor::new("source", 0)?;
        market.fund(&source, tokens(FUNDS)).await?;
        market.stream(&source, price_of(DEMAND)).await?;
        Ok(Self {
            market,
            honest,
            source,
            adversary: Actor::new("adversary", 0)?,
            epochs: lab.sized(288, 12),
            task: 0,
        })
    }

    /// Begins a day: what the honest sinks and the source have.
    async fn begin(&self) -> anyhow::Result<(f64, f64)> {
        // What a single sink adds to the units waits for a full rebalance where it is much: a liar's is.
        self.market.rebalance(HONEST + 1).await?;
        self.market.advance_to_next(EPOCH)?;
        self.books().await
    }

    /// What the honest sinks have, and the source.
    async fn books(&self) -> anyhow::Result<(f64, f64)> {
        let honest: Vec<&Actor> = self.honest.iter().collect();
        let honest = wealth(&self.market, &honest).await?;
        Ok((honest, self.market.wealth(self.source.account).await?))
    }

    /// Ends it: `gain` is the adversary's.
    async fn end(&self, (honest, source): (f64, f64), gain: f64) -> anyhow::Result<Day> {
        let (honest_now, source_now) = self.books().await?;
        Ok(Day {
            gain,
            honest: honest_now - honest,
            market: source - source_now,
            steps: self.epochs,
        })
    }

    /// In this epoch each of `workers` does a task for the source: both sign the receipt and, where tasks are assigned,
    /// the assignment.
    async fn work(&mut self, workers: &[Actor], is_assigned: bool) -> anyhow::Result<()> {
        let suite = &self.market.suite;
        let domain =
            typed_data::completion_tracker(suite.devnet.chain_id(), *suite.tracker.address());
        let now = self.market.now();
        let (mut assignments, mut receipts) = (Vec::new(), Vec::new());
        for sink in workers {
            self.task += 1;
            let id = keccak256(self.task.to_be_bytes());
            let assignment = TaskAssignment {
                taskTypeId: self.market.id,
                sink: sink.account,
                source: self.source.account,
                taskId: id,
                deadline: U256::from(now + 200),
            };
            let receipt = CompletionReceipt {
                taskTypeId: self.market.id,
                sink: sink.account,
                source: self.source.account,
                taskId: id,
                timestamp: U256::from(now),
            };
            let source = &self.source.key;
            assignments.push(typed_data::sign_assignment(
                &sink.key,
                source,
                &assignment,
                &domain,
            )?);
            receipts.push(typed_data::sign_receipt(
                &sink.key, source, &receipt, &domain,
            )?);
        }
        let count = receipts.len();
        if is_assigned {
            let record = suite.tracker.recordAssignments(assignments);
            self.market
                .send(record, "record assignments", count)
                .await?;
        }
        let record = suite.tracker.recordReceipts(receipts);
        self.market.send(record, "record receipts", count).await?;
        Ok(())
    }
}

/// A day of a strategy.
pub async fn play(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    match strategy {
        Strategy::Liar { .. } => liar(lab, strategy).await,
        Strategy::Hopper { stay } => hopper(lab, stay).await,
        Strategy::OverflowThief { before } => overflow_thief(lab, before).await,
        Strategy::FlashStream { times, seconds } => flash_stream(lab, times, seconds).await,
        Strategy::SelfDealer { members, part, .. } => self_dealer(lab, members, part, 0).await,
        Strategy::Reviewer { budget } => self_dealer(lab, 1, 0.0, budget).await,
        Strategy::Squatter { names } => squatter(lab, names).await,
        other => anyhow::bail!("{} does not settle by capacity", other.name()),
    }
}

async fn liar(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    let Strategy::Liar {
        yardstick,
        factor,
        accepts,
        stake,
        judged_every,
    } = strategy
    else {
        anyhow::bail!("no liar");
    };
    let name = match yardstick {
        Yardstick::Declared => "declared-1",
        Yardstick::Assigned => "assigned-1",
    };
    let mut arena = Arena::start(lab, name).await?;
    let adversary = arena.adversary.clone();
    let stake = stake_for(UNITS * stake);
    arena.market.join(&adversary, stake, UNITS * factor).await?;
    let before = arena.market.wealth(adversary.account).await?;
    let books = arena.begin().await?;
    let is_assigned = yardstick == Yardstick::Assigned;
    let mut workers = arena.honest.clone();
    if accepts > 0.0 {
        workers.push(adversary.clone());
    }
    for epoch in 0..arena.epochs {
        arena.market.advance(60)?;
        arena.work(&workers, is_assigned).await?;
        arena.market.advance_to_next(EPOCH)?;
        if (epoch + 1).is_multiple_of(judged_every) {
            arena.market.judge().await?;
        }
    }
    let gain = arena.market.wealth(adversary.account).await? - before;
    arena.end(books, gain).await
}

/// Does nothing, and changes between two task types before it has been bad for three epochs.
async fn hopper(lab: &mut Lab, stay: u64) -> anyhow::Result<Day> {
    let mut arena = Arena::start(lab, "declared-1").await?;
    let suite = arena.market.suite.clone();
    let other = Market::open(&suite, "declared-2", &arena.market.meter).await?;
    // The other task type has a source and a sink as well.
    let (sink, source) = (Actor::new("elsewhere", 0)?, Actor::new("elsewhere", 1)?);
    other.join(&sink, stake_for(UNITS), UNITS).await?;
    other.fund(&source, tokens(FUNDS)).await?;
    other.stream(&source, price_of(DEMAND)).await?;
    let adversary = arena.adversary.clone();
    arena
        .market
        .join(&adversary, stake_for(UNITS), UNITS)
        .await?;
    let before = arena.market.wealth(adversary.account).await?;
    let books = arena.begin().await?;
    let mut workers = arena.honest.clone();
    if stay == 0 {
        workers.push(adversary.clone());
    }
    let mut is_elsewhere = false;
    for epoch in 0..arena.epochs {
        arena.market.advance(60)?;
        arena.work(&workers, false).await?;
        arena.market.advance_to_next(EPOCH)?;
        if stay > 0 && (epoch + 1).is_multiple_of(stay) {
            let (from, to) = match is_elsewhere {
                true => (&other, &arena.market),
                false => (&arena.market, &other),
            };
            if hop(from, to, &adversary).await? {
                is_elsewhere = !is_elsewhere;
            }
        }
        if (epoch + 1).is_multiple_of(12) {
            arena.market.judge().await?;
            other.judge().await?;
        }
    }
    let claimable = other.task_type.pool.getClaimableNow(adversary.account);
    let claimable = crate::chain::read(claimable.call(), "what can be claimed").await?;
    let elsewhere = usdcx(claimable.claimableBalance);
    let gain = arena.market.wealth(adversary.account).await? + elsewhere - before;
    arena.end(books, gain).await
}

/// Whether the sink could go: one that owes stake is refused.
async fn hop(from: &Market, to: &Market, sink: &Actor) -> anyhow::Result<bool> {
    if from.leave(sink).await.is_err() {
        return Ok(false);
    }
    match to.register(sink, UNITS).await {
        Ok(()) => Ok(true),
        // Back to where it was, if that is allowed.
        Err(_) => Ok(from.register(sink, UNITS).await.is_err()),
    }
}

/// Sets the price of capacity, so that more than it is worth overflows.
async fn set_price(market: &Market) -> anyhow::Result<()> {
    let price = market
        .suite
        .pools
        .setCapacityPrice(market.id, U256::from(PRICE));
    market.send(price, "set a price", 1).await.map(drop)
}

/// A keeper's round: overflow is measured and booked, and drains.
async fn drain(market: &Market, sources: &[&Actor]) -> anyhow::Result<()> {
    let suite = &market.suite;
    let overflow = suite.pools.rebalanceOverflow(market.id);
    market.send(overflow, "measure the overflow", 1).await?;
    for source in sources {
        let note = suite.ledger.note(market.id, source.account);
        market.send(note, "note a source", 1).await?;
    }
    let sources = sources.iter().map(|it| it.account).collect();
    let book = suite.escrow.attribute(market.id, sources);
    market.send(book, "book the overflow", 1).await?;
    let drain = suite.escrow.drain_0(market.id);
    // Nothing waits, or nothing is free: that is no failure.
    if drain.call().await.is_ok() {
        market.send(drain, "drain the escrow", 1).await?;
    }
    Ok(())
}

/// The source streams for 150 % and 50 % of the honest capacity in turn, half an hour each; the escrow drains once an
/// hour.
async fn overflow_thief(lab: &mut Lab, before: u64) -> anyhow::Result<Day> {
    let arena = Arena::start(lab, "capacity-1").await?;
    let (market, adversary) = (&arena.market, &arena.adversary);
    set_price(market).await?;
    market.fund(adversary, stake_for(UNITS)).await?;
    market.stake(adversary, stake_for(UNITS)).await?;
    if before == 0 {
        market.register(adversary, UNITS).await?;
    }
    let worth = market.wealth(adversary.account).await?;
    let books = arena.begin().await?;
    for _ in 0..arena.epochs * EPOCH / HOUR {
        market.stream(&arena.source, price_of(DEMAND * 1.5)).await?;
        drain_and_wait(&arena, HOUR / 2).await?;
        market.stream(&arena.source, price_of(DEMAND * 0.5)).await?;
        market.advance(HOUR / 2 - before.min(HOUR / 2 - 1))?;
        if before > 0 {
            // Refused, if its stake is not free to back it again.
            let _ = market.register(adversary, UNITS).await;
            market.advance(before.min(HOUR / 2 - 1))?;
        }
        drain(market, &[&arena.source]).await?;
        if before > 0 {
            let _ = market.leave(adversary).await;
        }
    }
    let gain = market.wealth(adversary.account).await? - worth;
    arena.end(books, gain).await
}

async fn drain_and_wait(arena: &Arena, seconds: u64) -> anyhow::Result<()> {
    arena.market.advance(seconds / 2)?;
    let overflow = arena.market.suite.pools.rebalanceOverflow(arena.market.id);
    arena
        .market
        .send(overflow, "measure the overflow", 1)
        .await?;
    arena.market.advance(seconds - seconds / 2)
}

/// A stream that is there for seconds, around the moment at which the overflow is measured.
async fn flash_stream(lab: &mut Lab, times: f64, seconds: u64) -> anyhow::Result<Day> {
    let arena = Arena::start(lab, "capacity-1").await?;
    let (market, adversary) = (&arena.market, &arena.adversary);
    set_price(market).await?;
    market.stream(&arena.source, price_of(DEMAND * 0.9)).await?;
    market.fund(adversary, tokens(FUNDS * 100)).await?;
    let worth = market.wealth(adversary.account).await?;
    let books = arena.begin().await?;
    for _ in 0..arena.epochs * EPOCH / HOUR {
        market.advance(HOUR - 2 * seconds)?;
        market.stream(adversary, price_of(DEMAND * times)).await?;
        market.advance(seconds)?;
        drain(market, &[&arena.source, adversary]).await?;
        market.stream(adversary, 0).await?;
        market.advance(seconds)?;
    }
    let gain = market.wealth(adversary.account).await? - worth;
    arena.end(books, gain).await
}

/// Its own sources stream to its own sinks, which together declare what one machine can; or it is the reviewer.
async fn self_dealer(lab: &mut Lab, members: u64, part: f64, budget: u64) -> anyhow::Result<Day> {
    let arena = Arena::start(lab, "capacity-1").await?;
    let market = &arena.market;
    let sinks = Actor::crowd("ring sink", members as usize)?;
    let sources = Actor::crowd("ring source", members as usize)?;
    let each = UNITS / members as f64;
    for sink in &sinks {
        market.join(sink, stake_for(UNITS), each).await?;
    }
    for source in &sources {
        market.fund(source, tokens(10_000)).await?;
        market.stream(source, price_of(each * part)).await?;
    }
    if budget > 0 {
        let pools = &market.suite.pools;
        let appoint = pools.setReviewer(sinks[0].account);
        market.send(appoint, "appoint a reviewer", 1).await?;
        let grant = pools.setVerificationBudget(market.id, U256::from(budget));
        market.send(grant, "grant a budget", 1).await?;
        market.rebalance(HONEST + sinks.len()).await?;
    }
    let all: Vec<&Actor> = sinks.iter().chain(&sources).collect();
    let before = wealth(market, &all).await?;
    let books = arena.begin().await?;
    market.advance(arena.epochs * EPOCH)?;
    let gain = wealth(market, &all).await? - before;
    arena.end(books, gain).await
}

pub async fn wealth(market: &Market, actors: &[&Actor]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for actor in actors {
        sum += market.wealth(actor.account).await?;
    }
    Ok(sum)
}

/// Registers names before those who would use them. Its ids are not those that are derived from a creator, so each
/// locks the least stake.
async fn squatter(lab: &mut Lab, names: u64) -> anyhow::Result<Day> {
    let arena = Arena::start(lab, "capacity-1").await?;
    let (market, adversary) = (&arena.market, &arena.adversary);
    market.fund(adversary, tokens(100 * names.max(1))).await?;
    market.stake(adversary, tokens(100 * names.max(1))).await?;
    let before = market.wealth(adversary.account).await?;
    let books = arena.begin().await?;
    for name in 0..names {
        let id: B256 = keccak256(format!("wanted-{name}"));
        let register = market.suite.registry.registerTaskType(id, tokens(100));
        market
            .send(register.from(adversary.account), "register a task type", 1)
            .await?;
    }
    market.advance(arena.epochs * EPOCH)?;
    let gain = market.wealth(adversary.account).await? - before;
    arena.end(books, gain).await
}
