//! How large the escrow should be: what overflows in bursts, and how much of it drains when they are over.

use alloy::primitives::U256;

use crate::{
    chain::read,
    experiment::{Experiment, Finding, Line, Plot, Running},
    lab::{Curve, Lab},
    market::{price_of, stake_for, Actor, Market, Meter, PRICE},
    suite::tokens,
    table::Table,
};

pub struct Buffer;

/// Units of each of the sinks.
const CAPACITY: f64 = 20.0;
const SINKS: usize = 5;
/// Sources stream for so much of the capacity, in turn, each for a stretch.
const BURSTS: [f64; 2] = [1.5, 0.6];
/// Seconds of a stretch, and of a step.
const STRETCH: u64 = 600;
const STEP: u64 = 60;
/// Sizes in seconds of the sinks' capacity at its price. No size is no limit.
const SIZES: [u64; 6] = [0, 30, 60, 300, 600, 1_800];

impl Experiment for Buffer {
    fn name(&self) -> &'static str {
        "buffer"
    }

    fn question(&self) -> &'static str {
        "How large should the escrow of a task type be?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
By capacity: five sinks of 20 units whose capacity has a price, and a source that streams for 150 % of it and for 60 \
% in turn, ten minutes each. What is more than the capacity is worth overflows into EscrowBuffer, and drains when \
capacity is free. The size only says when sources are told to slow down (`shouldSlowDown`); this one does as it is \
told, and streams for the capacity then. *Held back* is what it would have streamed otherwise.";

struct Outcome {
    highest: f64,
    drained: f64,
    left: f64,
    held_back: f64,
    /// Of the steps, in which the buffer was full.
    full: f64,
    course: Vec<f64>,
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let started = std::time::Instant::now();
    let steps = lab.sized(80, 20);
    let mut table = Table::new(
        "Escrow by its size",
        &[
            "size",
            "highest level",
            "drained",
            "left",
            "held back",
            "full",
        ],
    );
    let mut lines = Vec::new();
    let sizes = SIZES.into_iter().take(lab.sized(6, 2) as usize);
    let count = sizes.len() as u64;
    for size in sizes {
        let it = play(lab, size, steps).await?;
        let name = match size {
            0 => "no limit".to_owned(),
            seconds => format!("{seconds} s"),
        };
        table.row([
            name.clone(),
            format!("{:.2} USDCx", it.highest),
            format!("{:.2} USDCx", it.drained),
            format!("{:.2} USDCx", it.left),
            format!("{:.2} USDCx", it.held_back),
            format!("{:.0} % of the time", it.full * 100.0),
        ]);
        lines.push(Line {
            name,
            values: it.course,
        });
    }
    Ok(Finding {
        text: vec![TEXT.to_owned()],
        tables: vec![table],
        charts: vec![Plot {
            title: "Level of the escrow, by minute".to_owned(),
            along: "minute".to_owned(),
            from: 1.0,
            to: steps as f64,
            unit: "USDCx".to_owned(),
            lines,
        }],
        steps: steps * count,
        seconds: started.elapsed().as_secs_f64(),
        ..Finding::default()
    })
}

async fn play(lab: &mut Lab, size: u64, steps: u64) -> anyhow::Result<Outcome> {
    let suite = lab.fresh(Curve::Sqrt).await?;
    let market = Market::open(&suite, "capacity-1", &Meter::default()).await?;
    let price = suite.pools.setCapacityPrice(market.id, U256::from(PRICE));
    market.send(price, "set a price", 1).await?;
    let worth = price_of(CAPACITY * SINKS as f64);
    let most = suite
        .escrow
        .setBufferMax(market.id, U256::from(worth * u128::from(size)));
    market.send(most, "set a buffer's size", 1).await?;
    for sink in &Actor::crowd("sink", SINKS)? {
        market.join(sink, stake_for(CAPACITY), CAPACITY).await?;
    }
    let source = Actor::new("source", 0)?;
    market.fund(&source, tokens(1_000_000)).await?;
    let mut it = Outcome {
        highest: 0.0,
        drained: 0.0,
        left: 0.0,
        held_back: 0.0,
        full: 0.0,
        course: Vec::new(),
    };
    let mut rate = 0;
    for step in 0..steps {
        let burst = BURSTS[(step * STEP / STRETCH % 2) as usize];
        let wanted = price_of(CAPACITY * SINKS as f64 * burst);
        let slow = suite.escrow.shouldSlowDown(market.id, source.account);
        let granted = match read(slow.call(), "whether to slow down").await? {
            true => wanted.min(worth),
            false => wanted,
        };
        it.held_back += ((wanted - granted) * u128::from(STEP)) as f64 / 1e18;
        if granted != rate {
            market.stream(&source, granted).await?;
            rate = granted;
        }
        market.advance(STEP)?;
        follow(&market, &source).await?;
        let level = level(&market).await?;
        it.highest = it.highest.max(level);
        it.left = level;
        let full = read(suite.escrow.isFull(market.id).call(), "whether it is full").await?;
        it.full += f64::from(u8::from(full)) / steps as f64;
        it.course.push(level);
    }
    it.drained = overflowed(&market).await? - it.left;
    Ok(it)
}

/// What a keeper does: units follow, what overflowed is booked, and what may drain does.
async fn follow(market: &Market, source: &Actor) -> anyhow::Result<()> {
    let suite = &market.suite;
    let overflow = suite.pools.rebalanceOverflow(market.id);
    market.send(overflow, "measure the overflow", 1).await?;
    let note = suite.ledger.note(market.id, source.account);
    market.send(note, "note a source", 1).await?;
    let book = suite.escrow.attribute(market.id, vec![source.account]);
    market.send(book, "book the overflow", 1).await?;
    let drain = suite.escrow.drain_0(market.id);
    // Nothing waits, or nothing is free: that is no failure.
    if drain.call().await.is_ok() {
        market.send(drain, "drain the escrow", SINKS).await?;
    }
    Ok(())
}

async fn level(market: &Market) -> anyhow::Result<f64> {
    let level = market.suite.escrow.bufferLevel(market.id);
    Ok(f64::from(read(level.call(), "a level").await?) / 1e18)
}

/// All that ever came into the escrow.
async fn overflowed(market: &Market) -> anyhow::Result<f64> {
    let escrow = *market.suite.escrow.address();
    let received = market.task_type.pool.getTotalAmountReceivedByMember(escrow);
    Ok(f64::from(read(received.call(), "what overflowed").await?) / 1e18)
}
