//! What a contract declares, it uses: an event that nothing emits and an error that nothing raises would be promised
//! by no one's ABI. Only expressions that build it count.

use super::Finding;
use crate::{
    abi::Contract,
    source::{sol::SolKind, Item, ItemId},
};

/// What only the reference's ABI asks for, and why nothing builds it.
pub const ALLOWED: &[(&str, &str)] = &[
    (
        "EIP712DomainChanged",
        "ERC-5267's: the domain of a contract never changes here",
    ),
    (
        "InvalidShortString",
        "OpenZeppelin's ShortStrings: the domain's name is a constant here",
    ),
    (
        "StringTooLong",
        "OpenZeppelin's ShortStrings: the domain's name is a constant here",
    ),
];

pub fn check(contracts: &[Contract]) -> Finding {
    let mut finding = Finding::new("declared events are emitted, declared errors raised");
    for contract in contracts {
        for module in contract.model.crate_modules(&contract.krate) {
            for (index, item) in module.items.iter().enumerate() {
                let Item::Sol(item) = item else { continue };
                let what = match item.kind {
                    SolKind::Event { .. } => "event",
                    SolKind::Error(_) => "error",
                    _ => continue,
                };
                let id = ItemId {
                    module: module.path.clone(),
                    index,
                };
                let is_allowed = ALLOWED.iter().any(|(name, _)| *name == item.name);
                if !is_allowed && !contract.reach.built.contains(&id) {
                    finding.violations.push(format!(
                        "{}: {what} {} is never built",
                        contract.name, item.name
                    ));
                }
            }
        }
    }
    finding
}
