//! Days of sources that report tasks as missed that were done, where sinks are judged by misses.

use alloy::primitives::{keccak256, Bytes, U256};
use bpe_abi::{
    typed_data::{self, WorkAssignment},
    IWorkMisses::SignedWork,
};

use super::{
    by_capacity::{wealth, HONEST, UNITS},
    by_work::{deposited, Arena},
    debtors::set_aside,
    strategy::Strategy,
    Day,
};
use crate::{
    lab::Lab,
    market::{value_of, Actor, PRICE},
};

/// What is accepted now is due an hour later at most, and reported ten minutes after that.
const HOUR: u64 = 12;
/// The hoarder's tasks are due in so many epochs in a row, which is what it takes for a slash.
const BAD: u64 = 3;
/// Seconds after an epoch until it is judged.
const WAIT: u64 = 4_200;

/// A task that a name has had done.
struct Held {
    name: Actor,
    task: SignedWork,
}

/// Everything that the names of a day did.
struct Names {
    all: Vec<Actor>,
    /// What they were given, in wei, and the worth of what was done for them and they paid nobody for.
    funds: U256,
    had: U256,
    held: Vec<Held>,
}

/// In every epoch a new name has a task done by each honest sink, gives no receipt for it, and reports it as missed: at
/// once, or, by hoarding, all tasks of an hour in three epochs. The twin's names sign for the same tasks. The
/// adversary's machine works for the honest source in both.
pub async fn reporter(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    let Strategy::MissReporter {
        value,
        hoards,
        reports,
    } = strategy
    else {
        anyhow::bail!("no miss-reporter");
    };
    let mut arena = Arena::start(lab, "missed-1", UNITS).await?;
    let value = U256::from((value * 1e18) as u128);
    let mut names = Names {
        all: Vec::new(),
        funds: U256::ZERO,
        had: U256::ZERO,
        held: Vec::new(),
    };
    let honest: Vec<Actor> = arena.sinks[..HONEST].to_vec();
    let honest: Vec<&Actor> = honest.iter().collect();
    let adversary = arena.adversary().clone();
    let (others, own) = (
        wealth(&arena.market, &honest).await?,
        wealth(&arena.market, &[&adversary]).await?,
    );
    for epoch in 0..arena.epochs {
        arena.serve().await?;
        let due = match hoards {
            true => due_after(epoch % HOUR),
            false => 0,
        };
        have_done(&mut arena, &mut names, epoch, value, due, reports).await?;
        report(&mut arena, &mut names).await?;
        if (epoch + 1).is_multiple_of(HOUR) {
            arena.redeem().await?;
            arena.market.judge().await?;
        }
        arena.next_epoch()?;
    }
    report(&mut arena, &mut names).await?;
    arena.market.advance(WAIT)?;
    arena.market.judge().await?;
    let all: Vec<&Actor> = names.all.iter().collect();
    let left = wealth(&arena.market, &all).await? + deposited(&arena.market, &names.all).await?;
    let own = wealth(&arena.market, &[&adversary]).await? - own;
    let worth = f64::from(names.had) / 1e18 - f64::from(names.funds) / 1e18;
    let mut day = arena.day(own + left + worth);
    day.honest = wealth(&arena.market, &honest).await? - others;
    Ok(day)
}

/// After so many epochs the hoarder's task of this epoch of an hour is due.
fn due_after(epoch: u64) -> u64 {
    let last = HOUR - BAD + epoch * BAD / HOUR;
    last.saturating_sub(epoch)
}

/// A new name has a task done by each honest sink whose machine has time for it, each worth `value` wei.
async fn have_done(
    arena: &mut Arena,
    names: &mut Names,
    epoch: u64,
    value: U256,
    due: u64,
    reports: bool,
) -> anyhow::Result<()> {
    let name = Actor::new("reporter", epoch as usize)?;
    // Beside what it sets aside for the sinks it needs as much that is free: reports are paid of that. And the fee.
    let budget = value * U256::from(2 * HONEST) * U256::from(1_002) / U256::from(1_000);
    arena.market.fund(&name, budget).await?;
    arena.market.deposit(&name, budget).await?;
    names.funds += budget;
    let work = f64::from(value) / PRICE as f64;
    for place in 0..HONEST {
        let sink = arena.sinks[place].clone();
        if !arena.trade.labour(place, arena.now, work.ceil() as u32) {
            continue;
        }
        set_aside(&arena.market, &name, &sink, value).await?;
        // The value of the task, to the wei, as both sign it.
        let value = value_of(work, PRICE as f64);
        names.had += value;
        if !reports {
            arena.market.agree(&name, &sink, work, value);
            continue;
        }
        let now = arena.market.now();
        let assignment = WorkAssignment {
            taskTypeId: arena.market.id,
            sink: sink.account,
            source: name.account,
            taskId: keccak256(format!("{epoch}/{place}")),
            work: crate::suite::units(work),
            value,
            timestamp: U256::from(now),
            deadline: U256::from(now + 1 + due * 300),
        };
        let suite = &arena.market.suite;
        let domain = typed_data::work_ledger(suite.devnet.chain_id(), *suite.vouchers.address());
        let task = typed_data::sign_work(&sink.key, &name.key, &assignment, &domain)?;
        names.held.push(Held {
            name: name.clone(),
            task,
        });
    }
    if !reports {
        let pairs: Vec<_> = arena.sinks[..HONEST]
            .iter()
            .map(|sink| (name.clone(), sink.clone()))
            .collect();
        arena.market.redeem_known(&pairs).await?;
    }
    names.all.push(name);
    Ok(())
}

/// Reports all tasks that are due.
async fn report(arena: &mut Arena, names: &mut Names) -> anyhow::Result<()> {
    arena.market.advance(2)?;
    let now = U256::from(arena.market.now());
    let held = std::mem::take(&mut names.held);
    let (due, kept): (Vec<_>, Vec<_>) = held.into_iter().partition(|it| it.task.deadline < now);
    names.held = kept;
    for Held { name, task } in due {
        let report = arena.market.suite.misses.reportMiss(task, Bytes::new());
        let report = report.from(name.account);
        arena.market.send(report, "report a miss", 1).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All tasks of an hour are due in its last three epochs, a third of them in each, and none later than an hour
    /// after it was accepted.
    #[test]
    fn what_is_hoarded_is_due_in_three_epochs() {
        let due: Vec<u64> = (0..HOUR).map(|epoch| epoch + due_after(epoch)).collect();
        assert_eq!(due, [9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11]);
        assert!((0..HOUR).all(|epoch| due_after(epoch) * 300 <= 3_600));
    }
}
