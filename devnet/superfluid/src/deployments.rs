//! `deployments/<chain id>.json`: the addresses of a chain, for people and for tools. `deployments/schema.json` is its
//! schema.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::deploy::SuperfluidAddresses;

/// Why the file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentsError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} does not follow deployments/schema.json")]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
}

/// What is deployed on one chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployments {
    pub chain_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superfluid: Option<SuperfluidAddresses>,
    /// Whatever else is deployed. This crate keeps it as it is and knows nothing of its meaning.
    #[serde(default)]
    pub contracts: Map<String, Value>,
    /// How contracts were connected, likewise.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub wiring: Map<String, Value>,
    /// Contracts that others have taken the place of.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub replaced: Map<String, Value>,
    /// A transaction that was sent, and of which nobody has seen what became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Value>,
}

impl Deployments {
    /// A chain on which nothing is deployed yet.
    pub fn new(chain_id: u64) -> Self {
        Self {
            chain_id,
            superfluid: None,
            contracts: Map::new(),
            wiring: Map::new(),
            replaced: Map::new(),
            pending: None,
        }
    }

    /// The file of a chain in the folder `dir`.
    pub fn path(dir: &Path, chain_id: u64) -> PathBuf {
        dir.join(format!("{chain_id}.json"))
    }

    /// Reads a chain's file.
    ///
    /// # Errors
    /// [`DeploymentsError::Read`] or [`DeploymentsError::Malformed`].
    pub fn load(dir: &Path, chain_id: u64) -> Result<Self, DeploymentsError> {
        let path = Self::path(dir, chain_id);
        let json = fs::read(&path).map_err(|source| DeploymentsError::Read {
            path: path.clone(),
            source,
        })?;
        serde_json::from_slice(&json).map_err(|source| DeploymentsError::Malformed { path, source })
    }

    /// Writes the chain's file and returns its path. A reader sees the old file or the new one, never a part.
    ///
    /// # Errors
    /// [`DeploymentsError::Write`].
    pub fn save(&self, dir: &Path) -> Result<PathBuf, DeploymentsError> {
        let path = Self::path(dir, self.chain_id);
        let write = || {
            fs::create_dir_all(dir)?;
            let draft = path.with_extension(format!("json.{}", process::id()));
            let mut json = serde_json::to_string_pretty(self)?;
            json.push('\n');
            let mut file = fs::File::create(&draft)?;
            file.write_all(json.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        match write() {
            Ok(()) => Ok(path),
            Err(source) => Err(DeploymentsError::Write { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;

    use super::*;

    /// A folder of its own for each test, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("deployments-{name}-{}", process::id()));
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn example() -> Deployments {
        let json = serde_json::json!({
            "chainId": 31337,
            "contracts": {"stakeManager": {"address": Address::ZERO}},
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn reads_what_it_wrote_and_leaves_no_draft() {
        let folder = Folder::new("round-trip");
        let path = example().save(&folder.0).unwrap();
        assert_eq!(path, folder.0.join("31337.json"));
        assert_eq!(Deployments::load(&folder.0, 31337).unwrap(), example());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn names_the_file_that_is_missing_or_malformed() {
        let folder = Folder::new("malformed");
        let missing = Deployments::load(&folder.0, 1).unwrap_err();
        assert!(
            matches!(missing, DeploymentsError::Read { path, .. } if path == folder.0.join("1.json"))
        );

        fs::write(
            folder.0.join("2.json"),
            r#"{"chainId": 2, "superfluit": {}}"#,
        )
        .unwrap();
        let malformed = Deployments::load(&folder.0, 2).unwrap_err();
        assert!(
            matches!(malformed, DeploymentsError::Malformed { path, .. } if path == folder.0.join("2.json"))
        );
    }
}
