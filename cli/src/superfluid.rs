//! Superfluid for `bpe devnet` and `bpe demo`: a chain that has it, and the file that says where.

use std::path::{Path, PathBuf};

use devnet::DevnetBuilder;
use devnet_superfluid::{ready, tools_dir, Artifacts, Deployments, Ready};

/// Where the addresses are left, below the working directory.
const DEPLOYMENTS: &str = "deployments";

/// Finds or makes the saved chain that has Superfluid on it; the first time takes some seconds.
pub async fn prepare(chain: DevnetBuilder) -> anyhow::Result<Ready> {
    let artifacts = Artifacts::locate()?;
    let cache = tools_dir()
        .unwrap_or_else(|| PathBuf::from(".tools"))
        .join("devnet");
    Ok(ready(&cache, &artifacts, chain).await?)
}

/// Writes the addresses to `deployments/<chain id>.json`; gives the file's path. Of a chain that goes on, what else was
/// deployed stays in there.
pub fn publish(ready: &Ready, chain_id: u64, goes_on: bool) -> anyhow::Result<PathBuf> {
    let directory = Path::new(DEPLOYMENTS);
    let path = Deployments::path(directory, chain_id);
    let mut deployments = match goes_on && path.exists() {
        true => Deployments::load(directory, chain_id)?,
        false => Deployments::new(chain_id),
    };
    deployments.superfluid = Some(ready.superfluid);
    Ok(deployments.save(directory)?)
}
