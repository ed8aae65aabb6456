//! `bpe sink` and `bpe source`: read options and configuration, and run until they are told to stop.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{bail, Context as _};
use bpe_service::{
    config::{read, Timeouts},
    http::{get, Client},
};
use bpe_sink::Sink;
use bpe_source::Source;
use clap::{Args, Subcommand};

use crate::{logs::LogOptions, stop::StopSignal};

#[derive(Args)]
pub struct SinkOptions {
    #[command(subcommand)]
    command: Option<Command>,
    /// Configuration; `bpe sink init` writes one.
    #[arg(long, global = true, value_name = "FILE", default_value = "sink.toml")]
    config: PathBuf,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Args)]
pub struct SourceOptions {
    #[command(subcommand)]
    command: Option<Command>,
    /// Configuration; `bpe source init` writes one.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "source.toml"
    )]
    config: PathBuf,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Args)]
struct Shared {
    /// Folder of the store, in place of the configuration's.
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Do everything but send transactions.
    #[arg(long, global = true)]
    observe: bool,
    #[command(flatten)]
    logs: LogOptions,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented configuration. A file that is there is left as it is.
    Init,
    /// Say how the running one is.
    Status,
    /// Settle what is open, and take everything back, as far as that can be done now; again later for the rest.
    Leave,
}

pub async fn sink(options: SinkOptions) -> anyhow::Result<()> {
    if let Some(Command::Init) = options.command {
        return init(&options.config, include_str!("../../ops/sink.toml"));
    }
    let mut config: bpe_sink::Config = read(&options.config)?;
    config.observe |= options.shared.observe;
    if options.shared.state.is_some() {
        config.store.state = options.shared.state;
    }
    if let Some(Command::Status) = options.command {
        return status(config.service.listen, "/bpe/v1/status").await;
    }
    let mut stop = StopSignal::listen()?;
    options.shared.logs.begin()?;
    let sink = Sink::start(config).await?;
    if let Some(Command::Leave) = options.command {
        return said_when(sink.leave().await?);
    }
    sink.join().await?;
    let account = sink.account();
    let listener = sink.listen().await?;
    println!("Serves as {account}: http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    sink.run(listener, async move { stop.wait().await }).await?;
    Ok(())
}

pub async fn source(options: SourceOptions) -> anyhow::Result<()> {
    if let Some(Command::Init) = options.command {
        return init(&options.config, include_str!("../../ops/source.toml"));
    }
    let mut config: bpe_source::Config = read(&options.config)?;
    config.observe |= options.shared.observe;
    if options.shared.state.is_some() {
        config.store.state = options.shared.state;
    }
    if let Some(Command::Status) = options.command {
        return status(config.gateway.listen, "/bpe/v1/source").await;
    }
    let mut stop = StopSignal::listen()?;
    options.shared.logs.begin()?;
    let source = Source::start(config).await?;
    if let Some(Command::Leave) = options.command {
        return said_when(source.leave().await?);
    }
    let account = source.account();
    let listener = source.listen().await?;
    println!(
        "Pays as {account}: OPENAI_BASE_URL=http://{}/v1",
        listener.local_addr()?
    );
    std::io::stdout().flush()?;
    source
        .run(listener, async move { stop.wait().await })
        .await?;
    Ok(())
}

fn init(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| {
            format!(
                "cannot write {}: move away what is there, or name another file with --config",
                path.display()
            )
        })?;
    file.write_all(text.as_bytes())?;
    println!(
        "{} is written: say in it what is sold or bought",
        path.display()
    );
    Ok(())
}

async fn status(listen: SocketAddr, path: &str) -> anyhow::Result<()> {
    const MOST: usize = 8 << 20;
    let client = Client::new(Timeouts::default())?;
    let request = get(&format!("http://{listen}{path}")).context("no such address")?;
    let answer = client.ask(request, MOST, Duration::from_secs(30)).await;
    let answer = answer.with_context(|| format!("nothing answers at {listen}"))?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    if !answer.status().is_success() {
        bail!("it answered {}: {text}", answer.status());
    }
    let json: serde_json::Value = serde_json::from_str(&text)?;
    println!("{}", serde_json::to_string_pretty(&json)?);
    Ok(())
}

fn said_when(until: Option<u64>) -> anyhow::Result<()> {
    match until {
        Some(until) => println!("The rest can be taken from {until} on, in seconds since 1970 by the chain: run it again then"),
        None => println!("Nothing is left"),
    }
    Ok(())
}
