//! Superfluid for `bpe devnet` and `bpe demo`: a chain that has it, and the file that says where.

use std::path::{Path, PathBuf};

use bpe::artifacts::{locate, Network};
use clap::Args;
use devnet::DevnetBuilder;
use devnet_superfluid::{ready, Deployments, Ready};

/// Where the addresses are left, below the working directory.
const DEPLOYMENTS: &str = "deployments";

#[derive(Args, Clone, Copy)]
pub struct Source {
    /// Fetch nothing: Superfluid's contracts must be there already, from `bpe fetch` or an earlier run.
    #[arg(long)]
    offline: bool,
}

impl Source {
    fn network(self) -> Network {
        match self.offline {
            true => Network::Forbidden,
            false => Network::Allowed,
        }
    }
}

/// Finds or makes the saved chain that has Superfluid on it; the first time takes some seconds.
pub async fn prepare(chain: DevnetBuilder, source: Source) -> anyhow::Result<Ready> {
    let located = locate(source.network())?;
    Ok(ready(&located.chains, &located.artifacts, chain).await?)
}

/// `bpe fetch`: gets Superfluid's contracts, for later runs without a network.
pub fn fetch() -> anyhow::Result<()> {
    locate(Network::Allowed)?;
    println!("Superfluid's contracts are there.");
    Ok(())
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
