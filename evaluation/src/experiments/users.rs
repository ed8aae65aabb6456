//! What users feel, on requests of real traces: settlement, routing and disturbances, each with each.

use std::time::Instant;

use super::traces;
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
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
The requests are those of the excerpts in tests/fixtures/traces, an hour of two services each served by eight sinks that \
together can do 1.4 times the mean demand. *Goodput* is what of the tokens was done within two minutes of its request; \
*misses* are requests that were not. *Price* is what was paid for a token that was done, in base fees: by capacity sources \
stream for what they ask for, whatever becomes of it; by work they pay the base fee for what was done, which is what `bpe \
sink` asks, as by work nobody reports queues. *With premium* is what they would pay if sinks reported theirs to PricingCurve \
once a minute and asked for its price, and *cheapest* is by that price. Sinks are known by what they declare (by capacity), by what is spare of that as reported every minute, or by what \
they have shown and half as much again (by work), where honest sinks refuse what they could not do in time and sources ask \
three.";

const CHAIN: &str = "\
*On the contracts*, one service (conversation): sinks stake and register; by capacity and by spare capacity the source \
changes its stream every minute, sinks report their loads to PricingCurve, and tasks are drawn by the units in Superfluid's \
pool; by work vouchers are redeemed every five minutes, and tasks are drawn by the capacity that WorkVouchers says was shown. \
The price is what the source's account has less. *Model* is the same without a chain.";

const MODEL: &str = "\
All routings, and both services, in the model. By work sinks begin with what they declare as shown; on the contracts nobody \
has shown anything at first.";

const FELT: [&str; 6] = [
    "goodput",
    "wait p50",
    "wait p99",
    "misses",
    "price",
    "with premium",
];

fn cells(felt: &Felt) -> [String; 6] {
    [
        percent(felt.goodput()),
        format!("{:.2} s", felt.wait(0.5)),
        format!("{:.2} s", felt.wait(0.99)),
        percent(felt.misses()),
        format!("{:.3}", felt.price()),
        format!("{:.3}", felt.price_with_premium()),
    ]
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let mut traces = Vec::new();
    for (file, text) in EXCERPTS {
        let mut trace = Trace::parse(file, text)?;
        trace.requests.truncate(lab.sized(u64::MAX, 500) as usize);
        traces.push(trace);
    }
    let started = Instant::now();
    let mut finding = Finding {
        text: [TEXT, CHAIN, MODEL].map(str::to_owned).to_vec(),
        ..Finding::default()
    };
    let table = on_chain(lab, &traces[1], &mut finding.steps).await?;
    finding.seconds = started.elapsed().as_secs_f64();
    finding.tables.push(table);
    for disturbance in Disturbance::ALL {
        finding.tables.push(in_model(lab, &traces, disturbance));
    }
    Ok(finding)
}

/// Each settlement with the routing that belongs to it, on the contracts and in the model.
async fn on_chain(lab: &mut Lab, trace: &Trace, steps: &mut u64) -> anyhow::Result<Table> {
    let [goodput, p50, p99, misses, price, premium] = FELT;
    let headers = [
        "disturbance",
        "settlement",
        "routing",
        goodput,
        "model",
        p50,
        p99,
        misses,
        price,
        "model's price",
        premium,
    ];
    let mut table = Table::new("On the contracts", &headers);
    let count = lab.sized(Disturbance::ALL.len() as u64, 2) as usize;
    for disturbance in Disturbance::ALL.into_iter().take(count) {
        for settlement in Settlement::ALL {
            let played = traces::play(lab, trace, settlement, disturbance).await?;
            *steps += played.minutes;
            let routing = traces::routing(settlement);
            let random = lab.random("users");
            let model = Service::new(trace, settlement, routing, disturbance, random).play(trace);
            let [goodput, p50, p99, misses, price, premium] = cells(&played.felt);
            table.row([
                disturbance.name().to_owned(),
                settlement.name().to_owned(),
                routing.name().to_owned(),
                goodput,
                percent(model.goodput()),
                p50,
                p99,
                misses,
                price,
                format!("{:.3}", model.price()),
                premium,
            ]);
        }
    }
    Ok(table)
}

/// Each settlement with each routing, without a chain.
fn in_model(lab: &Lab, traces: &[Trace], disturbance: Disturbance) -> Table {
    let title = format!("In the model, disturbance: {}", disturbance.name());
    let headers = [&["settlement", "routing"][..], &FELT[..]].concat();
    let mut table = Table::new(&title, &headers);
    for settlement in Settlement::ALL {
        for routing in Routing::ALL {
            let mut felt = Felt::default();
            for trace in traces {
                let random = lab.random("users");
                let service = Service::new(trace, settlement, routing, disturbance, random);
                felt.add(service.play(trace));
            }
            let [goodput, p50, p99, misses, price, premium] = cells(&felt);
            table.row([
                settlement.name().to_owned(),
                routing.name().to_owned(),
                goodput,
                p50,
                p99,
                misses,
                price,
                premium,
            ]);
        }
    }
    table
}
