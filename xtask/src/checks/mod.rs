//! The rules that every contract keeps, checked on its source. Each module says what it does not catch.

pub mod arithmetic;
pub mod calls;
pub mod closures;
pub mod features;
pub mod layout;
pub mod reference;
pub mod results;
pub mod selectors;
pub mod structs;
pub mod unused;

use crate::{
    abi::Contract,
    error::{Error, Result, Violations},
    workspace::Workspace,
};

/// What one rule has to say.
#[derive(Debug)]
pub struct Finding {
    pub rule: &'static str,
    /// What was looked at, for the reader of a log.
    pub summary: Vec<String>,
    pub violations: Vec<String>,
}

impl Finding {
    fn new(rule: &'static str) -> Self {
        Self {
            rule,
            summary: Vec::new(),
            violations: Vec::new(),
        }
    }
}

/// Checks every rule.
pub fn all(workspace: &Workspace, contracts: &[Contract]) -> Result<Vec<Finding>> {
    Ok(vec![
        reference::check(&workspace.reference_dir(), contracts)?,
        selectors::check(contracts),
        results::check(contracts),
        structs::check(contracts),
        layout::check(contracts),
        calls::check(contracts, calls::ALLOWED),
        arithmetic::check(contracts)?,
        closures::check(contracts)?,
        unused::check(contracts),
        features::check(workspace)?,
    ])
}

/// Prints findings, and fails if a rule is violated.
pub fn report(findings: &[Finding]) -> Result<()> {
    let mut violations = 0;
    for finding in findings {
        violations += finding.violations.len();
        let verdict = match finding.violations.len() {
            0 => "ok".to_owned(),
            n => format!("VIOLATED {n}×"),
        };
        println!("{}: {verdict}", finding.rule);
        for line in finding.summary.iter().chain(&finding.violations) {
            println!("    {line}");
        }
    }
    match violations {
        0 => Ok(()),
        n => Err(Error::Rules(Violations(n))),
    }
}
