//! Ours is a superset of the existing deployment: every function, event and error of the reference ABI is there, with
//! the same selector or topic, results, mutability and indexed flags. Constructors are not part of that.

use super::Finding;
use crate::{
    abi::{self, Contract},
    error::{Error, Result},
};
use alloy::json_abi::{Function, JsonAbi, Param};
use std::{fs, path::Path};

/// What the reference's ABIs only have because OpenZeppelin's libraries declare it, and why ours cannot raise it.
pub const LEFTOVERS: &[(&str, &str)] = &[
    (
        "EIP712DomainChanged()",
        "the domain of a contract never changes",
    ),
    (
        "InvalidShortString()",
        "the domain's name is a constant of the program, not a ShortString in storage",
    ),
    (
        "StringTooLong(string)",
        "the domain's name is a constant of the program, not a ShortString in storage",
    ),
];

fn is_leftover(signature: &str) -> bool {
    LEFTOVERS.iter().any(|(name, _)| *name == signature)
}

/// Checks each contract against the reference of its name, if there is one.
pub fn check(reference_dir: &Path, contracts: &[Contract]) -> Result<Finding> {
    let mut finding = Finding::new("every reference ABI is contained in ours");
    for contract in contracts {
        let file = reference_dir.join(format!("{}.json", contract.name));
        if !file.is_file() {
            finding
                .summary
                .push(format!("{}: no reference", contract.name));
            continue;
        }
        let text = fs::read_to_string(&file).map_err(Error::io(&file))?;
        let reference: JsonAbi = serde_json::from_str(&text).map_err(|source| Error::Json {
            path: file.clone(),
            source,
        })?;
        let ours: JsonAbi =
            serde_json::from_str(&abi::to_json(contract)).map_err(|source| Error::Json {
                path: file.clone(),
                source,
            })?;
        finding.summary.push(format!(
            "{}: {} functions, {} events, {} errors of the reference; ours have {}, {}, {}",
            contract.name,
            reference.functions().count(),
            reference.events().count(),
            reference.errors().count(),
            ours.functions().count(),
            ours.events().count(),
            ours.errors().count(),
        ));
        let missing = missing(&ours, &reference);
        finding.violations.extend(
            missing
                .into_iter()
                .map(|m| format!("{}: {m}", contract.name)),
        );
    }
    Ok(finding)
}

/// What the reference has and ours has not, or has otherwise.
pub fn missing(ours: &JsonAbi, reference: &JsonAbi) -> Vec<String> {
    let mut missing = Vec::new();
    for theirs in reference.functions() {
        let signature = theirs.signature();
        match ours.functions().find(|f| f.selector() == theirs.selector()) {
            None => missing.push(format!("function {signature} is missing")),
            Some(own) => {
                if outputs(own) != outputs(theirs) {
                    missing.push(format!(
                        "function {signature} returns {}, the reference {}",
                        outputs(own),
                        outputs(theirs)
                    ));
                }
                if own.state_mutability != theirs.state_mutability {
                    missing.push(format!(
                        "function {signature} is {:?}, in the reference {:?}",
                        own.state_mutability, theirs.state_mutability
                    ));
                }
            }
        }
    }
    for theirs in reference.events() {
        let indexed = |event: &alloy::json_abi::Event| -> Vec<bool> {
            event.inputs.iter().map(|input| input.indexed).collect()
        };
        match ours.events().find(|e| e.selector() == theirs.selector()) {
            None if is_leftover(&theirs.signature()) => {}
            None => missing.push(format!("event {} is missing", theirs.signature())),
            Some(own) if indexed(own) != indexed(theirs) || own.anonymous != theirs.anonymous => {
                missing.push(format!("event {} indexes other fields", theirs.signature()));
            }
            Some(_) => {}
        }
    }
    for theirs in reference.errors() {
        let is_ours = ours.errors().any(|e| e.selector() == theirs.selector());
        if !is_ours && !is_leftover(&theirs.signature()) {
            missing.push(format!("error {} is missing", theirs.signature()));
        }
    }
    missing
}

fn outputs(function: &Function) -> String {
    let types: Vec<_> = function.outputs.iter().map(Param::selector_type).collect();
    format!("({})", types.join(","))
}
