//! The ABI of a contract, from its source.
//!
//! Functions are those of its `#[public]` blocks and of what it inherits; errors those of the error types that they
//! return, and those that its code builds and passes on as bytes; events those that its code emits. All of them come
//! from the items that the program itself is compiled from. That the selectors are the macro's own is checked
//! against `export-abi` and against the built program (tests/macro_agrees.rs).

mod json;
pub mod reference;
mod solidity;

use crate::{
    error::{Error, Result},
    source::{
        self,
        public::{self, Function, FunctionKind},
        reach::{self, Reach},
        sol::{Field, SolKind},
        types::{self, Ty},
        Item, ItemId, Model,
    },
    workspace::{ContractCrate, Workspace},
};
use std::collections::{BTreeMap, BTreeSet};

pub use json::to_json;
pub use solidity::to_solidity;

/// A contract as the outside sees it.
#[derive(Debug)]
pub struct Contract {
    /// The folder, `stake-manager`.
    pub crate_name: String,
    /// The contract, `StakeManager`.
    pub name: String,
    pub constructor: Option<Function>,
    /// In the order of the source.
    pub functions: Vec<Function>,
    pub receives: bool,
    pub falls_back: bool,
    pub events: Vec<Event>,
    pub errors: Vec<ErrorType>,
    /// Structs that the above mention, by name.
    pub structs: BTreeMap<String, Vec<(String, Ty)>>,
    pub model: Model,
    pub reach: Reach,
    pub entrypoint: ItemId,
    /// The crate's name in paths.
    pub krate: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub doc: Vec<String>,
    /// Name, type, whether indexed.
    pub fields: Vec<(String, Ty, bool)>,
    pub anonymous: bool,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorType {
    pub name: String,
    pub doc: Vec<String>,
    pub fields: Vec<(String, Ty)>,
}

impl Event {
    pub fn signature(&self) -> String {
        signature(&self.name, self.fields.iter().map(|(_, ty, _)| ty))
    }
}

impl ErrorType {
    pub fn signature(&self) -> String {
        signature(&self.name, self.fields.iter().map(|(_, ty)| ty))
    }
}

fn signature<'a>(name: &str, types: impl Iterator<Item = &'a Ty>) -> String {
    let types: Vec<_> = types.map(Ty::canonical).collect();
    format!("{name}({})", types.join(","))
}

/// Reads a contract from its source.
pub fn read(workspace: &Workspace, contract: &ContractCrate) -> Result<Contract> {
    let krate = contract.library();
    let own = contract.dir.join("src/lib.rs");
    let common = workspace.common_dir().join("src/lib.rs");
    let mut crates = vec![(krate.as_str(), own.as_path())];
    if common.is_file() {
        crates.push(("bpe_common", common.as_path()));
    }
    let model = source::load(crates)?;
    from_model(model, &contract.name, &krate).map_err(|e| Error::contract(&contract.name, e))
}

/// Reads a contract from loaded source.
pub fn from_model(model: Model, crate_name: &str, krate: &str) -> Result<Contract, String> {
    let (entrypoint, name) = public::entrypoint(&model, krate)?;
    let all = public::functions(&model, &entrypoint)?;
    let reach = reach::from_crate(&model, krate);

    let mut errors = BTreeSet::new();
    for function in &all {
        if let Some((module, ty)) = &function.error {
            error_types(&model, module, ty, &mut errors, 16)?;
        }
    }
    let is_error = |id: &&ItemId| matches!(model.item(id), Some(Item::Sol(item)) if matches!(item.kind, SolKind::Error(_)));
    errors.extend(reach.built.iter().filter(is_error).cloned());

    let mut contract = Contract {
        crate_name: crate_name.to_owned(),
        name,
        constructor: all
            .iter()
            .find(|f| f.kind == FunctionKind::Constructor)
            .cloned(),
        receives: all.iter().any(|f| f.kind == FunctionKind::Receive),
        falls_back: all.iter().any(|f| f.kind == FunctionKind::Fallback),
        functions: all
            .into_iter()
            .filter(|f| f.kind == FunctionKind::Function)
            .collect(),
        events: Vec::new(),
        errors: Vec::new(),
        structs: BTreeMap::new(),
        krate: krate.to_owned(),
        entrypoint,
        reach,
        model,
    };
    for id in &errors {
        if let Some(Item::Sol(item)) = contract.model.item(id) {
            if let SolKind::Error(fields) = &item.kind {
                let fields = members(&contract.model, id, fields)?;
                let fields = fields.into_iter().map(|(name, ty, _)| (name, ty)).collect();
                contract.errors.push(ErrorType {
                    name: item.name.clone(),
                    doc: item.doc.clone(),
                    fields,
                });
            }
        }
    }
    for id in &contract.reach.built {
        if let Some(Item::Sol(item)) = contract.model.item(id) {
            if let SolKind::Event { fields, anonymous } = &item.kind {
                let fields = members(&contract.model, id, fields)?;
                contract.events.push(Event {
                    name: item.name.clone(),
                    doc: item.doc.clone(),
                    fields,
                    anonymous: *anonymous,
                });
            }
        }
    }
    contract.events.sort_by_key(Event::signature);
    contract.events.dedup_by_key(|event| event.signature());
    contract.errors.sort_by_key(ErrorType::signature);
    contract.errors.dedup_by_key(|error| error.signature());
    contract.structs = structs(&contract)?;
    Ok(contract)
}

/// Adds the errors that a type stands for: one of `sol!`, or all those of an enum's variants.
fn error_types(
    model: &Model,
    module: &[String],
    ty: &syn::Type,
    errors: &mut BTreeSet<ItemId>,
    depth: usize,
) -> Result<(), String> {
    let syn::Type::Path(path) = ty else {
        return Ok(());
    };
    let below = depth.checked_sub(1).ok_or("error types nest too deeply")?;
    let found = model.resolve_path(module, &path.path);
    for id in &found {
        match model.item(id) {
            Some(Item::Sol(item)) if matches!(item.kind, SolKind::Error(_)) => {
                errors.insert(id.clone());
            }
            Some(Item::Alias(alias)) => error_types(model, &id.module, &alias.ty, errors, below)?,
            Some(Item::Enum(item)) => {
                for field in item.variants.iter().flat_map(|variant| &variant.fields) {
                    error_types(model, &id.module, &field.ty, errors, below)?;
                }
            }
            // Bytes of any shape, such as what another contract reverted with.
            Some(Item::Struct(_)) => {}
            _ => return Err(format!("`{}` is not an error type", types::show(ty))),
        }
    }
    let last = path
        .path
        .segments
        .last()
        .map(|s| s.ident.to_string())
        .unwrap_or_default();
    if found.is_empty() && last != "Vec" {
        return Err(format!(
            "nothing declares the error type `{}`",
            types::show(ty)
        ));
    }
    Ok(())
}

fn members(
    model: &Model,
    id: &ItemId,
    fields: &[Field],
) -> Result<Vec<(String, Ty, bool)>, String> {
    fields
        .iter()
        .map(|field| {
            Ok((
                field.name.clone(),
                types::of_sol(model, &id.module, &field.ty)?,
                field.indexed,
            ))
        })
        .collect()
}

fn structs(contract: &Contract) -> Result<BTreeMap<String, Vec<(String, Ty)>>, String> {
    let mut structs = BTreeMap::new();
    let functions = contract.functions.iter().chain(&contract.constructor);
    for ty in functions.flat_map(|f| f.inputs.iter().map(|(_, ty)| ty).chain(&f.outputs)) {
        add_structs(ty, &mut structs)?;
    }
    for (_, ty, _) in contract.events.iter().flat_map(|event| &event.fields) {
        add_structs(ty, &mut structs)?;
    }
    for (_, ty) in contract.errors.iter().flat_map(|error| &error.fields) {
        add_structs(ty, &mut structs)?;
    }
    Ok(structs)
}

fn add_structs(ty: &Ty, structs: &mut BTreeMap<String, Vec<(String, Ty)>>) -> Result<(), String> {
    match ty {
        Ty::Elementary(_) => {}
        Ty::Array(inner, _) => add_structs(inner, structs)?,
        Ty::Tuple(members) => {
            for member in members {
                add_structs(member, structs)?;
            }
        }
        Ty::Struct(name, members) => {
            for (_, member) in members {
                add_structs(member, structs)?;
            }
            if let Some(other) = structs.insert(name.clone(), members.clone()) {
                if other != *members {
                    return Err(format!("two different structs are named {name}"));
                }
            }
        }
    }
    Ok(())
}
