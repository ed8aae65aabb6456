//! Days of adversaries where sinks are paid for work.

use alloy::primitives::U256;

use super::{
    super::trade::{arrivals, Manner, Trade},
    by_capacity::{wealth, FUNDS, HONEST, UNITS},
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
const TASK: u32 = 150;
/// What a sink lets a source owe that it does not know, and the most without an earmark, in wei: the sidecar's defaults.
const FIRST_TRUST: f64 = 1e16;
const MOST_TRUST: f64 = 1e18;

/// Three honest sinks, the adversary's machine, and an honest source.
struct Arena {
    market: Market,
    /// The last one is the adversary's.
    sinks: Vec<Actor>,
    source: Actor,
    trade: Trade,
    random: Dispatcher,
    epochs: u64,
    now: f64,
    /// Wei that the source has promised.
    price: f64,
}

impl Arena {
    /// `declared` is what the adversary says that its machine can do.
    async fn start(lab: &mut Lab, declared: f64, moves: bool) -> anyhow::Result<Self> {
        let suite = lab.fresh(Curve::Sqrt).await?;
        let market = Market::open(&suite, "work-1", &Meter::default()).await?;
        match moves {
            true => market.set_fees(PRICE, PRICE / 10, PRICE * 10).await?,
            false => market.set_fees(PRICE, PRICE, PRICE).await?,
        }
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
    async fn serve(&mut self) -> anyhow::Result<()> {
        let sinks: Vec<(usize, &Actor)> = self.sinks.iter().enumerate().collect();
        self.trade.look(&self.market, &sinks).await?;
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

    fn next_epoch(&self) -> anyhow::Result<()> {
        self.market.advance_to_next(EPOCH)
    }

    /// Redeems what the honest source owes.
    async fn redeem(&mut self) -> anyhow::Result<()> {
        let source = self.source.clone();
        let pairs = self.sinks.iter().map(|sink| (source.clone(), sink.clone()));
        let known = |pair: &(Actor, Actor)| {
            let key = (pair.0.account, pair.1.account);
            self.market.totals.contains_key(&key)
        };
        let pairs: Vec<_> = pairs.filter(known).collect();
        self.market.redeem_of(&pairs).await.map(drop)
    }

    /// What the day was: the market is what counted for the honest source.
    fn day(&self, gain: f64) -> Day {
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

    fn adversary(&self) -> &Actor {
        &self.sinks[HONEST]
    }
}

/// A day of a strategy.
pub async fn play(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    match strategy {
        Strategy::LiarByWork { factor } => liar(lab, factor).await,
        Strategy::SelfDealer { members, part, .. } => self_dealer(lab, members, part).await,
        Strategy::PriceManipulator { .. } => manipulator(lab, strategy).await,
        Strategy::GriefingSource { names, pays } => griefer(lab, names, pays).await,
        Strategy::Overcommitter { sinks, earmarks } => overcommitter(lab, sinks, earmarks).await,
        other => anyhow::bail!("{} does not settle by work", other.name()),
    }
}

async fn liar(lab: &mut Lab, factor: f64) -> anyhow::Result<Day> {
    let mut arena = Arena::start(lab, UNITS * factor, false).await?;
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

/// Its sources pay in, and sign all of it to its sinks, in a circle, once an hour. Its machine works for others as the twin's.
async fn self_dealer(lab: &mut Lab, members: u64, part: f64) -> anyhow::Result<Day> {
    let mut arena = Arena::start(lab, UNITS, false).await?;
    let sinks = Actor::crowd("ring sink", members as usize)?;
    let sources = Actor::crowd("ring source", members as usize)?;
    let each = UNITS / members as f64;
    for sink in &sinks {
        arena.market.join(sink, stake_for(UNITS), each).await?;
    }
    for source in &sources {
        arena.market.fund(source, tokens(10_000)).await?;
        if part > 0.0 {
            arena.market.deposit(source, tokens(5_000)).await?;
        }
    }
    let adversary = arena.adversary().clone();
    let all: Vec<&Actor> = sinks.iter().chain(&sources).chain([&adversary]).collect();
    let before = wealth(&arena.market, &all).await? + deposited(&arena.market, &sources).await?;
    let start = before
        + if part > 0.0 {
            fee(5_000.0) * members as f64
        } else {
            0.0
        };
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            let work = each * part * 3_600.0;
            for (place, source) in sources.iter().enumerate() {
                let sink = &sinks[(place + 1) % sinks.len()];
                if work > 0.0 {
                    let value = value_of(work, PRICE as f64);
                    arena.market.agree(source, sink, work, value);
                }
            }
            arena.market.redeem().await?;
        }
        arena.next_epoch()?;
    }
    let end = wealth(&arena.market, &all).await? + deposited(&arena.market, &sources).await?;
    Ok(arena.day(end - start))
}

/// What the fee takes of a deposit.
fn fee(amount: f64) -> f64 {
    amount * crate::lab::FEE_BPS as f64 / 10_000.0
}

/// What sources have paid and not spent, in USDCx.
async fn deposited(market: &Market, sources: &[Actor]) -> anyhow::Result<f64> {
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
    let mut arena = Arena::start(lab, UNITS, true).await?;
    let (sink, source) = (Actor::new("ring sink", 0)?, Actor::new("ring source", 0)?);
    arena.market.join(&sink, stake_for(own), own).await?;
    arena.market.fund(&source, tokens(FUNDS)).await?;
    arena.market.deposit(&source, tokens(FUNDS / 4)).await?;
    let adversary = arena.adversary().clone();
    let all = [&sink, &source, &adversary];
    let sources = [source.clone()];
    let before = wealth(&arena.market, &all).await? + deposited(&arena.market, &sources).await?;
    // A buyer has as much done as a machine does, and pays what it costs then: to nobody here, at the price of each epoch.
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

/// Each name deposits, pays honestly for a while, then has done what it may owe, at every sink, and signs nothing.
async fn griefer(lab: &mut Lab, names: u64, pays: f64) -> anyhow::Result<Day> {
    let mut arena = Arena::start(lab, UNITS, false).await?;
    let (mut stolen, mut cost) = (0.0, 0.0);
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            arena.redeem().await?;
        }
        if epoch.is_multiple_of(12) && epoch / 12 < names {
            let name = Actor::new("name", epoch as usize)?;
            let (got, paid) = burn(&mut arena, &name, pays).await?;
            stolen += got;
            cost += paid;
        }
        arena.next_epoch()?;
    }
    Ok(arena.day(stolen - cost))
}

/// What a name had done, and what it paid, in USDCx.
async fn burn(arena: &mut Arena, name: &Actor, pays: f64) -> anyhow::Result<(f64, f64)> {
    let market = &mut arena.market;
    // Enough that every sink sees its money.
    market.fund(name, tokens(100)).await?;
    market.deposit(name, tokens(50)).await?;
    let honest: Vec<Actor> = arena.sinks[..HONEST].to_vec();
    let shown = FIRST_TRUST * pays;
    if shown > 0.0 {
        for sink in &honest {
            let value = U256::from(shown as u128);
            market.agree(name, sink, shown / PRICE as f64, value);
        }
        let pairs: Vec<_> = honest.iter().map(|it| (name.clone(), it.clone())).collect();
        market.redeem_of(&pairs).await?;
    }
    let trust = (FIRST_TRUST + shown).min(MOST_TRUST);
    let mut counted = 0.0;
    for sink in &honest {
        let totals = market.totals.get(&(name.account, sink.account));
        counted += totals.map_or(0.0, |it| f64::from(it.counted_value) / 1e18);
    }
    let left = market.unspent(name).await?;
    // It asks its money back at once; an hour later it has it. What it paid is what is gone.
    let ask = market.suite.reserve.requestTakeBack(market.id, left);
    market
        .send(ask.from(name.account), "ask money back", 1)
        .await?;
    let paid = 50.0 - f64::from(left) / 1e18;
    Ok((counted + trust * HONEST as f64 / 1e18, paid))
}

/// Shows what it has to several sinks, has work for all of it done by each, and signs it all.
async fn overcommitter(lab: &mut Lab, sinks: u64, earmarks: bool) -> anyhow::Result<Day> {
    const SHOWN: f64 = 10.0;
    let mut arena = Arena::start(lab, UNITS, false).await?;
    let (mut had, mut paid) = (0.0, 0.0);
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            arena.redeem().await?;
        }
        if epoch.is_multiple_of(12) {
            let name = Actor::new("name", epoch as usize)?;
            let market = &mut arena.market;
            market.fund(&name, tokens(100)).await?;
            market.deposit(&name, tokens(SHOWN as u64)).await?;
            let free = f64::from(market.unspent(&name).await?);
            let victims: Vec<Actor> = arena.sinks[..(sinks as usize).min(HONEST)].to_vec();
            let mut done = 0.0;
            for victim in &victims {
                // With earmarks the second sink finds that nothing is free, and trusts a stranger no further than that.
                let believed = match earmarks {
                    true => earmarked(market, &name, victim, free).await?,
                    false => free,
                };
                if believed > 0.0 {
                    done += believed;
                    let work = believed / PRICE as f64;
                    market.agree(&name, victim, work, U256::from(believed as u128));
                }
            }
            let pairs: Vec<_> = victims
                .iter()
                .filter(|it| market.totals.contains_key(&(name.account, it.account)))
                .map(|it| (name.clone(), it.clone()))
                .collect();
            market.redeem_of(&pairs).await?;
            had += done / 1e18;
            paid += SHOWN - f64::from(market.unspent(&name).await?) / 1e18;
        }
        arena.next_epoch()?;
    }
    Ok(arena.day(had - paid))
}

/// What the source set aside for the sink, at most what is free, in wei; and the trust of a stranger beyond it.
async fn earmarked(
    market: &Market,
    source: &Actor,
    sink: &Actor,
    wanted: f64,
) -> anyhow::Result<f64> {
    let reserve = &market.suite.reserve;
    let budget = reserve.getBudget(market.id, source.account, sink.account);
    let budget = crate::chain::read(budget.call(), "a budget").await?;
    let amount = budget.free.min(U256::from(wanted as u128));
    if amount.is_zero() {
        return Ok(FIRST_TRUST);
    }
    let until = U256::from(market.now() + 3_600);
    let earmark = reserve.earmark(market.id, sink.account, amount, until);
    market
        .send(earmark.from(source.account), "earmark", 1)
        .await?;
    Ok(f64::from(amount))
}
