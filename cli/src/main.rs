//! `bpe`: the suite from the command line.

mod demo;
mod devnet;
mod keeper;
mod stop;
mod superfluid;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "bpe",
    version,
    about = "Backpressure economics on Arbitrum Stylus"
)]
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
    /// Name an error of the suite or of Superfluid by its data, or write all of them where cast finds them.
    Errors(bpe::errors::Options),
    /// Show what a transaction did: its calls, events and errors, by their names.
    Trace(bpe::trace::Options),
    /// Turn the protocol's crank: attestations, units, epochs, prices; with an API, metrics and a page.
    Keeper(keeper::Options),
    /// Run the protocol on a devnet of its own, and account for every token.
    Demo(demo::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Devnet(options) => devnet::run(options).await,
        Command::Deploy(options) => options.run().await,
        Command::Status(options) => options.run().await,
        Command::Keepalive(options) => options.run().await,
        Command::Errors(options) => options.run(),
        Command::Trace(options) => options.run().await,
        Command::Keeper(options) => keeper::run(options).await,
        Command::Demo(options) => demo::run(options).await,
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
