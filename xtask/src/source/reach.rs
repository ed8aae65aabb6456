//! What a contract's code can get to: from everything in its own crate to the functions, types and Solidity items of
//! the shared crate that it names, and what those name in turn.
//!
//! An over-approximation in one way (naming a type reaches all its methods), exact in another: an event or error
//! counts as used only where an expression builds it, not where it is declared or imported.

use super::{sol::SolKind, Item, ItemId, Model, ModulePath};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};

/// What is reached.
#[derive(Debug, Default)]
pub struct Reach {
    /// Every item named on the way.
    pub items: BTreeSet<ItemId>,
    /// Events and errors that some expression builds.
    pub built: BTreeSet<ItemId>,
    /// Interfaces of which a call is named (`IToken::transferCall`, `IToken::new`), with the segment that follows.
    pub calls: BTreeSet<(ItemId, String)>,
}

/// Follows a crate's code.
pub fn from_crate(model: &Model, krate: &str) -> Reach {
    let mut walk = Walk {
        model,
        module: Vec::new(),
        reach: Reach::default(),
        queue: Vec::new(),
    };
    for module in model.crate_modules(krate) {
        walk.module.clone_from(&module.path);
        for item in &module.items {
            walk.item(item);
        }
        for block in &module.impls {
            walk.visit_item_impl(block);
        }
    }
    while let Some(id) = walk.queue.pop() {
        // What is in the contract's own crate has been walked already.
        if id.module.first().is_some_and(|first| first == krate) {
            continue;
        }
        walk.module.clone_from(&id.module);
        if let Some(item) = model.item(&id) {
            walk.item(item);
        }
        for (module, block) in model.impls_of(&id) {
            walk.module.clone_from(&module.path);
            walk.visit_item_impl(block);
        }
    }
    walk.reach
}

struct Walk<'a> {
    model: &'a Model,
    module: ModulePath,
    reach: Reach,
    queue: Vec<ItemId>,
}

impl Walk<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Struct(item) => self.visit_item_struct(item),
            Item::Enum(item) => self.visit_item_enum(item),
            Item::Fn(item) => self.visit_item_fn(item),
            Item::Alias(item) => self.visit_item_type(item),
            Item::Trait(item) => self.visit_item_trait(item),
            Item::Const(item) => self.visit_item_const(item),
            Item::Macro(_, tokens) => self.tokens(tokens.clone()),
            Item::Sol(_) => {}
        }
    }

    fn path(&mut self, segments: &[String], builds: bool) {
        for id in self.model.resolve(&self.module, segments) {
            if let Some(Item::Sol(item)) = self.model.item(&id) {
                match item.kind {
                    SolKind::Event { .. } | SolKind::Error(_) if builds => {
                        self.reach.built.insert(id.clone());
                    }
                    SolKind::Interface(_) => {
                        let after = segments.iter().skip_while(|s| **s != item.name).nth(1);
                        let after = after.cloned().unwrap_or_default();
                        self.reach.calls.insert((id.clone(), after));
                    }
                    _ => {}
                }
            }
            if self.reach.items.insert(id.clone()) {
                self.queue.push(id);
            }
        }
    }

    /// Macros' arguments are not parsed: every path in them counts as an expression.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut joined = false;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if !joined && !segments.is_empty() {
                        let path = std::mem::take(&mut segments);
                        self.path(&path, true);
                    }
                    segments.push(ident.to_string());
                    joined = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => joined = true,
                other => {
                    if !segments.is_empty() {
                        let path = std::mem::take(&mut segments);
                        self.path(&path, true);
                    }
                    joined = false;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        if !segments.is_empty() {
            self.path(&segments, true);
        }
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect()
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_expr_struct(&mut self, expr: &'ast syn::ExprStruct) {
        self.path(&segments(&expr.path), true);
        visit::visit_expr_struct(self, expr);
    }

    fn visit_expr_path(&mut self, expr: &'ast syn::ExprPath) {
        // `ZeroAmount {}` is a struct expression; `Error::ZeroAmount(error)` builds nothing new.
        visit::visit_expr_path(self, expr);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(&segments(path), false);
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attr: &'ast syn::Attribute) {
        if attr.path().is_ident("inherit") || attr.path().is_ident("implements") {
            if let syn::Meta::List(list) = &attr.meta {
                self.tokens(list.tokens.clone());
            }
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.visit_path(&mac.path);
        self.tokens(mac.tokens.clone());
    }
}
