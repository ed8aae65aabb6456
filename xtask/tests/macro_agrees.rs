//! The ABI that xtask reads from source is the one that stylus-proc compiles in: its own `export-abi`, run for every
//! contract, has the same functions, parameters, results and mutability.

use std::{collections::BTreeSet, process::Command};
use xtask::{abi, build, workspace::Workspace};

/// Name, parameter types, result types, mutability.
type Function = (String, Vec<String>, Vec<String>, String);

fn functions(solidity: &str) -> BTreeSet<Function> {
    // What stands before is a comment that is no Rust token.
    let start = solidity.find("pragma").unwrap_or_default();
    let tokens: proc_macro2::TokenStream = solidity[start..].parse().unwrap();
    let file: syn_solidity::File = syn::parse2(tokens).unwrap();
    let mut found = BTreeSet::new();
    for item in file.items {
        let syn_solidity::Item::Contract(interface) = item else {
            continue;
        };
        for item in interface.body {
            let syn_solidity::Item::Function(f) = item else {
                continue;
            };
            let types = |list: &syn_solidity::ParameterList| {
                list.types().map(ToString::to_string).collect()
            };
            let outputs = f
                .returns
                .as_ref()
                .map(|r| types(&r.returns))
                .unwrap_or_default();
            let mutability = f
                .attributes
                .mutability()
                .map(|m| m.to_string())
                .unwrap_or_default();
            found.insert((
                f.name.unwrap().as_string(),
                types(&f.parameters),
                outputs,
                mutability,
            ));
        }
    }
    found
}

#[test]
fn export_abi_is_the_same() {
    let workspace = Workspace::current();
    let crates = workspace.contracts().unwrap();
    // All at once: Cargo compiles what they share once, and two at a time.
    let features: Vec<_> = crates
        .iter()
        .map(|krate| format!("{}/export-abi", krate.package))
        .collect();
    let mut build = build::cargo(&workspace);
    build.args(["build", "--quiet", "--locked", "--bins", "--features"]);
    build.arg(features.join(","));
    for krate in &crates {
        build.args(["--package", &krate.package]);
    }
    build::run(build).unwrap_or_else(|e| panic!("export-abi does not build: {e}"));
    for (contract, krate) in xtask::contracts(&workspace).unwrap().iter().zip(&crates) {
        let program = workspace.target_dir().join("debug").join(&krate.package);
        let output = Command::new(&program).output().unwrap();
        assert!(
            output.status.success(),
            "{}: {}",
            contract.name,
            String::from_utf8_lossy(&output.stderr)
        );
        let theirs = functions(&String::from_utf8(output.stdout).unwrap());
        let ours = functions(&abi::to_solidity(contract));
        assert!(!theirs.is_empty());
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let extra: Vec<_> = ours.difference(&theirs).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{}: missing {missing:?}, extra {extra:?}",
            contract.name
        );
    }
}

#[test]
fn differences_are_seen() {
    let parse = |f: &str| functions(&format!("pragma solidity ^0.8.0; interface I {{ {f} }}"));
    let one = parse("function a(uint256 x) external view returns (address[] memory);");
    for other in [
        "function b(uint256 x) external view returns (address[] memory);",
        "function a(uint128 x) external view returns (address[] memory);",
        "function a(uint256 x) external view returns (address);",
        "function a(uint256 x) external returns (address[] memory);",
    ] {
        assert_ne!(one, parse(other));
    }
    assert_eq!(
        one,
        parse("function a(uint256 y) external view returns (address[] memory);")
    );
}
