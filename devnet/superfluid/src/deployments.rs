//! `deployments/<chain id>.json`: the addresses of a chain, for people and for tools. `deployments/schema.json` is its
//! schema.
//!
//! Ids are not unique: every devnet is chain 31337. So the file says which chain it is of by `instance`, the hash of its
//! block 0, and what was recorded of one is never overwritten by another: it has a file of its own beside it,
//! `<chain id>-<first 8 digits of the instance>.json`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

use alloy::primitives::{Address, B256};
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
    /// The hash of the chain's block 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<B256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    pub fn new(chain_id: u64, instance: Option<B256>) -> Self {
        Self {
            chain_id,
            instance,
            superfluid: None,
            contracts: Map::new(),
            wiring: Map::new(),
            replaced: Map::new(),
            pending: None,
        }
    }

    /// The file of a chain in the folder `dir`: the one that is of this instance, or else the one to begin. A file that
    /// does not say which instance it is of may be of this one.
    pub fn path(dir: &Path, chain_id: u64, instance: Option<B256>) -> PathBuf {
        let first = dir.join(format!("{chain_id}.json"));
        let Some(instance) = instance else {
            return first;
        };
        let own = beside(dir, chain_id, &instance);
        let of_another = Self::read(&first)
            .is_ok_and(|file| file.instance.is_some_and(|it| it != instance) && !file.is_bare());
        if of_another || own.exists() {
            own
        } else {
            first
        }
    }

    /// Makes room for the file of a chain that begins: what another chain of the same id has there is kept beside it, and
    /// found there by its instance. Gives the path that it has now.
    ///
    /// # Errors
    /// [`DeploymentsError::Write`].
    pub fn set_aside(
        dir: &Path,
        chain_id: u64,
        instance: B256,
    ) -> Result<Option<PathBuf>, DeploymentsError> {
        let first = dir.join(format!("{chain_id}.json"));
        let Ok(file) = Self::read(&first) else {
            return Ok(None);
        };
        if file.instance == Some(instance) || file.is_bare() {
            return Ok(None);
        }
        let unknown = || {
            let mut names = (1..).map(|n| dir.join(format!("{chain_id}-unknown-{n}.json")));
            names.find(|path| !path.exists())
        };
        let kept = match file.instance {
            Some(instance) => beside(dir, chain_id, &instance),
            None => unknown().unwrap_or_default(),
        };
        match fs::rename(&first, &kept) {
            Ok(()) => Ok(Some(kept)),
            Err(source) => Err(DeploymentsError::Write { path: kept, source }),
        }
    }

    /// Whether there is nothing in it that would be missed: a devnet writes Superfluid's addresses anew.
    fn is_bare(&self) -> bool {
        self.contracts.is_empty() && self.pending.is_none() && self.replaced.is_empty()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`DeploymentsError::Read`] or [`DeploymentsError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, DeploymentsError> {
        let json = fs::read(path).map_err(|source| DeploymentsError::Read {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&json).map_err(|source| DeploymentsError::Malformed {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the chain's file and returns its path. A reader sees the old file or the new one, never a part.
    ///
    /// # Errors
    /// [`DeploymentsError::Write`].
    pub fn save(&self, dir: &Path) -> Result<PathBuf, DeploymentsError> {
        let path = Self::path(dir, self.chain_id, self.instance);
        let write = || {
            fs::create_dir_all(dir)?;
            let draft = path.with_extension(format!("json.{}", process::id()));
            let mut value = serde_json::to_value(self)?;
            checksum(&mut value);
            let mut json = serde_json::to_string_pretty(&value)?;
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

fn beside(dir: &Path, chain_id: u64, instance: &B256) -> PathBuf {
    let short: String = instance.to_string().chars().skip(2).take(8).collect();
    dir.join(format!("{chain_id}-{short}.json"))
}

/// Writes all addresses with their checksums (EIP-55), which some clients insist on.
pub fn checksum(value: &mut Value) {
    match value {
        Value::String(text) if text.len() == 42 => {
            if let Ok(address) = text.parse::<Address>() {
                *text = address.to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(checksum),
        Value::Object(members) => members.values_mut().for_each(checksum),
        _ => {}
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
        assert_eq!(Deployments::read(&path).unwrap(), example());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn names_the_file_that_is_missing_or_malformed() {
        let folder = Folder::new("malformed");
        let missing = Deployments::read(&folder.0.join("1.json")).unwrap_err();
        assert!(
            matches!(missing, DeploymentsError::Read { path, .. } if path == folder.0.join("1.json"))
        );

        fs::write(
            folder.0.join("2.json"),
            r#"{"chainId": 2, "superfluit": {}}"#,
        )
        .unwrap();
        let malformed = Deployments::read(&folder.0.join("2.json")).unwrap_err();
        assert!(
            matches!(malformed, DeploymentsError::Malformed { path, .. } if path == folder.0.join("2.json"))
        );
    }

    #[test]
    fn chains_of_one_id_do_not_overwrite_each_other() {
        let folder = Folder::new("instances");
        let (first, second) = (B256::repeat_byte(0x11), B256::repeat_byte(0x22));
        let of = |instance| Deployments {
            instance: Some(instance),
            ..example()
        };
        let path = of(first).save(&folder.0).unwrap();
        assert_eq!(path, folder.0.join("31337.json"));
        // Another chain begins: the first one's is kept, and found.
        let kept = Deployments::set_aside(&folder.0, 31337, second).unwrap();
        assert_eq!(kept, Some(folder.0.join("31337-11111111.json")));
        assert_eq!(of(second).save(&folder.0).unwrap(), path);
        let found = Deployments::path(&folder.0, 31337, Some(first));
        assert_eq!(Deployments::read(&found).unwrap(), of(first));
        // Both go on.
        assert_eq!(Some(of(first).save(&folder.0).unwrap()), kept);
        assert_eq!(of(second).save(&folder.0).unwrap(), path);
        assert_eq!(
            Deployments::set_aside(&folder.0, 31337, second).unwrap(),
            None
        );
        // A third one that nobody made room for does no harm either.
        let third = B256::repeat_byte(0x33);
        let third = of(third).save(&folder.0).unwrap();
        assert_eq!(third, folder.0.join("31337-33333333.json"));
        assert_eq!(Deployments::read(&path).unwrap(), of(second));
    }

    #[test]
    fn addresses_have_their_checksums() {
        let folder = Folder::new("checksums");
        let mut file = example();
        let address = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
        file.replaced
            .insert("stakeManager".into(), serde_json::json!([address]));
        let path = file.save(&folder.0).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
            "{text}"
        );
    }
}
