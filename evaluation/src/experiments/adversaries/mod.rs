//! Adversaries, with profit as their score: each plays a day of protocol time, and so does its honest twin.

mod by_capacity;
mod by_work;
mod debtors;
mod misses;
mod strategy;

use std::{collections::BTreeMap, time::Instant};

use self::strategy::Strategy;
use crate::{
    experiment::{Advice, Experiment, Finding, Running, Target},
    lab::Lab,
    table::Table,
};

pub struct Adversaries;
pub struct Search;

/// An adversary may end above its twin by so much of the market's money.
const TOLERATED: f64 = 0.01;

impl Experiment for Adversaries {
    fn name(&self) -> &'static str {
        "adversaries"
    }

    fn question(&self) -> &'static str {
        "Who can game it, and what does it bring?"
    }

    fn is_long(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

impl Experiment for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn question(&self) -> &'static str {
        "Which parameters would adversaries choose?"
    }

    fn is_long(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run_search(lab))
    }
}

/// What a day brought, in USDCx.
#[derive(Clone, Copy, Debug, Default)]
pub struct Day {
    /// What the adversary and all its accounts have more than at the start, stakes and what they can claim included,
    /// and work that it had for nothing.
    pub gain: f64,
    /// What honest sinks were paid.
    pub honest: f64,
    /// What honest sources paid.
    pub market: f64,
    pub steps: u64,
}

/// An adversary's day beside its twin's.
#[derive(Clone, Debug)]
struct Outcome {
    strategy: Strategy,
    day: Day,
    twin: Day,
}

impl Outcome {
    /// What it had more than its twin, in parts of the market's money.
    fn excess(&self) -> f64 {
        (self.day.gain - self.twin.gain) / self.twin.market
    }

    /// What honest sinks had less than beside the twin, in parts of what they had.
    fn harm(&self) -> f64 {
        1.0 - self.day.honest / self.twin.honest
    }
}

const TEXT: &str = "\
Each adversary plays 24 hours on the contracts beside three honest sinks of 20 units and an honest source, and is \
compared with an honest twin: the same stake, the same machine of 20 units, the same market. *Gain* is what all its \
accounts have more than at the start, stakes and claimables included, and the value of work that it had for nothing; \
*above its twin* is in parts of what the honest sources pay in that day; *others lose* is what honest sinks are paid \
less than beside the twin. Work done costs nothing here, so an adversary that does none is better off than the \
figure says. Where sinks are judged, an epoch of a sink of 20 units is a task. Gas is not deducted.";

const SEARCH: &str = "\
The search draws the parameters of each kind of adversary at random, plays a day with them as in `adversaries`, and \
keeps the best by what it has above its twin.";

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let (mut outcomes, mut twins, mut steps) = (Vec::new(), Twins::new(), 0);
    let started = Instant::now();
    for strategy in Strategy::list(lab.is_small()) {
        outcomes.push(compete(lab, &mut twins, strategy, &mut steps).await?);
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(finding(
        TEXT,
        "A day of each adversary",
        &outcomes,
        steps,
        seconds,
    ))
}

async fn run_search(lab: &mut Lab) -> anyhow::Result<Finding> {
    let (mut outcomes, mut twins, mut steps) = (Vec::new(), Twins::new(), 0);
    let started = Instant::now();
    for kind in Strategy::kinds(lab.is_small()) {
        outcomes.push(search(lab, &mut twins, kind, &mut steps).await?);
    }
    let seconds = started.elapsed().as_secs_f64();
    let title = "The best that the search found";
    Ok(finding(SEARCH, title, &outcomes, steps, seconds))
}

fn finding(text: &str, title: &str, outcomes: &[Outcome], steps: u64, seconds: f64) -> Finding {
    let mut table = Table::new(title, &COLUMNS);
    for outcome in outcomes {
        add_row(&mut table, outcome);
    }
    Finding {
        text: vec![text.to_owned()],
        tables: vec![table],
        targets: outcomes.iter().map(target).collect(),
        advice: advice(outcomes),
        steps,
        seconds,
        ..Finding::default()
    }
}

const COLUMNS: [&str; 8] = [
    "adversary",
    "settlement",
    "how",
    "gain",
    "its twin's",
    "market",
    "above its twin",
    "others lose",
];

fn add_row(table: &mut Table, it: &Outcome) {
    table.row([
        it.strategy.name().to_owned(),
        it.strategy.settlement().to_owned(),
        it.strategy.how(),
        format!("{:.2}", it.day.gain),
        format!("{:.2}", it.twin.gain),
        format!("{:.2}", it.twin.market),
        format!("{:.2} %", it.excess() * 100.0),
        format!("{:.2} %", it.harm() * 100.0),
    ]);
}

fn target(it: &Outcome) -> Target {
    let what = format!(
        "{}, {}: above its twin by",
        it.strategy.name(),
        it.strategy.settlement()
    );
    Target::new(
        &what,
        "≤ 1.00 % of the market",
        format!("{:.2} %", it.excess() * 100.0),
        it.excess() <= TOLERATED,
        it.strategy.reason(),
    )
}

/// The rules that let somebody gain too much.
fn advice(outcomes: &[Outcome]) -> Vec<Advice> {
    let gainful = outcomes.iter().filter(|it| it.excess() > TOLERATED);
    let item = |it: &Outcome| {
        Advice {
        rule: it.strategy.change().to_owned(),
        evidence: format!(
            "{} ({}; {}) ends {:.2} % of the market's money above its twin, and honest sinks lose {:.2} %.",
            it.strategy.name(),
            it.strategy.settlement(),
            it.strategy.how(),
            it.excess() * 100.0,
            it.harm() * 100.0,
        ),
        cost: it.excess(),
    }
    };
    gainful.map(item).collect()
}

/// The days of twins: many adversaries have the same one.
type Twins = BTreeMap<String, Day>;

async fn compete(
    lab: &mut Lab,
    twins: &mut Twins,
    strategy: Strategy,
    steps: &mut u64,
) -> anyhow::Result<Outcome> {
    let key = format!("{:?}", strategy.twin());
    let twin = match twins.get(&key) {
        Some(day) => Day { steps: 0, ..*day },
        None => play(lab, strategy.twin()).await?,
    };
    twins.insert(key, twin);
    let day = play(lab, strategy).await?;
    *steps += day.steps + twin.steps;
    Ok(Outcome {
        strategy,
        day,
        twin,
    })
}

async fn play(lab: &mut Lab, strategy: Strategy) -> anyhow::Result<Day> {
    match strategy.is_by_work() {
        true => by_work::play(lab, strategy).await,
        false => by_capacity::play(lab, strategy).await,
    }
}

/// The best of some adversaries of a kind.
async fn search(
    lab: &mut Lab,
    twins: &mut Twins,
    kind: Strategy,
    steps: &mut u64,
) -> anyhow::Result<Outcome> {
    let mut random = lab.random(kind.name());
    let mut best: Option<Outcome> = None;
    for _ in 0..lab.sized(kind.tries(), 1) {
        let outcome = compete(lab, twins, kind.drawn(&mut random), steps).await?;
        let is_better = best
            .as_ref()
            .is_none_or(|it| outcome.excess() > it.excess());
        if is_better {
            best = Some(outcome);
        }
    }
    anyhow::Context::context(best, "nothing was tried")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(strategy: Strategy, gain: f64) -> Outcome {
        let day = |gain| Day {
            gain,
            honest: 100.0,
            market: 100.0,
            steps: 1,
        };
        Outcome {
            strategy,
            day: day(gain),
            twin: day(0.0),
        }
    }

    /// A rule is to be changed by whom it lets gain more than a hundredth of the market's money.
    #[test]
    fn rules_are_to_be_changed_that_cost_something() {
        let hopper = Strategy::Hopper { stay: 3 };
        let advice = advice(&[
            outcome(hopper, 20.0),
            outcome(Strategy::Squatter { names: 1 }, 1.0),
        ]);
        assert_eq!(advice.len(), 1, "{advice:?}");
        assert_eq!(advice[0].rule, hopper.change());
        assert!(advice[0].evidence.contains("20.00 %"));
    }
}
