//! How much smoothing: signals that follow fast are noisy, and smooth ones are late.

use std::time::Instant;

use crate::{
    experiment::{percent, Experiment, Finding, Line, Plot, Running, Target},
    lab::{Curve, Lab},
    market::{stake_for, Actor, Market, Meter},
    model::paper::{serve, smoothed, Served, ALPHA, NOISE},
    suite::units,
    table::Table,
    work::Dispatcher,
};

pub struct Smoothing;

const ALPHAS: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const SINKS: usize = 50;
/// Of the capacity of all sinks, what is asked for.
const LOAD: f64 = 0.95;
/// How often a sink's capacity becomes another one, in a step.
const CHANGE: f64 = 0.01;

impl Experiment for Smoothing {
    fn name(&self) -> &'static str {
        "smoothing"
    }

    fn question(&self) -> &'static str {
        "Which weight should a new signal have?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
The weight is a constant of CapacityRegistry, 0.3, so other ones are played in the model: 50 sinks, demand of 95 % \
of their capacity, 5 % noise; in the second column a sink's capacity becomes another one in every hundredth step. \
*Lag* is how many attestations a fall to nothing takes until nine tenths of it are seen. At 0.3 the model is held \
against the contract: as many attestations as steps, each a transaction, smoothed there and in the model.";

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let steps = lab.sized(1_000, 100);
    let mut table = Table::new(
        "Allocation efficiency by the weight of a new signal",
        &[
            "weight",
            "capacities that stay",
            "capacities that change",
            "lag",
        ],
    );
    let mut best = (0.0, 0.0);
    let mut lines = [Vec::new(), Vec::new()];
    for alpha in ALPHAS {
        let found = [0.0, CHANGE].map(|change| {
            let mut random = lab.random("smoothing");
            model(alpha, change, steps, &mut random).efficiency()
        });
        if found[1] > best.1 {
            best = (alpha, found[1]);
        }
        for (line, found) in lines.iter_mut().zip(found) {
            line.push(found * 100.0);
        }
        table.row([
            format!("{alpha:.1}"),
            percent(found[0]),
            percent(found[1]),
            ((0.1f64).ln() / (1.0 - alpha).ln()).ceil().to_string(),
        ]);
    }
    let attestations = lab.sized(60, 10);
    let started = Instant::now();
    let off = against_contract(lab, attestations).await?;
    let seconds = started.elapsed().as_secs_f64();
    let [stay, change] = lines;
    Ok(Finding {
        text: vec![
            TEXT.to_owned(),
            format!("Where capacities change, {:.1} is best.", best.0),
        ],
        tables: vec![table],
        charts: vec![Plot {
            title: "Allocation efficiency by the weight of a new signal".to_owned(),
            along: "weight".to_owned(),
            from: ALPHAS[0],
            to: ALPHAS[7],
            unit: "%".to_owned(),
            lines: vec![
                Line { name: "capacities that stay".to_owned(), values: stay },
                Line { name: "capacities that change".to_owned(), values: change },
            ],
        }],
        targets: vec![Target::new(
            &format!("The contract's smoothing beside the model's, {attestations} attestations: largest difference in units of 1e-9"),
            "≤ 1 an attestation",
            format!("{off:.0}"),
            off <= attestations as f64,
            "the contract smooths otherwise",
        )],
        advice: vec![],
        steps: attestations,
        seconds,
    })
}

fn model(alpha: f64, change: f64, steps: u64, random: &mut Dispatcher) -> Served {
    let mut capacities: Vec<f64> = (0..SINKS).map(|_| random.between(10.0, 100.0)).collect();
    let mut signals: Vec<Option<f64>> = vec![None; SINKS];
    let mut all = Served::default();
    for _ in 0..steps {
        for (capacity, signal) in capacities.iter_mut().zip(&mut signals) {
            let other = random.between(10.0, 100.0);
            if random.fraction() < change {
                *capacity = other;
            }
            let raw = *capacity * (1.0 + NOISE * random.normal());
            *signal = Some(smoothed(*signal, raw, alpha));
        }
        let weights: Vec<f64> = signals.iter().map(|it| it.unwrap_or(0.0)).collect();
        let demand = LOAD * capacities.iter().sum::<f64>();
        all.add(serve(demand, &weights, &capacities));
    }
    all
}

/// The largest difference between a sink's smoothed capacity on the chain and in the model.
async fn against_contract(lab: &mut Lab, attestations: u64) -> anyhow::Result<f64> {
    let suite = lab.fresh(Curve::Sqrt).await?;
    let market = Market::open(&suite, "capacity-1", &Meter::default()).await?;
    let sink = Actor::new("sink", 0)?;
    let mut random = lab.random("attestations");
    market.join(&sink, stake_for(200.0), 50.0).await?;
    let (mut model, mut off) = (50.0, 0.0f64);
    for _ in 0..attestations {
        let raw = random.between(10.0, 100.0);
        market.advance(60)?;
        market.attest(&[(&sink, raw)]).await?;
        model = smoothed(Some(model), f64::from(units(raw)) / 1e9, ALPHA);
        let found = market.capacities().await?[&sink.account];
        off = off.max((found - model).abs() * 1e9);
    }
    Ok(off)
}
