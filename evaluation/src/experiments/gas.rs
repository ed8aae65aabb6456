//! What everything costs in gas, as markets do it: many at once.

use alloy::primitives::{keccak256, U256};
use bpe_abi::typed_data::{self, CompletionReceipt, TaskAssignment};

use crate::{
    experiment::{Experiment, Finding, Running},
    lab::{Curve, Lab},
    market::{price_of, stake_for, value_of, Actor, Market, Meter, PRICE},
    suite::tokens,
    table::Table,
};

pub struct Gas;

/// Sinks in a batch.
const SINKS: usize = 50;
const CAPACITY: f64 = 10.0;

impl Experiment for Gas {
    fn name(&self) -> &'static str {
        "gas"
    }

    fn question(&self) -> &'static str {
        "What does a market cost in gas?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
Fifty sinks, a source, and what they and their keeper do in two epochs, in batches as large as the market is. The \
table of docs/gas.md has each operation by itself.";

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let meter = measure(lab).await?;
    let mut table = Table::new(
        "Gas in a market of fifty sinks",
        &["what", "transactions", "items", "gas for an item"],
    );
    for (what, spent) in meter.all() {
        table.row([
            what.to_owned(),
            spent.transactions.to_string(),
            spent.items.to_string(),
            format!("{:.0}", spent.each()),
        ]);
    }
    Ok(Finding {
        text: vec![TEXT.to_owned()],
        tables: vec![table],
        ..Finding::default()
    })
}

/// Plays all of it once, and gives what it cost.
pub async fn measure(lab: &mut Lab) -> anyhow::Result<Meter> {
    let meter = Meter::default();
    let count = lab.sized(SINKS as u64, 5) as usize;
    by_capacity(lab, &meter, count).await?;
    by_work(lab, &meter, count).await?;
    Ok(meter)
}

async fn by_capacity(lab: &mut Lab, meter: &Meter, count: usize) -> anyhow::Result<()> {
    let suite = lab.fresh(Curve::Sqrt).await?;
    let market = Market::open(&suite, "assigned-1", meter).await?;
    let sinks = Actor::crowd("sink", count)?;
    for sink in &sinks {
        market
            .join(sink, stake_for(CAPACITY * 2.0), CAPACITY)
            .await?;
    }
    let source = Actor::new("source", 0)?;
    market.fund(&source, tokens(100_000)).await?;
    market.stream(&source, price_of(100.0)).await?;
    market.advance_to_next(300)?;
    for round in 1..=2 {
        let capacity = CAPACITY * (1.0 + 0.2 * f64::from(round));
        let attested: Vec<_> = sinks.iter().map(|it| (it, capacity + uneven(it))).collect();
        market.advance(60)?;
        market.attest(&attested).await?;
        market.rebalance(count).await?;
        record(&market, &source, &sinks, round).await?;
        market.advance_to_next(300)?;
        market.judge().await?;
    }
    market.stream(&source, price_of(120.0)).await?;
    market.stream(&source, 0).await
}

/// Between 0 and 1, so that no two sinks change alike.
fn uneven(sink: &Actor) -> f64 {
    f64::from(sink.account[0]) / 256.0
}

/// A task of each sink: accepted, and done.
async fn record(
    market: &Market,
    source: &Actor,
    sinks: &[Actor],
    round: i32,
) -> anyhow::Result<()> {
    let suite = &market.suite;
    let domain = typed_data::completion_tracker(suite.devnet.chain_id(), *suite.tracker.address());
    let now = market.now();
    let (mut assignments, mut receipts) = (Vec::new(), Vec::new());
    for (place, sink) in sinks.iter().enumerate() {
        let id = keccak256(format!("{round}/{place}"));
        let assignment = TaskAssignment {
            taskTypeId: market.id,
            sink: sink.account,
            source: source.account,
            taskId: id,
            deadline: U256::from(now + 200),
        };
        let receipt = CompletionReceipt {
            taskTypeId: market.id,
            sink: sink.account,
            source: source.account,
            taskId: id,
            timestamp: U256::from(now),
        };
        let key = &source.key;
        assignments.push(typed_data::sign_assignment(
            &sink.key,
            key,
            &assignment,
            &domain,
        )?);
        receipts.push(typed_data::sign_receipt(&sink.key, key, &receipt, &domain)?);
    }
    let record = suite.tracker.recordAssignments(assignments);
    market
        .send(record, "record assignments", sinks.len())
        .await?;
    let record = suite.tracker.recordReceipts(receipts);
    market
        .send(record, "record receipts", sinks.len())
        .await
        .map(drop)
}

async fn by_work(lab: &mut Lab, meter: &Meter, count: usize) -> anyhow::Result<()> {
    let suite = lab.fresh(Curve::Sqrt).await?;
    // What sinks do to register is measured by capacity already.
    let mut market = Market::open(&suite, "work-1", &Meter::default()).await?;
    let sinks = Actor::crowd("sink", count)?;
    for sink in &sinks {
        market.join(sink, stake_for(CAPACITY), CAPACITY).await?;
    }
    market.meter = meter.clone();
    let source = Actor::new("source", 0)?;
    market.fund(&source, tokens(100_000)).await?;
    market.deposit(&source, tokens(10_000)).await?;
    for first in [true, false] {
        for sink in &sinks {
            let work = 1_000.0;
            market.agree(&source, sink, work, value_of(work, PRICE as f64));
        }
        market.advance(300)?;
        // The first voucher of a pair writes new slots.
        market.meter = match first {
            true => Meter::default(),
            false => meter.clone(),
        };
        market.redeem().await?;
        if first {
            let spent = market.meter.of("redeem vouchers");
            meter.count("redeem first vouchers", spent.gas, spent.items);
        }
    }
    Ok(())
}
