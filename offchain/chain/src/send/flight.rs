//! One nonce on its way: all versions of it are watched until one is mined, or the nonce went to somebody else.

use std::time::{Duration, Instant};

use alloy::{
    eips::{eip2718::Encodable2718 as _, BlockId},
    network::{EthereumWallet, TransactionBuilder as _},
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::{TransactionReceipt, TransactionRequest},
    transports::{RpcError, TransportErrorKind},
};

use super::{
    fee,
    ledger::{Ledger, Record},
    Limits, SendError,
};
use crate::HeadWatch;

/// What became of a nonce.
pub enum Landing {
    Mined(Box<TransactionReceipt>),
    /// A transaction that was not signed here has it.
    Lost,
}

/// A call with all that its signature needs.
pub struct Draft {
    pub target: Address,
    pub data: Bytes,
    pub gas_limit: u64,
    pub worker: String,
    pub items: Vec<String>,
}

/// Signs, sends and watches for one key.
pub struct Flight {
    pub provider: DynProvider,
    pub wallet: EthereumWallet,
    pub account: Address,
    pub chain_id: u64,
    pub ledger: Ledger,
    pub head: HeadWatch,
    pub limits: Limits,
}

impl Flight {
    /// The next nonce: also after transactions that were sent by hand, and wait.
    pub async fn nonce(&self) -> Result<u64, SendError> {
        Ok(self
            .provider
            .get_transaction_count(self.account)
            .block_id(BlockId::pending())
            .await?)
    }

    /// Signs a first version, stores it, sends it, and waits until it has landed.
    pub async fn fly(&self, draft: &Draft, max_fee: u128) -> Result<(Record, Landing), SendError> {
        let nonce = self.nonce().await?;
        let record = self
            .sign(draft, nonce, max_fee, self.limits.priority)
            .await?;
        self.ledger.begin(&record).await?;
        if let Err(error) = self.provider.send_raw_transaction(&record.raw).await {
            match verdict(&error) {
                Verdict::Sent => {}
                Verdict::Unknown => return Err(error.into()),
                Verdict::Funds => {
                    self.ledger.lost(nonce).await?;
                    let balance = self.provider.get_balance(self.account).await?;
                    let needed = U256::from(record.gas_limit) * U256::from(max_fee);
                    return Err(SendError::Funds { balance, needed });
                }
                Verdict::Refused => {
                    self.ledger.lost(nonce).await?;
                    return Err(SendError::Refused(error.to_string()));
                }
            }
        }
        self.land(vec![record]).await
    }

    /// Waits for one of the versions of a nonce; sends a dearer one when none is mined for a while.
    pub async fn land(&self, mut versions: Vec<Record>) -> Result<(Record, Landing), SendError> {
        let begun = Instant::now();
        let mut last = Instant::now();
        let Some(nonce) = versions.first().map(|it| it.nonce) else {
            return Err(SendError::Refused(
                "there is nothing to wait for".to_owned(),
            ));
        };
        loop {
            // First the count: whoever has the nonce had it before the receipts are asked for.
            let count = self.provider.get_transaction_count(self.account).await?;
            if let Some(found) = self.receipt(&versions).await? {
                return Ok(found);
            }
            if count > nonce {
                if self.receipt_again(&versions).await?.is_none() {
                    self.ledger.lost(nonce).await?;
                    return Ok((versions.remove(0), Landing::Lost));
                }
                continue;
            }
            if last.elapsed() >= self.limits.stuck_after {
                self.refill(count, nonce).await?;
                self.nudge(&mut versions).await?;
                last = Instant::now();
            }
            if begun.elapsed() >= self.limits.patience {
                let fee = versions.last().map(|it| it.max_fee).unwrap_or_default();
                let hint = if fee >= self.limits.fee_cap {
                    "its fee is at the cap"
                } else {
                    "it is watched"
                };
                return Err(SendError::Pending { nonce, fee, hint });
            }
            tokio::time::sleep(self.limits.poll).await;
        }
    }

    /// What a reorganisation took back, of the nonces before this one, is sent again: without it this one is never mined.
    async fn refill(&self, from: u64, nonce: u64) -> Result<(), SendError> {
        for missing in from..nonce {
            let Some(raw) = self.ledger.signed_for(missing).await? else {
                tracing::warn!(nonce, missing, "a nonce before this one is nobody's here");
                return Ok(());
            };
            tracing::info!(
                nonce = missing,
                "sends again what a reorganisation took back"
            );
            if let Err(error) = self.provider.send_raw_transaction(&raw).await {
                tracing::debug!(%error, "the node did not take it");
            }
        }
        Ok(())
    }

    /// A dearer version of the same nonce, or the last one again where none may be dearer.
    async fn nudge(&self, versions: &mut Vec<Record>) -> Result<(), SendError> {
        let Some(last) = versions.last().cloned() else {
            return Ok(());
        };
        let head = self.head.get();
        let fresh = fee::first(head.base_fee, self.limits.priority, self.limits.fee_cap);
        let fee = fee::replacement(last.max_fee, fresh.unwrap_or_default(), self.limits.fee_cap);
        let raw = match fee {
            Some(fee) if self.affordable(&last, fee, head.timestamp).await? => {
                let mut priority = self.limits.priority;
                for _ in versions.iter() {
                    priority = fee::replacement_priority(priority, fee);
                }
                let draft = Draft {
                    target: last.target,
                    data: last.data.clone(),
                    gas_limit: last.gas_limit,
                    worker: last.worker.clone(),
                    items: last.items.clone(),
                };
                let record = self.sign(&draft, last.nonce, fee, priority).await?;
                self.ledger.begin(&record).await?;
                tracing::info!(nonce = record.nonce, fee, hash = %record.hash, "replaces a stuck transaction");
                let raw = record.raw.clone();
                versions.push(record);
                raw
            }
            _ => last.raw,
        };
        // Whatever the node says: all versions are watched.
        if let Err(error) = self.provider.send_raw_transaction(&raw).await {
            tracing::debug!(%error, "the node did not take a version");
        }
        Ok(())
    }

    async fn affordable(&self, last: &Record, fee: u128, now: u64) -> Result<bool, SendError> {
        let more = cost(last.gas_limit, fee).saturating_sub(last.cost_gwei);
        let spent = self.ledger.spending(now).await?;
        Ok(spent.hour.saturating_add(more) <= self.limits.hour_gwei
            && spent.day.saturating_add(more) <= self.limits.day_gwei)
    }

    async fn receipt(&self, versions: &[Record]) -> Result<Option<(Record, Landing)>, SendError> {
        for version in versions {
            let receipt = self.provider.get_transaction_receipt(version.hash).await?;
            let Some(receipt) = receipt.filter(|it| it.block_number.is_some()) else {
                continue;
            };
            let cost = fee::gwei(u128::from(receipt.gas_used) * receipt.effective_gas_price);
            let block = receipt.block_number.unwrap_or_default();
            self.ledger
                .mined(version, receipt.status(), block, receipt.gas_used, cost)
                .await?;
            return Ok(Some((version.clone(), Landing::Mined(Box::new(receipt)))));
        }
        Ok(None)
    }

    /// A node may know that a nonce is used before it has the receipt.
    async fn receipt_again(
        &self,
        versions: &[Record],
    ) -> Result<Option<(Record, Landing)>, SendError> {
        const TRIES: u32 = 3;
        for _ in 0..TRIES {
            tokio::time::sleep(self.limits.poll.min(Duration::from_secs(1))).await;
            if let Some(found) = self.receipt(versions).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn sign(
        &self,
        draft: &Draft,
        nonce: u64,
        max_fee: u128,
        priority: u128,
    ) -> Result<Record, SendError> {
        let request = TransactionRequest::default()
            .with_from(self.account)
            .with_to(draft.target)
            .with_input(draft.data.clone())
            .with_nonce(nonce)
            .with_gas_limit(draft.gas_limit)
            .with_chain_id(self.chain_id)
            .with_max_fee_per_gas(max_fee)
            .with_max_priority_fee_per_gas(priority.min(max_fee));
        let envelope = request
            .build(&self.wallet)
            .await
            .map_err(|error| SendError::Refused(error.to_string()))?;
        Ok(Record {
            hash: *envelope.tx_hash(),
            nonce,
            raw: envelope.encoded_2718().into(),
            target: draft.target,
            data: draft.data.clone(),
            gas_limit: draft.gas_limit,
            max_fee,
            worker: draft.worker.clone(),
            items: draft.items.clone(),
            sent_at: self.head.get().timestamp,
            cost_gwei: cost(draft.gas_limit, max_fee),
        })
    }
}

/// The most that it can cost.
pub fn cost(gas_limit: u64, max_fee: u128) -> u64 {
    fee::gwei(u128::from(gas_limit).saturating_mul(max_fee))
}

enum Verdict {
    Sent,
    Funds,
    Refused,
    /// It may have arrived.
    Unknown,
}

fn verdict(error: &RpcError<TransportErrorKind>) -> Verdict {
    let Some(payload) = error.as_error_resp() else {
        return Verdict::Unknown;
    };
    let message = payload.message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["insufficient funds"]) {
        Verdict::Funds
    } else if says(&[
        "already known",
        "known transaction",
        "already imported",
        "nonce too low",
        "underpriced",
    ]) {
        // Watched: the receipts and the count tell what became of the nonce.
        Verdict::Sent
    } else {
        Verdict::Refused
    }
}
