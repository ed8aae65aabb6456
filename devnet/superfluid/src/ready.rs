//! A devnet with Superfluid on it, deployed once and kept on disk: every later start takes it from there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use alloy::primitives::{hex, Keccak256};
use devnet::{Devnet, DevnetBuilder, DevnetError, PersistError};

use crate::{deploy, ArtifactError, Artifacts, Config, DeployError, SuperfluidAddresses, VERSION};

/// The last of the devnet's accounts deploys, and owns governance: the first ones' nonces stay 0 for users.
const DEPLOYER: usize = 9;

const STATE_FILE: &str = "state.json";
const ADDRESSES_FILE: &str = "addresses.json";

/// Why there is no devnet with Superfluid.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error("cannot deploy Superfluid")]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    #[error(transparent)]
    Persist(#[from] PersistError),
    #[error("cannot keep a devnet with Superfluid in {path}")]
    Cache { path: PathBuf, source: io::Error },
}

/// A saved chain with Superfluid on it.
#[derive(Clone, Debug)]
pub struct Ready {
    /// For [`DevnetBuilder::state_file`].
    pub state: PathBuf,
    pub superfluid: SuperfluidAddresses,
}

/// Finds the saved chain in the folder `cache`, or makes it: a chain as `chain` builds it, on which Superfluid is
/// deployed. `chain`'s time must be the manual one; a chain that starts from the file may have another.
///
/// A saved chain is found again as long as artefacts, genesis and chain parameters are the same.
///
/// # Errors
/// [`ReadyError`]. Without the artefacts nothing works, a saved chain neither.
pub async fn ready(
    cache: &Path,
    artifacts: &Artifacts,
    chain: DevnetBuilder,
) -> Result<Ready, ReadyError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| ReadyError::Cache { path, source }
    };
    fs::create_dir_all(cache).map_err(at(cache))?;
    // A draft of its own for each call in each process, renamed when complete: many tests may start at once.
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let draft = cache.join(format!("draft-{}-{call}", process::id()));
    fs::create_dir_all(&draft).map_err(at(&draft))?;
    let found = find_or_make(cache, &draft, artifacts, chain).await;
    // Left over only where another process has been faster, or after an error, which says more than one in here.
    let _ = fs::remove_dir_all(&draft);
    found
}

async fn find_or_make(
    cache: &Path,
    draft: &Path,
    artifacts: &Artifacts,
    chain: DevnetBuilder,
) -> Result<Ready, ReadyError> {
    let devnet = chain.build()?;
    let config = Config::new(devnet.account(DEPLOYER));
    let kept = cache.join(key(&devnet, draft, artifacts, &config)?);
    if let Some(ready) = find(&kept) {
        return Ok(ready);
    }

    let superfluid = deploy(&devnet.provider(), artifacts, &config).await?;
    devnet.save(&draft.join(STATE_FILE))?;
    let failed = |source| ReadyError::Cache {
        path: kept.clone(),
        source,
    };
    let addresses = serde_json::to_vec_pretty(&superfluid).map_err(io::Error::from);
    fs::write(draft.join(ADDRESSES_FILE), addresses.map_err(failed)?).map_err(failed)?;
    match fs::rename(draft, &kept) {
        Ok(()) => Ok(Ready {
            state: kept.join(STATE_FILE),
            superfluid,
        }),
        Err(source) => find(&kept).ok_or(failed(source)),
    }
}

/// What is kept in the folder, if it is whole.
fn find(kept: &Path) -> Option<Ready> {
    let addresses = fs::read(kept.join(ADDRESSES_FILE)).ok()?;
    let superfluid = serde_json::from_slice(&addresses).ok()?;
    let state = kept.join(STATE_FILE);
    state.is_file().then_some(Ready { state, superfluid })
}

/// What is deployed, and how: another version of it makes another chain.
const DEPLOYMENT: &str = include_str!("deploy.rs");

/// Names everything the saved chain depends on. The chain before the deployment stands for genesis, chain parameters
/// and file format.
fn key(
    devnet: &Devnet,
    draft: &Path,
    artifacts: &Artifacts,
    config: &Config,
) -> Result<String, ReadyError> {
    let fresh = draft.join(STATE_FILE);
    devnet.save(&fresh)?;
    let chain = fs::read(&fresh).map_err(|source| ReadyError::Cache {
        path: fresh,
        source,
    })?;
    let mut hasher = Keccak256::new();
    hasher.update(artifacts.digest());
    hasher.update(DEPLOYMENT);
    hasher.update(format!("{config:?}"));
    hasher.update(chain);
    let digest = hasher.finalize();
    Ok(format!(
        "superfluid-{VERSION}-{}",
        hex::encode(&digest[..8])
    ))
}
