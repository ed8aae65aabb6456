//! From source to the bytes that stand on chain.

use crate::{
    error::{Error, Result},
    hash::{self, CONTAINER_DIR},
    recipe::{self, Optimiser, WasmOpt},
    workspace::{self, ContractCrate, Workspace},
};
use alloy::primitives::{Bytes, Keccak256};
use devnet_vm::{
    code::{self, PREFIX},
    wasm::normalise,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Mutex,
    },
    thread,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// A contract, built.
#[derive(Debug)]
pub struct Program {
    /// The processed module, uncompressed.
    pub wasm: Vec<u8>,
    /// The code on chain: prefix and compressed module.
    pub code: Bytes,
}

/// Stands in for the project hash where sizes are compared: the real one changes with every file in contracts/.
pub const ANY_HASH: [u8; 32] = [
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70,
];

/// Builds contracts and writes their programs: `<contract>.wasm` as processed, `<contract>.br` compressed, and
/// `<contract>.code`, the exact code on chain. `done` hears of each, in the order in which they are finished.
pub fn build(
    workspace: &Workspace,
    contracts: &[ContractCrate],
    done: impl Fn(&str, &Program) + Sync,
) -> Result<BTreeMap<String, Program>> {
    compile(workspace, contracts)?;
    let hashes = Mutex::new(Vec::<(Option<WasmOpt>, [u8; 32])>::new());
    let hash = |recipe: &Option<WasmOpt>| {
        let mut hashes = hashes.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((_, hash)) = hashes.iter().find(|(known, _)| known == recipe) {
            return Ok(*hash);
        }
        let hash = hash::project_hash(
            &workspace.contracts_dir(),
            Path::new(CONTAINER_DIR),
            recipe.as_ref(),
        )?;
        hashes.push((recipe.clone(), hash));
        Ok(hash)
    };
    let programs = each(contracts, |contract| {
        let recipe = recipe::wasm_opt(workspace, contract)?;
        let program = process(workspace, contract, hash(&recipe)?)?;
        let file = |extension: &str| {
            workspace
                .programs_dir()
                .join(format!("{}.{extension}", contract.name))
        };
        workspace::replace(&file("wasm"), &program.wasm)?;
        workspace::replace(&file("br"), &program.code[PREFIX.len() + 1..])?;
        workspace::replace(&file("code"), &program.code)?;
        done(&contract.name, &program);
        Ok(program)
    })?;
    if contracts == workspace.contracts()? {
        forget_others(workspace, contracts)?;
    }
    let names = contracts.iter().map(|contract| contract.name.clone());
    Ok(names.zip(programs).collect())
}

/// Removes what earlier builds left of contracts that are no more: `bpe` takes every program that it finds.
fn forget_others(workspace: &Workspace, contracts: &[ContractCrate]) -> Result<()> {
    let dir = workspace.programs_dir();
    for entry in fs::read_dir(&dir).map_err(Error::io(&dir))? {
        let path = entry.map_err(Error::io(&dir))?.path();
        let stem = path.file_stem().unwrap_or_default();
        let ours =
            |extension: &std::ffi::OsStr| ["wasm", "br", "code"].iter().any(|it| extension == *it);
        if path.extension().is_some_and(ours) && contracts.iter().all(|it| stem != it.name.as_str())
        {
            fs::remove_file(&path).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

/// What `work` makes of each contract, on as many threads as there are processors; the results in the contracts' order,
/// or the first error.
pub fn each<T: Send>(
    contracts: &[ContractCrate],
    work: impl Fn(&ContractCrate) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(contracts.len()));
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    thread::scope(|scope| {
        for _ in 0..threads.min(contracts.len()) {
            scope.spawn(|| loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(contract) = contracts.get(index) else {
                    return;
                };
                let result = work(contract);
                let mut results = results.lock().unwrap_or_else(|e| e.into_inner());
                results.push((index, result));
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|e| e.into_inner());
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
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
    let optimised = optimised(workspace, contract, &wasm)?;
    let wasm = recipe::finish(&optimised, hash)
        .map_err(|e| Error::contract(&contract.name, e.to_string()))?;
    let code = code::encode(&wasm);
    Ok(Program { wasm, code })
}

/// The module, normalised and optimised: seconds of work, so what came of the same module and recipe is kept.
fn optimised(workspace: &Workspace, contract: &ContractCrate, wasm: &[u8]) -> Result<Vec<u8>> {
    let recipe = recipe::wasm_opt(workspace, contract)?;
    let mut key = Keccak256::new();
    key.update(format!("{recipe:?}"));
    key.update(wasm);
    let key = key.finalize();
    let file = workspace
        .programs_dir()
        .join("optimised")
        .join(&contract.name);
    if let Some(kept) = fs::read(&file)
        .ok()
        .as_deref()
        .and_then(|kept| kept.strip_prefix(key.as_slice()))
    {
        return Ok(kept.to_vec());
    }
    let mut module = normalise(wasm).map_err(|e| Error::contract(&contract.name, e.to_string()))?;
    if let Some(recipe) = recipe {
        module = Optimiser::locate(workspace)?.run(&contract.name, &module, &recipe)?;
    }
    workspace::replace(&file, [key.as_slice(), module.as_slice()].concat())?;
    Ok(module)
}
