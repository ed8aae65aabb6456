//! The generated files: `interfaces/I<Contract>.sol`, `sdk-abi/abi/<Contract>.json`, `docs/errors.md` and `docs/events.md`.

use crate::{
    abi::{self, reference, Contract},
    diff,
    error::{Error, Result},
    workspace::{self, Workspace},
};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// What the files should hold.
pub fn generate(workspace: &Workspace, contracts: &[Contract]) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for contract in contracts {
        let solidity = workspace
            .interfaces_dir()
            .join(format!("I{}.sol", contract.name));
        files.insert(solidity, abi::to_solidity(contract));
        let json = workspace.abi_dir().join(format!("{}.json", contract.name));
        files.insert(json, abi::to_json(contract));
    }
    let docs = workspace.root().join("docs");
    files.insert(docs.join("errors.md"), reference::errors(contracts));
    files.insert(docs.join("events.md"), reference::events(contracts));
    files
}

/// Writes the files of all contracts and removes those of contracts that are gone.
pub fn write(workspace: &Workspace, contracts: &[Contract]) -> Result<()> {
    let files = generate(workspace, contracts);
    for file in orphans(workspace, &files)? {
        fs::remove_file(&file).map_err(Error::io(&file))?;
    }
    for (file, contents) in files {
        workspace::write(&file, contents)?;
    }
    Ok(())
}

/// Fails unless the committed files are those that [`write`] would write.
pub fn check(workspace: &Workspace, contracts: &[Contract]) -> Result<()> {
    let files = generate(workspace, contracts);
    let mut stale: Vec<String> = orphans(workspace, &files)?
        .iter()
        .map(|file| format!("{} belongs to no contract", file.display()))
        .collect();
    for (file, contents) in &files {
        match diff::check(workspace, file, contents, "cargo xtask abi") {
            Err(Error::Stale(message)) => stale.push(message),
            other => other?,
        }
    }
    match stale.is_empty() {
        true => Ok(()),
        false => Err(Error::Stale(stale.join("\n"))),
    }
}

fn orphans(workspace: &Workspace, files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for dir in [workspace.interfaces_dir(), workspace.abi_dir()] {
        if !dir.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&dir).map_err(Error::io(&dir))? {
            let path = entry.map_err(Error::io(&dir))?.path();
            let generated = path.extension().is_some_and(|e| e == "sol" || e == "json");
            if generated && !files.contains_key(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
