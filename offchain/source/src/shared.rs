//! What requests and workers share.

use std::{
    collections::HashMap,
    future::Future,
    sync::{atomic::AtomicBool, Arc},
};

use alloy::primitives::{Address, B256};
use bpe_agent::{
    directory::{Directory as _, Listed, OnChain},
    formats::{Status, WorkScale, STATUS_PATH},
    vouchers::Ledger,
};
use bpe_chain::{views::Suite, ChainError};
use bpe_service::{
    http::{get, Client},
    start::Base,
};
use tokio::sync::{Notify, Semaphore};

use crate::{config::Config, money::Money, sinks::Sinks};

/// Bytes of a sink's status, and so long it may take.
const MOST_STATUS: usize = 64 << 10;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// A source's parts.
pub struct Shared {
    pub config: Config,
    pub base: Base,
    /// What vouchers are signed for.
    pub contract: Address,
    /// What receipts are signed for.
    pub tracker: Address,
    pub scales: HashMap<B256, WorkScale>,
    pub ledger: Ledger,
    pub sinks: Sinks,
    pub money: Money,
    /// For sinks that the configuration lists.
    pub client: Client,
    /// For those that only the directory names.
    pub strangers: Client,
    pub suite: Suite,
    pub directory: Option<OnChain>,
    pub draining: AtomicBool,
    /// Requests in hand.
    pub gate: Arc<Semaphore>,
    /// Something is to be signed for.
    pub owed: Notify,
}

impl Shared {
    /// What asks a sink at this address.
    pub fn client(&self, url: &str) -> &Client {
        let listed = self.config.sinks.iter().any(|it| it.url == url);
        if listed {
            &self.client
        } else {
            &self.strangers
        }
    }

    pub fn source(&self) -> Address {
        self.base.account()
    }

    pub fn task_types(&self) -> impl Iterator<Item = &B256> {
        self.scales.keys()
    }

    /// Reads who serves a task type, and asks each how it is.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn refresh(&self, task_type: B256) -> Result<(), ChainError> {
        let listed = self.config.sinks.iter();
        let listed = Listed(listed.map(|it| (it.sink, it.url.clone())).collect());
        let mut services = listed.services(task_type).await?;
        if let Some(directory) = &self.directory {
            for (sink, url) in directory.services(task_type).await? {
                if !services.iter().any(|(known, _)| *known == sink) {
                    services.push((sink, url));
                }
            }
        }
        let latest = alloy::eips::BlockId::latest();
        let registered = self.suite.sinks(task_type, latest).await?;
        services.retain(|(sink, url)| {
            let http = url.starts_with("http://") || url.starts_with("https://");
            http && registered.iter().any(|(known, _)| known == sink)
        });
        self.sinks.set(task_type, services.clone());
        let asked = services
            .iter()
            .map(|(sink, url)| self.ask(task_type, *sink, url));
        futures_all(asked).await;
        Ok(())
    }

    async fn ask(&self, task_type: B256, sink: Address, url: &str) {
        let status = self.status(url).await;
        let status = status.and_then(|status| {
            let mut of = status.task_types.into_iter();
            of.find(|it| it.task_type_id == task_type && !status.draining)
        });
        self.sinks.said(task_type, sink, status.as_ref());
    }

    async fn status(&self, url: &str) -> Option<Status> {
        let request = get(&format!("{}{STATUS_PATH}", url.trim_end_matches('/')))?;
        let client = self.client(url);
        let answer = client.ask(request, MOST_STATUS, PATIENCE).await.ok()?;
        serde_json::from_slice(answer.body()).ok()
    }
}

/// All of them at once.
async fn futures_all<F: Future<Output = ()>>(all: impl Iterator<Item = F>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|it| it.as_mut().poll(context).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
