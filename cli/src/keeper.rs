//! `bpe keeper`: reads options and configuration, and runs the keeper until it is told to stop.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{ensure, Context as _};
use bpe_keeper::{Config, Keeper};
use clap::{Args, Subcommand};

use crate::{logs::LogOptions, stop::StopSignal};

/// The complete configuration with its comments.
const TEMPLATE: &str = include_str!("../../ops/keeper.toml");
const ENDPOINT: &str = "rpc = \"http://127.0.0.1:8545\"";
const DEPLOYMENT: &str = "# deployment = \"deployments/31337.json\"";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Configuration; `bpe keeper init` writes one.
    #[arg(long, value_name = "FILE", default_value = "keeper.toml")]
    config: PathBuf,
    /// Folder of the store, in place of the configuration's.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Do everything but send transactions.
    #[arg(long)]
    observe: bool,
    #[command(flatten)]
    logs: LogOptions,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented configuration for a deployment.
    Init(Init),
}

#[derive(Args)]
struct Init {
    /// Endpoint of the chain.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// The record that `bpe deploy` wrote; without it ./deployments/<chain id>.json.
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
    /// Where to write it. A file that is there is left as it is.
    #[arg(long, value_name = "FILE", default_value = "keeper.toml")]
    out: PathBuf,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    match options.command {
        Some(Command::Init(init)) => init.run(),
        None => keep(options).await,
    }
}

async fn keep(options: Options) -> anyhow::Result<()> {
    let mut stop = StopSignal::listen()?;
    let mut config = Config::read(&options.config)?;
    config.observe |= options.observe;
    if let Some(state) = options.state {
        config.store.state = state;
    }
    options.logs.begin()?;
    let observes = config.observe;
    let keeper = Keeper::start(config).await?;
    let address = keeper.address();
    println!("Page, API and metrics: http://{address}");
    if observes {
        println!("Sends nothing: observe is set");
    } else {
        println!("Sends as {}", keeper.account());
    }
    std::io::stdout().flush()?;
    keeper.run(async move { stop.wait().await }).await?;
    Ok(())
}

impl Init {
    fn run(&self) -> anyhow::Result<()> {
        let text = self.text()?;
        Config::parse(&text)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.out)
            .with_context(|| {
                format!(
                    "cannot write {}: move away what is there, or name another file with --out",
                    self.out.display()
                )
            })?;
        file.write_all(text.as_bytes())?;
        println!(
            "{} is written; `bpe keeper --config {0}` runs it",
            self.out.display()
        );
        Ok(())
    }

    fn text(&self) -> anyhow::Result<String> {
        let mut text = TEMPLATE.replace(ENDPOINT, &format!("rpc = {}", quoted(&self.rpc)));
        if let Some(file) = &self.deployment {
            ensure!(
                file.is_file(),
                "there is no record {}: `bpe deploy` writes it",
                file.display()
            );
            text = text.replace(
                DEPLOYMENT,
                &format!("deployment = {}", quoted(&shown(file))),
            );
        }
        Ok(text)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
