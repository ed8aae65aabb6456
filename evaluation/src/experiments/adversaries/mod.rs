//! Adversaries, with profit as their score: each plays a day of protocol time, and so does its honest twin.

mod by_capacity;
mod by_work;
mod debtors;
mod misses;
mod strategy;

use std::collections::{BTreeMap, BTreeSet};

use self::strategy::Strategy;
use crate::{
    experiment::{Experiment, Finding, Running, Target},
    lab::Lab,
    table::Table,
};

pub struct Adversaries;

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
The search draws the parameters of each kind at random and keeps the best by what it has above its twin.";

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let started = std::time::Instant::now();
    let mut finding = Finding {
        text: vec![TEXT.to_owned()],
        ..Finding::default()
    };
    let list = Strategy::list(lab.is_small());
    let mut table = Table::new("A day of each adversary", &COLUMNS);
    let (mut outcomes, mut twins) = (Vec::new(), Twins::new());
    for strategy in list {
        let outcome = compete(lab, &mut twins, strategy).await?;
        add_row(&mut table, &outcome);
        finding.steps += outcome.day.steps + outcome.twin.steps;
        outcomes.push(outcome);
    }
    finding.tables.push(table);
    finding.text.push(SEARCH.to_owned());
    let mut table = Table::new("The best that the search found", &COLUMNS);
    for kind in Strategy::kinds(lab.is_small()) {
        let outcome = search(lab, &mut twins, kind, &mut finding.steps).await?;
        add_row(&mut table, &outcome);
        outcomes.push(outcome);
    }
    if !table.rows.is_empty() {
        finding.tables.push(table);
    }
    finding.targets = outcomes.iter().map(target).collect();
    finding.advice = advice(&outcomes);
    finding.seconds = started.elapsed().as_secs_f64();
    Ok(finding)
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

/// The rules that let somebody gain too much, by how much: of each rule the adversary that gains most by it.
fn advice(outcomes: &[Outcome]) -> Vec<String> {
    let mut gainful: Vec<&Outcome> = outcomes
        .iter()
        .filter(|it| it.excess() > TOLERATED)
        .collect();
    gainful.sort_by(|a, b| b.excess().total_cmp(&a.excess()));
    let mut rules = BTreeSet::new();
    gainful.retain(|it| rules.insert(it.strategy.change()));
    let item = |it: &&Outcome| {
        format!(
            "{} Evidence: {} ({}; {}) ends {:.2} % of the market's money above its twin, and honest sinks lose {:.2} %.",
            it.strategy.change(),
            it.strategy.name(),
            it.strategy.settlement(),
            it.strategy.how(),
            it.excess() * 100.0,
            it.harm() * 100.0,
        )
    };
    gainful.iter().map(item).collect()
}

/// The days of twins: many adversaries have the same one.
type Twins = BTreeMap<String, Day>;

async fn compete(lab: &mut Lab, twins: &mut Twins, strategy: Strategy) -> anyhow::Result<Outcome> {
    let key = format!("{:?}", strategy.twin());
    let twin = match twins.get(&key) {
        Some(day) => Day { steps: 0, ..*day },
        None => play(lab, strategy.twin()).await?,
    };
    twins.insert(key, twin);
    let day = play(lab, strategy).await?;
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
        let outcome = compete(lab, twins, kind.drawn(&mut random)).await?;
        *steps += outcome.day.steps + outcome.twin.steps;
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

    /// What gains most comes first, each rule once, and what gains a hundredth or less not at all.
    #[test]
    fn rules_come_in_the_order_of_what_they_cost() {
        let advice = advice(&[
            outcome(Strategy::Hopper { stay: 2 }, 5.0),
            outcome(Strategy::Reviewer { budget: 1_000 }, 10.0),
            outcome(Strategy::Hopper { stay: 3 }, 20.0),
            outcome(Strategy::Squatter { names: 1 }, 1.0),
        ]);
        assert_eq!(advice.len(), 2, "{advice:?}");
        assert!(advice[0].starts_with(Strategy::Hopper { stay: 3 }.change()));
        assert!(advice[0].contains("20.00 %") && advice[1].contains("10.00 %"));
    }
}
