//! Days of sources that have work done and do not pay for it.

use alloy::primitives::U256;

use super::{
    by_capacity::{HONEST, UNITS},
    by_work::{deposited, Arena, TASK},
    strategy::Strategy,
    Day,
};
use crate::{
    chain::read,
    lab::Lab,
    market::{Actor, Market, PRICE},
    model::trust::{Trust, FIRST_TRUST},
    suite::tokens,
};

/// The honest sinks as debtors see them.
struct Victims {
    trust: Vec<Trust>,
}

impl Victims {
    fn new() -> Self {
        Self {
            trust: vec![Trust::default(); HONEST],
        }
    }

    /// A source has a sink do tasks until they are worth so many wei, the sink trusts it no further, or its machine is
    /// full. Gives what was done, in wei.
    fn work_for(
        &mut self,
        arena: &mut Arena,
        sink: usize,
        source: &Actor,
        wanted: u128,
        earmarked: u128,
    ) -> u128 {
        let mut done = 0;
        while done < wanted {
            let most = (wanted - done).min(u128::from(TASK) * PRICE);
            let trust = &mut self.trust[sink];
            let Some(task) = trust.admit(source.account, most, earmarked) else {
                return done;
            };
            let work = task.value.div_ceil(PRICE) as u32;
            let is_done = arena.trade.labour(sink, arena.now, work);
            trust.end(&task, is_done);
            if !is_done {
                return done;
            }
            done += task.value;
        }
        done
    }

    /// The source signs for what it owes a sink.
    fn sign(&mut self, arena: &mut Arena, sink: usize, source: &Actor, owed: u128) {
        self.trust[sink].signs(source.account);
        // The sidecar asks the chain; here what is signed counts with the epoch.
        self.trust[sink].counts(source.account);
        let to = arena.sinks[sink].clone();
        let work = owed as f64 / PRICE as f64;
        arena.market.agree(source, &to, work, U256::from(owed));
    }
}

/// In every epoch new names pay in, sign for some work, then have done what they may owe at every sink, and sign
/// nothing more.
pub async fn griefer(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    let Strategy::GriefingSource {
        names,
        pays,
        earmark,
    } = strategy
    else {
        anyhow::bail!("no griefing source");
    };
    let mut arena = Arena::start(lab, "work-1", UNITS).await?;
    let (mut victims, mut gain) = (Victims::new(), 0.0);
    let pays = (FIRST_TRUST as f64 * pays) as u128;
    let earmark = (earmark * 1e18) as u128;
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            arena.redeem().await?;
        }
        for number in 0..names {
            let name = Actor::new("name", (epoch * names + number) as usize)?;
            gain += burn(&mut arena, &mut victims, &name, pays, earmark).await?;
        }
        arena.next_epoch()?;
    }
    Ok(arena.day(gain))
}

/// What a name had done less what it paid, in USDCx.
async fn burn(
    arena: &mut Arena,
    victims: &mut Victims,
    name: &Actor,
    pays: u128,
    earmark: u128,
) -> anyhow::Result<f64> {
    // Every sink sees enough for what it will be owed.
    let needed = HONEST as u128 * (pays + earmark) + pays + FIRST_TRUST;
    let budget = U256::from(needed) * U256::from(1_002) / U256::from(1_000);
    arena.market.fund(name, budget).await?;
    arena.market.deposit(name, budget).await?;
    let mut had = 0;
    if pays > 0 {
        had += pay(arena, victims, name, pays).await?;
    }
    for sink in 0..HONEST {
        if earmark > 0 {
            let to = arena.sinks[sink].clone();
            set_aside(&arena.market, name, &to, U256::from(earmark)).await?;
        }
        had += victims.work_for(arena, sink, name, u128::MAX, earmark);
    }
    // What is left it asks back; an hour later, or when no earmark holds it any more, it has it.
    let left = deposited(&arena.market, std::slice::from_ref(name)).await?;
    Ok(had as f64 / 1e18 - (f64::from(budget) / 1e18 - left))
}

/// A name has work done by every sink and signs for it, as far as it is trusted at each step, until it has paid so many
/// wei to each.
async fn pay(
    arena: &mut Arena,
    victims: &mut Victims,
    name: &Actor,
    pays: u128,
) -> anyhow::Result<u128> {
    let mut had = 0;
    for sink in 0..HONEST {
        let mut paid = 0;
        while paid < pays {
            let done = victims.work_for(arena, sink, name, pays - paid, 0);
            if done == 0 {
                break;
            }
            victims.sign(arena, sink, name, done);
            paid += done;
        }
        had += paid;
    }
    let pairs: Vec<_> = arena.sinks[..HONEST]
        .iter()
        .map(|sink| (name.clone(), sink.clone()))
        .collect();
    arena.market.redeem_known(&pairs).await?;
    Ok(had)
}

/// Every hour shows what it has to several sinks, has work for all of it done by each, and signs it all.
pub async fn overcommitter(lab: &mut Lab, sinks: u64, earmarks: bool) -> anyhow::Result<Day> {
    const SHOWN: u64 = 2;
    let mut arena = Arena::start(lab, "work-1", UNITS).await?;
    let (mut victims, mut gain) = (Victims::new(), 0.0);
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        if (epoch + 1).is_multiple_of(12) {
            arena.redeem().await?;
            let name = Actor::new("name", epoch as usize)?;
            arena.market.fund(&name, tokens(SHOWN)).await?;
            arena.market.deposit(&name, tokens(SHOWN)).await?;
            let mut had = 0;
            for sink in 0..(sinks as usize).min(HONEST) {
                let (room, earmarked) = shown(&arena, &name, sink, earmarks).await?;
                let done = victims.work_for(&mut arena, sink, &name, room, earmarked);
                if done > 0 {
                    victims.sign(&mut arena, sink, &name, done);
                }
                had += done;
            }
            // Only now all of it is signed for and redeemed, as far as the money goes.
            let pairs: Vec<_> = arena.sinks[..HONEST]
                .iter()
                .map(|sink| (name.clone(), sink.clone()))
                .collect();
            arena.market.redeem_known(&pairs).await?;
            let left = deposited(&arena.market, std::slice::from_ref(&name)).await?;
            gain += had as f64 / 1e18 - (SHOWN as f64 - left);
        }
        arena.next_epoch()?;
    }
    Ok(arena.day(gain))
}

/// What a source shows a sink, and what of it is earmarked, in wei. A sink that believes what is free trusts all of it;
/// one that asks for earmarks gets what is still free, and trusts no further than that or a stranger's first trust.
async fn shown(
    arena: &Arena,
    source: &Actor,
    sink: usize,
    earmarks: bool,
) -> anyhow::Result<(u128, u128)> {
    let market = &arena.market;
    let to = arena.sinks[sink].clone();
    let reserve = &market.suite.reserve;
    let budget = reserve.getBudget(market.id, source.account, to.account);
    let free = read(budget.call(), "a budget").await?.free;
    let room = free.saturating_to::<u128>();
    if earmarks && !free.is_zero() {
        set_aside(market, source, &to, free).await?;
    }
    Ok(match (earmarks, room) {
        (true, 0) => (FIRST_TRUST, 0),
        _ => (room, room),
    })
}

/// Earmarks so many wei for a sink, for an hour.
pub async fn set_aside(
    market: &Market,
    source: &Actor,
    sink: &Actor,
    amount: U256,
) -> anyhow::Result<()> {
    let until = U256::from(market.now() + 3_600);
    let reserve = &market.suite.reserve;
    let earmark = reserve.earmark(market.id, sink.account, amount, until);
    let earmark = earmark.from(source.account);
    market.send(earmark, "earmark", 1).await.map(drop)
}
