//! The suite's programs: those that are part of `bpe`, or as `cargo xtask build` leaves them in `target/stylus/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, Bytes, Keccak256, B256};
use anyhow::Context as _;
use devnet::{Constructor, Devnet};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/programs.rs"));
}

/// Where `cargo xtask build` leaves programs.
#[cfg(not(embedded))]
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .join("target/stylus")
}

/// Where `cargo xtask build` leaves programs, seen from a clone. What is installed names no folder of another machine.
#[cfg(embedded)]
pub fn directory() -> PathBuf {
    "target/stylus".into()
}

/// Where a program's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Programs {
    /// They are part of `bpe`.
    Embedded,
    /// A folder like the one that `cargo xtask build` fills.
    Folder(PathBuf),
}

impl Default for Programs {
    fn default() -> Self {
        match cfg!(embedded) {
            true => Self::Embedded,
            false => Self::Folder(directory()),
        }
    }
}

impl Programs {
    /// The code of a program as it stands on chain.
    ///
    /// # Errors
    /// If it is not there.
    pub fn code(&self, contract: &str) -> anyhow::Result<Bytes> {
        match self {
            Self::Embedded => {
                let program = embedded::PROGRAMS
                    .iter()
                    .find(|(name, _)| *name == contract);
                let (_, code) = program
                    .with_context(|| format!("this build of bpe has no program {contract}"))?;
                Ok(Bytes::from_static(code))
            }
            Self::Folder(folder) => {
                let path = folder.join(contract).with_extension("code");
                let code = fs::read(&path).with_context(|| {
                    format!("cannot read {}: run `cargo xtask build`", path.display())
                })?;
                Ok(code.into())
            }
        }
    }

    /// How many there are, and a hash of all names and codes; none if they cannot be read.
    pub fn fingerprint(&self) -> Option<(usize, B256)> {
        let mut names: Vec<String> = match self {
            Self::Embedded => embedded::PROGRAMS
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            Self::Folder(folder) => fs::read_dir(folder)
                .ok()?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| {
                    path.extension()
                        .is_some_and(|extension| extension == "code")
                })
                .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
                .collect(),
        };
        names.sort();
        let mut hasher = Keccak256::new();
        for name in &names {
            let code = self.code(name).ok()?;
            hasher.update((name.len() as u64).to_be_bytes());
            hasher.update(name);
            hasher.update((code.len() as u64).to_be_bytes());
            hasher.update(&code);
        }
        (!names.is_empty()).then(|| (names.len(), hasher.finalize()))
    }
}

/// The code of a program as it stands on chain.
///
/// # Errors
/// If it has not been built.
pub fn code(contract: &str) -> anyhow::Result<Bytes> {
    Programs::default().code(contract)
}

/// Deploys, activates, constructs and caches a program on a devnet, from account 0. `arguments` are the constructor's,
/// encoded as parameters.
pub async fn deploy(
    devnet: &Devnet,
    contract: &str,
    arguments: Vec<u8>,
) -> anyhow::Result<Address> {
    let constructor = Some(Constructor::new(arguments));
    let deployment = devnet.deploy_code(code(contract)?, constructor).await;
    let address = deployment
        .with_context(|| format!("cannot deploy {contract}"))?
        .address;
    devnet
        .cache_program(address)
        .await
        .with_context(|| format!("cannot cache {contract}"))?;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_of_names_and_codes() {
        let folder = tempfile::tempdir().unwrap();
        let programs = Programs::Folder(folder.path().into());
        let write = |name: &str, code: &[u8]| fs::write(folder.path().join(name), code).unwrap();
        assert_eq!(programs.fingerprint(), None, "there are none");
        write("a.code", &[1]);
        let one = programs.fingerprint().unwrap();
        write("a.wasm", &[9]);
        assert_eq!(programs.fingerprint().unwrap(), one, "only code counts");
        write("b.code", &[2]);
        let two = programs.fingerprint().unwrap();
        assert_eq!((one.0, two.0), (1, 2));
        write("b.code", &[3]);
        assert_ne!(programs.fingerprint().unwrap(), two);
        let error = programs.code("c").unwrap_err().to_string();
        assert!(
            error.contains("c.code") && error.contains("cargo xtask build"),
            "{error}"
        );
    }
}
