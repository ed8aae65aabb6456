//! Solidity contracts of `tests/contracts`, compiled by solc.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use alloy::{
    json_abi::JsonAbi,
    network::TransactionBuilder,
    primitives::{keccak256, Address, Bytes},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use serde_json::Value;

use crate::tools::{fetched, node_script, run, workspace_root};

/// A compiled contract.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub abi: JsonAbi,
    pub bytecode: Bytes,
}

/// Compiles `contract` of `tests/contracts/<file>`.
pub async fn compile(file: &str, contract: &str) -> Compiled {
    let folder = workspace_root().join("tests/contracts");
    compile_at(&folder.join(file), contract).await
}

/// Compiles `contract` of a file. What solc made of the same sources is kept: to load it takes more than a second.
pub async fn compile_at(file: &Path, contract: &str) -> Compiled {
    let kept = kept_at(file);
    let output = match fs::read_to_string(&kept) {
        Ok(output) => output,
        Err(_) => {
            let mut command = node_script("compile.cjs");
            command.arg(file);
            let output = run(command).await.succeeded();
            keep(&kept, &output).unwrap_or_else(|error| panic!("{}: {error}", kept.display()));
            output
        }
    };
    let mut contracts: Value = serde_json::from_str(&output).expect("compile.cjs prints JSON");
    let compiled = contracts[contract].take();
    assert!(
        !compiled.is_null(),
        "no contract {contract} in {}",
        file.display()
    );
    Compiled {
        abi: serde_json::from_value(compiled["abi"].clone()).expect("solc writes ABIs"),
        bytecode: serde_json::from_value(compiled["bytecode"].clone()).expect("solc writes hex"),
    }
}

/// Where the output for a file is kept: a name of what it, its imports, the script and solc are, wherever they are.
fn kept_at(file: &Path) -> PathBuf {
    let mut sources = BTreeMap::new();
    collect(file.to_owned(), &mut sources);
    let of = |path: &Path| keccak256(fs::read(path).unwrap_or_default());
    let mut imports: Vec<_> = sources.values().map(keccak256).collect();
    imports.sort_unstable();
    let tools = [
        workspace_root().join("tests/tools/compile.cjs"),
        fetched("node_modules/solc/package.json"),
    ];
    let mut all = vec![of(file)];
    all.extend(tools.iter().map(|path| of(path)));
    all.extend(imports);
    let name = format!("{:x}.json", keccak256(all.concat()));
    workspace_root().join(".tools/cache/solidity").join(name)
}

/// Reads a source and all that it imports. What is not there, solc misses.
fn collect(file: PathBuf, sources: &mut BTreeMap<PathBuf, Vec<u8>>) {
    if sources.contains_key(&file) {
        return;
    }
    let text = fs::read(&file).unwrap_or_default();
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let imports: Vec<_> = String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| line.trim_start().starts_with("import"))
        .filter_map(|line| line.split('"').nth(1).map(|path| folder.join(path)))
        .collect();
    sources.insert(file, text);
    for import in imports {
        collect(import, sources);
    }
}

/// Whole or not at all: tests run side by side.
fn keep(path: &Path, output: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(output.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Deploys a contract from the provider's account. `arguments` are the constructor's, encoded.
pub async fn deploy(provider: &impl Provider, contract: &Compiled, arguments: &[u8]) -> Address {
    let init_code = [contract.bytecode.as_ref(), arguments].concat();
    let request = TransactionRequest::default().with_deploy_code(init_code);
    let pending = provider
        .send_transaction(request)
        .await
        .expect("the node takes the deployment");
    let receipt = pending
        .get_receipt()
        .await
        .expect("the deployment is included");
    assert!(receipt.status(), "the constructor reverted: {receipt:?}");
    receipt
        .contract_address
        .expect("a deployment has an address")
}
