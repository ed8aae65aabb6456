//! Days of adversaries where sinks are paid for work.

use alloy::primitives::U256;

use super::{
    super::trade::{arrivals, Manner, Trade},
    by_capacity::{wealth, FUNDS, HONEST, UNITS},
    debtors, misses,
    strategy::Strategy,
    Day,
};
use crate::{
    lab::{Curve, Lab},
    market::{stake_for, value_of, Actor, Market, Meter, PRICE},
    suite::tokens,
    work::Dispatcher,
};

/// Units that the honest source asks for, at the price that the market starts with: four fifths of all machines.
const DEMAND: f64 = 64.0;
/// How its demand falls with the price.
const ELASTICITY: f64 = 0.5;
const EPOCH: u64 = 300;
/// Unit-seconds of a task.
pub const TASK: u32 = 150;

/// Three honest sinks, the adversary's machine, and an honest source.
pub struct Arena {
    pub market: Market,
    /// The last one is the adversary's.
    pub sinks: Vec<Actor>,
    source: Actor,
    pub trade: Trade,
    random: Dispatcher,
    pub epochs: u64,
    /// Seconds since the day began.
    pub now: f64,
    /// Wei that the source has promised.
    price: f64,
}

impl Arena {
    /// `declared` is what the adversary says that its machine can do.
    pub async fn start(lab: &mut Lab, task_type: &str, declared: f64) -> anyhow::Result<Self> {
        let suite = lab.fresh(Curve::Sqrt).await?;
        let market = Market::open(&suite, task_type, &Meter::default()).await?;
        market.set_fees(PRICE, PRICE, PRICE).await?;
        let mut sinks = Actor::crowd("honest", HONEST)?;
        for sink in &sinks {
            market.join(sink, stake_for(UNITS), UNITS).await?;
        }
        let adversary = Actor::new("adversary", 0)?;
        market
            .join(&adversary, stake_for(declared.max(UNITS)), declared)
            .await?;
        sinks.push(adversary);
        let source = Actor::new("source", 0)?;
        market.fund(&source, tokens(FUNDS)).await?;
        market.deposit(&source, tokens(FUNDS / 2)).await?;
        let mut trade = Trade::new(sinks.len(), TASK);
        for sink in 0..sinks.len() {
            trade.set_speed(sink, UNITS);
        }
        market.advance_to_next(EPOCH)?;
        Ok(Self {
            market,
            sinks,
            source,
            trade,
            random: lab.random("a day by work"),
            epochs: lab.sized(288, 12),
            now: 0.0,
            price: PRICE as f64,
        })
    }

    /// An epoch but its last minute: the source has its tasks done at the price of now, by who wants to do them.
    pub async fn serve(&mut self) -> anyhow::Result<()> {
        let sinks: Vec<(usize, &Actor)> = self.sinks.iter().enumerate().collect();
        self.trade.look(&self.market, &sinks, || 1.0).await?;
        self.price = self.market.base_fee().await?;
        let demand = DEMAND * (self.price / PRICE as f64).powf(-ELASTICITY);
        let length = EPOCH as f64;
        for at in arrivals(&mut self.random, self.now, length, demand, TASK) {
            self.trade.offer(&mut self.random, at, 0);
        }
        self.now += length;
        for it in self.trade.finished(self.now) {
            let work = f64::from(TASK);
            let value = value_of(work, self.price);
            self.market
                .agree(&self.source, &self.sinks[it.sink], work, value);
        }
        self.market.advance(EPOCH - 60)
    }

    pub fn next_epoch(&self) -> anyhow::Result<()> {
        self.market.advance_to_next(EPOCH)
    }

    /// Redeems what the honest source owes.
    pub async fn redeem(&mut self) -> anyhow::Result<()> {
        let source = self.source.clone();
        let pairs = self.sinks.iter().map(|sink| (source.clone(), sink.clone()));
        let pairs: Vec<_> = pairs.collect();
        self.market.redeem_known(&pairs).await.map(drop)
    }

    /// What the day was: the market is what counted for the honest source.
    pub fn day(&self, gain: f64) -> Day {
        let of = |sink: &Actor| {
            let totals = self.market.totals.get(&(self.source.account, sink.account));
            totals.map_or(0.0, |it| f64::from(it.counted_value) / 1e18)
        };
        let (honest, adversary) = self.sinks.split_at(HONEST);
        let honest: f64 = honest.iter().map(of).sum();
        Day {
            gain,
            honest,
            market: honest + adversary.iter().map(of).sum::<f64>(),
            steps: self.epochs,
        }
    }

    pub fn adversary(&self) -> &Actor {
        &self.sinks[HONEST]
    }
}

/// A day of a strategy.
pub async fn play(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    match strategy {
        Strategy::LiarByWork { factor } => liar(lab, factor).await,
        Strategy::SelfDealer { members, part, .. } => self_dealer(lab, members, part).await,
        Strategy::PriceManipulator { .. } => manipulator(lab, strategy).await,
        Strategy::GriefingSource { .. } => debtors::griefer(lab, strategy).await,
        Strategy::Overcommitter { sinks, earmarks } => {
            debtors::overcommitter(lab, sinks, earmarks).await
        }
        Strategy::MissReporter { .. } => misses::reporter(lab, strategy).await,
        other => anyhow::bail!("{} does not settle by work", other.name()),
    }
}

async fn liar(lab: &mut Lab, factor: f64) -> anyhow::Result<Day> {
    let mut arena = Arena::start(lab, "work-1", UNITS * factor).await?;
    if factor > 1.0 {
        arena.trade.manners[HONEST] = Manner::Greedy;
    }
    let before = arena.market.wealth(arena.adversary().account).await?;
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            arena.redeem().await?;
        }
        arena.next_epoch()?;
    }
    let gain = arena.market.wealth(arena.adversary().account).await? - before;
    Ok(arena.day(gain))
}

/// Its sources pay in, and sign all of it to its sinks, in a circle, once an hour. Its machine works for others as the
/// twin's.
async fn self_dealer(lab: &mut Lab, members: u64, part: f64) -> anyhow::Result<Day> {
    let mut arena = Arena::start(lab, "work-1", UNITS).await?;
    let sinks = Actor::crowd("ring sink", members as usize)?;
    let sources = Actor::crowd("ring source", members as usize)?;
    let each = UNITS / members as f64;
    for sink in &sinks {
        arena.market.join(sink, stake_for(UNITS), each).await?;
    }
    let work = each * part * 3_600.0;
    let value = value_of(work, PRICE as f64);
    // All that it will sign, and the fee.
    let hours = arena.epochs.div_ceil(12);
    let budget = value * U256::from(hours) * U256::from(1_002) / U256::from(1_000);
    for source in &sources {
        arena.market.fund(source, tokens(10_000)).await?;
    }
    let adversary = arena.adversary().clone();
    let all: Vec<&Actor> = sinks.iter().chain(&sources).chain([&adversary]).collect();
    let before = wealth(&arena.market, &all).await?;
    for source in sources.iter().filter(|_| !budget.is_zero()) {
        arena.market.deposit(source, budget).await?;
    }
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            for (place, source) in sources.iter().enumerate() {
                let sink = &sinks[(place + 1) % sinks.len()];
                if !value.is_zero() {
                    arena.market.agree(source, sink, work, value);
                }
            }
            arena.market.redeem().await?;
        }
        arena.next_epoch()?;
    }
    let end = wealth(&arena.market, &all).await? + deposited(&arena.market, &sources).await?;
    Ok(arena.day(end - before))
}

/// What sources have paid and not spent, in USDCx.
pub async fn deposited(market: &Market, sources: &[Actor]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for source in sources {
        sum += f64::from(market.unspent(source).await?) / 1e18;
    }
    Ok(sum)
}

/// Counts at the end of every epoch, so that in epochs in which nobody else does, its own use is the market's.
async fn manipulator(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    let Strategy::PriceManipulator {
        sells,
        units: own,
        part,
        others,
    } = strategy
    else {
        anyhow::bail!("no price manipulator");
    };
    let mut arena = Arena::start(lab, "work-1", UNITS).await?;
    arena.market.set_fees(PRICE, PRICE / 10, PRICE * 10).await?;
    let (sink, source) = (Actor::new("ring sink", 0)?, Actor::new("ring source", 0)?);
    arena.market.join(&sink, stake_for(own), own).await?;
    arena.market.fund(&source, tokens(FUNDS)).await?;
    arena.market.deposit(&source, tokens(FUNDS / 4)).await?;
    let adversary = arena.adversary().clone();
    let all = [&sink, &source, &adversary];
    let sources = [source.clone()];
    let before = wealth(&arena.market, &all).await? + deposited(&arena.market, &sources).await?;
    // A buyer has as much done as a machine does, and pays what it costs then: to nobody here, at the price of each
    // epoch.
    let mut bought = 0.0;
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        bought += UNITS * EPOCH as f64 * (PRICE as f64 - arena.price) / 1e18;
        if (epoch + 1).is_multiple_of(others) {
            arena.redeem().await?;
        }
        let work = own * part * EPOCH as f64;
        if work > 0.0 {
            let value = value_of(work, arena.price.max(PRICE as f64)).max(U256::ONE);
            arena.market.agree(&source, &sink, work, value);
            arena
                .market
                .redeem_of(&[(source.clone(), sink.clone())])
                .await?;
        }
        arena.next_epoch()?;
    }
    arena.redeem().await?;
    let end = wealth(&arena.market, &all).await? + deposited(&arena.market, &sources).await?;
    let gain = match sells {
        true => end - before,
        false => {
            // What its own machine earns is not the buyer's business.
            let machine = arena.day(0.0);
            end - before - (machine.market - machine.honest) + bought
        }
    };
    Ok(arena.day(gain))
}
