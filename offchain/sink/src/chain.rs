//! What the chain says of a source's money and keys, and of this sink's price. Answers are kept for some seconds: a
//! source's requests come faster than blocks.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
};
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolInstance},
    IPricingCurve::{self, IPricingCurveInstance},
    IWorkLedger::{self, IWorkLedgerInstance},
    IWorkReserve::{self, IWorkReserveInstance},
    IWorkVouchers::{self, IWorkVouchersInstance},
};
use bpe_agent::queue::Funds;
use bpe_chain::{ChainError, Deployment};

/// So long an answer holds.
const FRESH: Duration = Duration::from_secs(2);
/// Sources that are remembered; when there are more, all are forgotten and asked for again.
const REMEMBERED: usize = 10_000;

/// An earmark that ends within this many seconds promises nothing: a voucher counts within an epoch of 300 s, and has to
/// find it there.
const EARMARK_MARGIN: u64 = 420;

/// What a source has for this sink, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// What this sink can be paid of; what is not noted yet included.
    pub total: u128,
    pub funds: Funds,
}

type Known<T> = Mutex<HashMap<Address, (Instant, T)>>;

/// Reads money, prices and keys.
pub struct Money {
    pub task_type: B256,
    pub sink: Address,
    pub gateway: Address,
    pub token: Address,
    /// The task type's pool.
    pub pool: Address,
    pub reserve: IWorkReserveInstance<DynProvider>,
    pub vouchers: IWorkVouchersInstance<DynProvider>,
    ledger: IWorkLedgerInstance<DynProvider>,
    pricing: IPricingCurveInstance<DynProvider>,
    fixed_price: Option<u128>,
    budgets: Known<Budget>,
    price: Mutex<Option<(Instant, u128)>>,
}

impl Money {
    /// # Errors
    /// If the record lacks a contract, or the node does not answer.
    pub async fn new(
        deployment: &Deployment,
        provider: &DynProvider,
        task_type: B256,
        sink: Address,
        fixed_price: Option<u128>,
    ) -> Result<Self, ChainError> {
        let at = |name| deployment.address(name);
        let pools: IBackpressurePoolInstance<DynProvider> =
            IBackpressurePool::new(at("backpressurePool")?, provider.clone());
        Ok(Self {
            task_type,
            sink,
            gateway: at("streamGateway")?,
            token: pools.SUPER_TOKEN().call().await?,
            pool: pools.getPool(task_type).call().await?,
            reserve: IWorkReserve::new(at("workReserve")?, provider.clone()),
            vouchers: IWorkVouchers::new(at("workVouchers")?, provider.clone()),
            ledger: IWorkLedger::new(at("workLedger")?, provider.clone()),
            pricing: IPricingCurve::new(at("pricingCurve")?, provider.clone()),
            fixed_price,
            budgets: Mutex::default(),
            price: Mutex::default(),
        })
    }

    /// What a source has for this sink, at `now` by the chain's clock; as of some seconds ago unless `fresh`.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn budget(
        &self,
        source: Address,
        now: u64,
        fresh: bool,
    ) -> Result<Budget, ChainError> {
        if !fresh {
            if let Some(budget) = known(&self.budgets, source) {
                return Ok(budget);
            }
        }
        let id = self.task_type;
        let has = self.reserve.getBudget(id, source, self.sink);
        let pending = self.ledger.getPending(id, source);
        let earmark = self.reserve.getEarmark(id, source, self.sink);
        let counted = self.vouchers.getTotals(id, source, self.sink);
        let (has, pending, earmark, counted) = tokio::try_join!(
            async { has.call().await },
            async { pending.call().await },
            async { earmark.call().await },
            async { counted.call().await },
        )?;
        let total = has
            .free
            .saturating_add(pending)
            .saturating_add(has.earmarked);
        let lasts = earmark.until >= U256::from(now.saturating_add(EARMARK_MARGIN));
        let budget = Budget {
            total: total.saturating_to(),
            funds: Funds {
                earmarked: if lasts {
                    has.earmarked.saturating_to()
                } else {
                    0
                },
                counted: counted.value.saturating_to(),
            },
        };
        remember(&self.budgets, source, budget);
        Ok(budget)
    }

    /// What this sink charges now, in wei per work unit.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn price(&self) -> Result<u128, ChainError> {
        if let Some(price) = self.fixed_price {
            return Ok(price);
        }
        let last = *self.price.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, price)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(price);
        }
        let price = self
            .pricing
            .getPrice(self.task_type, self.sink)
            .call()
            .await?;
        // The largest number stands for a sink without capacity: its price is the base fee then.
        let price = if price == U256::MAX {
            self.pricing.getBaseFee(self.task_type).call().await?
        } else {
            price
        };
        let price: u128 = price.saturating_to();
        *self.price.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), price));
        Ok(price)
    }

    /// Whether `signer` signs for `account`, and will for a day.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn signs_for(&self, signer: Address, account: Address) -> Result<bool, ChainError> {
        if signer == account {
            return Ok(true);
        }
        let until = self.vouchers.getKeyUntil(account, signer).call().await?;
        Ok(until == U256::MAX)
    }
}

fn known<T: Copy>(of: &Known<T>, key: Address) -> Option<T> {
    let of = of.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, value) = of.get(&key)?;
    (at.elapsed() < FRESH).then_some(*value)
}

fn remember<T>(of: &Known<T>, key: Address, value: T) {
    let mut of = of.lock().unwrap_or_else(PoisonError::into_inner);
    if of.len() >= REMEMBERED {
        of.clear();
    }
    of.insert(key, (Instant::now(), value));
}
