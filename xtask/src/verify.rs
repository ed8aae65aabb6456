//! Holds our bytes against those of `cargo stylus` itself.

use crate::{
    build,
    error::{Error, Result},
    hash, recipe,
    workspace::{ContractCrate, Workspace},
};
use std::{fs, process::Command};
use stylus_tools::core::deployment::prelude::DeploymentCalldata;

/// Compares a contract's init code with that of `cargo stylus get-initcode`, which hashes the clone as it is: so do we,
/// here.
pub fn verify(workspace: &Workspace, contract: &ContractCrate) -> Result<()> {
    let dir = workspace.contracts_dir();
    let recipe = recipe::wasm_opt(workspace, contract)?;
    let hash = hash::project_hash(&dir, &dir, recipe.as_ref())?;
    let ours = DeploymentCalldata::new(&build::process(workspace, contract, hash)?.code).0;
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
    recipe::put_tools_on_path(workspace);
    let file = workspace
        .programs_dir()
        .join(format!("{}.initcode", contract.name));
    fs::create_dir_all(workspace.programs_dir()).map_err(Error::io(workspace.programs_dir()))?;
    let mut command = Command::new("cargo-stylus");
    command
        .args([
            "stylus",
            "get-initcode",
            "--contract",
            &contract.package,
            "--output",
        ])
        .arg(&file)
        .env_remove("RUSTUP_TOOLCHAIN")
        .current_dir(workspace.contracts_dir());
    build::run(command)?;
    let text = fs::read_to_string(&file).map_err(Error::io(&file))?;
    alloy::hex::decode(text.trim()).map_err(|e| Error::contract(&contract.name, e.to_string()))
}
