//! What users feel, on requests of real traces: settlement, routing and disturbances, each with each.

use crate::{
    experiment::{percent, Experiment, Finding, Running},
    lab::Lab,
    model::service::{Disturbance, Felt, Routing, Service, Settlement},
    table::Table,
    trace::{Trace, EXCERPTS},
};

pub struct Users;

impl Experiment for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn question(&self) -> &'static str {
        "What do users feel, on real demand?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(async move { run(lab) })
    }
}

const TEXT: &str = "\
A model, without contracts: each combination would be hours on the chain. The requests are those of the excerpts in \
tests/fixtures/traces, an hour of two services each served by eight sinks that together can do 1.4 times the mean demand. \
*Goodput* is what of the tokens was done within two minutes of its request; *misses* are requests that were not. *Price* is \
what was paid for a token that was done, in base fees: by capacity sources stream for what they ask for, whatever becomes of \
it; by work they pay what was done, at the sink's price with its queue premium. Sinks are known by what they declare (by \
capacity), by what is spare of that as reported every minute, or by what they have shown and half as much again (by work), \
where honest sinks refuse what they could not do in time and sources ask three.";

fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let mut traces = Vec::new();
    for (file, text) in EXCERPTS {
        let mut trace = Trace::parse(file, text)?;
        trace.requests.truncate(lab.sized(u64::MAX, 500) as usize);
        traces.push(trace);
    }
    let mut tables = Vec::new();
    for disturbance in Disturbance::ALL {
        let mut table = Table::new(
            &format!("Disturbance: {}", disturbance.name()),
            &[
                "settlement",
                "routing",
                "goodput",
                "wait p50",
                "wait p99",
                "misses",
                "price",
            ],
        );
        for settlement in Settlement::ALL {
            for routing in Routing::ALL {
                let mut felt = Felt::default();
                for trace in &traces {
                    let random = lab.random("users");
                    felt.add(Service::play(
                        trace,
                        settlement,
                        routing,
                        disturbance,
                        random,
                    ));
                }
                table.row([
                    settlement.name().to_owned(),
                    routing.name().to_owned(),
                    percent(felt.goodput()),
                    format!("{:.2} s", felt.wait(0.5)),
                    format!("{:.2} s", felt.wait(0.99)),
                    percent(felt.misses()),
                    format!("{:.3}", felt.price()),
                ]);
            }
        }
        tables.push(table);
    }
    Ok(Finding {
        text: vec![TEXT.to_owned()],
        tables,
        ..Finding::default()
    })
}
