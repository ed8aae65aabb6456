//! Starting, running, stopping and leaving.

use std::{
    future::{Future, IntoFuture as _},
    net::SocketAddr,
    sync::{atomic::Ordering, Arc},
    time::Duration,
};

use alloy::primitives::{Address, U256};
use axum::{
    extract::DefaultBodyLimit,
    routing::{get, post},
    Router,
};
use bpe_agent::{
    directory::OnChain,
    formats::{WorkScale, WorkScaleError, STATUS_PATH, VOUCHERS_PATH},
    streams::{take, walk, Next, SinkLifecycle, SinkPlan, StreamError},
    vouchers::{Ledger, LedgerError},
};
use bpe_chain::{ChainError, DeploymentError};
use bpe_service::{
    http::Client,
    start::{Base, StartError},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tower_http::cors::{Any, CorsLayer};

use crate::{
    chain::Money,
    config::Config,
    earn, health, measure, misses, serve,
    shared::{Parts, Shared},
    vouchers,
};

/// Tasks in hand have so long to end, once it is to stop.
const GRACE: Duration = Duration::from_secs(30);
/// Browsers remember so long that pages may buy.
const DAY: Duration = Duration::from_secs(86_400);
/// Bytes of a voucher with its receipts.
const MOST_VOUCHER: usize = 1 << 20;

/// The sink cannot start, or go on.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
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
    Endpoint(#[from] bpe_service::start::EndpointError),
    #[error("there is no task type {0}, or nobody has made its pool")]
    NoTaskType(alloy::primitives::B256),
    #[error("the task type {id} is settled by weighting {weighting}, and this sink takes tasks that are settled by work (3)")]
    NotByWork {
        id: alloy::primitives::B256,
        weighting: U256,
    },
    #[error("{sink} serves no tasks of {id}: set stake.join = true, or register it")]
    NotRegistered {
        sink: Address,
        id: alloy::primitives::B256,
    },
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("serving ended: {0}")]
    Serve(std::io::Error),
}

/// A sink that is ready to run.
pub struct Sink {
    shared: Arc<Shared>,
    lifecycle: SinkLifecycle,
}

impl Sink {
    /// Connects to chain, deployment and store.
    ///
    /// # Errors
    /// If one of them is not as it should be: a sentence that says what to do.
    pub async fn start(config: Config) -> Result<Self, SinkError> {
        bpe_service::metrics::handle();
        health::begin();
        let base = Base::start(&config.common(), &Ledger::MIGRATIONS).await?;
        let (task_type, sink) = (config.service.task_type, base.account());
        let money = Money::new(
            &base.deployment,
            &base.provider,
            task_type,
            sink,
            config.pay.price,
        )
        .await?;
        if money.pool.is_zero() {
            return Err(SinkError::NoTaskType(task_type));
        }
        by_work(&base, task_type).await?;
        let ledger = Ledger::new(base.database.clone());
        let failed = ledger.fail_all_in_hand().await?;
        if failed > 0 {
            tracing::warn!(failed, "tasks were in hand when this stopped the last time");
        }
        let lifecycle = SinkLifecycle::new(&base.deployment, &base.provider, sink, task_type)?;
        let shared = Shared::new(Parts {
            contract: base.deployment.address("workVouchers")?,
            tracker: base.deployment.address("completionTracker")?,
            scale: WorkScale::of(&base.metadata(task_type).await?)?,
            client: Client::new(config.timeouts)?,
            config,
            base,
            ledger,
            money,
        });
        for debt in shared.ledger.debts().await? {
            shared
                .queue
                .remember(debt.source, debt.outstanding, debt.signed);
        }
        Ok(Self {
            shared: Arc::new(shared),
            lifecycle,
        })
    }

    /// Whose tasks these are.
    pub fn account(&self) -> Address {
        self.shared.sink()
    }

    /// Stakes and registers, as far as that is not done yet.
    ///
    /// # Errors
    /// If a step is refused, or tokens are missing.
    pub async fn join(&self) -> Result<(), SinkError> {
        let config = &self.shared.config;
        let plan = SinkPlan {
            capacity: U256::from(config.capacity.initial),
            stake: config.stake.amount,
        };
        if config.stake.join {
            walk(&self.shared.base.sender, || self.lifecycle.join(&plan)).await?;
        }
        if self.lifecycle.state().await?.registered {
            return self.publish().await;
        }
        Err(SinkError::NotRegistered {
            sink: self.account(),
            id: self.shared.task_type(),
        })
    }

    /// Says on the chain where it is to be reached, unless that is known.
    async fn publish(&self) -> Result<(), SinkError> {
        let (base, id) = (&self.shared.base, self.shared.task_type());
        let Some(url) = &self.shared.config.service.public_url else {
            return Ok(());
        };
        let Some(directory) = OnChain::find(&base.deployment, &base.provider) else {
            return Ok(());
        };
        if directory.service(id, self.account()).await? != *url {
            take(&base.sender, directory.publish(id, url)).await?;
        }
        Ok(())
    }

    /// Redeems, is paid, deregisters, and withdraws the stake, as far as that can be done now; says from when on the
    /// rest can.
    ///
    /// # Errors
    /// If a step is refused.
    pub async fn leave(&self) -> Result<Option<u64>, SinkError> {
        earn::redeem_all(&self.shared).await?;
        match walk(&self.shared.base.sender, || self.lifecycle.leave()).await? {
            Next::Wait { until, .. } => Ok(Some(until)),
            _ => Ok(None),
        }
    }

    /// Takes its port.
    ///
    /// # Errors
    /// If another one has it.
    pub async fn listen(&self) -> Result<TcpListener, SinkError> {
        let address = self.shared.config.service.listen;
        let listen = |source| SinkError::Listen { address, source };
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
    ) -> Result<(), SinkError> {
        let (signal, stopped) = watch::channel(false);
        let shared = self.shared;
        let mut workers = JoinSet::new();
        workers.spawn(measure::run(Arc::clone(&shared), stopped.clone()));
        workers.spawn(earn::run(Arc::clone(&shared), stopped.clone()));
        workers.spawn(misses::run(Arc::clone(&shared), stopped.clone()));
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
        drained(&shared).await;
        let _ = signal.send(true);
        let ended = tokio::time::timeout(GRACE, async {
            while workers.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!("a transaction is still on its way; the next start goes on with it");
        }
        let served = tokio::time::timeout(Duration::from_secs(2), serving).await;
        shared.base.database.close().await;
        match served {
            Ok(Ok(Err(error))) => Err(SinkError::Serve(error)),
            _ => Ok(()),
        }
    }
}

/// Waits until nothing is in hand, for so long as grace lasts.
async fn drained(shared: &Shared) {
    let begun = std::time::Instant::now();
    while shared.queue.running() + shared.queue.waiting() > 0 && begun.elapsed() < GRACE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn by_work(base: &Base, id: alloy::primitives::B256) -> Result<(), SinkError> {
    const BY_WORK: u64 = 3;
    let pools = base.deployment.address("backpressurePool")?;
    let pools = bpe_abi::IBackpressurePool::new(pools, &base.provider);
    let weighting = pools
        .getWeighting(id)
        .call()
        .await
        .map_err(ChainError::from)?;
    if weighting == U256::from(BY_WORK) {
        Ok(())
    } else {
        Err(SinkError::NotByWork { id, weighting })
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(
            VOUCHERS_PATH,
            post(vouchers::take).layer(DefaultBodyLimit::max(MOST_VOUCHER)),
        )
        .route(STATUS_PATH, get(health::status))
        .route(
            "/.well-known/agent-registration.json",
            get(health::registration),
        )
        .fallback(serve::any)
        .layer(for_pages())
        // Of its operator, and of no page.
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(shared)
}

/// Lets pages of any site buy: signatures say with whom a sink deals, and it knows no cookies that a page could borrow.
fn for_pages() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(Any)
        .expose_headers(Any)
        .max_age(DAY)
}
