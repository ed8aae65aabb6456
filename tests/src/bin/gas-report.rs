//! Writes docs/gas.md, or with `--check` fails if it is stale, or if docs/gas-compared.md quotes other figures.

use std::{fs, process::ExitCode};

use bpe_tests::{
    gas::{compared::stale_figures, report},
    tools::workspace_root,
};

#[tokio::main]
async fn main() -> ExitCode {
    let docs = workspace_root().join("docs");
    let path = docs.join("gas.md");
    let page = report().await;
    print!("{page}");
    if std::env::args().any(|argument| argument == "--check") {
        let read = |name: &str| fs::read_to_string(docs.join(name)).unwrap_or_default();
        if read("gas.md") != page {
            eprintln!(
                "docs/gas.md is stale: run `cargo run -p bpe-tests --bin gas-report`, and commit it"
            );
            return ExitCode::FAILURE;
        }
        let stale = stale_figures(&read("gas-compared.md"), &page);
        if !stale.is_empty() {
            eprintln!(
                "docs/gas-compared.md quotes what docs/gas.md does not say:\n{}",
                stale.join("\n")
            );
            return ExitCode::FAILURE;
        }
        return ExitCode::SUCCESS;
    }
    if let Err(error) = fs::write(&path, page) {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
