//! `bpe demo` on processes: a devnet, a deployment, a keeper, sinks before machines of different speed and honesty, and
//! sources, all as users run them; and clients that replay the traces as HTTP requests.
//!
//! One sink over-reports, one breaks down with all that is on its machine, one joins late; the clients of one source are
//! served, and its signature reaches nobody. At the end everybody leaves, and every token is accounted for to the wei.

mod books;
mod cast;
mod load;
mod machines;
mod processes;
mod settings;
mod tables;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{primitives::keccak256, signers::local::PrivateKeySigner};
use anyhow::{bail, Context as _};
use bpe_evaluation::trace::Trace;
use clap::Args;
use devnet::DEFAULT_CHAIN_ID;
use tokio::task::{spawn_blocking, JoinSet};

use self::{
    books::Chain,
    cast::{key, sink_key, source_key, Habit, BUYERS, FREERIDER, KEEPER, OWNER, SELLERS},
    load::{plan, replay, Outcome, Planned},
    machines::Server,
    processes::Processes,
    settings::{DEPLOYMENT, METADATA, TASK_TYPE},
    tables::{Report, Sold},
};
use crate::{stop::StopSignal, superfluid};

/// Seconds of the chain between two blocks.
const BLOCK: u64 = 2;
/// Stake comes back after a day; what is unspent an hour after it was asked for, what is set aside at a full hour before.
const A_DAY_AND_MORE: u64 = 90_000;
const AN_HOUR_AND_MORE: u64 = 3_700;
/// Times that a source asks: for what is free, is paid that, for what was set aside, is paid that.
const ASKS: usize = 4;

#[derive(Args)]
pub struct LiveOptions {
    /// Minutes of the traces that are replayed.
    #[arg(long, value_name = "N", conflicts_with = "offline", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: u32,
    /// Seconds of the traces, and of the chain, in one of the machine's.
    #[arg(long, value_name = "N", conflicts_with = "offline", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    speed: u32,
    /// Where configurations, stores and logs of the processes are kept; else a new folder for temporary files.
    #[arg(long, value_name = "DIR", conflicts_with = "offline")]
    logs: Option<PathBuf>,
}

/// What the processes are told by.
struct Stage {
    processes: Arc<Processes>,
    rpc: String,
    keeper: String,
    chain: Chain,
    machines: Vec<Server>,
    /// Where each sink listens.
    sinks: Vec<String>,
}

/// Plays, and returns what came of it, with the ids of all processes that there were. None of them is left then.
///
/// # Errors
/// If a process fails, or the user interrupts.
pub async fn run(
    options: &LiveOptions,
    fetching: superfluid::Source,
    traces: &[Trace; 2],
) -> anyhow::Result<(Report, Vec<u32>)> {
    let mut stop = StopSignal::listen()?;
    let folder = folder(options)?;
    println!("Configurations, stores and logs: {}", folder.display());
    let processes = Arc::new(Processes::new(folder));
    let plan = plan(traces, options.minutes, options.speed);
    let played = tokio::select! {
        played = play(&processes, options, fetching, &plan) => played,
        () = stop.wait() => Err(anyhow::anyhow!("interrupted")),
    };
    let all = Arc::clone(&processes);
    spawn_blocking(move || all.stop_all()).await?;
    Ok((played?, processes.ids()))
}

fn folder(options: &LiveOptions) -> anyhow::Result<PathBuf> {
    let folder = options
        .logs
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("bpe-demo-{}", std::process::id())));
    let made = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
    made.with_context(|| format!("cannot make the folder {}", folder.display()))
}

async fn play(
    processes: &Arc<Processes>,
    options: &LiveOptions,
    fetching: superfluid::Source,
    plan: &[Planned],
) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let mut stage = Stage::begin(processes, options, fetching).await?;
    println!("The keeper's page: {}", stage.keeper);
    let early = (0..SELLERS.len()).filter(|place| SELLERS[*place].habit != Habit::JoinsLate);
    stage.start_sinks(early).await?;
    let before = stage.chain.holdings(&accounts()?).await?;
    let gateways = stage.start_sources().await?;
    let length =
        Duration::from_secs_f64(f64::from(options.minutes) * 60.0 / f64::from(options.speed));
    println!(
        "Ready after {:.0} s. {} requests in {:.0} s, {} times as fast as they were.",
        begun.elapsed().as_secs_f64(),
        plan.len(),
        length.as_secs_f64(),
        options.speed
    );
    let (outcomes, ()) = tokio::try_join!(replay(plan, gateways), stage.turns(length))?;
    processes.require_all()?;
    println!("All requests have ended. Everybody signs, is paid, and leaves …");
    stage.leave().await?;
    let report = stage.report(outcomes, before).await?;
    println!("Done after {:.0} s.", begun.elapsed().as_secs_f64());
    Ok(report)
}

impl Stage {
    /// A chain, the suite on it, and a keeper.
    async fn begin(
        processes: &Arc<Processes>,
        options: &LiveOptions,
        fetching: superfluid::Source,
    ) -> anyhow::Result<Self> {
        let folder = processes.folder().to_owned();
        println!("Starting a devnet, at {} times the speed …", options.speed);
        let speed = options.speed.to_string();
        let arguments = ["devnet", "--quiet", "--port", "0", "--speed", &speed];
        let arguments = [&arguments[..], fetching.options()].concat();
        let said = start(processes, "devnet", &arguments, None, "Listening on ").await?;
        let (rpc, _) = said
            .split_once(' ')
            .context("the devnet does not say where it is")?;
        println!("Deploying the suite …");
        let file = settings::write(&folder, "deploy", DEPLOYMENT)?;
        let arguments = ["deploy", "--rpc", rpc, "--config", &file];
        complete(processes, "deploy", &arguments, Some(&key(OWNER)?)).await?;
        let chain = Chain::open(&folder, rpc, DEFAULT_CHAIN_ID, keccak256(TASK_TYPE))?;
        chain.describe(key(OWNER)?.address(), METADATA).await?;
        chain.fund_keeper(key(KEEPER)?.address()).await?;
        chain.mine_every(BLOCK).await?;
        let file = settings::write(&folder, "keeper", &settings::keeper(rpc))?;
        let arguments = ["keeper", "--config", &file];
        let says = "Page, API and metrics: ";
        let keeper = start(processes, "keeper", &arguments, Some(&key(KEEPER)?), says).await?;
        let mut it = Self {
            processes: Arc::clone(processes),
            rpc: rpc.to_owned(),
            keeper,
            chain,
            machines: Vec::new(),
            sinks: Vec::new(),
        };
        for seller in SELLERS {
            it.machines.push(machines::engine(seller).await?);
            it.sinks.push(settings::free_address()?);
        }
        Ok(it)
    }

    async fn start_sinks(&self, places: impl Iterator<Item = usize>) -> anyhow::Result<()> {
        let mut starting = JoinSet::new();
        for place in places {
            let seller = &SELLERS[place];
            let text = settings::sink(
                seller,
                &self.rpc,
                &self.sinks[place],
                &self.machines[place].url,
                &self.keeper,
                keccak256(TASK_TYPE),
            );
            let file = settings::write(self.processes.folder(), seller.name, &text)?;
            let (processes, key) = (Arc::clone(&self.processes), sink_key(place)?);
            starting.spawn(async move {
                let arguments = ["sink", "--config", &file];
                start(
                    &processes,
                    seller.name,
                    &arguments,
                    Some(&key),
                    "Serves as ",
                )
                .await
            });
        }
        while let Some(started) = starting.join_next().await {
            started??;
        }
        Ok(())
    }

    /// Starts the sources, and returns where they are.
    async fn start_sources(&mut self) -> anyhow::Result<[String; BUYERS.len()]> {
        let between = self.sinks.iter().map(|it| format!("http://{it}"));
        let between = machines::withholding(between.collect()).await?;
        let mut listed = Vec::new();
        for place in 0..SELLERS.len() {
            let sink = sink_key(place)?.address().to_string();
            listed.push((sink, format!("{}/{place}", between.url)));
        }
        self.machines.push(between);
        let mut gateways = [const { String::new() }; BUYERS.len()];
        for (place, buyer) in BUYERS.iter().enumerate() {
            let sinks = if place == FREERIDER { &listed[..] } else { &[] };
            let text = settings::source(buyer.name, &self.rpc, keccak256(TASK_TYPE), sinks);
            let file = settings::write(self.processes.folder(), buyer.name, &text)?;
            let arguments = ["source", "--config", &file];
            let key = source_key(place)?;
            let said = start(
                &self.processes,
                buyer.name,
                &arguments,
                Some(&key),
                "Pays as ",
            )
            .await?;
            let (_, url) = said
                .split_once("OPENAI_BASE_URL=")
                .context("a source does not say where it is")?;
            gateways[place] = url.to_owned();
        }
        Ok(gateways)
    }

    /// Who comes late, and who goes.
    async fn turns(&self, length: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        let of = |habit| (0..SELLERS.len()).filter(move |place| SELLERS[*place].habit == habit);
        tokio::time::sleep_until((begun + length / 3).into()).await;
        self.start_sinks(of(Habit::JoinsLate)).await?;
        for place in of(Habit::JoinsLate) {
            println!("  {} joins", SELLERS[place].name);
        }
        tokio::time::sleep_until((begun + length / 2).into()).await;
        for place in of(Habit::BreaksDown) {
            self.machines[place].switch_off();
            self.processes.kill(SELLERS[place].name)?;
            println!(
                "  {} goes down: what it had in hand breaks off",
                SELLERS[place].name
            );
        }
        Ok(())
    }

    /// Everybody signs for what is open, is paid, and takes back what is left.
    async fn leave(&self) -> anyhow::Result<()> {
        // What broke down is repaired, so that it gets what it is owed.
        let broken = (0..SELLERS.len()).filter(|place| SELLERS[*place].habit == Habit::BreaksDown);
        self.start_sinks(broken).await?;
        let buyers = BUYERS.iter().enumerate();
        let buyers = buyers.map(|(place, it)| Ok((it.name, source_key(place)?)));
        let buyers: Vec<_> = buyers.collect::<anyhow::Result<_>>()?;
        let sellers = SELLERS.iter().enumerate();
        let sellers = sellers.map(|(place, it)| Ok((it.name, sink_key(place)?)));
        let sellers: Vec<_> = sellers.collect::<anyhow::Result<_>>()?;
        self.stop(&buyers).await?;
        self.each_leaves("source", &buyers).await?;
        self.stop(&sellers).await?;
        self.each_leaves("sink", &sellers).await?;
        for _ in 0..ASKS {
            self.chain.let_pass(AN_HOUR_AND_MORE).await?;
            self.each_leaves("source", &buyers).await?;
        }
        self.chain.let_pass(A_DAY_AND_MORE).await?;
        self.each_leaves("sink", &sellers).await
    }

    async fn stop(&self, those: &[(&'static str, PrivateKeySigner)]) -> anyhow::Result<()> {
        let mut stopping = JoinSet::new();
        for (name, _) in those {
            let (processes, name) = (Arc::clone(&self.processes), *name);
            stopping.spawn_blocking(move || processes.stop(name));
        }
        while let Some(stopped) = stopping.join_next().await {
            stopped??;
        }
        Ok(())
    }

    async fn each_leaves(
        &self,
        role: &'static str,
        those: &[(&'static str, PrivateKeySigner)],
    ) -> anyhow::Result<()> {
        let mut leaving = JoinSet::new();
        for (name, key) in those {
            let (processes, name, key) = (Arc::clone(&self.processes), *name, key.clone());
            leaving.spawn(async move {
                let file = format!("{name}.toml");
                let arguments = [role, "leave", "--config", &file];
                complete(&processes, &format!("{name}.leave"), &arguments, Some(&key)).await
            });
        }
        while let Some(left) = leaving.join_next().await {
            left??;
        }
        Ok(())
    }

    async fn report(
        &self,
        outcomes: Vec<Outcome>,
        before: books::Holdings,
    ) -> anyhow::Result<Report> {
        let mut sinks = Vec::new();
        for (place, seller) in SELLERS.iter().enumerate() {
            let account = sink_key(place)?.address();
            let mut counted = [books::Counted::default(); BUYERS.len()];
            for (buyer, counted) in counted.iter_mut().enumerate() {
                let source = source_key(buyer)?.address();
                *counted = self.chain.counted(source, account).await?;
            }
            sinks.push(Sold {
                seller: *seller,
                account,
                counted,
            });
        }
        Ok(Report {
            outcomes,
            sinks,
            before,
            after: self.chain.holdings(&accounts()?).await?,
        })
    }
}

/// Everybody by name.
fn accounts() -> anyhow::Result<Vec<(String, alloy::primitives::Address)>> {
    let mut all = vec![(
        "protocol fee, to the owner".to_owned(),
        key(OWNER)?.address(),
    )];
    for (place, it) in SELLERS.iter().enumerate() {
        all.push((it.name.to_owned(), sink_key(place)?.address()));
    }
    for (place, it) in BUYERS.iter().enumerate() {
        all.push((it.name.to_owned(), source_key(place)?.address()));
    }
    Ok(all)
}

/// Starts a process, and waits until it says this; gives what follows.
async fn start(
    processes: &Arc<Processes>,
    name: &str,
    arguments: &[&str],
    key: Option<&PrivateKeySigner>,
    says: &'static str,
) -> anyhow::Result<String> {
    let (processes, name) = (Arc::clone(processes), name.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    let key = key.map(|key| key.to_bytes().to_string());
    let started = spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        processes.start(&name, &arguments, key.as_deref(), says)
    });
    started.await?
}

/// Runs a process to its end.
async fn complete(
    processes: &Arc<Processes>,
    name: &str,
    arguments: &[&str],
    key: Option<&PrivateKeySigner>,
) -> anyhow::Result<()> {
    let (processes, name) = (Arc::clone(processes), name.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
    let key = key.map(|key| key.to_bytes().to_string());
    let ended = spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        processes.run(&name, &arguments, key.as_deref())
    });
    ended.await?
}

/// Prints what came of it, and says whether every token is accounted for.
///
/// # Errors
/// If one is not.
pub fn print(report: &Report) -> anyhow::Result<()> {
    for table in report.tables() {
        println!("\n{table}");
    }
    if let Err(error) = report.check() {
        bail!("tokens are not all accounted for: {error:#}");
    }
    println!("Every token is accounted for, to the wei, and all processes have ended.");
    Ok(())
}

/// All figures, with the ids that the processes had.
pub fn json(report: &Report, ids: &[u32]) -> serde_json::Value {
    let mut json = report.json();
    json["processes"] = serde_json::json!(ids);
    json
}
