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

/// What the contracts are measured as.
const CASES: [(&str, bool, Stakes); 4] = [
    (
        "contracts, by capacity, the paper's stakes",
        false,
        Stakes::Paper,
    ),
    (
        "contracts, by capacity, stakes that back",
        false,
        Stakes::Backing,
    ),
    (
        "contracts, by work, the paper's stakes",
        true,
        Stakes::Paper,
    ),
    (
        "contracts, by work, stakes that back",
        true,
        Stakes::Backing,
    ),
];

impl Experiment for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn question(&self) -> &'static str {
        "How much of what could be served is served?"
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
            "gas for a step",
        ],
    );
    models(lab, steps, &mut table);
    let mut lines = Vec::new();
    let mut seconds = 0.0;
    for (name, by_work, stakes) in CASES {
        let outcome = play(lab, name, by_work, stakes, steps).await?;
        let found = outcome.all.efficiency();
        table.row([
            name.to_owned(),
            percent(found),
            "–".to_owned(),
            "–".to_owned(),
            (outcome.gas / steps).to_string(),
        ]);
        lines.push(Line {
            name: name.to_owned(),
            values: outcome.course,
        });
        if by_work {
            finding.targets.push(Target::new(
                &format!("Allocation efficiency, {name}"),
                "≥ 99.50 %",
                percent(found),
                found >= 0.995,
                match stakes {
                    Stakes::Paper => "no more work counts than the square root of a stake backs, so that a sink with room for 100 tasks and a stake of 1 000 is paid for 31",
                    Stakes::Backing => "",
                },
            ));
        }
        seconds += outcome.seconds;
        finding.steps += steps;
    }
    finding.charts.push(
        Plot {
            title: "Allocation efficiency, by epoch".to_owned(),
            along: "epoch of 300 s".to_owned(),
            from: 1.0,
            to: lines.first().map_or(1, |line| line.values.len()) as f64,
            unit: "%".to_owned(),
            lines,
        }
        .thinned(50),
    );
    finding.tables.push(table);
    finding.seconds = seconds;
    Ok(finding)
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
            "–".to_owned(),
        ]);
    }
}

async fn play(
    lab: &mut Lab,
    name: &str,
    by_work: bool,
    stakes: Stakes,
    steps: u64,
) -> anyhow::Result<Outcome> {
    let mut economy = Economy::start(lab, name, by_work, stakes).await?;
    let before = economy.meter.gas();
    let started = Instant::now();
    let (mut all, mut epoch, mut course) = (Served::default(), Served::default(), Vec::new());
    for step in 1..=steps {
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
