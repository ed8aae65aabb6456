//! The source's money: what it spends, the streams that pay for it, and what is set aside for a sink.
//!
//! Requests that meet a 402 at the same time wait for each other: the first one opens or raises the stream, or sets
//! money aside, the others find it done. None is above the limits of spending.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::{Address, B256};
use bpe_agent::{
    formats::PaymentOption,
    streams::{
        next_rate, runway, take, walk, worth_changing, RateInputs, SourceLifecycle, SourcePlan,
        StreamError,
    },
};
use bpe_chain::ChainError;
use bpe_service::start::Base;
use metrics::gauge;
use tokio::sync::watch;

use crate::config::{Config, Spend};

/// An earmark is good for so long, and asked for with so many times what is needed, so that it is not asked for each
/// task.
const EARMARK_SECONDS: u64 = 3_600;
const EARMARK_TIMES: u128 = 10;
/// One that ends within this many seconds is made longer: sinks do not count on it any more.
const EARMARK_LEAST: u64 = 600;
/// Seconds within which the flow of a 402 pays for what it asks.
const PROPOSED_SECONDS: u128 = 60;
/// A runway below this is said loudly.
const SHORT_RUNWAY: u64 = 86_400;

/// A request cannot be paid.
#[derive(Debug, thiserror::Error)]
pub enum MoneyError {
    #[error("this request may cost {value} wei, and spend.most_request is {most}")]
    Request { value: u128, most: u128 },
    #[error("{spent} wei were spent in this hour, this request may cost {value}, and spend.most_hour is {most}")]
    Hour {
        spent: u128,
        value: u128,
        most: u128,
    },
    #[error("spend.steer is off, and what is unspent does not cover this")]
    NotSteered,
    #[error("the money has not arrived within {0} s: the stream is on its way, try again later")]
    NotYet(u64),
    #[error(transparent)]
    Stream(Box<StreamError>),
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<StreamError> for MoneyError {
    fn from(error: StreamError) -> Self {
        Self::Stream(Box::new(error))
    }
}

/// Spending in an hour, with what is in flight.
#[derive(Debug)]
struct Hour {
    begun: Instant,
    spent: u128,
    in_flight: u128,
}

/// What a change of a stream may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Any,
    /// While somebody waits for money, the less is missing, the less would be streamed, and it would never come.
    UpOnly,
}

/// What is known of a task type's money.
struct Account {
    lifecycle: SourceLifecycle,
    /// One change at a time.
    turn: tokio::sync::Mutex<()>,
    meter: Mutex<Meter>,
    waiting: Waiting,
}

/// What the requests that wait for money may cost, in wei, by sink.
type Waiting = Arc<Mutex<HashMap<Address, u128>>>;

/// A request that waits for money.
struct Waiter {
    waiting: Waiting,
    sink: Address,
    value: u128,
}

impl Waiter {
    fn new(waiting: &Waiting, sink: Address, value: u128) -> Self {
        let mut all = lock(waiting);
        let sum = all.entry(sink).or_default();
        *sum = sum.saturating_add(value);
        Self {
            waiting: Arc::clone(waiting),
            sink,
            value,
        }
    }

    /// What the others wait for at the same sink.
    fn others(&self) -> u128 {
        let all = lock(&self.waiting).get(&self.sink).copied();
        all.unwrap_or_default().saturating_sub(self.value)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = lock(&self.waiting);
        let left = all.get(&self.sink).copied().unwrap_or_default();
        match left.saturating_sub(self.value) {
            0 => all.remove(&self.sink),
            left => all.insert(self.sink, left),
        };
    }
}

/// Spending in wei per second, as a mean.
#[derive(Debug)]
struct Meter {
    since: Instant,
    spent: u128,
    rate: u128,
    missing: u128,
}

/// Pays.
pub struct Money {
    accounts: HashMap<B256, Account>,
    spend: Spend,
    hour: Arc<Mutex<Hour>>,
}

/// What a task may cost, held against the limits until it is known what it did cost.
pub struct Hold {
    hour: Arc<Mutex<Hour>>,
    value: u128,
    cost: u128,
}

impl Hold {
    /// It cost so much.
    pub fn cost(mut self, value: u128) {
        self.cost = value;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut hour = lock(&self.hour);
        hour.in_flight = hour.in_flight.saturating_sub(self.value);
        hour.spent = hour.spent.saturating_add(self.cost);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Money {
    /// # Errors
    /// If the record lacks a contract.
    pub fn new(config: &Config, base: &Base) -> Result<Self, ChainError> {
        let mut accounts = HashMap::new();
        for model in config.models.values() {
            let id = model.task_type;
            let lifecycle =
                SourceLifecycle::new(&base.deployment, &base.provider, base.account(), id)?;
            let meter = Mutex::new(Meter {
                since: Instant::now(),
                spent: 0,
                rate: 0,
                missing: 0,
            });
            accounts.insert(
                id,
                Account {
                    lifecycle,
                    turn: tokio::sync::Mutex::default(),
                    meter,
                    waiting: Waiting::default(),
                },
            );
        }
        let hour = Hour {
            begun: Instant::now(),
            spent: 0,
            in_flight: 0,
        };
        Ok(Self {
            accounts,
            spend: config.spend.clone(),
            hour: Arc::new(Mutex::new(hour)),
        })
    }

    /// Holds what a task may cost against the limits.
    ///
    /// # Errors
    /// If it would be above one of them.
    pub fn hold(&self, value: u128) -> Result<Hold, MoneyError> {
        const HOUR: Duration = Duration::from_secs(3_600);
        let spend = &self.spend;
        if value > spend.most_request {
            return Err(MoneyError::Request {
                value,
                most: spend.most_request,
            });
        }
        let mut hour = lock(&self.hour);
        if hour.begun.elapsed() >= HOUR {
            hour.begun = Instant::now();
            hour.spent = 0;
        }
        let spent = hour.spent.saturating_add(hour.in_flight);
        if spent.saturating_add(value) > spend.most_hour {
            return Err(MoneyError::Hour {
                spent,
                value,
                most: spend.most_hour,
            });
        }
        hour.in_flight = hour.in_flight.saturating_add(value);
        Ok(Hold {
            hour: Arc::clone(&self.hour),
            value,
            cost: 0,
        })
    }

    /// What was spent before a restart counts for the hour that begins now.
    pub fn remember(&self, spent: u128) {
        lock(&self.hour).spent = spent;
    }

    /// What was spent in this hour, in wei, and what may be.
    pub fn spent(&self) -> (u128, u128) {
        (lock(&self.hour).spent, self.spend.most_hour)
    }

    /// A task has cost so many wei.
    pub fn spent_on(&self, task_type: B256, value: u128) {
        if let Some(account) = self.accounts.get(&task_type) {
            let mut meter = lock(&account.meter);
            meter.spent = meter.spent.saturating_add(value);
        }
    }

    /// Sees to it that what a sink asks for is there: more in the stream, and an earmark if it asks for one.
    ///
    /// # Errors
    /// If it cannot be, or does not come in time.
    pub async fn ensure(
        &self,
        base: &Base,
        task_type: B256,
        sink: Address,
        asked: &PaymentOption,
        value: u128,
    ) -> Result<(), MoneyError> {
        let Some(account) = self.accounts.get(&task_type) else {
            return Err(MoneyError::NotSteered);
        };
        let waiter = Waiter::new(&account.waiting, sink, value);
        // Whoever comes second finds it done.
        let _turn = account.turn.lock().await;
        let most = self.spend.most_hour;
        // The first one pays for all that wait: of those that find enough for one, the sink would refuse the others again.
        let together = |one: u128| one.saturating_add(waiter.others()).min(most);
        let earmark = asked.extra.earmark;
        let earmark = if earmark == 0 { 0 } else { together(earmark) };
        // What else is in flight there counts, too: the flow that the sink proposes pays for all of it within a minute.
        let owed = asked.extra.flow_rate.saturating_mul(PROPOSED_SECONDS);
        let needed = together(value.max(owed)).max(earmark);
        let begun = Instant::now();
        loop {
            let lasts = base.now() + EARMARK_LEAST;
            let (total, earmarked) = account.lifecycle.budget(sink, lasts).await?;
            if total >= needed && earmarked >= earmark {
                return Ok(());
            }
            if !self.spend.steer {
                return Err(MoneyError::NotSteered);
            }
            if total >= needed {
                self.set_aside(base, account, sink, earmark, total).await?;
                continue;
            }
            lock(&account.meter).missing = needed - total;
            self.steer(base, account, Change::UpOnly).await?;
            if begun.elapsed().as_secs() >= self.spend.patience {
                return Err(MoneyError::NotYet(self.spend.patience));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn set_aside(
        &self,
        base: &Base,
        account: &Account,
        sink: Address,
        earmark: u128,
        total: u128,
    ) -> Result<(), MoneyError> {
        let amount = earmark
            .saturating_mul(EARMARK_TIMES)
            .min(total / 2)
            .max(earmark)
            .max(account.lifecycle.earmarked(sink).await?);
        let until = base.now() + EARMARK_SECONDS;
        // Only what is noted can be set aside.
        take(&base.sender, account.lifecycle.note()).await?;
        take(&base.sender, account.lifecycle.earmark(sink, amount, until)).await?;
        Ok(())
    }

    /// Changes the stream, if that is worth it.
    async fn steer(
        &self,
        base: &Base,
        account: &Account,
        change: Change,
    ) -> Result<(), MoneyError> {
        let state = account.lifecycle.state().await?;
        let (spending, missing) = {
            let meter = lock(&account.meter);
            (meter.rate, meter.missing)
        };
        let settings = bpe_agent::streams::RateSettings {
            least: state.least,
            most: self.spend.most_rate,
            reserve_seconds: self.spend.reserve_seconds,
        };
        let inputs = RateInputs {
            rate: state.rate,
            spending,
            unspent: state.unspent,
            missing,
            pressure: 0,
        };
        let rate = next_rate(&settings, &inputs);
        let stays = change == Change::UpOnly && rate < state.rate;
        if stays || !worth_changing(state.rate, rate) {
            return Ok(());
        }
        tracing::info!(
            from = state.rate,
            to = rate,
            "changes the stream, in wei per second"
        );
        let plan = SourcePlan {
            rate,
            runway_seconds: self.spend.runway_seconds,
            wrap_at_most: self.spend.most_wrap,
        };
        walk(&base.sender, || account.lifecycle.steer(&plan)).await?;
        Ok(())
    }

    /// A decision for each task type.
    async fn decide(&self, base: &Base) {
        for (task_type, account) in &self.accounts {
            lock(&account.meter).take();
            let _turn = account.turn.lock().await;
            if let Err(error) = self.watch(account).await {
                tracing::warn!(%task_type, %error, "cannot look at the money");
            }
            if !self.spend.steer {
                continue;
            }
            if let Err(error) = self.steer(base, account, Change::Any).await {
                tracing::warn!(%task_type, %error, "the stream stays as it is");
            }
            lock(&account.meter).missing = 0;
        }
    }

    /// Says loudly when what is wrapped comes to its end.
    async fn watch(&self, account: &Account) -> Result<(), MoneyError> {
        let state = account.lifecycle.state().await?;
        gauge!("bpe_source_unspent_tokens").set(state.unspent as f64 / 1e18);
        gauge!("bpe_source_flow_tokens_per_hour").set(state.rate as f64 * 3_600.0 / 1e18);
        gauge!("bpe_source_spent_hour_tokens").set(self.spent().0 as f64 / 1e18);
        let left = runway(state.available, state.rate);
        let seconds = left.unwrap_or(u64::MAX);
        gauge!("bpe_source_runway_seconds").set(if left.is_some() { seconds as f64 } else { 0.0 });
        if seconds < SHORT_RUNWAY {
            tracing::warn!(
                seconds,
                "what is wrapped lasts no longer at this rate: wrap more, or the stream is liquidated"
            );
        }
        Ok(())
    }

    /// Steers until `stop`.
    pub async fn run(&self, base: &Base, mut stop: watch::Receiver<bool>) {
        let mut every = tokio::time::interval(Duration::from_secs(self.spend.every));
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            self.decide(base).await;
        }
    }

    /// How the money of each task type is.
    pub fn lifecycles(&self) -> impl Iterator<Item = (&B256, &SourceLifecycle)> {
        self.accounts
            .iter()
            .map(|(id, account)| (id, &account.lifecycle))
    }
}

impl Meter {
    /// Takes what was spent since the last time into the mean: a half each time.
    fn take(&mut self) {
        let seconds = u128::from(self.since.elapsed().as_secs().max(1));
        self.rate = (self.rate + self.spent / seconds) / 2;
        self.spent = 0;
        self.since = Instant::now();
    }
}
