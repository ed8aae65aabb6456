//! A fifth of the sinks die at half-time, and their front ends go on accepting tasks.

use super::paper::{Economy, Stakes, STEP};
use crate::{
    experiment::{percent, Experiment, Finding, Line, Plot, Running, Target},
    lab::Lab,
    model::paper::Served,
    table::Table,
};

pub struct Shock;

/// Steps of an epoch of CompletionTracker.
const EPOCH: u64 = 300 / STEP;
/// After so many steps their operators notice, and deregister.
const KNOWN: u64 = 2 * EPOCH;

impl Experiment for Shock {
    fn name(&self) -> &'static str {
        "shock"
    }

    fn question(&self) -> &'static str {
        "How fast does the market recover when a fifth of the sinks die?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
The paper's set-up with stakes that back the capacities. At half-time every fifth sink dies. Its front end goes on: \
by capacity it attests what it had, by work it accepts tasks and lets them fail, which sources see two minutes \
later. Two epochs later its operator notices and deregisters it: then its death is known. Efficiency is measured \
against what the living could serve.";

/// Efficiency by stretch.
#[derive(Default)]
struct Outcome {
    before: Served,
    unknown: Served,
    /// The first epoch after it is known, and what comes then.
    first: Served,
    after: Served,
    course: Vec<f64>,
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let started = std::time::Instant::now();
    let steps = lab.sized(240, 40);
    let mut table = Table::new(
        "Allocation efficiency around the shock",
        &[
            "settlement",
            "before",
            "while nobody knows",
            "first epoch after",
            "later",
        ],
    );
    let (mut targets, mut lines) = (Vec::new(), Vec::new());
    for (name, by_work) in [("by capacity", false), ("by work", true)] {
        let it = play(lab, name, by_work, steps).await?;
        let [before, unknown, first, after] =
            [&it.before, &it.unknown, &it.first, &it.after].map(Served::efficiency);
        table.row([
            name.to_owned(),
            percent(before),
            percent(unknown),
            percent(first),
            percent(after),
        ]);
        targets.push(Target::new(
            &format!("Efficiency in the epoch after a death is known, {name}"),
            "≥ 99.00 %",
            percent(first),
            first >= 0.99,
            match by_work {
                true => "vouchers of the epoch's last tasks count in the next one",
                false => "the split follows signals with 5 % noise, and where the living are short of demand every unit too many is lost",
            },
        ));
        lines.push(Line {
            name: name.to_owned(),
            values: it.course,
        });
    }
    Ok(Finding {
        text: vec![TEXT.to_owned()],
        tables: vec![table],
        charts: vec![Plot {
            title: "Allocation efficiency around the shock, by epoch".to_owned(),
            along: "epoch of 300 s".to_owned(),
            from: 1.0,
            to: (steps / EPOCH) as f64,
            unit: "%".to_owned(),
            lines,
        }],
        targets,
        advice: vec![],
        steps: 2 * steps,
        seconds: started.elapsed().as_secs_f64(),
    })
}

async fn play(lab: &mut Lab, name: &str, by_work: bool, steps: u64) -> anyhow::Result<Outcome> {
    let mut economy = Economy::start(lab, name, by_work, Stakes::Backing).await?;
    let mut it = Outcome::default();
    let half = steps / 2;
    let mut epoch = Served::default();
    for step in 1..=steps {
        if step == half + 1 {
            economy.die(5);
        }
        if step == half + KNOWN + 1 {
            economy.bury().await?;
        }
        let served = economy.next().await?;
        epoch.add(served);
        match step {
            _ if step <= half => it.before.add(served),
            _ if step <= half + KNOWN => it.unknown.add(served),
            _ if step <= half + KNOWN + EPOCH => it.first.add(served),
            _ => it.after.add(served),
        }
        if step.is_multiple_of(EPOCH) {
            it.course
                .push(std::mem::take(&mut epoch).efficiency() * 100.0);
        }
    }
    Ok(it)
}
