//! `U256` wraps silently, so `+`, `-` and `*` stand only where a comment says why they cannot: one with the word
//! "overflow" or "underflow", on the same line, or above or inside the statement.
//!
//! There are no types here, only syntax. An operator with an integer literal, a cast or a length beside it is between
//! primitive integers, which trap (`overflow-checks`), and is let pass; every other one has to be explained, whatever
//! its type. The proven mathematics of bpe-common (its module `math`), constants and tests are exempt. Not caught:
//! `pow`, shifts, `sum()`, `wrapping_*` and operators inside macros' arguments.

use super::Finding;
use crate::{
    abi::Contract,
    error::{Error, Result},
    source::{is_test, types::show, Module},
};
use std::{collections::BTreeSet, fs};
use syn::{
    spanned::Spanned,
    visit::{self, Visit},
};

pub fn check(contracts: &[Contract]) -> Result<Finding> {
    let mut finding = Finding::new("arithmetic that wraps is explained");
    let mut seen = BTreeSet::new();
    for contract in contracts {
        for module in contract.model.modules() {
            if module.path.get(1).is_some_and(|name| name == "math")
                || !seen.insert(module.file.clone())
            {
                continue;
            }
            let text = fs::read_to_string(&module.file).map_err(Error::io(&module.file))?;
            for (line, operation) in unexplained(&text).map_err(|e| Error::Syntax {
                path: module.file.clone(),
                message: e.to_string(),
            })? {
                let place = place(module);
                finding
                    .violations
                    .push(format!("{place}, line {line}: {operation}"));
            }
        }
    }
    Ok(finding)
}

fn place(module: &Module) -> String {
    let file = module.file.to_string_lossy();
    file.rsplit_once("contracts/")
        .map_or(file.to_string(), |(_, rest)| rest.to_owned())
}

/// The operators of a source file that nothing explains, by line.
pub fn unexplained(text: &str) -> syn::Result<Vec<(usize, String)>> {
    let file = syn::parse_file(text)?;
    let mut search = Search {
        lines: text.lines().collect(),
        statements: Vec::new(),
        found: Vec::new(),
    };
    search.visit_file(&file);
    Ok(search.found)
}

struct Search<'a> {
    lines: Vec<&'a str>,
    /// First lines of the statements around.
    statements: Vec<usize>,
    found: Vec<(usize, String)>,
}

impl Search<'_> {
    fn is_explained(&self, line: usize) -> bool {
        let start = self.statements.last().copied().unwrap_or(line);
        // Comments directly above the statement belong to it.
        let above = (1..start)
            .rev()
            .take_while(|line| comment(self.lines[line - 1], true).is_some());
        above.chain(start..=line).any(|line| {
            self.lines
                .get(line - 1)
                .and_then(|text| comment(text, false))
                .is_some_and(|comment| {
                    let comment = comment.to_lowercase();
                    comment.contains("overflow") || comment.contains("underflow")
                })
        })
    }
}

/// The comment on a line; only if there is nothing before it, if `alone`.
fn comment(line: &str, alone: bool) -> Option<&str> {
    let at = line.find("//")?;
    (!alone || line[..at].trim().is_empty()).then(|| &line[at..])
}

/// Whether an operand can only be a primitive integer.
fn is_primitive(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Lit(_) | syn::Expr::Cast(_) => true,
        syn::Expr::Paren(expr) => is_primitive(&expr.expr),
        syn::Expr::Unary(expr) => is_primitive(&expr.expr),
        syn::Expr::Binary(expr) => is_primitive(&expr.left) || is_primitive(&expr.right),
        syn::Expr::MethodCall(call) => call.method == "len",
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        use syn::BinOp::{Add, AddAssign, Mul, MulAssign, Sub, SubAssign};
        let wraps = matches!(
            expr.op,
            Add(_) | Sub(_) | Mul(_) | AddAssign(_) | SubAssign(_) | MulAssign(_)
        );
        let line = expr.op.span().start().line;
        if wraps
            && !is_primitive(&expr.left)
            && !is_primitive(&expr.right)
            && !self.is_explained(line)
        {
            self.found.push((line, show(expr)));
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_stmt(&mut self, stmt: &'ast syn::Stmt) {
        self.statements.push(stmt.span().start().line);
        visit::visit_stmt(self, stmt);
        self.statements.pop();
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

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

    // Array lengths and const generics are computed by the compiler, which checks them.
    fn visit_type(&mut self, _: &'ast syn::Type) {}
}
