//! The build does what `cargo stylus` does.

use std::{collections::BTreeSet, fs, path::Path};
use wasmparser::{Operator, Parser, Payload};
use xtask::{
    build, checks::selectors::selector, hash::project_hash, size, verify, workspace::Workspace,
};

#[test]
fn project_hash_depends_on_contents_not_on_the_clone() {
    let sample = |lib: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/src")).unwrap();
        fs::write(dir.path().join("a/src/lib.rs"), lib).unwrap();
        fs::write(
            dir.path().join("rust-toolchain.toml"),
            "[toolchain]\nchannel = \"1.95.0\"\n",
        )
        .unwrap();
        dir
    };
    let hash = |dir: &Path| project_hash(dir, Path::new("/source"), None).unwrap();
    let (one, two, other) = (
        sample("fn a() {}"),
        sample("fn a() {}"),
        sample("fn b() {}"),
    );
    assert_eq!(hash(one.path()), hash(two.path()));
    assert_ne!(hash(one.path()), hash(other.path()));
    fs::write(two.path().join("a/README.md"), "no source").unwrap();
    assert_eq!(hash(one.path()), hash(two.path()));
    fs::rename(
        two.path().join("a/src/lib.rs"),
        two.path().join("a/src/main.rs"),
    )
    .unwrap();
    assert_ne!(hash(one.path()), hash(two.path()));
}

/// What is on chain: the prefix, and the module as brotli packs it. Within the budget, and every selector of the ABI
/// is a constant of the program: its router compares with it.
#[test]
fn programs_hold_what_the_abi_promises() {
    let workspace = Workspace::current();
    let crates = workspace.contracts().unwrap();
    let programs = build::build(&workspace, &crates, |_, _| {}).unwrap_or_else(|e| panic!("{e}"));
    for contract in xtask::contracts(&workspace).unwrap() {
        let program = &programs[&contract.crate_name];
        let code = workspace
            .programs_dir()
            .join(format!("{}.code", contract.crate_name));
        assert_eq!(fs::read(code).unwrap(), program.code);
        assert!(program.code.starts_with(&devnet_vm::code::PREFIX));
        assert_eq!(
            devnet_vm::code::decode(&program.code).unwrap(),
            program.wasm
        );
        let excesses = size::Size::of(&contract.name, program).unwrap().excesses();
        assert!(excesses.is_empty(), "{excesses:?}");

        let constants = constants(&program.wasm);
        for function in &contract.functions {
            let selector = u32::from_be_bytes(selector(&function.signature()).0);
            assert!(
                constants.contains(&selector),
                "{}: nothing in the program compares with the selector of {}",
                contract.name,
                function.signature()
            );
        }
        let stranger = u32::from_be_bytes(selector("thisIsNoFunctionOfAnyContract()").0);
        assert!(!constants.contains(&stranger));
    }
}

fn constants(wasm: &[u8]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload.unwrap() {
            for operator in body.get_operators_reader().unwrap() {
                if let Operator::I32Const { value } = operator.unwrap() {
                    found.insert(value.cast_unsigned());
                }
            }
        }
    }
    found
}

/// `cargo stylus` normalises modules by printing them as text and parsing that.
#[test]
fn modules_are_normalised_as_by_their_text() {
    let workspace = Workspace::current();
    let crates = workspace.contracts().unwrap();
    build::compile(&workspace, &crates).unwrap_or_else(|e| panic!("{e}"));
    for contract in crates {
        let wasm = fs::read(build::compiled(&workspace, &contract)).unwrap();
        let text = wasmprinter::print_bytes(&wasm).unwrap();
        assert!(
            wat::parse_str(text).unwrap() == devnet_vm::wasm::normalise(&wasm).unwrap(),
            "{}",
            contract.name
        );
    }
}

/// No path of the machine that built it gets into a program: bytes are the same everywhere.
#[test]
fn programs_hold_no_paths() {
    let workspace = Workspace::current();
    let crates = workspace.contracts().unwrap();
    build::compile(&workspace, &crates).unwrap_or_else(|e| panic!("{e}"));
    for contract in crates {
        let wasm = fs::read(build::compiled(&workspace, &contract)).unwrap();
        for trace in [
            "/registry/",
            "/rustc/",
            "/home/",
            "/root/",
            ".cargo",
            "src/lib.rs",
        ] {
            let holds = wasm
                .windows(trace.len())
                .any(|window| window == trace.as_bytes());
            assert!(
                !holds,
                "{} holds {trace}: is it built with LTO, without an rlib?",
                contract.name
            );
        }
    }
}

/// Needs `cargo-stylus` in .tools/bin or on the path: `cargo nextest run -p xtask --run-ignored all`.
#[test]
#[ignore = "needs cargo-stylus"]
fn init_code_is_that_of_cargo_stylus() {
    let workspace = Workspace::current();
    let crates = workspace.contracts().unwrap();
    build::compile(&workspace, &crates).unwrap_or_else(|e| panic!("{e}"));
    for contract in crates {
        verify::verify(&workspace, &contract).unwrap_or_else(|e| panic!("{e}"));
    }
}
