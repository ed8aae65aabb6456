//! `bpe devnet`: a local chain until it is interrupted.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::primitives::{keccak256, B256};
use anyhow::Context as _;
use clap::Args;
use devnet::{bind, Devnet, Faults, Mining, RpcServer, DEFAULT_CHAIN_ID};
use tokio::time::MissedTickBehavior;

use crate::{stop::StopSignal, superfluid};

/// How often a changed chain is saved.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// A day and more in a second.
const MAX_SPEED: i64 = 100_000;

/// How long open connections may hold up the end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Args)]
pub struct Options {
    /// Port of the JSON-RPC endpoint, HTTP and WebSocket; 0 picks a free one.
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Mine a block every so many seconds of the chain, instead of one for each transaction.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    block_time: Option<u64>,
    /// Load the chain from this file if it is there, and save it there: every second if it changed, and at the end.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[arg(long, default_value_t = DEFAULT_CHAIN_ID)]
    chain_id: u64,
    /// Do without Superfluid, which is otherwise there from the start; its addresses are in deployments/<CHAIN_ID>.json.
    #[arg(long)]
    no_superfluid: bool,
    #[command(flatten)]
    superfluid: superfluid::Source,
    /// Let so many seconds pass on the chain for one of the machine.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_SPEED))]
    speed: u32,
    /// Answer reading requests from a head that is up to so many blocks old, at random: as nodes behind a load balancer do.
    #[arg(long, value_name = "BLOCKS", default_value_t = 0)]
    head_drift: u64,
    /// Refuse eth_getLogs over more blocks than this, as public endpoints do.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..))]
    max_log_range: Option<u64>,
    /// Print nothing but the endpoint.
    #[arg(long)]
    quiet: bool,
}

/// Runs the chain until Ctrl-C or SIGTERM.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = StopSignal::listen()?;
    // The port first: if it is taken, nothing else is worth doing.
    let listener = bind(SocketAddr::new(options.host, options.port))?;
    let chain = build(&options).await?;
    let server = chain.serve_on(listener).await?;
    chain.mine_every(options.block_time.map(Duration::from_secs))?;
    announce(&chain, &server, &options);

    match &options.state {
        Some(path) => save_until_stopped(&chain, path, stop).await?,
        None => stop.wait().await,
    }
    chain.mine_every(None)?;
    // A client may hold its connection open forever.
    let _ = tokio::time::timeout(SHUTDOWN_PATIENCE, server.stop()).await;
    if let Some(path) = &options.state {
        chain.save(path).context("the last changes are lost")?;
    }
    Ok(())
}

/// Builds the chain: the user's saved one, or else one with Superfluid, or else an empty one.
async fn build(options: &Options) -> anyhow::Result<Devnet> {
    let new = Devnet::builder().chain_id(options.chain_id);
    let faults = Faults {
        head_drift: options.head_drift,
        max_log_range: options.max_log_range,
        ..Faults::default()
    };
    let mut builder = new.clone().system_time().speed(options.speed);
    let saved = options.state.as_ref().filter(|path| path.exists());
    if saved.is_none() {
        builder = builder.instance(new_instance());
    }
    if options.no_superfluid {
        if let Some(path) = saved {
            builder = builder.state_file(path);
        }
        let chain = builder.build()?;
        return prepared(chain, options, faults);
    }
    let ready = superfluid::prepare(new, options.superfluid).await;
    let ready = ready.context("--no-superfluid starts without it")?;
    let chain = builder.state_file(saved.unwrap_or(&ready.state)).build()?;
    if saved.is_none() {
        superfluid::fund(&chain, &ready.superfluid).await?;
    }
    let published = superfluid::publish(&ready.superfluid, &chain, saved.is_some())?;
    if !options.quiet {
        if let Some(kept) = published.kept {
            println!(
                "What is recorded of another chain {} is kept in {}.",
                chain.chain_id(),
                kept.display()
            );
        }
        println!("Superfluid's addresses: {}\n", published.file.display());
    }
    prepared(chain, options, faults)
}

/// Sets what clients find, once what this program sends is through.
fn prepared(chain: Devnet, options: &Options, faults: Faults) -> anyhow::Result<Devnet> {
    if options.block_time.is_some() {
        chain.set_mining(Mining::Manual);
    }
    chain.set_faults(faults)?;
    Ok(chain)
}

/// Tells this start of a devnet from all others.
fn new_instance() -> B256 {
    let random = RandomState::new().build_hasher().finish();
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    keccak256(format!("{random} {} {}", time.as_nanos(), process::id()))
}

/// Prints what a user needs to connect.
fn announce(chain: &Devnet, server: &RpcServer, options: &Options) {
    if !options.quiet {
        let tokens = match options.no_superfluid {
            true => "",
            false => ", 1 000 000 USDC and 1 000 000 USDCx",
        };
        println!(
            "Accounts, 10 000 ETH{tokens} each. The keys are public: use them nowhere else.\n"
        );
        for (index, signer) in chain.signers().iter().enumerate() {
            let key = signer.to_bytes();
            println!("({index}) {}  {key}", signer.address());
        }
        println!(
            "\nChain {}, block {}",
            chain.chain_id(),
            chain.block_number()
        );
    }
    println!("Listening on {} and {}", server.http_url(), server.ws_url());
}

/// Saves the chain whenever it has changed, until it is to stop. A save that has begun is finished.
async fn save_until_stopped(
    chain: &Devnet,
    path: &Path,
    mut stop: StopSignal,
) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(SAVE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut saved = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.wait() => return Ok(()),
        }
        let changes = chain.changes();
        if saved != Some(changes) {
            let (chain, path) = (chain.clone(), path.to_owned());
            tokio::task::spawn_blocking(move || chain.save(&path)).await??;
            saved = Some(changes);
        }
    }
}
