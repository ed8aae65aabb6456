//! `cargo xtask`: see [`xtask`].

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::{
    artefacts, build, checks,
    error::{Error, Result},
    size, verify,
    workspace::Workspace,
};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, generates and checks the contracts"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build contracts to target/stylus: <contract>.wasm, .br (compressed), .code (as on chain)
    Build {
        /// All, if none is named
        contracts: Vec<String>,
        /// Also compare the result with that of `cargo stylus`
        #[arg(long)]
        verify: bool,
    },
    /// Generate interfaces/, sdk-abi/abi/, docs/errors.md and docs/events.md
    Abi {
        /// Write nothing, fail if they are stale
        #[arg(long)]
        check: bool,
    },
    /// Print what the programs weigh; fail if one is over budget
    Size {
        /// Also fail if docs/sizes.md is stale
        #[arg(long)]
        check: bool,
        /// Also update docs/sizes.md
        #[arg(long, conflicts_with = "check")]
        markdown: bool,
    },
    /// Check the rules that every contract keeps
    Check,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Workspace::current();
    match command {
        Command::Build { contracts, verify } => {
            let contracts = workspace.select(&contracts)?;
            build::build(&workspace, &contracts, |name, program| {
                println!("{name}: {} bytes of code", program.code.len());
            })?;
            if verify {
                for contract in &contracts {
                    verify::verify(&workspace, contract)?;
                    println!("{}: the same as from `cargo stylus`", contract.name);
                }
            }
            Ok(())
        }
        Command::Abi { check } => {
            let contracts = xtask::contracts(&workspace)?;
            match check {
                true => artefacts::check(&workspace, &contracts),
                false => artefacts::write(&workspace, &contracts),
            }
        }
        Command::Size { check, markdown } => {
            let contracts = workspace.contracts()?;
            build::compile(&workspace, &contracts)?;
            let sizes = size::measure(&workspace, &contracts)?;
            print!("{}", size::table(&sizes));
            for warning in sizes.iter().filter_map(size::Size::warnings) {
                eprintln!("warning: {warning}");
            }
            if check || markdown {
                size::update_page(&workspace, &sizes, check)?;
            }
            let excesses: Vec<_> = sizes.iter().flat_map(size::Size::excesses).collect();
            match excesses.is_empty() {
                true => Ok(()),
                false => Err(Error::OverBudget(excesses.join("\n"))),
            }
        }
        Command::Check => {
            let contracts = xtask::contracts(&workspace)?;
            checks::report(&checks::all(&workspace, &contracts)?)
        }
    }
}
