//! A result of several values, some of them dynamic, is wrapped in `bpe_common::returns::Returns`: stylus-sdk 0.9
//! encodes a bare tuple with an offset word in front that no Solidity caller expects.

use super::Finding;
use crate::{abi::Contract, source::types::Ty};

pub fn check(contracts: &[Contract]) -> Finding {
    let mut finding = Finding::new("tuples with dynamic members are returned by the wrapper");
    for contract in contracts {
        for function in &contract.functions {
            if function.bare_tuple && function.outputs.iter().any(Ty::is_dynamic) {
                finding.violations.push(format!(
                    "{}: {}::{} returns a bare tuple with a dynamic member: wrap it in Returns",
                    contract.name, function.owner, function.rust_name
                ));
            }
        }
    }
    finding
}
