//! Solidity contracts of `tests/contracts`, compiled by solc.

use std::path::Path;

use alloy::{
    json_abi::JsonAbi,
    network::TransactionBuilder,
    primitives::{Address, Bytes},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use serde_json::Value;

use crate::tools::{node_script, run, workspace_root};

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

/// Compiles `contract` of a file.
pub async fn compile_at(file: &Path, contract: &str) -> Compiled {
    let mut command = node_script("compile.cjs");
    command.arg(file);
    let output = run(command).await.succeeded();
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
