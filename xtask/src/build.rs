//! From source to the bytes that stand on chain.

use crate::{
    error::{Error, Result},
    hash::{self, CONTAINER_DIR},
    recipe,
    workspace::{self, ContractCrate, Workspace},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use stylus_tools::core::code::{
    contract::ContractCode,
    prefixes::EOF_NO_DICT,
    wasm::{compress_wasm, process_wasm},
};

const TARGET: &str = "wasm32-unknown-unknown";

/// A contract, built.
#[derive(Debug)]
pub struct Program {
    /// The processed module, uncompressed.
    pub wasm: Vec<u8>,
    /// The code on chain: prefix and compressed module.
    pub code: Vec<u8>,
}

/// Stands in for the project hash where sizes are compared: the real one changes with every file in contracts/.
pub const ANY_HASH: [u8; 32] = [
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70,
];

/// Builds contracts and writes their programs: `<contract>.wasm` as processed, `<contract>.br` compressed, and
/// `<contract>.code`, the exact code on chain.
pub fn build(
    workspace: &Workspace,
    contracts: &[ContractCrate],
) -> Result<BTreeMap<String, Program>> {
    compile(workspace, contracts)?;
    let mut programs = BTreeMap::new();
    for contract in contracts {
        let recipe = recipe::wasm_opt(workspace, contract)?;
        let hash = hash::project_hash(
            &workspace.contracts_dir(),
            Path::new(CONTAINER_DIR),
            recipe.as_ref(),
        )?;
        let program = process(workspace, contract, hash)?;
        let file = |extension: &str| {
            workspace
                .programs_dir()
                .join(format!("{}.{extension}", contract.name))
        };
        workspace::write(&file("wasm"), &program.wasm)?;
        workspace::write(&file("br"), &program.code[EOF_NO_DICT.len()..])?;
        workspace::write(&file("code"), &program.code)?;
        programs.insert(contract.name.clone(), program);
    }
    Ok(programs)
}

/// Compiles contracts to WASM, as `cargo stylus` calls Cargo, but all in one go.
pub fn compile(workspace: &Workspace, contracts: &[ContractCrate]) -> Result<()> {
    if contracts.is_empty() {
        return Ok(());
    }
    let mut command = cargo(workspace);
    command.args([
        "build",
        "--lib",
        "--locked",
        "--release",
        "--target",
        TARGET,
    ]);
    for contract in contracts {
        command.args(["--package", &contract.package]);
    }
    run(command)
}

/// Cargo, in the contracts' workspace: there are its flags and its lock file.
pub fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new("cargo");
    // The toolchain of the contracts, not the one that runs xtask; flags from the configuration, not from outside.
    command
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command.current_dir(workspace.contracts_dir());
    command
}

/// Runs a command to its end.
pub fn run(mut command: Command) -> Result<()> {
    let status = command.status().map_err(Error::io(command.get_program()))?;
    match status.success() {
        true => Ok(()),
        false => {
            let words: Vec<_> = [command.get_program()]
                .into_iter()
                .chain(command.get_args())
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            Err(Error::Command {
                command: words.join(" "),
                details: format!(": {status}"),
            })
        }
    }
}

/// Where Cargo put a contract's module.
pub fn compiled(workspace: &Workspace, contract: &ContractCrate) -> PathBuf {
    let dir = workspace.target_dir().join(TARGET).join("release/deps");
    dir.join(format!("{}.wasm", contract.library()))
}

/// Processes and compresses a compiled contract exactly as `cargo stylus` does.
pub fn process(workspace: &Workspace, contract: &ContractCrate, hash: [u8; 32]) -> Result<Program> {
    let file = compiled(workspace, contract);
    let wasm = fs::read(&file).map_err(Error::io(&file))?;
    let recipe = recipe::wasm_opt(workspace, contract)?;
    if recipe.is_some() {
        recipe::put_tools_on_path(workspace);
    }
    let failed = |e: &dyn std::fmt::Display| Error::contract(&contract.name, e.to_string());
    let processed = process_wasm(&wasm, hash, recipe.as_ref()).map_err(|e| failed(&e))?;
    let compressed = compress_wasm(&processed).map_err(|e| failed(&e))?;
    let code = ContractCode::new(&compressed);
    Ok(Program {
        wasm: processed.as_slice().to_vec(),
        code: code.as_slice().to_vec(),
    })
}
