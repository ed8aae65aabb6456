//! The queue of a key: what to send, in batches that the chain takes.

use std::{collections::BTreeSet, time::Duration};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, U256},
    providers::{DynProvider, Provider as _},
    signers::local::PrivateKeySigner,
};
use tokio::sync::Mutex;

use super::{
    fee,
    flight::{cost, Draft, Flight, Landing},
    ledger::{Ledger, Record},
    simulate::simulate,
    Batch, Call, Effect, Refusal, Report, SendError, Sent, Simulation, Spending,
};
use crate::{ChainError, Database, HeadWatch};

/// What sending may cost, and how patient it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Gas of a transaction at most.
    pub gas: u64,
    /// Bytes of a call at most.
    pub bytes: usize,
    /// Wei per gas at most.
    pub fee_cap: u128,
    /// Tip, in wei per gas.
    pub priority: u128,
    /// Gwei in an hour and in a day at most.
    pub hour_gwei: u64,
    pub day_gwei: u64,
    /// Transactions a day for an item that had no effect on it.
    pub attempts: u64,
    /// After so long without being mined, a transaction is replaced by a dearer one.
    pub stuck_after: Duration,
    /// After so long the queue goes on with other things, and looks again at the next call.
    pub patience: Duration,
    /// How often a receipt is asked for.
    pub poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            gas: 16_000_000,
            bytes: 96 * 1024,
            fee_cap: 2_000_000_000,
            priority: 0,
            hour_gwei: 10_000_000,
            day_gwei: 100_000_000,
            attempts: 5,
            stuck_after: Duration::from_secs(30),
            patience: Duration::from_secs(120),
            poll: Duration::from_millis(500),
        }
    }
}

/// The queue of one key. Batches of several workers take turns.
pub struct Sender {
    flight: Flight,
    observe: bool,
    turn: Mutex<()>,
}

/// A nonce can go to a transaction sent by hand so many times in a row before the queue gives up for now.
const LOST_TRIES: u32 = 5;

impl Sender {
    /// The queue of `signer`. With `observe` it does everything but send.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn new(
        provider: DynProvider,
        database: Database,
        head: HeadWatch,
        signer: PrivateKeySigner,
        limits: Limits,
        observe: bool,
    ) -> Result<Self, ChainError> {
        let account = signer.address();
        Ok(Self {
            flight: Flight {
                chain_id: provider.get_chain_id().await?,
                provider,
                wallet: EthereumWallet::new(signer),
                account,
                ledger: Ledger::new(database, account),
                head,
                limits,
            },
            observe,
            turn: Mutex::default(),
        })
    }

    pub fn account(&self) -> Address {
        self.flight.account
    }

    pub fn observes(&self) -> bool {
        self.observe
    }

    pub fn limits(&self) -> &Limits {
        &self.flight.limits
    }

    /// What a call would do now, sent by this key.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn simulate(&self, call: &Call) -> Result<Simulation, SendError> {
        simulate(&self.flight.provider, self.account(), call).await
    }

    /// What was spent in the last hour and day.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn spending(&self) -> Result<Spending, ChainError> {
        let now = self.flight.head.get().timestamp;
        self.flight.ledger.spending(now).await
    }

    /// What the key has, in wei.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn balance(&self) -> Result<U256, ChainError> {
        Ok(self.flight.provider.get_balance(self.account()).await?)
    }

    /// Does what of the items can be done, in as few transactions as it takes. What stopped it, if anything did, is in the
    /// report beside what was done before.
    pub async fn run<B: Batch>(
        &self,
        batch: &B,
        items: Vec<B::Item>,
    ) -> (Report<B::Item>, Option<SendError>) {
        let _turn = self.turn.lock().await;
        let mut report = Report::default();
        let mut waiting = Vec::new();
        let outcome = self.work(batch, items, &mut report, &mut waiting).await;
        report.later.extend(waiting.into_iter().flatten());
        (report, outcome.err())
    }

    async fn work<B: Batch>(
        &self,
        batch: &B,
        items: Vec<B::Item>,
        report: &mut Report<B::Item>,
        waiting: &mut Vec<Vec<B::Item>>,
    ) -> Result<(), SendError> {
        waiting.push(items.clone());
        if !self.observe {
            self.settle().await?;
        }
        waiting.clear();
        let items = self.admissible(batch, items, report).await?;
        let open = self.still_open(batch, items, report).await?;
        waiting.extend(open.chunks(B::MOST.max(1)).rev().map(<[_]>::to_vec));
        let mut lost = 0;
        while let Some(chunk) = waiting.last().cloned() {
            let head = self.flight.head.fresh()?;
            let call = batch.call(&chunk);
            let too_long = call.data.len() > self.flight.limits.bytes;
            let simulation = if too_long {
                Simulation::Reverts(format!(
                    "{} bytes are more than {}",
                    call.data.len(),
                    self.flight.limits.bytes
                ))
            } else {
                simulate(&self.flight.provider, self.account(), &call).await?
            };
            let gas_limit = match self.fits(simulation) {
                Ok(gas_limit) => gas_limit,
                Err(_) if chunk.len() > 1 => {
                    let rest = halve(waiting);
                    debug_assert!(rest);
                    continue;
                }
                Err(reason) => {
                    waiting.pop();
                    self.refuse(batch, chunk, &reason, too_long, head.timestamp, report)
                        .await?;
                    continue;
                }
            };
            if self.observe {
                report.observed.extend(chunk);
                waiting.pop();
                continue;
            }
            let max_fee = self
                .affordable(gas_limit, head.base_fee, head.timestamp)
                .await?;
            let draft = Draft {
                target: call.to,
                data: call.data,
                gas_limit,
                worker: B::WORKER.to_owned(),
                items: chunk.iter().map(|item| batch.id(item)).collect(),
            };
            match self.flight.fly(&draft, max_fee).await? {
                (_, Landing::Lost) if lost < LOST_TRIES => {
                    lost += 1;
                    waiting.pop();
                    let open = self.still_open(batch, chunk, report).await?;
                    if !open.is_empty() {
                        waiting.push(open);
                    }
                }
                (record, Landing::Lost) => {
                    return Err(SendError::Pending {
                        nonce: record.nonce,
                        fee: record.max_fee,
                        hint: "its nonce went to a transaction that was not signed here, again and again",
                    });
                }
                (record, Landing::Mined(receipt)) => {
                    waiting.pop();
                    self.judge(batch, chunk, &record, &receipt, report).await?;
                }
            }
        }
        Ok(())
    }

    /// Sees through what an earlier call, or an earlier process, left on its way.
    async fn settle(&self) -> Result<(), SendError> {
        let open = self.flight.ledger.open().await?;
        let nonces: BTreeSet<u64> = open.iter().map(|record| record.nonce).collect();
        for nonce in nonces {
            let versions = open
                .iter()
                .filter(|it| it.nonce == nonce)
                .cloned()
                .collect();
            self.flight.land(versions).await?;
        }
        Ok(())
    }

    /// Without those that were set aside, or were sent too often today.
    async fn admissible<B: Batch>(
        &self,
        batch: &B,
        items: Vec<B::Item>,
        report: &mut Report<B::Item>,
    ) -> Result<Vec<B::Item>, SendError> {
        let day = self.flight.head.get().timestamp;
        let mut admitted = Vec::with_capacity(items.len());
        for item in items {
            let id = batch.id(&item);
            let (reason, attempts) = self.flight.ledger.known_of(B::WORKER, &id, day).await?;
            if let Some(reason) = reason {
                report.set_aside.push((item, reason));
            } else if attempts >= self.flight.limits.attempts {
                report.later.push(item);
            } else {
                admitted.push(item);
            }
        }
        Ok(admitted)
    }

    async fn still_open<B: Batch>(
        &self,
        batch: &B,
        items: Vec<B::Item>,
        report: &mut Report<B::Item>,
    ) -> Result<Vec<B::Item>, SendError> {
        if items.is_empty() {
            return Ok(items);
        }
        let open = batch.open(items.clone()).await?;
        let ids: BTreeSet<String> = open.iter().map(|item| batch.id(item)).collect();
        let done = items
            .into_iter()
            .filter(|item| !ids.contains(&batch.id(item)));
        report.dropped.extend(done);
        Ok(open)
    }

    /// The gas limit of a call that goes through, or why it does not.
    fn fits(&self, simulation: Simulation) -> Result<u64, String> {
        let limit = self.flight.limits.gas;
        match simulation {
            Simulation::Gas(gas) if gas > limit => Err(format!(
                "it takes {gas} gas, and {limit} is the most for a transaction"
            )),
            Simulation::Gas(gas) => Ok(fee::with_margin(gas).min(limit)),
            Simulation::Reverts(reason) => Err(reason),
        }
    }

    async fn refuse<B: Batch>(
        &self,
        batch: &B,
        chunk: Vec<B::Item>,
        reason: &str,
        too_long: bool,
        now: u64,
        report: &mut Report<B::Item>,
    ) -> Result<(), SendError> {
        for item in chunk {
            let refusal = if too_long {
                Refusal::Never
            } else {
                batch.refusal(reason)
            };
            match refusal {
                Refusal::Done => report.dropped.push(item),
                Refusal::Later => report.later.push(item),
                Refusal::Never => {
                    let id = batch.id(&item);
                    tracing::warn!(worker = B::WORKER, item = %id, reason, "set aside");
                    self.flight
                        .ledger
                        .set_aside(B::WORKER, &id, reason, now)
                        .await?;
                    report.set_aside.push((item, reason.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// The fee to offer for so much gas, if cap, limits and balance allow it.
    async fn affordable(&self, gas: u64, base_fee: u128, now: u64) -> Result<u128, SendError> {
        let limits = &self.flight.limits;
        let max_fee =
            fee::first(base_fee, limits.priority, limits.fee_cap).ok_or(SendError::FeeCap {
                base_fee,
                cap: limits.fee_cap,
            })?;
        let next = cost(gas, max_fee);
        let spent = self.flight.ledger.spending(now).await?;
        let periods = [
            ("hour", spent.hour, limits.hour_gwei),
            ("day", spent.day, limits.day_gwei),
        ];
        for (period, spent, limit) in periods {
            if spent.saturating_add(next) > limit {
                return Err(SendError::Limit {
                    period,
                    spent,
                    next,
                    limit,
                });
            }
        }
        let balance = self.balance().await?;
        let needed = U256::from(gas) * U256::from(max_fee);
        if balance < needed {
            return Err(SendError::Funds { balance, needed });
        }
        Ok(max_fee)
    }

    async fn judge<B: Batch>(
        &self,
        batch: &B,
        chunk: Vec<B::Item>,
        record: &Record,
        receipt: &alloy::rpc::types::TransactionReceipt,
        report: &mut Report<B::Item>,
    ) -> Result<(), SendError> {
        report.transactions.push(Sent {
            hash: record.hash,
            block: receipt.block_number.unwrap_or_default(),
            gas: receipt.gas_used,
            cost_gwei: fee::gwei(u128::from(receipt.gas_used) * receipt.effective_gas_price),
            items: chunk.len(),
        });
        let effects = batch.judge(&chunk, receipt.logs());
        let mut without = Vec::new();
        for (item, effect) in chunk.into_iter().zip(effects) {
            match effect {
                Effect::Done => report.done.push(item),
                Effect::Refused(reason) => report.refused.push((item, reason)),
                Effect::None => without.push(item),
            }
        }
        if !without.is_empty() {
            let ids: Vec<String> = without.iter().map(|item| batch.id(item)).collect();
            let now = self.flight.head.get().timestamp;
            self.flight.ledger.attempt(B::WORKER, &ids, now).await?;
            tracing::warn!(worker = B::WORKER, items = ids.len(), hash = %record.hash, "a transaction without effect");
            report.later.extend(without);
        }
        Ok(())
    }
}

/// Puts the two halves of the last chunk in its place, the first half on top.
fn halve<Item: Clone>(waiting: &mut Vec<Vec<Item>>) -> bool {
    let Some(mut chunk) = waiting.pop() else {
        return false;
    };
    let second = chunk.split_off(chunk.len() / 2);
    waiting.push(second);
    waiting.push(chunk);
    true
}
