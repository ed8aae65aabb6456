//! `bpe demo`: the protocol on real demand, as the processes that users run ([`crate::live`]), or with `--offline` in this one.
//!
//! The latter starts a devnet with Superfluid, deploys the suite, and lets eleven sinks serve the requests of two traces, paid by the
//! second by two sources. Every task is accepted and receipted with both sides' signatures; capacities are attested, smoothed
//! and slashed; what capacity is not worth waits in escrow. At the end every token is accounted for to the wei, or the demo
//! fails.

mod books;
mod cast;
mod html;
pub mod money;
mod play;
mod report;
mod suite;
mod tables;
mod world;

use std::{path::PathBuf, time::Instant};

use anyhow::{bail, ensure, Context as _};
use bpe_evaluation::{chain, chart, page, routing, table, trace, work};
use clap::Args;
use devnet::Devnet;

use self::{
    cast::{Cast, FEE_RECIPIENT, TREASURY},
    play::{EpochTally, Play},
    report::{EpochReport, Report},
    trace::{Trace, EXCERPTS},
    world::{Settlement, World, EPOCH, MARKETS, SETTLEMENTS},
};
use crate::{
    files::{require_directory, write_whole},
    superfluid,
};

#[derive(Args)]
pub struct Options {
    #[cfg(all(feature = "keeper", feature = "agents"))]
    #[command(flatten)]
    live_options: crate::live::LiveOptions,
    /// Play these requests instead of the excerpt that comes along: give it twice, as code=FILE and conversation=FILE. CSV
    /// with the columns TIMESTAMP,ContextTokens,GeneratedTokens.
    #[arg(long, value_name = "TASK_TYPE=FILE", value_parser = parse_trace_option)]
    trace: Vec<(usize, PathBuf)>,
    /// What a task type settles by, as code=work or conversation=capacity. Without it code settles by capacity, and
    /// conversation by work.
    #[arg(long, value_name = "TASK_TYPE=HOW", value_parser = parse_settlement)]
    #[cfg_attr(all(feature = "keeper", feature = "agents"), arg(requires = "offline"))]
    settle: Vec<(usize, Settlement)>,
    /// Play so many seconds of the traces in one: for long traces.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_factor)]
    #[cfg_attr(all(feature = "keeper", feature = "agents"), arg(requires = "offline"))]
    compress: f64,
    /// Who gets which task is drawn at random; another seed draws otherwise.
    #[arg(long, default_value_t = 1)]
    #[cfg_attr(all(feature = "keeper", feature = "agents"), arg(requires = "offline"))]
    seed: u64,
    /// Write all figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write tables and charts to this file, as a page of HTML that needs nothing else.
    #[arg(long, value_name = "FILE")]
    #[cfg_attr(all(feature = "keeper", feature = "agents"), arg(requires = "offline"))]
    html: Option<PathBuf>,
    #[command(flatten)]
    superfluid: superfluid::Source,
}

/// Runs it and prints what happens.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let started = Instant::now();
    for file in options.json.iter().chain(&options.html) {
        require_directory(file)?;
    }
    let traces = traces(&options.trace)?;
    #[cfg(all(feature = "keeper", feature = "agents"))]
    if !options.superfluid.is_offline() {
        return live(&options, &traces).await;
    }
    let settlements = settlements(&options.settle)?;
    let world = World::new(traces, settlements, options.compress, options.seed);
    announce(&world);
    let mut play = begin(world, &options).await?;
    println!("Ready after {:.1} s.\n", started.elapsed().as_secs_f64());
    let mut log = Vec::new();
    print_header();
    while let Some(tally) = play.epoch().await? {
        let epoch = log.len() as u64;
        print_epoch(&play, epoch, &tally);
        let books = play.books().await?.check();
        books.context("tokens are not all accounted for")?;
        log.push(EpochReport::new(epoch, tally));
    }
    let seconds = started.elapsed().as_secs_f64();
    let report = Report::new(&play, &play.books().await?, log, options.seed, seconds);
    finish(&options, &report)
}

/// The same on processes.
#[cfg(all(feature = "keeper", feature = "agents"))]
async fn live(options: &Options, traces: &[Trace; 2]) -> anyhow::Result<()> {
    let (report, processes) =
        crate::live::run(&options.live_options, options.superfluid, traces).await?;
    if let Some(file) = &options.json {
        let json = crate::live::json(&report, &processes);
        write_whole(file, &serde_json::to_vec_pretty(&json)?)?;
    }
    crate::live::print(&report)
}

/// Prints the tables, writes the files and says whether the sums add up.
fn finish(options: &Options, report: &Report) -> anyhow::Result<()> {
    for table in report.tables() {
        println!("\n{table}");
    }
    if let Some(file) = &options.json {
        let json = serde_json::to_vec_pretty(report).context("cannot put the report into JSON")?;
        write_whole(file, &json)?;
    }
    if let Some(file) = &options.html {
        write_whole(file, html::page(report).as_bytes())?;
    }
    if let Some(problem) = &report.accounting.problem {
        bail!("tokens are not all accounted for: {problem}");
    }
    println!(
        "Every token is accounted for, to the wei. {} blocks, {:.1} s.",
        report.blocks, report.seconds
    );
    Ok(())
}

/// A devnet with the suite on it, everybody in place.
async fn begin(world: World, options: &Options) -> anyhow::Result<Play> {
    println!("Starting a devnet with Superfluid …");
    let ready = superfluid::prepare(Devnet::builder(), options.superfluid).await?;
    let devnet = Devnet::builder().state_file(&ready.state).build()?;
    println!("Deploying the suite …");
    let (fees, treasury) = (devnet.account(FEE_RECIPIENT), devnet.account(TREASURY));
    let suite = suite::deploy(devnet, ready.superfluid, &world, fees, treasury).await?;
    println!("Sinks stake and register …");
    let cast = Cast::fund(&world, &suite).await?;
    Play::begin(world, suite, cast, options.seed).await
}

// --- Options

fn parse_trace_option(value: &str) -> Result<(usize, PathBuf), String> {
    let (name, file) = value.split_once('=').unwrap_or((value, ""));
    let market = MARKETS.iter().position(|market| *market == name);
    match market {
        Some(market) if !file.is_empty() => Ok((market, file.into())),
        _ => Err("expected code=FILE or conversation=FILE".into()),
    }
}

fn parse_settlement(value: &str) -> Result<(usize, Settlement), String> {
    let (name, how) = value.split_once('=').unwrap_or((value, ""));
    let market = MARKETS.iter().position(|market| *market == name);
    let how = Settlement::NAMES.iter().find(|(name, _)| *name == how);
    match (market, how) {
        (Some(market), Some((_, how))) => Ok((market, *how)),
        _ => Err("expected code or conversation, and what it settles by: code=capacity, conversation=work".into()),
    }
}

/// What was asked for, over what there is without.
fn settlements(asked: &[(usize, Settlement)]) -> anyhow::Result<[Settlement; 2]> {
    let mut settlements = SETTLEMENTS;
    for (place, (market, how)) in asked.iter().enumerate() {
        let again = asked[..place].iter().any(|(other, _)| other == market);
        ensure!(
            !again,
            "--settle is given twice for {}: once will do",
            MARKETS[*market]
        );
        settlements[*market] = *how;
    }
    Ok(settlements)
}

fn parse_factor(value: &str) -> Result<f64, String> {
    let factor = value.parse().ok();
    let factor = factor.filter(|factor: &f64| (0.001..=1e6).contains(factor));
    factor.ok_or_else(|| "expected a number from 0.001 to 1000000".into())
}

/// The traces that were named, or the excerpts.
fn traces(named: &[(usize, PathBuf)]) -> anyhow::Result<[Trace; 2]> {
    let [code, conversation] = [0, 1].map(|market| {
        let mut files = named.iter().filter(|(named, _)| *named == market);
        (files.next(), files.next())
    });
    match (code, conversation) {
        ((None, _), (None, _)) => {
            let [code, conversation] = EXCERPTS;
            Ok([
                Trace::parse(code.0, code.1)?,
                Trace::parse(conversation.0, conversation.1)?,
            ])
        }
        ((Some((_, code)), None), (Some((_, conversation)), None)) => {
            Ok([Trace::read(code)?, Trace::read(conversation)?])
        }
        _ => bail!("--trace is given twice, once as code=FILE and once as conversation=FILE, or not at all"),
    }
}

// --- Progress

fn announce(world: &World) {
    for market in &world.markets {
        println!(
            "{}: {} requests, {} tokens, {:.1} per second on average and {:.1} in the busiest minute, paid by {}; {}",
            market.name,
            market.requests,
            market.tokens,
            market.mean,
            market.peak,
            market.settlement.name(),
            market.file
        );
    }
    println!(
        "{} epochs of {EPOCH} s; a second of the demo is {} of the traces.\n",
        world.epochs, world.factor
    );
}

fn print_header() {
    println!("epoch  trace clock   asked   done  failed    paid to       base fee       paid out  in escrow");
    println!("                     tok/s                 sinks, /h   code   convers.      USDCx      USDCx");
}

/// A line of the figures that move, and a line for each thing that happened.
fn print_epoch(play: &Play, epoch: u64, tally: &EpochTally) {
    let clock = play.world.origin + (epoch * EPOCH) as f64 * play.world.factor;
    let clock = jiff::Timestamp::from_second(clock as i64).unwrap_or_default();
    let clock = jiff::fmt::strtime::format("%H:%M:%S", clock).unwrap_or_default();
    let Some(sample) = play.samples.last() else {
        return;
    };
    let number = match epoch < play.world.epochs {
        true => format!("{}/{}", epoch + 1, play.world.epochs),
        false => "after".to_owned(),
    };
    let pay: f64 = sample.pay.iter().flatten().map(|it| f64::from(*it)).sum();
    let fees = sample.base_fee.map(money::per_million);
    let escrow = sample.escrow.iter().sum();
    println!(
        "{number:>5}  {clock:>11}  {:>6.0}  {:>5}  {:>6}  {:>10.4}  {:>5.2}      {:>5.2}  {:>9}  {:>9}",
        tally.tokens as f64 / EPOCH as f64,
        tally.done,
        tally.failed,
        pay * 3_600.0 / 1e18,
        fees[0],
        fees[1],
        money::usdcx(tally.drained, 4),
        money::usdcx(escrow, 4),
    );
    for note in &tally.notes {
        println!("       · {note}");
    }
}
