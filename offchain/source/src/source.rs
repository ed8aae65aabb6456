//! Starting, running, stopping, and taking everything back.

use std::{
    collections::HashMap,
    future::{Future, IntoFuture as _},
    net::SocketAddr,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    time::Duration,
};

use alloy::primitives::Address;
use axum::{routing::get, Router};
use bpe_agent::{
    directory::OnChain,
    formats::{WorkScale, WorkScaleError},
    streams::{walk, Next, StreamError},
    vouchers::{Ledger, LedgerError},
};
use bpe_chain::{views::Suite, ChainError, DeploymentError};
use bpe_service::{
    http::Client,
    start::{Base, EndpointError, StartError},
};
use tokio::{
    net::TcpListener,
    sync::{watch, Notify, Semaphore},
    task::JoinSet,
};

use crate::{config::Config, gateway, health, money::Money, settle, shared::Shared, sinks::Sinks};

/// Requests in hand have so long to end, once it is to stop.
const GRACE: Duration = Duration::from_secs(30);

/// The source cannot start, or go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Scale(#[from] WorkScaleError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("serving ended: {0}")]
    Serve(std::io::Error),
}

/// A source that is ready to run.
pub struct Source {
    shared: Arc<Shared>,
}

impl Source {
    /// Connects to chain, deployment and store.
    ///
    /// # Errors
    /// If one of them is not as it should be: a sentence that says what to do.
    pub async fn start(config: Config) -> Result<Self, SourceError> {
        bpe_service::metrics::handle();
        health::begin();
        let base = Base::start(&config.common(), &Ledger::MIGRATIONS).await?;
        let ledger = Ledger::new(base.database.clone());
        let failed = ledger.fail_all_in_hand().await?;
        if failed > 0 {
            tracing::warn!(
                failed,
                "requests were in hand when this stopped the last time"
            );
        }
        let mut scales = HashMap::new();
        for model in config.models.values() {
            let metadata = base.metadata(model.task_type).await?;
            scales.insert(model.task_type, WorkScale::of(&metadata)?);
        }
        let choose = &config.choose;
        let shared = Shared {
            contract: base.deployment.address("workVouchers")?,
            tracker: base.deployment.address("completionTracker")?,
            scales,
            ledger,
            sinks: Sinks::new(
                Duration::from_secs(choose.suspend),
                Duration::from_secs(choose.suspend_most),
            ),
            money: Money::new(&config, &base)?,
            client: Client::new(config.timeouts)?,
            strangers: if config.choose.private {
                Client::new(config.timeouts)?
            } else {
                Client::of_strangers(config.timeouts)?
            },
            suite: Suite::new(&base.deployment, &base.provider)?,
            directory: OnChain::find(&base.deployment, &base.provider),
            draining: AtomicBool::new(false),
            gate: Arc::new(Semaphore::new(config.gateway.at_once)),
            owed: Notify::new(),
            config,
            base,
        };
        let it = Self {
            shared: Arc::new(shared),
        };
        for id in it.shared.task_types() {
            it.shared.refresh(*id).await?;
        }
        let hour_ago = it.shared.base.now().saturating_sub(settle::HOUR);
        let spent = it.shared.ledger.done_since(hour_ago).await?;
        it.shared.money.remember(spent);
        Ok(it)
    }

    /// Who pays.
    pub fn account(&self) -> Address {
        self.shared.source()
    }

    /// Signs for what is open, closes the streams, and takes back what is unspent, as far as that can be done now;
    /// says from when on the rest can.
    ///
    /// # Errors
    /// If a step is refused.
    pub async fn leave(&self) -> Result<Option<u64>, SourceError> {
        for pair in self.shared.ledger.pairs_to_settle().await? {
            if !settle::settle(&self.shared, &pair).await? {
                tracing::warn!(sink = %pair.sink, "a sink cannot be sent its voucher");
            }
        }
        let mut soonest = None;
        for (_, lifecycle) in self.shared.money.lifecycles() {
            let now = self.shared.base.head.refresh().await?.timestamp;
            let sender = &self.shared.base.sender;
            if let Next::Wait { until, .. } = walk(sender, || lifecycle.leave(now)).await? {
                soonest = Some(soonest.map_or(until, |it: u64| it.min(until)));
            }
        }
        Ok(soonest)
    }

    /// Takes its port.
    ///
    /// # Errors
    /// If another one has it.
    pub async fn listen(&self) -> Result<TcpListener, SourceError> {
        let address = self.shared.config.gateway.listen;
        let listen = |source| SourceError::Listen { address, source };
        TcpListener::bind(address).await.map_err(listen)
    }

    /// Runs until `stop`: then it takes no more, finishes what is in hand, and returns.
    ///
    /// # Errors
    /// If it cannot serve.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), SourceError> {
        let (signal, stopped) = watch::channel(false);
        let shared = self.shared;
        let mut workers = JoinSet::new();
        let steering = (Arc::clone(&shared), stopped.clone());
        workers.spawn(async move { steering.0.money.run(&steering.0.base, steering.1).await });
        workers.spawn(settle::run(Arc::clone(&shared), stopped.clone()));
        workers.spawn(look_around(Arc::clone(&shared), stopped.clone()));
        let app = router(Arc::clone(&shared)).into_make_service();
        let mut until = stopped.clone();
        let serving = axum::serve(bpe_service::http::at_once(listener), app)
            .with_graceful_shutdown(async move {
                let _ = until.wait_for(|stop| *stop).await;
            });
        let serving = tokio::spawn(serving.into_future());
        stop.await;
        tracing::info!("stops: finishes what is in hand");
        shared.draining.store(true, Ordering::Relaxed);
        let most = u32::try_from(shared.config.gateway.at_once).unwrap_or(u32::MAX);
        let drained = shared.gate.acquire_many(most);
        if tokio::time::timeout(GRACE, drained).await.is_err() {
            tracing::warn!("some requests have not ended in time");
        }
        let _ = signal.send(true);
        let ended = async { while workers.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("a transaction is still on its way; the next start goes on with it");
        }
        let served = tokio::time::timeout(Duration::from_secs(2), serving).await;
        shared.base.database.close().await;
        match served {
            Ok(Ok(Err(error))) => Err(SourceError::Serve(error)),
            _ => Ok(()),
        }
    }
}

/// Looks again and again who serves, and how they are.
async fn look_around(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let every = Duration::from_secs(shared.config.choose.refresh);
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        for id in shared.task_types() {
            if let Err(error) = shared.refresh(*id).await {
                tracing::warn!(task_type = %id, %error, "the sinks stay as they were known");
            }
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/models", get(gateway::models))
        .route("/bpe/v1/source", get(health::status))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(gateway::any)
        .with_state(shared)
}
