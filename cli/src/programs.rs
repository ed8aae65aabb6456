//! The suite's programs, as `cargo xtask build` leaves them in `target/stylus/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, Bytes};
use anyhow::Context as _;
use devnet::{Constructor, Devnet};

/// Where `cargo xtask build` leaves programs.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .join("target/stylus")
}

/// The code of a program as it stands on chain.
///
/// # Errors
/// If it has not been built.
pub fn code(contract: &str) -> anyhow::Result<Bytes> {
    let path = directory().join(contract).with_extension("code");
    let code = fs::read(&path)
        .with_context(|| format!("cannot read {}: run `cargo xtask build`", path.display()))?;
    Ok(code.into())
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
