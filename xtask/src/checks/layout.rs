//! No two storage fields share a byte, and a struct reports all the slots it takes.
//!
//! The layout is computed as stylus-proc computes it, fault included: see [`crate::source::storage`]. Fields reached
//! through mappings and vectors are hashed apart; their structs are checked on their own. Not caught: storage types
//! written by hand (`impl StorageType`), and slots that code computes itself.

use super::Finding;
use crate::{
    abi::Contract,
    source::{storage, Item, Model},
};

pub fn check(contracts: &[Contract]) -> Finding {
    let mut finding = Finding::new("storage fields do not overlap");
    for contract in contracts {
        finding.violations.extend(
            violations(&contract.model, &contract.krate)
                .into_iter()
                .map(|violation| format!("{}: {violation}", contract.name)),
        );
        if let Ok(layout) = storage::layout(&contract.model, &contract.entrypoint) {
            finding.summary.push(format!(
                "{}: {} fields in {} slots",
                contract.name,
                layout.fields.len(),
                layout.taken
            ));
        }
    }
    finding
}

/// Checks all storage structs of a crate, and those that it embeds.
pub fn violations(model: &Model, krate: &str) -> Vec<String> {
    let mut found = Vec::new();
    for module in model.modules() {
        let Some(name) = module.path.first() else {
            continue;
        };
        if module.path.len() > 1 {
            continue;
        }
        for (id, ident) in storage::structs(model, name) {
            let layout = match storage::layout(model, &id) {
                Ok(layout) => layout,
                Err(e) => {
                    found.push(e);
                    continue;
                }
            };
            for (a, b) in layout.overlaps() {
                found.push(format!(
                    "{ident}: {} and {} share slot {}",
                    a.path, b.path, a.slot
                ));
            }
            let entrypoint = matches!(model.item(&id), Some(Item::Struct(item))
                if crate::source::has_attr(&item.attrs, "entrypoint"));
            // Nothing stands behind the contract itself.
            if layout.reported < layout.taken && !(entrypoint && *name == krate) {
                found.push(format!(
                    "{ident}: takes {} slots and reports {}: put nested structs and arrays before plain fields, \
                     or keep it flat",
                    layout.taken, layout.reported
                ));
            }
        }
    }
    found
}
