//! The suite on a chain in this process, deployed by the library of `bpe deploy`.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use bpe::deploy::{self, Book, Chain, Config, Deployed, Request};
use devnet::Devnet;
use devnet_superfluid::SuperfluidAddresses;

/// Runs `bpe deploy`'s library on the devnet as account 0, over HTTP as it wants it. The deployments file is of no use
/// afterwards: the chain goes with this process.
pub async fn deploy(
    devnet: &Devnet,
    superfluid: SuperfluidAddresses,
    config: Config,
) -> anyhow::Result<Deployed> {
    let folder = tempfile::tempdir().context("cannot make a folder for the deployments file")?;
    Book::open(folder.path(), devnet.chain_id(), Some(devnet.instance()))?
        .set_superfluid(superfluid)?;
    let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = devnet.serve(free_port).await?;
    let owner = devnet.signers()[0].clone();
    let chain = Chain::connect(&server.http_url(), Some(owner)).await?;
    let request = Request {
        config,
        quiet: true,
        ..Request::new(folder.path())
    };
    let deployed = deploy::deploy(&chain, &request).await?;
    drop(chain);
    server.stop().await;
    Ok(deployed)
}
