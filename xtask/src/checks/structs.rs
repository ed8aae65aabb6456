//! Structs that functions take have their ABI from `bpe_common::abi_struct!`, not from stylus-sdk's `#[derive(AbiType)]`:
//! in 0.9 that takes the struct's name for its type where selectors are computed, and nobody who knows the ABI reaches
//! the function. Not caught: members that `abi_struct!` is given wrong; a test calls each function by its ABI.

use super::Finding;
use crate::{abi::Contract, source::Item};

pub fn check(contracts: &[Contract]) -> Finding {
    let mut finding = Finding::new("structs of the ABI are declared by abi_struct!");
    for contract in contracts {
        for module in contract.model.crate_modules(&contract.krate) {
            for item in &module.items {
                let Item::Sol(item) = item else { continue };
                if item.derives.iter().any(|name| name == "AbiType") {
                    finding.violations.push(format!(
                        "{}: struct {} derives AbiType",
                        contract.name, item.name
                    ));
                }
            }
        }
    }
    finding
}
