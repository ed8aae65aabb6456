//! The rules, on the contracts as they are: one test each, so that a report names the rule.

use xtask::{
    abi::Contract,
    artefacts,
    checks::{self, Finding},
    workspace::Workspace,
};

fn contracts() -> (Workspace, Vec<Contract>) {
    let workspace = Workspace::current();
    let contracts = xtask::contracts(&workspace).unwrap_or_else(|e| panic!("{e}"));
    assert!(!contracts.is_empty(), "no contracts found");
    (workspace, contracts)
}

#[track_caller]
fn assert_kept(finding: Finding) {
    for line in &finding.summary {
        println!("{line}");
    }
    assert!(
        finding.violations.is_empty(),
        "{}:\n{}",
        finding.rule,
        finding.violations.join("\n")
    );
}

#[test]
fn reference_abis_are_contained() {
    let (workspace, contracts) = contracts();
    assert_kept(checks::reference::check(&workspace.reference_dir(), &contracts).unwrap());
}

#[test]
fn selectors_are_unique() {
    assert_kept(checks::selectors::check(&contracts().1));
}

#[test]
fn dynamic_tuples_are_wrapped() {
    assert_kept(checks::results::check(&contracts().1));
}

#[test]
fn structs_have_their_members_types() {
    assert_kept(checks::structs::check(&contracts().1));
}

#[test]
fn storage_does_not_overlap() {
    assert_kept(checks::layout::check(&contracts().1));
}

#[test]
fn calls_have_no_cycles() {
    assert_kept(checks::calls::check(&contracts().1, checks::calls::ALLOWED));
}

#[test]
fn arithmetic_is_explained() {
    assert_kept(checks::arithmetic::check(&contracts().1).unwrap());
}

#[test]
fn declarations_are_used() {
    assert_kept(checks::unused::check(&contracts().1));
}

#[test]
fn nothing_turns_on_reentrancy() {
    assert_kept(checks::features::check(&contracts().0).unwrap());
}

#[test]
fn generated_files_are_fresh() {
    let (workspace, contracts) = contracts();
    artefacts::check(&workspace, &contracts).unwrap_or_else(|e| panic!("{e}"));
}

/// `cargo stylus` looks for the toolchain in the contracts' workspace, Cargo in the folder it is called from.
#[test]
fn toolchain_files_agree() {
    let workspace = Workspace::current();
    let read =
        |dir: &std::path::Path| std::fs::read_to_string(dir.join("rust-toolchain.toml")).unwrap();
    assert_eq!(read(workspace.root()), read(&workspace.contracts_dir()));
}
