//! `bpe`: the suite from the command line.

mod devnet;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bpe", version, about = "Backpressure economics on Arbitrum Stylus")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a local chain that runs Stylus programs beside EVM contracts.
    Devnet(devnet::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Devnet(options) => devnet::run(options).await,
    }
}
