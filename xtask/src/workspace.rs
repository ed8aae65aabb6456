//! Where things are: the repository, its contracts, its generated files.

use crate::error::{Error, Result};
use std::{
    env,
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// The repository.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

/// A contract crate: one under contracts/ that builds a cdylib.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractCrate {
    /// The folder's name, `stake-manager`.
    pub name: String,
    /// The Cargo package, `stake_manager`.
    pub package: String,
    /// The folder.
    pub dir: PathBuf,
}

impl ContractCrate {
    /// The name of its `.wasm` file.
    pub fn library(&self) -> String {
        self.package.replace('-', "_")
    }
}

impl Workspace {
    /// The repository that this program was built in.
    pub fn current() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            root: manifest.parent().unwrap_or(manifest).to_path_buf(),
        }
    }

    /// A repository elsewhere.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The contracts' Cargo workspace.
    pub fn contracts_dir(&self) -> PathBuf {
        self.root.join("contracts")
    }

    /// The crate that all contracts share.
    pub fn common_dir(&self) -> PathBuf {
        self.contracts_dir().join("common")
    }

    /// Where Cargo builds.
    pub fn target_dir(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => self.root.join(dir),
            None => self.root.join("target"),
        }
    }

    /// What `cargo xtask build` writes.
    pub fn programs_dir(&self) -> PathBuf {
        self.root.join("target/stylus")
    }

    pub fn interfaces_dir(&self) -> PathBuf {
        self.root.join("interfaces")
    }

    pub fn abi_dir(&self) -> PathBuf {
        self.root.join("sdk-abi/abi")
    }

    pub fn reference_dir(&self) -> PathBuf {
        self.root.join("tests/fixtures/reference-abi")
    }

    /// The tools that scripts/fetch-tools installs.
    pub fn tools_dir(&self) -> PathBuf {
        self.root.join(".tools/bin")
    }

    /// A tool: the one installed there, or else whatever the path has.
    pub fn tool(&self, name: &str) -> PathBuf {
        let own = self.tools_dir().join(name);
        match own.exists() {
            true => own,
            false => name.into(),
        }
    }

    /// The path, with the installed tools first.
    pub fn path_with_tools(&self) -> OsString {
        let mut path = self.tools_dir().into_os_string();
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }

    /// All contract crates, by name.
    pub fn contracts(&self) -> Result<Vec<ContractCrate>> {
        let dir = self.contracts_dir();
        let mut contracts = Vec::new();
        for entry in fs::read_dir(&dir).map_err(Error::io(&dir))? {
            let dir = entry.map_err(Error::io(&dir))?.path();
            let manifest = dir.join("Cargo.toml");
            if !manifest.is_file() {
                continue;
            }
            let text = fs::read_to_string(&manifest).map_err(Error::io(&manifest))?;
            let table: toml::Table = text.parse().map_err(|e: toml::de::Error| Error::Syntax {
                path: manifest,
                message: e.to_string(),
            })?;
            if let (Some(package), true) = (package_name(&table), is_cdylib(&table)) {
                let name = dir
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                contracts.push(ContractCrate { name, package, dir });
            }
        }
        contracts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(contracts)
    }

    /// The contracts of these names, by folder or package; all, if none is given.
    pub fn select(&self, names: &[String]) -> Result<Vec<ContractCrate>> {
        let contracts = self.contracts()?;
        if names.is_empty() {
            return Ok(contracts);
        }
        names
            .iter()
            .map(|name| {
                contracts
                    .iter()
                    .find(|c| c.name == *name || c.package == *name)
                    .cloned()
                    .ok_or_else(|| Error::UnknownContract(name.clone()))
            })
            .collect()
    }
}

fn package_name(manifest: &toml::Table) -> Option<String> {
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

fn is_cdylib(manifest: &toml::Table) -> bool {
    let types = manifest
        .get("lib")
        .and_then(|lib| lib.get("crate-type"))
        .and_then(|t| t.as_array());
    types.is_some_and(|types| types.iter().any(|t| t.as_str() == Some("cdylib")))
}

/// Reads a file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(path))
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
    }
    fs::write(path, contents).map_err(Error::io(path))
}

/// Writes a file in one step, if it is not like that already: others may read it at the same time.
pub fn replace(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let contents = contents.as_ref();
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(Error::io(parent))?;
    let mut new = tempfile::NamedTempFile::new_in(parent).map_err(Error::io(parent))?;
    new.write_all(contents).map_err(Error::io(path))?;
    new.persist(path).map_err(|e| Error::io(path)(e.error))?;
    Ok(())
}
