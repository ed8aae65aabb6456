//! Writes docs/gas.md, or with `--check` fails if it is stale.

use std::{fs, process::ExitCode};

use bpe_tests::{gas::report, tools::workspace_root};

#[tokio::main]
async fn main() -> ExitCode {
    let path = workspace_root().join("docs/gas.md");
    let page = report().await;
    print!("{page}");
    if std::env::args().any(|argument| argument == "--check") {
        if fs::read_to_string(&path).is_ok_and(|written| written == page) {
            return ExitCode::SUCCESS;
        }
        eprintln!(
            "docs/gas.md is stale: run `cargo run -p bpe-tests --bin gas-report`, and commit it"
        );
        return ExitCode::FAILURE;
    }
    if let Err(error) = fs::write(&path, page) {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
