//! `bpe evaluate`: plays markets and adversaries on the contracts, and reports what came of it.

use std::{
    cmp::Reverse,
    collections::VecDeque,
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{bail, Context as _};
use bpe::deploy::{self, Config};
use bpe_evaluation::{
    experiment::Experiment,
    lab::{Deploying, Lab, Plan, Size, Stage},
    report::{document, page, Report, Section},
    suite::Suite,
};
use clap::Args;
use devnet::Devnet;
use devnet_superfluid::Ready;
use tokio::{runtime::Builder, task::block_in_place};

use crate::{
    files::{require_directory, write_whole},
    stage, superfluid,
};

/// The devnet's accounts that get fees, and what is slashed.
const FEE_RECIPIENT: usize = 3;
const TREASURY: usize = 4;

/// The least that a sink stakes, in wei: a hundred tokens.
const MIN_STAKE: &str = "100e18";

#[derive(Args)]
pub struct Options {
    /// Only this experiment; all of them, if none is named.
    experiment: Option<String>,
    /// Everything is drawn at random; another seed draws otherwise.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The same code with fewer steps: seconds instead of minutes.
    #[arg(long)]
    small: bool,
    /// Write all figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write tables and charts to this file, as a page of HTML that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write them to this file, as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    #[command(flatten)]
    superfluid: superfluid::Source,
}

/// Runs it and prints what was found.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let started = Instant::now();
    for file in [&options.json, &options.html, &options.markdown] {
        file.iter().try_for_each(|file| require_directory(file))?;
    }
    let experiments = chosen(options.experiment.as_deref())?;
    let size = match options.small {
        true => Size::Small,
        false => Size::Whole,
    };
    let ready = superfluid::prepare(Devnet::builder(), options.superfluid).await?;
    let lab = || Lab::new(Box::new(Local(ready.clone())), options.seed, size);
    let sections = block_in_place(|| perform_all(experiments, lab))?;
    let report = Report {
        schema: Report::SCHEMA,
        command: command(&options),
        commit: commit(),
        seed: options.seed,
        sections,
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(),
    };
    finish(&options, &report)
}

/// An experiment, and its place in the report.
type Numbered = (usize, &'static dyn Experiment);

/// Performs as many at once as there are cores, each worker on chains of its own: what one finds does not depend on what
/// others do. Gives them in the order in which they were asked for.
fn perform_all(
    experiments: Vec<&'static dyn Experiment>,
    lab: impl Fn() -> Lab + Sync,
) -> anyhow::Result<Vec<Section>> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.min(experiments.len());
    let mut waiting: Vec<Numbered> = experiments.into_iter().enumerate().collect();
    waiting.sort_by_key(|(_, it)| Reverse(it.is_long()));
    let waiting = Mutex::new(VecDeque::from(waiting));
    let mut sections = thread::scope(|scope| {
        let spawn = |_| scope.spawn(|| perform_some(&waiting, lab()));
        let workers: Vec<_> = (0..workers).map(spawn).collect();
        let mut sections = Vec::new();
        for worker in workers {
            let ended = worker.join().ok().context("an experiment panicked")?;
            sections.extend(ended?);
        }
        anyhow::Ok(sections)
    })?;
    sections.sort_by_key(|(place, _)| *place);
    Ok(sections.into_iter().map(|(_, section)| section).collect())
}

/// Performs what waits, one after the other. After a failure nothing more is begun.
fn perform_some(
    waiting: &Mutex<VecDeque<Numbered>>,
    mut lab: Lab,
) -> anyhow::Result<Vec<(usize, Section)>> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start a worker")?;
    let mut sections = Vec::new();
    loop {
        let next = lock(waiting).pop_front();
        let Some((place, experiment)) = next else {
            return Ok(sections);
        };
        match runtime.block_on(perform(experiment, &mut lab)) {
            Ok(section) => sections.push((place, section)),
            Err(error) => {
                lock(waiting).clear();
                return Err(error);
            }
        }
    }
}

fn lock(waiting: &Mutex<VecDeque<Numbered>>) -> MutexGuard<'_, VecDeque<Numbered>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn perform(experiment: &'static dyn Experiment, lab: &mut Lab) -> anyhow::Result<Section> {
    let started = Instant::now();
    let finding = experiment.run(lab).await;
    let finding = finding.with_context(|| format!("experiment {}", experiment.name()))?;
    let mut text = format!("{}: {}\n", experiment.name(), experiment.question());
    for table in &finding.tables {
        let _ = writeln!(text, "\n{table}");
    }
    for target in &finding.targets {
        let verdict = if target.is_met { "met" } else { "MISSED" };
        let _ = writeln!(
            text,
            "{verdict}: {}, aimed at {}, found {}",
            target.what, target.wanted, target.found
        );
    }
    // At once: others print, too.
    println!("{text}{:.1} s\n", started.elapsed().as_secs_f64());
    Ok(Section {
        name: experiment.name(),
        question: experiment.question(),
        finding,
    })
}

fn finish(options: &Options, report: &Report) -> anyhow::Result<()> {
    if let Some(file) = &options.json {
        let json = serde_json::to_vec_pretty(report).context("cannot put the report into JSON")?;
        write_whole(file, &json)?;
    }
    if let Some(file) = &options.html {
        write_whole(file, page(report).as_bytes())?;
    }
    if let Some(file) = &options.markdown {
        write_whole(file, document(report).as_bytes())?;
    }
    println!("{}; {}.", report.speed(), report.took());
    Ok(())
}

fn chosen(name: Option<&str>) -> anyhow::Result<Vec<&'static dyn Experiment>> {
    let all = bpe_evaluation::all();
    let Some(name) = name else {
        return Ok(all);
    };
    let names: Vec<&str> = all.iter().map(|it| it.name()).collect();
    match all.iter().find(|it| it.name() == name) {
        Some(experiment) => Ok(vec![*experiment]),
        None => bail!(
            "there is no experiment {name:?}: there are {}",
            names.join(", ")
        ),
    }
}

/// What was asked for, without where it is written to.
fn command(options: &Options) -> String {
    let mut command = "bpe evaluate".to_owned();
    if let Some(name) = &options.experiment {
        command += &format!(" {name}");
    }
    command += &format!(" --seed {}", options.seed);
    if options.small {
        command += " --small";
    }
    command
}

/// The commit of this program, or of the folder that it runs in.
fn commit() -> String {
    if let Some(commit) = option_env!("BPE_COMMIT") {
        return commit.to_owned();
    }
    let describe = [
        "describe",
        "--always",
        "--abbrev=12",
        "--dirty=, changed since",
    ];
    let output = Command::new("git").args(describe).output();
    let output = output.ok().filter(|it| it.status.success());
    let text = output.and_then(|it| String::from_utf8(it.stdout).ok());
    text.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}

/// Seconds of processor time that this process has had, where the system says so.
fn cpu_seconds() -> Option<f64> {
    // Ticks are hundredths of a second wherever there is such a file; the name before them can have spaces.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let [user, system] = [fields.get(11)?, fields.get(12)?].map(|it| it.parse::<f64>());
    Some((user.ok()? + system.ok()?) / TICKS)
}

/// A devnet in this process for each deployment.
struct Local(Ready);

impl Stage for Local {
    fn deploy<'a>(&'a self, plan: &'a Plan) -> Deploying<'a> {
        Box::pin(self.deploy_suite(plan))
    }
}

impl Local {
    async fn deploy_suite(&self, plan: &Plan) -> anyhow::Result<Suite> {
        let ready = &self.0;
        let devnet = Devnet::builder().state_file(&ready.state).build()?;
        let (fees, treasury) = (devnet.account(FEE_RECIPIENT), devnet.account(TREASURY));
        let config = Config {
            protocol_fee_bps: Some(plan.fee_bps),
            fee_recipient: Some(fees),
            treasury: Some(treasury),
            stake: deploy::Stake {
                // Stakes count in what an account has, so they are in the same currency.
                token: Some(ready.superfluid.usdcx),
                cap_curve: Some(plan.curve.name().to_owned()),
                ..deploy::Stake::default()
            },
            task_types: plan.task_types.iter().map(configured).collect(),
            ..Config::default()
        };
        let deployed = stage::deploy(&devnet, ready.superfluid, config).await?;
        let contracts = deployed.addresses;
        Suite::new(devnet, ready.superfluid, contracts, fees, treasury)
    }
}

fn configured(plan: &bpe_evaluation::lab::TaskTypePlan) -> deploy::TaskType {
    deploy::TaskType {
        name: plan.name.to_owned(),
        min_stake: Some(MIN_STAKE.to_owned()),
        weighting: Some(plan.weighting.to_owned()),
        yardstick: plan.owed.map(|owed| owed.yardstick.to_owned()),
        completion_weight: plan.owed.map(|owed| owed.weight.to_owned()),
        ..deploy::TaskType::default()
    }
}
