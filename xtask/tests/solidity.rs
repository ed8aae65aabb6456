//! The committed interfaces are Solidity: solc compiles them, and what it makes of them is the committed ABI.

use serde_json::{json, Value};
use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};
use xtask::workspace::Workspace;

/// Needs what scripts/fetch-tools installs.
#[test]
fn solc_makes_the_same_abi() {
    let workspace = Workspace::current();
    let contracts = xtask::contracts(&workspace).unwrap_or_else(|e| panic!("{e}"));
    let sources: serde_json::Map<_, _> = contracts
        .iter()
        .map(|contract| {
            let file = format!("I{}.sol", contract.name);
            let text = fs::read_to_string(workspace.interfaces_dir().join(&file)).unwrap();
            (file, json!({ "content": text }))
        })
        .collect();
    let output = solc(
        &workspace,
        &json!({
            "language": "Solidity",
            "sources": sources,
            "settings": { "outputSelection": { "*": { "*": ["abi"] } } },
        }),
    );
    assert_eq!(output.get("errors"), None, "{:#}", output["errors"]);
    for contract in contracts {
        let interface = format!("I{}", contract.name);
        let theirs = &output["contracts"][format!("{interface}.sol")][&interface]["abi"];
        let file = workspace.abi_dir().join(format!("{}.json", contract.name));
        let ours: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(items(&ours), items(theirs), "{}", contract.name);
    }
}

/// Sorted, without the constructor, which no interface has.
fn items(abi: &Value) -> Vec<String> {
    let items = abi.as_array().unwrap().iter();
    let mut items: Vec<_> = items
        .filter(|item| item["type"] != "constructor")
        .map(Value::to_string)
        .collect();
    items.sort();
    items
}

fn solc(workspace: &Workspace, input: &Value) -> Value {
    let script = "const solc = require('solc');\
        process.stdout.write(solc.compile(require('fs').readFileSync(0, 'utf8')));";
    let mut node = Command::new("node")
        .args(["-e", script])
        .current_dir(workspace.root().join(".tools"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin
        .take()
        .unwrap()
        .write_all(input.to_string().as_bytes())
        .unwrap();
    serde_json::from_slice(&node.wait_with_output().unwrap().stdout).unwrap()
}
