//! No contract turns on stylus-sdk's `reentrant`. Cargo unifies features over all contracts that are built together,
//! which `cargo stylus` always does from a workspace's root: one contract with it opens all of them to re-entry.
//! A contract that has to be re-entrant lives in a workspace of its own.

use super::Finding;
use crate::{
    error::Result,
    workspace::{self, Workspace},
};
use std::path::PathBuf;

pub fn check(workspace: &Workspace) -> Result<Finding> {
    let mut finding = Finding::new("no contract opens the others to re-entry");
    let dir = workspace.contracts_dir();
    let mut manifests = vec![
        dir.join("Cargo.toml"),
        workspace.common_dir().join("Cargo.toml"),
    ];
    manifests.extend(
        workspace
            .contracts()?
            .into_iter()
            .map(|contract| contract.dir.join("Cargo.toml")),
    );
    manifests.retain(|manifest: &PathBuf| manifest.is_file());
    for manifest in manifests {
        if names_reentrant(&workspace::read(&manifest)?) {
            let name = manifest
                .strip_prefix(workspace.root())
                .unwrap_or(&manifest)
                .display();
            finding
                .violations
                .push(format!("{name} turns on `reentrant`"));
        }
    }
    Ok(finding)
}

fn names_reentrant(manifest: &str) -> bool {
    let code = manifest
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    code.into_iter()
        .any(|line| line.contains("\"reentrant\"") || line.contains("/reentrant\""))
}

#[cfg(test)]
mod tests {
    use super::names_reentrant;

    #[test]
    fn finds_the_feature() {
        assert!(names_reentrant(
            r#"stylus-sdk = { workspace = true, features = ["reentrant"] }"#
        ));
        assert!(names_reentrant(r#"default = ["stylus-sdk/reentrant"]"#));
        assert!(!names_reentrant(
            r#"stylus-sdk = { workspace = true } # not "reentrant""#
        ));
    }
}
