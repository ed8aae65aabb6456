//! Whether a generated file is up to date.

use crate::{
    error::{Error, Result},
    workspace::Workspace,
};
use similar::TextDiff;
use std::{fs, io, path::Path};

/// Fails with a readable difference unless `file` holds `fresh`.
pub fn check(workspace: &Workspace, file: &Path, fresh: &str, remedy: &str) -> Result<()> {
    let name = file
        .strip_prefix(workspace.root())
        .unwrap_or(file)
        .display();
    let stale = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Stale(format!("{name} is missing: run `{remedy}`")));
        }
        Err(e) => return Err(Error::io(file)(e)),
    };
    if stale == fresh {
        return Ok(());
    }
    let diff = TextDiff::from_lines(stale.as_str(), fresh);
    let diff = diff
        .unified_diff()
        .context_radius(2)
        .header("committed", "generated")
        .to_string();
    Err(Error::Stale(format!(
        "{name} is stale: run `{remedy}`\n{diff}"
    )))
}
