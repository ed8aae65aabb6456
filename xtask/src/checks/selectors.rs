//! No two functions of a contract share a selector, inherited ones included: two traits with one selector compile,
//! and the first silently wins. Nor do two errors, nor a function and an error.

use super::Finding;
use crate::abi::{Contract, ErrorType};
use alloy::primitives::{keccak256, Selector};
use std::collections::BTreeMap;

/// What stylus-sdk calls constructors by.
pub const CONSTRUCTOR: Selector = Selector::new([0x55, 0x85, 0x25, 0x8d]);

/// The first four bytes of a signature's hash.
pub fn selector(signature: &str) -> Selector {
    Selector::from_slice(&keccak256(signature)[..4])
}

pub fn check(contracts: &[Contract]) -> Finding {
    let mut finding = Finding::new("selectors are unique within a contract");
    for contract in contracts {
        let constructor = contract
            .constructor
            .iter()
            .map(|_| (CONSTRUCTOR, "the constructor".to_owned()));
        let functions = contract.functions.iter().map(|function| {
            let signature = function.signature();
            (
                selector(&signature),
                format!("{}::{} ({signature})", function.owner, function.rust_name),
            )
        });
        let errors = contract.errors.iter().map(ErrorType::signature);
        let errors = errors.map(|signature| (selector(&signature), format!("error {signature}")));
        let collisions = collisions(constructor.chain(functions).chain(errors));
        finding.violations.extend(
            collisions
                .into_iter()
                .map(|c| format!("{}: {c}", contract.name)),
        );
    }
    finding
}

fn collisions(entries: impl Iterator<Item = (Selector, String)>) -> Vec<String> {
    let mut seen: BTreeMap<Selector, String> = BTreeMap::new();
    let mut found = Vec::new();
    for (selector, name) in entries {
        match seen.get(&selector) {
            Some(first) => found.push(format!("{first} and {name} share the selector {selector}")),
            None => {
                seen.insert(selector, name);
            }
        }
    }
    found
}
