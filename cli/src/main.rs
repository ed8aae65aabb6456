//! `bpe`: the suite from the command line.

#[cfg(feature = "agents")]
mod agent;
mod demo;
mod devnet;
mod evaluate;
mod files;
#[cfg(feature = "keeper")]
mod keeper;
#[cfg(all(feature = "keeper", feature = "agents"))]
mod live;
#[cfg(any(feature = "keeper", feature = "agents"))]
mod logs;
mod manual;
mod stage;
mod stop;
mod superfluid;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bpe", about = "Backpressure economics on Arbitrum Stylus")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a local chain that runs Stylus programs beside EVM contracts.
    Devnet(devnet::Options),
    /// Deploy the suite to a Stylus chain, connect and verify it; go on where an earlier run stopped.
    Deploy(bpe::deploy::DeployOptions),
    /// Show what is deployed: links, owners, parameters, pools, balances, and how long the programs stay active.
    Status(bpe::deploy::StatusOptions),
    /// Renew programs before they expire, a year after their activation.
    Keepalive(bpe::deploy::KeepaliveOptions),
    /// Read a Solidity deployment: which parameters carry over, and which clients will notice.
    MigrateCheck(bpe::migrate::MigrateOptions),
    /// Name an error of the suite or of Superfluid by its data, or write all of them where cast finds them.
    Errors(bpe::errors::Options),
    /// Show what a transaction did: its calls, events and errors, by their names.
    Trace(bpe::trace::Options),
    /// Turn the protocol's crank: attestations, units, epochs, prices; with an API, metrics and a page.
    #[cfg(feature = "keeper")]
    Keeper(keeper::Options),
    /// Sell capacity: a sidecar before any HTTP service, which takes tasks that are paid for.
    #[cfg(feature = "agents")]
    Sink(agent::SinkOptions),
    /// Buy it: a local OpenAI-compatible gateway, which asks whoever has room and pays for what was done.
    #[cfg(feature = "agents")]
    Source(agent::SourceOptions),
    /// Run the protocol on a devnet of its own, and account for every token.
    Demo(demo::Options),
    /// Play markets and adversaries on the contracts, and report what came of it beside what was aimed at.
    Evaluate(evaluate::Options),
    /// Fetch Superfluid's contracts from npm into the user's cache, for later runs without a network.
    Fetch,
    /// Print a shell's completions: `bpe completions bash > ~/.local/share/bash-completion/completions/bpe`.
    Completions(manual::CompletionOptions),
    /// Write the manual's pages into a folder: `bpe man ~/.local/share/man/man1`.
    Man(manual::ManOptions),
}

/// The command line, with the version of this build.
fn cli() -> clap::Command {
    Cli::command()
        .version(env!("CARGO_PKG_VERSION"))
        // clap keeps texts that live as long as the program.
        .long_version(&*manual::version().leak())
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Cli::from_arg_matches(&cli().get_matches()) {
        Ok(cli) => cli.command,
        Err(error) => error.exit(),
    };
    let outcome = match command {
        Command::Devnet(options) => devnet::run(options).await,
        Command::Deploy(options) => options.run().await,
        Command::Status(options) => options.run().await,
        Command::Keepalive(options) => options.run().await,
        Command::Errors(options) => options.run(),
        Command::Trace(options) => options.run().await,
        Command::MigrateCheck(options) => options.run().await,
        #[cfg(feature = "keeper")]
        Command::Keeper(options) => keeper::run(options).await,
        #[cfg(feature = "agents")]
        Command::Sink(options) => agent::sink(options).await,
        #[cfg(feature = "agents")]
        Command::Source(options) => agent::source(options).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Evaluate(options) => evaluate::run(options).await,
        Command::Fetch => superfluid::fetch(),
        Command::Completions(options) => manual::completions(&options, &mut cli()),
        Command::Man(options) => manual::pages(&options, cli()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // One sentence for the user; a backtrace would only hide it.
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
