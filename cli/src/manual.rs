//! What `bpe` says of itself: its version, its manual, and completions for shells.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use bpe::programs::Programs;
use clap::{Args, Command};
use clap_complete::{generate, Shell};

#[derive(Args)]
pub struct CompletionOptions {
    shell: Shell,
}

#[derive(Args)]
pub struct ManOptions {
    /// Folder of the pages, bpe.1, bpe-devnet.1 and so on; it is made if it is not there.
    folder: PathBuf,
}

/// The version, the commit, and a hash of the programs: two builds with the same one deploy the same bytes.
pub fn version() -> String {
    let programs = Programs::default();
    let from = match &programs {
        Programs::Embedded => "part of this program".to_owned(),
        Programs::Folder(folder) => format!("from {}", folder.display()),
    };
    let programs = match programs.fingerprint() {
        Some((count, hash)) => format!("{count}, {hash}, {from}"),
        None => format!("none, {from}"),
    };
    let commit = option_env!("BPE_COMMIT").unwrap_or("unknown: not a release build");
    format!(
        "{}\ncommit: {commit}\nprograms: {programs}",
        env!("CARGO_PKG_VERSION")
    )
}

/// Prints a shell's completions.
pub fn completions(options: &CompletionOptions, command: &mut Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(options.shell, command, "bpe", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Writes the manual's pages.
pub fn pages(options: &ManOptions, command: Command) -> anyhow::Result<()> {
    let folder = &options.folder;
    let context = || format!("cannot write to {}", folder.display());
    fs::create_dir_all(folder).with_context(context)?;
    // The version of the short form: a page's head has one line for it.
    let command = command.long_version(env!("CARGO_PKG_VERSION"));
    clap_mangen::generate_to(command, folder).with_context(context)
}
