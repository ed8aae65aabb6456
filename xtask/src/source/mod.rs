//! The contracts' source as data: modules, items and what names mean.
//!
//! Only as much of Rust's name resolution as contract crates use: `use` (with `as`, groups, globs and re-exports),
//! `self`, `super`, `crate`, the shared crate by its name. Items under `#[cfg(test)]` are left out.

mod load;
pub mod public;
pub mod reach;
pub mod sol;
pub mod storage;
pub mod types;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

pub use load::{load, load_text};

/// Everything known about a contract: its own crate and the shared one.
#[derive(Debug, Default)]
pub struct Model {
    modules: BTreeMap<ModulePath, Module>,
    /// Names of crates, as they appear at the start of a path.
    crates: Vec<String>,
    /// What paths mean where they stand: each is asked for thousands of times.
    resolved: RefCell<HashMap<PathAt, Vec<ItemId>>>,
}

/// A path, and the module in which it stands.
type PathAt = (ModulePath, Vec<String>);

/// A crate's name and the modules below it.
pub type ModulePath = Vec<String>;

/// One module.
#[derive(Debug)]
pub struct Module {
    pub path: ModulePath,
    pub file: PathBuf,
    /// Items by name. Several can share one: a type and a function, say.
    pub items: Vec<Item>,
    /// `impl` blocks stand apart, having no name.
    pub impls: Vec<syn::ItemImpl>,
    imports: Vec<Import>,
}

#[derive(Debug)]
struct Import {
    /// `None` for a glob.
    name: Option<String>,
    path: Vec<String>,
}

/// A named item.
#[derive(Debug)]
pub enum Item {
    Struct(syn::ItemStruct),
    Enum(syn::ItemEnum),
    Fn(syn::ItemFn),
    Alias(syn::ItemType),
    Trait(syn::ItemTrait),
    Const(syn::ItemConst),
    Macro(String, proc_macro2::TokenStream),
    Sol(sol::SolItem),
}

impl Item {
    pub fn name(&self) -> String {
        match self {
            Self::Struct(item) => item.ident.to_string(),
            Self::Enum(item) => item.ident.to_string(),
            Self::Fn(item) => item.sig.ident.to_string(),
            Self::Alias(item) => item.ident.to_string(),
            Self::Trait(item) => item.ident.to_string(),
            Self::Const(item) => item.ident.to_string(),
            Self::Macro(name, _) => name.clone(),
            Self::Sol(item) => item.name.clone(),
        }
    }
}

/// Where an item is: its module and its place there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemId {
    pub module: ModulePath,
    pub index: usize,
}

impl Model {
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    pub fn module(&self, path: &[String]) -> Option<&Module> {
        self.modules.get(path)
    }

    /// The modules of one crate.
    pub fn crate_modules<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Module> {
        self.modules()
            .filter(move |m| m.path.first().is_some_and(|first| first == name))
    }

    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.modules.get(&id.module)?.items.get(id.index)
    }

    /// What a path means in a module: all items of that name, since types and functions may share one. An enum's
    /// variant, or whatever else follows the name of a type, resolves to the type.
    pub fn resolve(&self, module: &[String], path: &[String]) -> Vec<ItemId> {
        let key = (module.to_vec(), path.to_vec());
        if let Some(known) = self.resolved.borrow().get(&key) {
            return known.clone();
        }
        let found = self.resolve_within(module, path, 8);
        self.resolved.borrow_mut().insert(key, found.clone());
        found
    }

    /// As [`Model::resolve`], for a path of Rust's syntax.
    pub fn resolve_path(&self, module: &[String], path: &syn::Path) -> Vec<ItemId> {
        let segments: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.resolve(module, &segments)
    }

    fn resolve_within(&self, module: &[String], path: &[String], depth: usize) -> Vec<ItemId> {
        let (Some((first, rest)), Some(below)) = (path.split_first(), depth.checked_sub(1)) else {
            return Vec::new();
        };
        match first.as_str() {
            "crate" => return self.resolve_within(&module[..1], rest, below),
            "self" if !rest.is_empty() => return self.resolve_within(module, rest, below),
            "super" => {
                let parent = &module[..module.len().saturating_sub(1).max(1)];
                return self.resolve_within(parent, rest, below);
            }
            _ => {}
        }
        let Some(here) = self.modules.get(module) else {
            return Vec::new();
        };
        let own: Vec<_> = here
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.name() == *first)
            .map(|(index, _)| ItemId {
                module: module.to_vec(),
                index,
            })
            .collect();
        if !own.is_empty() {
            return own;
        }
        let child: ModulePath = module.iter().chain([first]).cloned().collect();
        if self.modules.contains_key(&child) {
            return self.resolve_within(&child, rest, below);
        }
        for import in here
            .imports
            .iter()
            .filter(|i| i.name.as_ref() == Some(first))
        {
            let target: Vec<_> = import.path.iter().chain(rest).cloned().collect();
            // A `use` of the very name it introduces must not look itself up.
            if target != path {
                let found = self.resolve_within(module, &target, below);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        if self.crates.contains(first) {
            return self.resolve_within(std::slice::from_ref(first), rest, below);
        }
        for import in here.imports.iter().filter(|i| i.name.is_none()) {
            let target: Vec<_> = import.path.iter().chain(path).cloned().collect();
            if target != path {
                let found = self.resolve_within(module, &target, below);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
    }

    /// The `impl` blocks of a type, wherever they stand in its crate.
    pub fn impls_of<'a>(
        &'a self,
        id: &'a ItemId,
    ) -> impl Iterator<Item = (&'a Module, &'a syn::ItemImpl)> + 'a {
        let krate = id.module.first().map(String::as_str).unwrap_or_default();
        self.crate_modules(krate).flat_map(move |module| {
            let own = module
                .impls
                .iter()
                .filter(move |item| match &*item.self_ty {
                    syn::Type::Path(ty) => self.resolve_path(&module.path, &ty.path).contains(id),
                    _ => false,
                });
            own.map(move |item| (module, item))
        })
    }
}

/// Whether an attribute of this name is there.
pub fn has_attr(attrs: &[syn::Attribute], name: &str) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident(name))
}

/// Whether an item is for the host only: `#[test]`, `#[cfg(test)]`, `#[cfg(not(target_arch = "wasm32"))]`.
pub fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string().replace(' ', "");
            condition == "test" || condition == "not(target_arch=\"wasm32\")"
        }
        _ => false,
    })
}

/// The first paragraph of a doc comment, one string per line.
pub fn doc(attrs: &[syn::Attribute]) -> Vec<String> {
    doc_lines(attrs)
        .skip_while(String::is_empty)
        .take_while(|line| !line.is_empty())
        .collect()
}

/// All lines of a documentation, without the space around them.
pub fn doc_lines(attrs: &[syn::Attribute]) -> impl Iterator<Item = String> + '_ {
    attrs.iter().filter_map(|attr| match &attr.meta {
        syn::Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    })
}
