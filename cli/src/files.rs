//! Files that commands leave.

use std::{fs, path::Path};

use anyhow::{ensure, Context as _};

/// Refuses a file that could not be written: it is said at once, and not after minutes.
pub fn require_directory(file: &Path) -> anyhow::Result<()> {
    let directory = directory(file);
    ensure!(
        directory.is_dir() && !file.is_dir(),
        "cannot write {}: name a file in a folder that exists",
        file.display()
    );
    Ok(())
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Writes a file beside its place and moves it there: nobody ever sees half of it.
pub fn write_whole(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let draft = directory(file).join(name);
    let written = fs::write(&draft, content).and_then(|()| fs::rename(&draft, file));
    written.with_context(|| format!("cannot write {}", file.display()))?;
    println!("Wrote {}", file.display());
    Ok(())
}
