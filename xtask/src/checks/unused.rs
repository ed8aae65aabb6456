//! What a contract declares, it uses: an event that nothing emits and an error that nothing raises would be promised
//! by no one's ABI. Only expressions that build it count.

use super::Finding;
use crate::{
    abi::Contract,
    source::{sol::SolKind, Item, ItemId},
};

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
                if !contract.reach.built.contains(&id) {
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
