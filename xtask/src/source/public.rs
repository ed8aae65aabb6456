//! The functions that a contract routes to: its `#[public]` blocks, and those of what it inherits and implements.

use super::{
    doc, doc_lines, has_attr,
    types::{self, show, Ty},
    Item, ItemId, Model, Module,
};
use convert_case::{Case, Casing};

/// A function of a contract's ABI.
#[derive(Debug, Clone)]
pub struct Function {
    /// The name in Rust.
    pub rust_name: String,
    /// The name in the ABI.
    pub name: String,
    pub doc: Vec<String>,
    pub kind: FunctionKind,
    pub mutability: Mutability,
    pub inputs: Vec<(String, Ty)>,
    pub outputs: Vec<Ty>,
    /// Their names in the ABI: as many, or none. From the list under `# Returns` in the documentation.
    pub output_names: Vec<String>,
    /// Whether the result is a bare Rust tuple.
    pub bare_tuple: bool,
    /// The type in the `Err` of its result, and where that type's name stands.
    pub error: Option<(Vec<String>, syn::Type)>,
    /// The type that has it: the contract, or what it inherits from.
    pub owner: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Function,
    Constructor,
    Fallback,
    Receive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    Pure,
    View,
    NonPayable,
    Payable,
}

impl Mutability {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::View => "view",
            Self::NonPayable => "nonpayable",
            Self::Payable => "payable",
        }
    }
}

impl Function {
    /// Its results, each with its name, which is empty if it has none.
    pub fn named_outputs(&self) -> impl Iterator<Item = (&str, &Ty)> {
        let names = self.output_names.iter().map(String::as_str);
        names.chain(std::iter::repeat("")).zip(&self.outputs)
    }

    /// What its selector is the hash of.
    pub fn signature(&self) -> String {
        let inputs: Vec<_> = self.inputs.iter().map(|(_, ty)| ty.canonical()).collect();
        format!("{}({})", self.name, inputs.join(","))
    }
}

/// The struct marked `#[entrypoint]` in a crate.
pub fn entrypoint(model: &Model, krate: &str) -> Result<(ItemId, String), String> {
    let mut found = model.crate_modules(krate).flat_map(|module| {
        module
            .items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Item::Struct(item) if has_attr(&item.attrs, "entrypoint") => Some((
                    ItemId {
                        module: module.path.clone(),
                        index,
                    },
                    item.ident.to_string(),
                )),
                _ => None,
            })
    });
    let first = found.next().ok_or("no struct is marked #[entrypoint]")?;
    match found.next() {
        Some((_, second)) => Err(format!(
            "both {} and {second} are marked #[entrypoint]",
            first.1
        )),
        None => Ok(first),
    }
}

/// All functions of a contract: its own first, then what it implements and inherits, in the order of routing.
pub fn functions(model: &Model, contract: &ItemId) -> Result<Vec<Function>, String> {
    let mut functions = Vec::new();
    collect(model, contract, &mut functions, 0)?;
    // Only the contract's own constructor runs; those of its parents are not routed to.
    let own = model.item(contract).map(Item::name).unwrap_or_default();
    functions.retain(|f| f.kind == FunctionKind::Function || f.owner == own);
    Ok(functions)
}

fn collect(
    model: &Model,
    ty: &ItemId,
    functions: &mut Vec<Function>,
    depth: usize,
) -> Result<(), String> {
    let owner = model.item(ty).map(Item::name).unwrap_or_default();
    if depth > 8 {
        return Err(format!("{owner} inherits from itself"));
    }
    let blocks: Vec<_> = model
        .impls_of(ty)
        .filter(|(_, block)| has_attr(&block.attrs, "public"))
        .collect();
    let mut implemented = Vec::new();
    let mut inherited = Vec::new();
    for (module, block) in blocks.iter().filter(|(_, block)| block.trait_.is_none()) {
        own_functions(model, module, block, &owner, functions)?;
        implemented.extend(attribute_types(block, "implements")?);
        for parent in attribute_types(block, "inherit")? {
            inherited.push((*module, parent));
        }
    }
    for name in implemented {
        let block = blocks.iter().find(|(_, block)| {
            block
                .trait_
                .as_ref()
                .is_some_and(|(_, path, _)| last_ident(path) == last_ident(&name))
        });
        let (module, block) =
            block.ok_or_else(|| format!("no #[public] impl of {} for {owner}", show(&name)))?;
        own_functions(model, module, block, &owner, functions)?;
    }
    for (module, parent) in inherited {
        let parents = model.resolve_path(&module.path, &parent);
        let parent_id = parents
            .iter()
            .find(|id| matches!(model.item(id), Some(Item::Struct(_))))
            .ok_or_else(|| {
                format!(
                    "{owner} inherits from {}, which is not found",
                    show(&parent)
                )
            })?;
        collect(model, parent_id, functions, depth + 1)?;
    }
    Ok(())
}

fn own_functions(
    model: &Model,
    module: &Module,
    block: &syn::ItemImpl,
    owner: &str,
    functions: &mut Vec<Function>,
) -> Result<(), String> {
    for item in &block.items {
        if let syn::ImplItem::Fn(item) = item {
            let found = function(model, module, item, owner)
                .map_err(|e| format!("{owner}::{}: {e}", item.sig.ident))?;
            functions.push(found);
        }
    }
    Ok(())
}

fn function(
    model: &Model,
    module: &Module,
    item: &syn::ImplItemFn,
    owner: &str,
) -> Result<Function, String> {
    let rust_name = item.sig.ident.to_string();
    let name = match selector_name(&item.attrs)? {
        Some(name) => name,
        None => rust_name.to_case(Case::Camel),
    };
    let kind = match () {
        () if has_attr(&item.attrs, "constructor") => FunctionKind::Constructor,
        () if has_attr(&item.attrs, "fallback") => FunctionKind::Fallback,
        () if has_attr(&item.attrs, "receive") => FunctionKind::Receive,
        () => FunctionKind::Function,
    };
    let mut inputs = item.sig.inputs.iter();
    // As the macro infers it: `&mut` writes, `&` views, nothing is pure.
    let mutability = match item.sig.inputs.first() {
        Some(syn::FnArg::Receiver(receiver)) => Some(receiver.mutability.is_some()),
        Some(syn::FnArg::Typed(arg)) => match &*arg.ty {
            syn::Type::Reference(ty) => Some(ty.mutability.is_some()),
            _ => None,
        },
        None => None,
    };
    if mutability.is_some() {
        inputs.next();
    }
    let mutability = match mutability {
        _ if kind == FunctionKind::Receive || has_attr(&item.attrs, "payable") => {
            Mutability::Payable
        }
        // A constructor is never a view, whatever it takes.
        _ if kind == FunctionKind::Constructor => Mutability::NonPayable,
        Some(true) => Mutability::NonPayable,
        Some(false) => Mutability::View,
        None => Mutability::Pure,
    };
    let takes_arguments = matches!(kind, FunctionKind::Function | FunctionKind::Constructor);
    let inputs = inputs
        .filter(|_| takes_arguments)
        .map(|arg| match arg {
            syn::FnArg::Typed(arg) => {
                let ty = types::of_rust(model, &module.path, &arg.ty)?;
                Ok((parameter_name(&arg.pat), ty))
            }
            syn::FnArg::Receiver(_) => Err("a second receiver".to_owned()),
        })
        .collect::<Result<_, String>>()?;
    let (output, error) = match &item.sig.output {
        syn::ReturnType::Default => (None, None),
        syn::ReturnType::Type(_, ty) => split_result(ty),
    };
    let bare_tuple = matches!(output, Some(syn::Type::Tuple(ty)) if !ty.elems.is_empty());
    let outputs = match output {
        Some(ty) if takes_arguments => match types::of_rust(model, &module.path, ty)? {
            Ty::Tuple(members) => members,
            single => vec![single],
        },
        _ => Vec::new(),
    };
    let output_names = output_names(doc_lines(&item.attrs));
    if !output_names.is_empty() && output_names.len() != outputs.len() {
        let (names, values) = (output_names.len(), outputs.len());
        return Err(format!(
            "names {names} results under `# Returns`, and has {values}"
        ));
    }
    Ok(Function {
        rust_name,
        name,
        doc: doc(&item.attrs),
        kind,
        mutability,
        inputs,
        outputs,
        output_names,
        bare_tuple,
        error: error.map(|ty| (module.path.clone(), ty.clone())),
        owner: owner.to_owned(),
    })
}

/// The names in a documentation's list of results: ``* `name` …`` under `# Returns`.
fn output_names(doc: impl Iterator<Item = String>) -> Vec<String> {
    let section = doc.skip_while(|line| line != "# Returns").skip(1);
    let section = section.take_while(|line| !line.starts_with('#'));
    let names = section.filter_map(|line| {
        let name = line.strip_prefix("* `")?.split('`').next()?;
        Some(name.to_owned())
    });
    names.collect()
}

/// The types of a `Result`, or the type itself.
fn split_result(ty: &syn::Type) -> (Option<&syn::Type>, Option<&syn::Type>) {
    let syn::Type::Path(path) = ty else {
        return (Some(ty), None);
    };
    let Some(last) = path.path.segments.last().filter(|s| s.ident == "Result") else {
        return (Some(ty), None);
    };
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return (Some(ty), None);
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    (types.next(), types.next())
}

fn parameter_name(pattern: &syn::Pat) -> String {
    match pattern {
        syn::Pat::Ident(ident) => ident
            .ident
            .to_string()
            .trim_start_matches("r#")
            .to_case(Case::Camel),
        _ => String::new(),
    }
}

fn selector_name(attrs: &[syn::Attribute]) -> Result<Option<String>, String> {
    let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("selector")) else {
        return Ok(None);
    };
    let meta: syn::MetaNameValue = attr.parse_args().map_err(|e| e.to_string())?;
    match meta.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(name),
            ..
        }) => Ok(Some(name.value())),
        _ => Err("#[selector] without a name".to_owned()),
    }
}

fn attribute_types(block: &syn::ItemImpl, name: &str) -> Result<Vec<syn::Path>, String> {
    let mut paths = Vec::new();
    for attr in block.attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        let list = attr
            .parse_args_with(
                syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated,
            )
            .map_err(|e| format!("#[{name}]: {e}"))?;
        paths.extend(list);
    }
    Ok(paths)
}

fn last_ident(path: &syn::Path) -> Option<String> {
    path.segments
        .last()
        .map(|segment| segment.ident.to_string())
}
