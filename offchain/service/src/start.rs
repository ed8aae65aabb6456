//! From a configuration to chain, deployment, store and sender.

use std::{path::PathBuf, time::Duration};

use alloy::{
    primitives::{Address, B256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use bpe_agent::directory::OnChain;
use bpe_chain::{
    ChainError, Database, Deployment, DeploymentError, HeadWatch, Identity, KeyError, Sender,
};
pub use bpe_rpc::EndpointError;
use url::Url;

use crate::config::Common;

/// A node answers within this time, or counts as away.
const ANSWER: Duration = Duration::from_secs(30);

/// A service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("no chain answers at {url}: {source}")]
    NoChain {
        url: String,
        source: alloy::transports::RpcError<alloy::transports::TransportErrorKind>,
    },
    #[error("rpc = {0} is no URL")]
    Url(String),
    #[error(transparent)]
    Endpoint(#[from] bpe_rpc::EndpointError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What a service stands on.
pub struct Base {
    pub chain_id: u64,
    pub deployment: Deployment,
    pub provider: DynProvider,
    pub database: Database,
    pub head: HeadWatch,
    pub sender: Sender,
    pub signer: PrivateKeySigner,
    watching: tokio::task::JoinHandle<()>,
}

impl Drop for Base {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Base {
    /// Connects to chain, deployment and store, whose tables besides those of sending are `tables`.
    ///
    /// # Errors
    /// If one of them is not as it should be: a sentence that says what to do.
    pub async fn start(
        common: &Common<'_>,
        tables: &[(i64, &'static str, &'static str)],
    ) -> Result<Self, StartError> {
        let provider = connect(common.rpc)?;
        let no_chain = |source| StartError::NoChain {
            url: common.rpc.to_owned(),
            source,
        };
        let chain_id = provider.get_chain_id().await.map_err(no_chain)?;
        let file = common.deployment.map(ToOwned::to_owned);
        let file = file.unwrap_or_else(|| PathBuf::from(format!("deployments/{chain_id}.json")));
        let deployment = Deployment::read(&file)?;
        let identity = Identity {
            chain_id,
            instance: deployment.check(&provider).await?,
            registry: deployment.address("capacityRegistry")?,
        };
        let signer = common.key.signer()?;
        let state = common.state();
        let database = Database::open_file(&state, common.role, &identity, tables).await?;
        let stale_after = Duration::from_secs(common.chain.stale_after);
        let head = HeadWatch::new(provider.clone(), stale_after).await?;
        let poll = Duration::from_millis(common.chain.poll_ms);
        let watching = tokio::spawn(head.clone().run(poll));
        let sender = Sender::new(
            provider.clone(),
            database.clone(),
            head.clone(),
            signer.clone(),
            common.limits(),
            common.observe,
        )
        .await?;
        Ok(Self {
            chain_id,
            deployment,
            provider,
            database,
            head,
            sender,
            signer,
            watching,
        })
    }

    /// Whose key it is.
    pub fn account(&self) -> Address {
        self.signer.address()
    }

    /// The chain's time, in seconds since 1970, as last heard of.
    pub fn now(&self) -> u64 {
        self.head.get().timestamp
    }

    /// A task type's metadata.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn metadata(&self, task_type: B256) -> Result<String, ChainError> {
        if let Some(directory) = OnChain::find(&self.deployment, &self.provider) {
            return directory.metadata(task_type).await;
        }
        let registry = self.deployment.address("capacityRegistry")?;
        let registry = bpe_abi::ICapacityRegistry::new(registry, &self.provider);
        Ok(registry.getMetadata(task_type).call().await?)
    }
}

fn connect(url: &str) -> Result<DynProvider, StartError> {
    let parsed: Url = url.parse().map_err(|_| StartError::Url(url.to_owned()))?;
    let client = bpe_rpc::in_time(&bpe_rpc::client(parsed)?, ANSWER);
    Ok(ProviderBuilder::default().connect_client(client).erased())
}
