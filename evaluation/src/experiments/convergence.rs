//! What of the demand that could be served is served: the contracts beside the paper's model and simpler ones.

use std::time::Instant;

use super::paper::{Economy, Stakes};
use crate::{
    experiment::{percent, Experiment, Finding, Line, Plot, Running, Target},
    lab::Lab,
    model::paper::{efficiency, Policy, Served, Setup, PUBLISHED},
    table::Table,
};

pub struct Convergence;

/// How often the set-up is drawn anew for the models, whose figures depend on it.
const DRAWS: u64 = 40;

/// Of the steps, one in so many is enough for the cases between the specification's and the one that is aimed at.
const BETWEEN: u64 = 4;

/// What the contracts are measured as.
struct Case {
    name: &'static str,
    by_work: bool,
    stakes: Stakes,
    steps: u64,
}

fn cases(steps: u64) -> [Case; 4] {
    let case = |name, by_work, stakes, steps| Case {
        name,
        by_work,
        stakes,
        steps,
    };
    let between = (steps / BETWEEN).max(20);
    [
        case(
            "contracts, by capacity, the paper's stakes",
            false,
            Stakes::Paper,
            steps,
        ),
        case(
            "contracts, by capacity, stakes that back",
            false,
            Stakes::Backing,
            between,
        ),
        case(
            "contracts, by work, the paper's stakes",
            true,
            Stakes::Paper,
            between,
        ),
        case(
            "contracts, by work, stakes that back",
            true,
            Stakes::Backing,
            steps,
        ),
    ]
}

impl Experiment for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn question(&self) -> &'static str {
        "How much of what could be served is served?"
    }

    fn is_long(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

/// What a case on the contracts gave.
struct Outcome {
    all: Served,
    /// By epoch.
    course: Vec<f64>,
    gas: u64,
    seconds: f64,
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let steps = lab.sized(1_000, 20);
    let mut finding = Finding {
        text: vec![TEXT.to_owned()],
        ..Finding::default()
    };
    let mut table = Table::new(
        "Allocation efficiency",
        &[
            "who allocates",
            "this set-up",
            "mean of 40 set-ups",
            "published",
            "steps",
            "gas for a step",
        ],
    );
    models(lab, steps, &mut table);
    for case in cases(steps) {
        let outcome = play(lab, &case).await?;
        let found = outcome.all.efficiency();
        table.row([
            case.name.to_owned(),
            percent(found),
            "–".to_owned(),
            "–".to_owned(),
            case.steps.to_string(),
            (outcome.gas / case.steps).to_string(),
        ]);
        finding.charts.push(course(&case, outcome.course));
        if case.by_work {
            finding.targets.push(target(&case, found));
        }
        finding.seconds += outcome.seconds;
        finding.steps += case.steps;
    }
    finding.tables.push(table);
    Ok(finding)
}

fn course(case: &Case, values: Vec<f64>) -> Plot {
    Plot {
        title: format!("Allocation efficiency by epoch: {}", case.name),
        along: "epoch of 300 s".to_owned(),
        from: 1.0,
        to: values.len() as f64,
        unit: "%".to_owned(),
        lines: vec![Line {
            name: case.name.to_owned(),
            values,
        }],
    }
    .thinned(50)
}

fn target(case: &Case, found: f64) -> Target {
    let reason = match case.stakes {
        Stakes::Paper => "no more work counts than the square root of a stake backs, so that a sink with room for 100 tasks and a stake of 1 000 is paid for 31",
        Stakes::Backing => "sources ask three sinks, and who is full at all three goes without while others have room; nobody has shown anything in the first epochs",
    };
    Target::new(
        &format!("Allocation efficiency, {}", case.name),
        "≥ 99.50 %",
        percent(found),
        found >= 0.995,
        reason,
    )
}

const TEXT: &str = "\
The paper's set-up: 50 sinks with capacities uniform in 10–100 units, 10 sources that ask for 50–200, three task \
types, signals with 5 % noise, stakes of 100–1 000. A step is a minute. *Efficiency* is what sinks serve of what \
could be served: the demand of a task type, or the capacity of its sinks where that is less. By capacity every sink \
attests in every step, units follow once an epoch, and demand goes where the money goes: by the units in \
Superfluid's pool. By work sources ask sinks as the demo's do (two drawn by what they have shown, the one that is \
sooner; three tries), what they see of a sink having the noise, and what counts as served is the work that WorkVouchers \
counted and WorkReserve paid for, in the epoch in which its voucher is redeemed, which is once an epoch; what could be \
served includes what waits, for two minutes at most. *Stakes that back* are as large as the capacities need under the square root. \
The paper's text leaves open how sinks and sources are spread over task types and what *random* allocates; the model \
here draws both at random and weighs random allocations exponentially, which of the readings that were tried comes \
closest to the published figures.";

fn models(lab: &mut Lab, steps: u64, table: &mut Table) {
    let (sinks, sources) = (lab.sized(50, 12) as usize, lab.sized(10, 4) as usize);
    let setup = Setup::draw(&mut lab.random("the paper's set-up"), sinks, sources);
    for policy in Policy::ALL {
        let here = efficiency(&setup, policy, steps, &mut lab.random(policy.name()));
        let mut random = lab.random("other set-ups");
        let others: f64 = (0..DRAWS)
            .map(|_| {
                let setup = Setup::draw(&mut random, sinks, sources);
                efficiency(&setup, policy, steps.min(100), &mut random)
            })
            .sum();
        let published = PUBLISHED.iter().find(|(it, _)| *it == policy);
        table.row([
            policy.name().to_owned(),
            percent(here),
            percent(others / DRAWS as f64),
            published.map_or("–".to_owned(), |(_, it)| format!("{it:.1} %")),
            steps.to_string(),
            "–".to_owned(),
        ]);
    }
}

async fn play(lab: &mut Lab, case: &Case) -> anyhow::Result<Outcome> {
    let mut economy = Economy::start(lab, case.name, case.by_work, case.stakes).await?;
    let before = economy.meter.gas();
    let started = Instant::now();
    let (mut all, mut epoch, mut course) = (Served::default(), Served::default(), Vec::new());
    for step in 1..=case.steps {
        let served = economy.next().await?;
        all.add(served);
        epoch.add(served);
        if step.is_multiple_of(5) {
            course.push(std::mem::take(&mut epoch).efficiency() * 100.0);
        }
    }
    Ok(Outcome {
        all,
        course,
        gas: economy.meter.gas() - before,
        seconds: started.elapsed().as_secs_f64(),
    })
}
