//! The newest block: the protocol's clock, and the sign that the node is well.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::B256,
    providers::{DynProvider, Provider as _},
};
use tokio::sync::watch;

use crate::ChainError;

/// The newest block, as last heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub number: u64,
    pub hash: B256,
    /// Seconds since 1970, by the chain.
    pub timestamp: u64,
    /// Wei.
    pub base_fee: u128,
    /// When it, or anything newer than what was there before, was first heard of, by this machine.
    pub since: Instant,
    /// The highest block ever heard of.
    pub highest: u64,
}

/// Watches the head of a chain.
#[derive(Clone, Debug)]
pub struct HeadWatch {
    provider: DynProvider,
    head: Arc<watch::Sender<Head>>,
    stale_after: Duration,
}

impl HeadWatch {
    /// Asks for the head once. After `stale_after` without a new block the head counts as stale; zero: never.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn new(provider: DynProvider, stale_after: Duration) -> Result<Self, ChainError> {
        let (number, hash, timestamp, base_fee) = latest(&provider).await?;
        let head = Head {
            number,
            hash,
            timestamp,
            base_fee,
            since: Instant::now(),
            highest: number,
        };
        Ok(Self {
            provider,
            head: Arc::new(watch::Sender::new(head)),
            stale_after,
        })
    }

    /// The head as last heard of.
    pub fn get(&self) -> Head {
        *self.head.borrow()
    }

    /// Hears of new heads.
    pub fn subscribe(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// Asks for the head now.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn refresh(&self) -> Result<Head, ChainError> {
        let (number, hash, timestamp, base_fee) = latest(&self.provider).await?;
        self.head.send_if_modified(|head| {
            if head.hash == hash {
                return false;
            }
            // An older state than before is no progress.
            let progress = number >= head.highest;
            *head = Head {
                number,
                hash,
                timestamp,
                base_fee,
                since: if progress { Instant::now() } else { head.since },
                highest: head.highest.max(number),
            };
            true
        });
        Ok(self.get())
    }

    /// The head, if decisions can stand on it.
    ///
    /// # Errors
    /// [`ChainError::StaleHead`] or [`ChainError::Behind`].
    pub fn fresh(&self) -> Result<Head, ChainError> {
        let head = self.get();
        let age = head.since.elapsed();
        if !self.stale_after.is_zero() && age > self.stale_after {
            return Err(ChainError::StaleHead {
                seconds: age.as_secs(),
            });
        }
        if head.number < head.highest {
            return Err(ChainError::Behind {
                head: head.number,
                seen: head.highest,
            });
        }
        Ok(head)
    }

    /// A chain that was reorganised may be shorter than it was: what was seen before no longer counts.
    pub fn forget_highest(&self) {
        self.head.send_modify(|head| {
            head.highest = head.number;
            head.since = Instant::now();
        });
    }

    /// Polls every `interval` until it is dropped. Errors are logged: what follows of them, a stale head, is said by
    /// [`HeadWatch::fresh`].
    pub async fn run(self, interval: Duration) {
        loop {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "cannot read the head");
            }
            tokio::time::sleep(interval).await;
        }
    }
}

async fn latest(provider: &DynProvider) -> Result<(u64, B256, u64, u128), ChainError> {
    let block = provider
        .get_block_by_number(BlockNumberOrTag::Latest)
        .await?;
    let header = block.ok_or(ChainError::NoBlock(u64::MAX))?.header;
    let base_fee = u128::from(header.base_fee_per_gas.unwrap_or_default());
    Ok((header.number, header.hash, header.timestamp, base_fee))
}
