//! Holds our bytes against those of `cargo stylus` itself.

use crate::{
    build,
    error::{Error, Result},
    hash, recipe,
    workspace::{ContractCrate, Workspace},
};
use std::{fs, process::Command};

/// Compares a contract's init code with that of `cargo stylus get-initcode`, which hashes the clone as it is: so do we,
/// here.
pub fn verify(workspace: &Workspace, contract: &ContractCrate) -> Result<()> {
    let dir = workspace.contracts_dir();
    let recipe = recipe::wasm_opt(workspace, contract)?;
    let hash = hash::project_hash(&dir, &dir, recipe.as_ref())?;
    let ours = recipe::init_code(&build::process(workspace, contract, hash)?.code);
    let theirs = initcode(workspace, contract)?;
    match ours == theirs {
        true => Ok(()),
        false => Err(Error::contract(
            &contract.name,
            format!(
                "`cargo stylus` makes init code of {} bytes, xtask of {}, and they differ",
                theirs.len(),
                ours.len()
            ),
        )),
    }
}

fn initcode(workspace: &Workspace, contract: &ContractCrate) -> Result<Vec<u8>> {
    let file = workspace
        .programs_dir()
        .join(format!("{}.initcode", contract.name));
    fs::create_dir_all(workspace.programs_dir()).map_err(Error::io(workspace.programs_dir()))?;
    let mut command = Command::new(workspace.tool("cargo-stylus"));
    command
        .args([
            "stylus",
            "get-initcode",
            "--contract",
            &contract.package,
            "--output",
        ])
        .arg(&file)
        // It looks for `wasm-opt` on the path, and Cargo for `cargo-stylus`.
        .env("PATH", workspace.path_with_tools())
        .env_remove("RUSTUP_TOOLCHAIN")
        .current_dir(workspace.contracts_dir());
    build::run(command)?;
    let text = fs::read_to_string(&file).map_err(Error::io(&file))?;
    alloy::hex::decode(text.trim()).map_err(|e| Error::contract(&contract.name, e.to_string()))
}
