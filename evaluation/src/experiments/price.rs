//! Whether the price settles where demand meets four fifths of the capacity: the curve *used*, by which task types by
//! work set their fee.

use alloy::primitives::U256;

use crate::{
    experiment::{mean, Experiment, Finding, Line, Plot, Running, Target},
    lab::{Curve, Lab},
    market::{stake_for, value_of, Actor, Market, Meter, PRICE},
    suite::tokens,
    table::Table,
};

pub struct Price;

/// Units of the only sink, and of what is asked for at the price that the market starts with.
const CAPACITY: f64 = 100.0;
const DEMAND: f64 = 100.0;
/// Of the capacity, where the fee stays.
const TARGET: f64 = 0.8;
const ELASTICITIES: [f64; 3] = [0.5, 1.0, 2.0];
/// Seconds after which demand answers to a price.
const LAGS: [u64; 4] = [0, 60, 300, 600];
/// Seconds between two looks at the price.
const STEP: u64 = 60;
const EPOCH: u64 = 300;
/// After so many epochs the price should have settled.
const SETTLED: usize = 24;

impl Experiment for Price {
    fn name(&self) -> &'static str {
        "price"
    }

    fn question(&self) -> &'static str {
        "Does the price by work settle, and where it should?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
A task type by work whose only sink has 100 units, and demand of 100 units at the price that the market starts with, \
which falls with the price by its elasticity. Demand answers to the price of so many seconds ago. The sink's voucher \
is redeemed 60 s before each epoch ends, and PricingCurve's fee follows what WorkVouchers tells it; nobody reports \
anything. The fee stays where four fifths of the capacity are used, which is the equilibrium that is predicted. \
*Settled* compares the highest and the lowest fee from the 24th epoch on. In the last rows the voucher is redeemed \
once an hour.";

/// A market to play.
#[derive(Clone, Copy, Debug)]
struct Case {
    elasticity: f64,
    lag: u64,
    /// Epochs between two redemptions.
    every: u64,
}

impl Case {
    /// Where the fee should stay, in parts of where it starts.
    fn equilibrium(&self) -> f64 {
        (DEMAND / (TARGET * CAPACITY)).powf(1.0 / self.elasticity)
    }
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let epochs = lab.sized(60, 30);
    let mut table = Table::new(
        "The fee by work, in parts of where it starts",
        &[
            "elasticity",
            "lag",
            "redeemed every",
            "predicted",
            "found",
            "off by",
            "highest / lowest",
        ],
    );
    let (mut worst, mut lines, mut steps) = (1.0f64, Vec::new(), 0);
    let started = std::time::Instant::now();
    for case in cases(lab.is_small()) {
        let course = play(lab, case, epochs).await?;
        steps += epochs;
        let late = &course[SETTLED.min(course.len() - 1)..];
        let (least, most) = extremes(late);
        let found = mean(late);
        if case.every == 1 {
            worst = worst.max(most / least);
        }
        table.row([
            format!("{:.1}", case.elasticity),
            format!("{} s", case.lag),
            format!("{} s", case.every * EPOCH),
            format!("{:.4}", case.equilibrium()),
            format!("{found:.4}"),
            format!("{:.2} %", (found / case.equilibrium() - 1.0) * 100.0),
            format!("{:.4}", most / least),
        ]);
        if case.lag == 600 && case.every == 1 {
            lines.push(Line {
                name: format!("elasticity {:.1}, lag 600 s", case.elasticity),
                values: course,
            });
        }
    }
    Ok(Finding {
        text: vec![TEXT.to_owned()],
        tables: vec![table],
        charts: vec![Plot {
            title: "The fee by work, by epoch".to_owned(),
            along: "epoch of 300 s".to_owned(),
            from: 1.0,
            to: epochs as f64,
            unit: "parts of where it starts".to_owned(),
            lines,
        }],
        targets: vec![Target::new(
            "The price settles: highest / lowest after 24 epochs, the worst case",
            "< 1.05",
            format!("{worst:.4}"),
            worst < 1.05,
            "the fee still swings where demand answers late",
        )],
        advice: vec![],
        steps,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn cases(is_small: bool) -> Vec<Case> {
    let every = |every| {
        move |elasticity, lag| Case {
            elasticity,
            lag,
            every,
        }
    };
    if is_small {
        return vec![every(1)(1.0, 600)];
    }
    let mut cases = Vec::new();
    for elasticity in ELASTICITIES {
        cases.extend(LAGS.map(|lag| every(1)(elasticity, lag)));
    }
    cases.extend(ELASTICITIES.map(|elasticity| every(12)(elasticity, 600)));
    cases
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::MAX, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    (least, most)
}

/// The fee at the end of each epoch.
async fn play(lab: &mut Lab, case: Case, epochs: u64) -> anyhow::Result<Vec<f64>> {
    let suite = lab.fresh(Curve::Sqrt).await?;
    let mut market = Market::open(&suite, "work-1", &Meter::default()).await?;
    market.set_fees(PRICE, PRICE / 10, PRICE * 1_000).await?;
    let (sink, source) = (Actor::new("sink", 0)?, Actor::new("source", 0)?);
    market.join(&sink, stake_for(CAPACITY), CAPACITY).await?;
    market.fund(&source, tokens(1_000_000)).await?;
    market.deposit(&source, tokens(1_000_000)).await?;
    market.advance_to_next(EPOCH)?;
    let start = PRICE as f64;
    let (mut seen, mut course) = (vec![start], Vec::new());
    let steps = EPOCH / STEP;
    for epoch in 0..epochs {
        for step in 1..=steps {
            let answered = seen[seen.len().saturating_sub(1 + (case.lag / STEP) as usize)];
            let demand = DEMAND * (answered / start).powf(-case.elasticity);
            let work = demand.min(CAPACITY) * STEP as f64;
            let price = seen[seen.len() - 1];
            let value = value_of(work, price).max(U256::ONE);
            market.agree(&source, &sink, work, value);
            market.advance(STEP)?;
            if step + 1 == steps && (epoch + 1).is_multiple_of(case.every) {
                market.redeem().await?;
            }
            seen.push(market.base_fee().await?);
        }
        course.push(seen[seen.len() - 1] / start);
    }
    Ok(course)
}
