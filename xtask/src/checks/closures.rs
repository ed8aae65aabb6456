//! No closure is called twice with values: rustc 1.93 to 1.96, ours among them, compiles that wrong. In
//! `let f = |x: U256| …; f(w); f(w)` the second call may see what the first made of `w` (optimised, "s" included; mended
//! in 1.97; GVN and DeadStoreElimination disagree about a moved argument). A function does not have the fault.
//!
//! There are no types here: every closure with parameters that gets a name is refused, and every parameter that is an
//! `Fn` or `FnMut`, in contracts and bpe-common. Not caught: dependencies, and iterator adapters, which make a value of
//! their own for each call.

use super::Finding;
use crate::{
    abi::Contract,
    error::{Error, Result},
    source::is_test,
};
use std::{collections::BTreeSet, fs};
use syn::{
    spanned::Spanned,
    visit::{self, Visit},
};

pub fn check(contracts: &[Contract]) -> Result<Finding> {
    let mut finding = Finding::new("no closure is called twice with values");
    let mut seen = BTreeSet::new();
    let modules = contracts
        .iter()
        .flat_map(|contract| contract.model.modules());
    for module in modules.filter(|module| seen.insert(module.file.clone())) {
        let text = fs::read_to_string(&module.file).map_err(Error::io(&module.file))?;
        let lines = named(&text).map_err(|e| Error::Syntax {
            path: module.file.clone(),
            message: e.to_string(),
        })?;
        let file = module.file.to_string_lossy();
        let place = file
            .rsplit_once("contracts/")
            .map_or(&*file, |(_, rest)| rest);
        let violations = lines.into_iter().map(|line| {
            format!("{place}, line {line}: a function instead, or arguments by reference")
        });
        finding.violations.extend(violations);
    }
    Ok(finding)
}

/// The lines of a source file with a closure that may be called twice.
pub fn named(text: &str) -> syn::Result<Vec<usize>> {
    let mut search = Search::default();
    search.visit_file(&syn::parse_file(text)?);
    Ok(search.lines)
}

#[derive(Default)]
struct Search {
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Search {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        let value = local.init.as_ref().map(|init| &*init.expr);
        if let Some(syn::Expr::Closure(closure)) = value {
            if !closure.inputs.is_empty() {
                self.lines.push(local.span().start().line);
            }
        }
        visit::visit_local(self, local);
    }

    fn visit_trait_bound(&mut self, bound: &'ast syn::TraitBound) {
        let name = bound
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        if matches!(name.as_deref(), Some("Fn" | "FnMut")) {
            self.lines.push(bound.span().start().line);
        }
        visit::visit_trait_bound(self, bound);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }
}
