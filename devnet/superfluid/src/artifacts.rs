//! Compiled contracts as Hardhat writes them: reading, linking, and a digest of the whole set.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use alloy::{
    hex,
    json_abi::JsonAbi,
    primitives::{keccak256, Address, Bytes, Keccak256, B256},
};
use serde::Deserialize;

/// The version of `@superfluid-finance/ethereum-contracts` that `scripts/fetch-superfluid` gets.
pub const VERSION: &str = "1.15.2";

/// The one artefact of another format: a plain ERC-1820 registry, compiled by solc.
const ERC1820_REGISTRY: &str = "ERC1820Registry";

/// Why the artefacts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("no {path} in {start} or above: run scripts/fetch-superfluid")]
    NotFetched { path: PathBuf, start: PathBuf },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a build artefact")]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("no artefact named {0}: remove the folder and run scripts/fetch-superfluid")]
    Missing(String),
    #[error("{contract} needs the library {library} linked")]
    Unlinked { contract: String, library: String },
    #[error("the bytecode of {contract} is not hexadecimal")]
    Bytecode {
        contract: String,
        source: hex::FromHexError,
    },
}

/// The nearest `.tools` folder: of the current directory or of one above it.
pub fn tools_dir() -> Option<PathBuf> {
    let start = std::env::current_dir().ok()?;
    start
        .ancestors()
        .map(|dir| dir.join(".tools"))
        .find(|dir| dir.is_dir())
}

/// A compiled contract.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub name: String,
    pub abi: JsonAbi,
    /// Init code in hex without prefix, with placeholders where libraries are to be linked.
    bytecode: String,
    links: Vec<Link>,
}

/// A place in the bytecode that takes a library's address.
#[derive(Clone, Debug)]
struct Link {
    library: String,
    /// In bytes.
    start: usize,
}

impl Artifact {
    /// The contract's init code, without constructor arguments, linked against `libraries`.
    ///
    /// # Errors
    /// [`ArtifactError::Unlinked`] if a library that the contract needs is not among `libraries`.
    pub fn init_code(&self, libraries: &[(&str, Address)]) -> Result<Bytes, ArtifactError> {
        let mut code = self.bytecode.clone();
        for link in &self.links {
            let (_, address) = libraries
                .iter()
                .find(|(name, _)| *name == link.library)
                .ok_or_else(|| ArtifactError::Unlinked {
                    contract: self.name.clone(),
                    library: link.library.clone(),
                })?;
            let start = 2 * link.start;
            code.replace_range(
                start..start + 2 * Address::ZERO.len(),
                &hex::encode(address),
            );
        }
        hex::decode(&code)
            .map(Bytes::from)
            .map_err(|source| ArtifactError::Bytecode {
                contract: self.name.clone(),
                source,
            })
    }

    fn parse(name: &str, json: &[u8]) -> Result<Self, serde_json::Error> {
        if name == ERC1820_REGISTRY {
            let file: SolcFile = serde_json::from_slice(json)?;
            return Ok(Self {
                name: name.to_owned(),
                abi: serde_json::from_str(&file.abi)?,
                bytecode: file.bin,
                links: Vec::new(),
            });
        }
        let file: HardhatFile = serde_json::from_slice(json)?;
        let links = file
            .link_references
            .into_values()
            .flatten()
            .flat_map(|(library, places)| {
                places.into_iter().map(move |place| Link {
                    library: library.clone(),
                    start: place.start,
                })
            });
        Ok(Self {
            name: name.to_owned(),
            abi: file.abi,
            bytecode: file.bytecode.trim_start_matches("0x").to_owned(),
            links: links.collect(),
        })
    }
}

/// The artefacts of one version of the protocol.
#[derive(Clone, Debug)]
pub struct Artifacts(BTreeMap<String, Artifact>);

impl Artifacts {
    /// The artefacts that `scripts/fetch-superfluid` has put into the nearest [`tools_dir`].
    ///
    /// # Errors
    /// [`ArtifactError::NotFetched`] if the script has not been run; else as [`Artifacts::load`].
    pub fn locate() -> Result<Self, ArtifactError> {
        let path = Path::new("superfluid").join(VERSION);
        match tools_dir()
            .map(|tools| tools.join(&path))
            .filter(|dir| dir.is_dir())
        {
            Some(dir) => Self::load(&dir),
            None => Err(ArtifactError::NotFetched {
                path: Path::new(".tools").join(path),
                start: std::env::current_dir().unwrap_or_default(),
            }),
        }
    }

    /// All artefacts in a folder, one `<contract>.json` each.
    ///
    /// # Errors
    /// [`ArtifactError::Read`] or [`ArtifactError::Malformed`], with the file.
    pub fn load(dir: &Path) -> Result<Self, ArtifactError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |source| ArtifactError::Read { path, source }
        };
        let mut artifacts = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(unreadable(dir))? {
            let path = entry.map_err(unreadable(dir))?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
                continue;
            };
            let json = fs::read(&path).map_err(unreadable(&path))?;
            let artifact =
                Artifact::parse(name, &json).map_err(|source| ArtifactError::Malformed {
                    path: path.clone(),
                    source,
                })?;
            artifacts.insert(name.to_owned(), artifact);
        }
        Ok(Self(artifacts))
    }

    /// The contract of that name.
    ///
    /// # Errors
    /// [`ArtifactError::Missing`].
    pub fn get(&self, name: &str) -> Result<&Artifact, ArtifactError> {
        self.0
            .get(name)
            .ok_or_else(|| ArtifactError::Missing(name.to_owned()))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Artifact> {
        self.0.values()
    }

    /// A hash of all names and bytecodes: changes when any contract does.
    pub fn digest(&self) -> B256 {
        let mut hasher = Keccak256::new();
        for (name, artifact) in &self.0 {
            hasher.update(keccak256(name));
            hasher.update(keccak256(&artifact.bytecode));
        }
        hasher.finalize()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HardhatFile {
    abi: JsonAbi,
    bytecode: String,
    /// Source file → library → places.
    link_references: BTreeMap<String, BTreeMap<String, Vec<Place>>>,
}

#[derive(Deserialize)]
struct Place {
    start: usize,
}

#[derive(Deserialize)]
struct SolcFile {
    /// JSON within JSON.
    abi: String,
    bin: String,
}

#[cfg(test)]
mod tests {
    use alloy::primitives::address;

    use super::*;

    const LINKED: &str = r#"{
        "abi": [],
        "bytecode": "0x60__$0123456789abcdef0123456789abcdef01$__61__$0123456789abcdef0123456789abcdef01$__",
        "linkReferences": {"a.sol": {"Lib": [{"start": 1, "length": 20}, {"start": 22, "length": 20}]}}
    }"#;
    const LIBRARY: Address = address!("00000000000000000000000000000000000000ff");

    #[test]
    fn links_every_place() {
        let artifact = Artifact::parse("A", LINKED.as_bytes()).unwrap();
        let code = artifact.init_code(&[("Lib", LIBRARY)]).unwrap();
        assert_eq!(
            hex::encode(code),
            format!("60{0}61{0}", hex::encode(LIBRARY))
        );
    }

    #[test]
    fn refuses_to_leave_a_library_out() {
        let artifact = Artifact::parse("A", LINKED.as_bytes()).unwrap();
        let error = artifact.init_code(&[("Other", LIBRARY)]).unwrap_err();
        assert_eq!(error.to_string(), "A needs the library Lib linked");
    }

    #[test]
    fn digest_covers_names_and_code() {
        let with = |name: &str, bytecode: &str| {
            let json = format!(r#"{{"abi":[],"bytecode":"{bytecode}","linkReferences":{{}}}}"#);
            Artifacts(
                [(
                    name.to_owned(),
                    Artifact::parse(name, json.as_bytes()).unwrap(),
                )]
                .into(),
            )
            .digest()
        };
        assert_eq!(with("A", "0x60"), with("A", "0x60"));
        assert_ne!(with("A", "0x60"), with("A", "0x61"));
        assert_ne!(with("A", "0x60"), with("B", "0x60"));
    }
}
