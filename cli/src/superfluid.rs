//! Superfluid for `bpe devnet` and `bpe demo`: a chain that has it, and the file that says where.

use std::path::{Path, PathBuf};

use alloy::{
    network::Ethereum,
    primitives::{Bytes, U256},
    providers::PendingTransactionBuilder,
};
use anyhow::{ensure, Context as _};
use bpe::{
    artifacts::{locate, Network},
    deploy::DEPLOYMENTS,
};
use clap::Args;
use devnet::{Devnet, DevnetBuilder};
use devnet_superfluid::{
    bindings::{ISuperToken, ITestToken},
    ready, Deployments, Ready, SuperfluidAddresses,
};

#[derive(Args, Clone, Copy)]
pub struct Source {
    /// Fetch nothing: Superfluid's contracts must be there already, from `bpe fetch` or an earlier run.
    #[arg(long)]
    offline: bool,
}

impl Source {
    #[cfg(all(feature = "keeper", feature = "agents"))]
    pub const fn is_offline(self) -> bool {
        self.offline
    }

    /// Tells another `bpe` the same.
    #[cfg(all(feature = "keeper", feature = "agents"))]
    pub fn options(self) -> &'static [&'static str] {
        match self.offline {
            true => &["--offline"],
            false => &[],
        }
    }

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

/// Writes the addresses to the deployments file of the chain; gives the file's path. Of a chain that goes on, what else
/// was deployed stays in there; what is recorded of another chain of the same id is kept beside it.
pub fn publish(
    superfluid: &SuperfluidAddresses,
    chain: &Devnet,
    goes_on: bool,
) -> anyhow::Result<Published> {
    let directory = Path::new(DEPLOYMENTS);
    let (chain_id, instance) = (chain.chain_id(), chain.instance());
    let kept = match goes_on {
        true => None,
        false => Deployments::set_aside(directory, chain_id, instance)?,
    };
    let path = Deployments::path(directory, chain_id, Some(instance));
    let mut deployments = match goes_on && path.exists() {
        true => Deployments::read(&path)?,
        false => Deployments::new(chain_id, Some(instance)),
    };
    deployments.instance = Some(instance);
    deployments.superfluid = Some(*superfluid);
    let file = deployments.save(directory)?;
    Ok(Published { file, kept })
}

/// Where a chain's addresses are.
pub struct Published {
    pub file: PathBuf,
    /// Where those of an earlier chain are now.
    pub kept: Option<PathBuf>,
}

/// USDC, USDCx and stake tokens that each account has from the start, in whole tokens.
pub const FUNDS: u64 = 1_000_000;

/// Gives every account of the devnet USDC, USDCx and stake tokens. The last account does it, so that the others begin with nonce 0.
pub async fn fund(chain: &Devnet, superfluid: &SuperfluidAddresses) -> anyhow::Result<()> {
    let provider = chain.provider();
    let usdc = ITestToken::new(superfluid.usdc, &provider);
    let usdcx = ISuperToken::new(superfluid.usdcx, &provider);
    let stake = ITestToken::new(superfluid.stake_token, &provider);
    let (accounts, bank) = (chain.accounts(), chain.account(chain.accounts().len() - 1));
    let whole = U256::from(10).pow(U256::from(usdc.decimals().call().await?));
    let each = U256::from(FUNDS) * whole;
    let wrapped = each * U256::from(accounts.len());
    let call = usdc.mint(bank, wrapped).from(bank);
    mined(call.send().await).await?;
    let call = usdc.approve(superfluid.usdcx, wrapped).from(bank);
    mined(call.send().await).await?;
    let each_wrapped = U256::from(FUNDS) * U256::from(10).pow(U256::from(18));
    for account in accounts {
        let call = usdc.mint(*account, each).from(bank);
        mined(call.send().await).await?;
        let call = usdcx
            .upgradeTo(*account, each_wrapped, Bytes::new())
            .from(bank);
        mined(call.send().await).await?;
        let call = stake.mint(*account, each_wrapped).from(bank);
        mined(call.send().await).await?;
    }
    Ok(())
}

/// Waits until a transaction is in a block, and sees that it did not revert.
async fn mined(
    sent: Result<PendingTransactionBuilder<Ethereum>, alloy::contract::Error>,
) -> anyhow::Result<()> {
    let receipt = sent
        .context("cannot fund the accounts")?
        .get_receipt()
        .await?;
    ensure!(
        receipt.status(),
        "cannot fund the accounts: transaction {} reverted",
        receipt.transaction_hash
    );
    Ok(())
}
