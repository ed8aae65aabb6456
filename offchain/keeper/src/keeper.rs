//! Starting, running and stopping.

use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy::{
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use bpe_chain::{
    views::Suite, ChainError, Database, Deployment, DeploymentError, HeadWatch, Identity, KeyError,
    Sender,
};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

use crate::{api, config::Config, metrics, shared::Shared, workers, MIGRATIONS};

/// What is in hand when it is to stop may take so long.
const GRACE: Duration = Duration::from_secs(20);

/// A node answers within this time, or counts as away.
const ANSWER: Duration = Duration::from_secs(30);

/// The keeper cannot start.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
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
    #[error("the key {account} has {balance} wei, which pays for no transaction: send ether to it, or set observe = true")]
    NoEther {
        account: alloy::primitives::Address,
        balance: alloy::primitives::U256,
    },
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("serving ended: {0}")]
    Serve(std::io::Error),
}

/// A keeper that is ready to run.
pub struct Keeper {
    shared: Arc<Shared>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Keeper {
    /// Connects to chain, deployment and store, and takes its port.
    ///
    /// # Errors
    /// If one of them is not as it should be: a sentence that says what to do.
    pub async fn start(config: Config) -> Result<Self, KeeperError> {
        let provider = connect(&config.rpc)?;
        let no_chain = |source| KeeperError::NoChain {
            url: config.rpc.clone(),
            source,
        };
        let chain_id = provider.get_chain_id().await.map_err(no_chain)?;
        let file = config.deployment.clone();
        let file = file.unwrap_or_else(|| PathBuf::from(format!("deployments/{chain_id}.json")));
        let deployment = Deployment::read(&file)?;
        let suite = Suite::new(&deployment, &provider)?;
        let identity = Identity {
            chain_id,
            instance: deployment.check(&provider).await?,
            registry: *suite.registry.address(),
        };
        let signer = signer(&config)?;
        let database = open(&config, &identity).await?;
        let stale_after = Duration::from_secs(config.chain.stale_after);
        let head = HeadWatch::new(provider.clone(), stale_after).await?;
        let sender = Sender::new(
            provider.clone(),
            database.clone(),
            head.clone(),
            signer,
            config.limits(),
            config.observe,
        )
        .await?;
        let balance = sender.balance().await?;
        if balance.is_zero() && !config.observe {
            return Err(KeeperError::NoEther {
                account: sender.account(),
                balance,
            });
        }
        let address = config.api.listen;
        let listen = |source| KeeperError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        metrics::handle();
        Ok(Self {
            shared: Arc::new(Shared::new(
                config, deployment, provider, database, head, sender, suite,
            )),
            listener,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose transactions it sends.
    pub fn account(&self) -> alloy::primitives::Address {
        self.shared.sender.account()
    }

    /// Runs until `stop`: then it takes no more, finishes what is in hand, and returns.
    ///
    /// # Errors
    /// If it cannot serve.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), KeeperError> {
        let (signal, stopped) = tokio::sync::watch::channel(false);
        let mut tasks = JoinSet::new();
        workers::spawn(&mut tasks, &self.shared, &stopped);
        let api = api::serve(Arc::clone(&self.shared), self.listener, stopped);
        let api = tokio::spawn(api);
        stop.await;
        tracing::info!("stops: finishes what is in hand");
        let _ = signal.send(true);
        let finish = async {
            while let Some(task) = tasks.join_next().await {
                if let Err(error) = task {
                    tracing::error!(%error, "a worker ended badly");
                }
            }
        };
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!("a transaction is still on its way; the next start goes on with it");
        }
        let served = tokio::time::timeout(Duration::from_secs(2), api).await;
        self.shared.database.close().await;
        match served {
            Ok(Ok(Err(error))) => Err(KeeperError::Serve(error)),
            _ => Ok(()),
        }
    }
}

fn connect(url: &str) -> Result<DynProvider, KeeperError> {
    let parsed: Url = url.parse().map_err(|_| KeeperError::Url(url.to_owned()))?;
    let client = bpe_rpc::in_time(&bpe_rpc::client(parsed)?, ANSWER);
    Ok(ProviderBuilder::default().connect_client(client).erased())
}

/// A keeper that only observes needs no key.
fn signer(config: &Config) -> Result<PrivateKeySigner, KeeperError> {
    match config.key.signer() {
        Ok(signer) => Ok(signer),
        Err(KeyError::None(_)) if config.observe => Ok(PrivateKeySigner::random()),
        Err(error) => Err(error.into()),
    }
}

async fn open(config: &Config, identity: &Identity) -> Result<Database, ChainError> {
    match &config.store.url {
        Some(url) => Database::open(url, identity, &MIGRATIONS).await,
        None => Database::open_file(&config.store.state, "keeper", identity, &MIGRATIONS).await,
    }
}
