//! The project hash: 32 bytes that `cargo stylus` puts into a program to say which source it was built from.
//!
//! It covers the *paths* of the files as well as what is in them, so that it differs between clones. A reproducible
//! build by `cargo stylus` (deploy and verify, without `--no-verify`) runs in a container that sees the contracts'
//! workspace as `/source`. This module computes the hash that such a build computes, wherever the clone is: what
//! `cargo xtask build` writes is what `cargo stylus verify` reproduces.
//!
//! `cargo stylus` itself hashes the directory as it is: `cargo xtask build --verify` holds the two against each other.

use crate::{
    error::{Error, Result},
    recipe::WasmOpt,
};
use alloy::primitives::Keccak256;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the reproducible build's container sees the workspace.
pub const CONTAINER_DIR: &str = "/source";

const TOOLCHAIN_FILE: &str = "rust-toolchain.toml";

/// The hash of the workspace in `dir` as if it were in `seen_as`.
pub fn project_hash(dir: &Path, seen_as: &Path, wasm_opt: Option<&WasmOpt>) -> Result<[u8; 32]> {
    let mut hasher = Keccak256::new();
    hasher.update(cargo_version(dir)?);
    // The optimisation level that `cargo stylus` was asked for: not "z".
    hasher.update([1]);
    if let Some(WasmOpt { version, flags }) = wasm_opt {
        hasher.update([1]);
        update_sized(&mut hasher, version.as_bytes());
        hasher.update((flags.len() as u64).to_be_bytes());
        for flag in flags {
            update_sized(&mut hasher, flag.as_bytes());
        }
    }
    let mut files = source_files(dir)?;
    files.push(dir.join(TOOLCHAIN_FILE));
    let mut files: Vec<_> = files
        .into_iter()
        .map(|file| (seen_as.join(file.strip_prefix(dir).unwrap_or(&file)), file))
        .collect();
    files.sort();
    for (name, file) in files {
        update_sized(&mut hasher, name.as_os_str().as_encoded_bytes());
        let contents = fs::read(&file).map_err(Error::io(&file))?;
        hasher.update((contents.len() as u64).to_be_bytes());
        hasher.update(contents);
    }
    Ok(hasher.finalize().0)
}

fn update_sized(hasher: &mut Keccak256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

fn source_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![dir.to_path_buf()];
    while let Some(dir) = directories.pop() {
        for entry in fs::read_dir(&dir).map_err(Error::io(&dir))? {
            let path = entry.map_err(Error::io(&dir))?.path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with(".git") {
                    directories.push(path);
                }
            } else if path.file_name().is_some_and(|name| {
                name == "Cargo.toml"
                    || name == "Cargo.lock"
                    || name.to_string_lossy().ends_with(".rs")
            }) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn cargo_version(dir: &Path) -> Result<Vec<u8>> {
    let output = Command::new("cargo")
        .arg("version")
        .env_remove("RUSTUP_TOOLCHAIN")
        .current_dir(dir)
        .output()
        .map_err(Error::io("cargo"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(Error::Command {
            command: "cargo version".into(),
            details: String::new(),
        }),
    }
}
