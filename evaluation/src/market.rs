//! A task type on the chain, and what people do in it: by transactions of their own, as they would.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use alloy::{
    contract::{CallBuilder, CallDecoder},
    primitives::{aliases::I96, keccak256, Address, B256, I256, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
};
use anyhow::{ensure, Context as _};
use bpe_abi::{
    typed_data::{self, CapacityAttestation, WorkVoucher},
    IOffchainAggregator::AttestationRejected,
    IWorkVouchers::{Redeemed, VoucherRejected},
};
use devnet::DEV_BALANCE;

use crate::{
    chain::{events, read, send},
    lab::bank,
    suite::{tokens, units, Suite, TaskType},
};

/// What a capacity unit costs for a second, in wei: the base fee that task types start with.
pub const PRICE: u128 = 1_000_000_000_000_000;

/// The most vouchers or attestations in a transaction.
const BATCH: usize = 50;

/// The most sinks whose units follow in a transaction: BackpressurePool's limit.
const PAGE: usize = 40;

/// Somebody with a key.
#[derive(Clone, Debug)]
pub struct Actor {
    pub key: PrivateKeySigner,
    pub account: Address,
}

impl Actor {
    /// The same one for the same name and number, and unlike all others.
    ///
    /// # Errors
    /// Never, unless Keccak gives a number that is no key.
    pub fn new(name: &str, number: usize) -> anyhow::Result<Self> {
        let secret = keccak256(format!("bpe-evaluation/{name}/{number}"));
        let key = PrivateKeySigner::from_bytes(&secret).context("no key")?;
        Ok(Self {
            account: key.address(),
            key,
        })
    }

    /// So many of that name.
    pub fn crowd(name: &str, count: usize) -> anyhow::Result<Vec<Self>> {
        (0..count).map(|number| Self::new(name, number)).collect()
    }
}

/// What transactions of a kind have cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub transactions: u64,
    pub gas: u64,
    /// Sinks, attestations or vouchers in them.
    pub items: u64,
}

impl Spent {
    /// Gas for an item.
    pub fn each(&self) -> f64 {
        self.gas as f64 / self.items.max(1) as f64
    }
}

/// What everything has cost, by its kind. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Rc<RefCell<BTreeMap<&'static str, Spent>>>);

impl Meter {
    pub fn count(&self, what: &'static str, gas: u64, items: u64) {
        let mut spent = self.0.borrow_mut();
        let spent = spent.entry(what).or_default();
        spent.transactions += 1;
        spent.gas += gas;
        spent.items += items;
    }

    pub fn of(&self, what: &str) -> Spent {
        self.0.borrow().get(what).copied().unwrap_or_default()
    }

    pub fn all(&self) -> BTreeMap<&'static str, Spent> {
        self.0.borrow().clone()
    }

    pub fn gas(&self) -> u64 {
        self.0.borrow().values().map(|it| it.gas).sum()
    }
}

/// Totals since ever between a source and a sink.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    pub work: U256,
    pub value: U256,
    pub tasks: u64,
    /// What has counted of them on the chain.
    pub counted_work: U256,
    pub counted_value: U256,
}

/// A task type, and what passed between its sources and sinks.
pub struct Market {
    pub suite: Suite,
    pub id: B256,
    pub task_type: TaskType,
    pub meter: Meter,
    /// By source and sink.
    pub totals: HashMap<(Address, Address), Totals>,
    /// The order in which pairs met: maps have none that is the same every time.
    pairs: Vec<(Actor, Actor)>,
}

impl Market {
    /// The task type of that name.
    pub async fn open(suite: &Suite, name: &str, meter: &Meter) -> anyhow::Result<Self> {
        let task_type = suite.task_type(name).await?;
        Ok(Self {
            suite: suite.clone(),
            id: task_type.id,
            task_type,
            meter: meter.clone(),
            totals: HashMap::new(),
            pairs: Vec::new(),
        })
    }

    pub async fn send<P: Provider, D: CallDecoder>(
        &self,
        call: CallBuilder<P, D>,
        what: &'static str,
        items: usize,
    ) -> anyhow::Result<TransactionReceipt> {
        let receipt = send(&self.suite.devnet, call, what).await?;
        self.meter.count(what, receipt.gas_used, items as u64);
        Ok(receipt)
    }

    // --- Time

    pub fn now(&self) -> u64 {
        self.suite.devnet.timestamp()
    }

    pub fn advance(&self, seconds: u64) -> anyhow::Result<()> {
        Ok(self.suite.devnet.advance_time(seconds)?)
    }

    /// Goes on to the next multiple of `seconds`.
    pub fn advance_to_next(&self, seconds: u64) -> anyhow::Result<()> {
        let next = (self.now() / seconds + 1) * seconds;
        Ok(self.suite.devnet.set_timestamp(next)?)
    }

    // --- Money

    /// Lets an actor send transactions, and gives it so many wei of USDCx.
    pub async fn fund(&self, actor: &Actor, amount: U256) -> anyhow::Result<()> {
        fund(&self.suite, actor.account, amount).await
    }

    /// All that an account has: its balance, deposits for its streams, and what it can claim from the pool.
    pub async fn wealth(&self, account: Address) -> anyhow::Result<f64> {
        let balance = self.suite.usdcx.realtimeBalanceOfNow(account);
        let balance = read(balance.call(), "a balance").await?;
        let deposits = balance.deposit.saturating_sub(balance.owedDeposit);
        let claimable = self.task_type.pool.getClaimableNow(account);
        let claimable = read(claimable.call(), "what can be claimed").await?;
        let stake = self.suite.stakes.getStake(account);
        let stake = read(stake.call(), "a stake").await?;
        let whole = balance.availableBalance + claimable.claimableBalance;
        let whole = whole + I256::try_from(deposits + stake).context("a balance beyond 2^255")?;
        Ok(usdcx(whole))
    }

    // --- Sinks

    /// A sink with so many wei of stake registers for so many units of capacity.
    pub async fn join(&self, sink: &Actor, stake: U256, capacity: f64) -> anyhow::Result<()> {
        self.fund(sink, stake).await?;
        self.stake(sink, stake).await?;
        self.register(sink, capacity).await
    }

    pub async fn stake(&self, sink: &Actor, stake: U256) -> anyhow::Result<()> {
        let stakes = *self.suite.stakes.address();
        let approve = self.suite.usdcx.approve(stakes, stake).from(sink.account);
        self.send(approve, "approve a stake", 1).await?;
        let staking = self.suite.stakes.stake(stake).from(sink.account);
        self.send(staking, "stake", 1).await.map(drop)
    }

    pub async fn register(&self, sink: &Actor, capacity: f64) -> anyhow::Result<()> {
        let register = self.suite.registry.registerSink(self.id, units(capacity));
        self.send(register.from(sink.account), "register a sink", 1)
            .await?;
        if !self.is_by_work().await? {
            self.rebalance_sink(sink).await?;
        }
        Ok(())
    }

    pub async fn leave(&self, sink: &Actor) -> anyhow::Result<()> {
        let leave = self.suite.registry.deregisterSink(self.id);
        self.send(leave.from(sink.account), "deregister a sink", 1)
            .await
            .map(drop)
    }

    pub async fn rebalance_sink(&self, sink: &Actor) -> anyhow::Result<()> {
        let rebalance = self.suite.pools.rebalanceSink(self.id, sink.account);
        self.send(rebalance, "give a sink its units", 1)
            .await
            .map(drop)
    }

    /// Gives all sinks, of which there are so many, the units of their capacities: page by page where they are too many
    /// for a transaction.
    pub async fn rebalance(&self, sinks: usize) -> anyhow::Result<()> {
        let (pools, what) = (&self.suite.pools, "rebalance a pool");
        if sinks <= PAGE {
            let rebalance = pools.rebalance(self.id);
            return self.send(rebalance, what, sinks).await.map(drop);
        }
        for from in (0..sinks).step_by(PAGE) {
            let count = PAGE.min(sinks - from);
            let page = pools.rebalanceRange(self.id, U256::from(from), U256::from(count));
            self.send(page, what, count).await?;
        }
        Ok(())
    }

    /// Sinks attest what they can do, in one batch for many.
    pub async fn attest(&self, capacities: &[(&Actor, f64)]) -> anyhow::Result<()> {
        let now = U256::from(self.now());
        let aggregator = &self.suite.aggregator;
        let chain = self.suite.devnet.chain_id();
        let domain = typed_data::offchain_aggregator(chain, *aggregator.address());
        let mut signed = Vec::new();
        for (sink, capacity) in capacities {
            let attestation = CapacityAttestation {
                taskTypeId: self.id,
                sink: sink.account,
                capacity: units(*capacity),
                timestamp: now,
                // Rising, as the time does.
                nonce: now,
            };
            signed.push(typed_data::sign_attestation(
                &sink.key,
                &attestation,
                &domain,
            )?);
        }
        for batch in signed.chunks(BATCH) {
            let submit = aggregator.submitBatch(batch.to_vec());
            let receipt = self.send(submit, "attest capacities", batch.len()).await?;
            let rejected = events::<AttestationRejected>(&receipt);
            let reason = rejected.first().map(|it| it.reason.to_string());
            ensure!(reason.is_none(), "an attestation was refused: {reason:?}");
        }
        Ok(())
    }

    /// Smoothed capacities of the registered sinks, in units.
    pub async fn capacities(&self) -> anyhow::Result<HashMap<Address, f64>> {
        let listed = read(self.suite.registry.getSinks(self.id).call(), "the sinks").await?;
        let pairs = listed.sinks.into_iter().zip(listed.capacities);
        Ok(pairs
            .map(|(sink, capacity)| (sink, f64::from(capacity) / 1e9))
            .collect())
    }

    /// A sink's units in the pool.
    pub async fn units(&self, sink: Address) -> anyhow::Result<f64> {
        let units = self.suite.pools.getMemberUnits(self.id, sink);
        Ok(read(units.call(), "units").await? as f64)
    }

    /// What streams to an account, in wei per second.
    pub async fn flow_to(&self, account: Address) -> anyhow::Result<f64> {
        let flow = self.task_type.pool.getMemberFlowRate(account);
        let flow = read(flow.call(), "a flow").await?;
        Ok(flow.into_raw().to::<u128>() as f64)
    }

    pub async fn is_by_work(&self) -> anyhow::Result<bool> {
        let weighting = self.suite.pools.getWeighting(self.id);
        Ok(read(weighting.call(), "a weighting").await? == U256::from(3))
    }

    // --- Sources

    /// Opens or changes a stream by the gateway's macro; a rate of 0 ends it.
    pub async fn stream(&self, source: &Actor, wei_per_second: u128) -> anyhow::Result<()> {
        let gateway = &self.suite.gateway;
        let stream = gateway.getStream(self.id, source.account);
        let is_open = !read(stream.call(), "a stream").await?.flowRate.is_zero();
        let rate = I96::try_from(wei_per_second).context("a stream's rate is too large")?;
        let (what, parameters) = match (is_open, wei_per_second) {
            (false, 0) => return Ok(()),
            (false, _) => {
                let create = gateway.createStream_0(self.id, rate);
                ("open a stream", read(create.call(), "a macro").await?)
            }
            (true, 0) => {
                let delete = gateway.deleteStream(self.id);
                ("end a stream", read(delete.call(), "a macro").await?)
            }
            (true, _) => {
                let update = gateway.updateStream(self.id, rate);
                ("change a stream", read(update.call(), "a macro").await?)
            }
        };
        let run = self.suite.macros.runMacro(*gateway.address(), parameters);
        self.send(run.from(source.account), what, 1).await.map(drop)
    }

    /// By work: a source pays at once instead of by the second.
    pub async fn deposit(&self, source: &Actor, amount: U256) -> anyhow::Result<()> {
        let (reserve, token) = (&self.suite.reserve, &self.suite.usdcx);
        let approve = token.approve(*reserve.address(), amount);
        self.send(approve.from(source.account), "approve a deposit", 1)
            .await?;
        let deposit = reserve.deposit(self.id, amount).from(source.account);
        self.send(deposit, "deposit", 1).await.map(drop)
    }

    /// By work: what a source has paid and not spent, in wei.
    pub async fn unspent(&self, source: &Actor) -> anyhow::Result<U256> {
        let note = self.suite.ledger.note(self.id, source.account);
        self.send(note, "note a source", 1).await?;
        let funds = self.suite.reserve.getFunds(self.id, source.account);
        Ok(read(funds.call(), "a source's money").await?.unspent)
    }

    // --- Work

    /// Both will sign for a task of so many unit-seconds, worth so many wei.
    pub fn agree(&mut self, source: &Actor, sink: &Actor, work: f64, value: U256) {
        let pair = (source.account, sink.account);
        if !self.totals.contains_key(&pair) {
            self.pairs.push((source.clone(), sink.clone()));
        }
        let totals = self.totals.entry(pair).or_default();
        totals.work += units(work);
        totals.value += value;
        totals.tasks += 1;
    }

    /// Redeems the latest voucher of each pair of which something has not counted, and pays. Gives how many counted.
    pub async fn redeem(&mut self) -> anyhow::Result<usize> {
        let pairs = self.pairs.clone();
        self.redeem_of(&pairs).await
    }

    /// Redeems the latest vouchers of those pairs that have agreed on anything.
    pub async fn redeem_known(&mut self, pairs: &[(Actor, Actor)]) -> anyhow::Result<usize> {
        let known = |pair: &&(Actor, Actor)| {
            let key = (pair.0.account, pair.1.account);
            self.totals.contains_key(&key)
        };
        let pairs: Vec<_> = pairs.iter().filter(known).cloned().collect();
        self.redeem_of(&pairs).await
    }

    /// Redeems the latest vouchers of some pairs.
    pub async fn redeem_of(&mut self, pairs: &[(Actor, Actor)]) -> anyhow::Result<usize> {
        let chain = self.suite.devnet.chain_id();
        let domain = typed_data::work_ledger(chain, *self.suite.vouchers.address());
        let mut signed = Vec::new();
        for (source, sink) in pairs {
            let totals = self.totals[&(source.account, sink.account)];
            if totals.value == totals.counted_value {
                continue;
            }
            let voucher = WorkVoucher {
                taskTypeId: self.id,
                sink: sink.account,
                source: source.account,
                work: totals.work,
                value: totals.value,
                tasks: U256::from(totals.tasks),
                timestamp: U256::from(self.now()),
            };
            let voucher = typed_data::sign_voucher(&sink.key, &source.key, &voucher, &domain);
            signed.push(voucher?);
        }
        let mut counted = 0;
        for batch in signed.chunks(BATCH) {
            let redeem = self.suite.vouchers.redeemBatch(batch.to_vec(), true);
            let what = match batch.len() {
                1 => "redeem a voucher",
                _ => "redeem vouchers",
            };
            let receipt = self.send(redeem, what, batch.len()).await?;
            let rejected = events::<VoucherRejected>(&receipt).len();
            let redeemed = events::<Redeemed>(&receipt);
            ensure!(
                redeemed.len() + rejected == batch.len(),
                "a voucher neither counted nor was rejected"
            );
            for event in &redeemed {
                let totals = self.totals.entry((event.source, event.sink)).or_default();
                totals.counted_work += event.work;
                totals.counted_value += event.value;
            }
            counted += redeemed.len();
        }
        Ok(counted)
    }

    /// By work: what a sink has shown that it can do, in units.
    pub async fn verified(&self, sink: Address) -> anyhow::Result<f64> {
        let shown = self.suite.vouchers.getVerifiedCapacity(self.id, sink);
        Ok(f64::from(read(shown.call(), "what a sink has shown").await?) / 1e9)
    }

    /// The base fee, in wei per unit and second.
    pub async fn base_fee(&self) -> anyhow::Result<f64> {
        let fee = self.suite.pricing.getBaseFee(self.id);
        Ok(f64::from(read(fee.call(), "a base fee").await?))
    }

    /// As the creator of the task type: where the base fee starts, and between what it stays.
    pub async fn set_fees(&self, start: u128, floor: u128, ceiling: u128) -> anyhow::Result<()> {
        let [start, floor, ceiling] = [start, floor, ceiling].map(U256::from);
        let set = self.suite.pricing.setFees(self.id, start, floor, ceiling);
        self.send(set, "set fees", 1).await.map(drop)
    }

    /// Judges all epochs that have ended.
    pub async fn judge(&self) -> anyhow::Result<TransactionReceipt> {
        let tracker = &self.suite.tracker;
        let advance = tracker.advanceEpochs(self.id, U256::ZERO, U256::MAX);
        self.send(advance, "judge epochs", 1).await
    }
}

/// Wei as USDCx, near enough to compare.
pub fn usdcx(wei: I256) -> f64 {
    let size = f64::from(wei.unsigned_abs()) / 1e18;
    match wei.is_negative() {
        true => -size,
        false => size,
    }
}

/// Lets an account send transactions, and gives it so many wei of USDCx.
pub async fn fund(suite: &Suite, account: Address, amount: U256) -> anyhow::Result<()> {
    // The node sends for accounts that it is told to.
    suite.devnet.impersonate(account);
    suite.devnet.set_balance(account, DEV_BALANCE);
    if amount.is_zero() {
        return Ok(());
    }
    let transfer = suite.usdcx.transfer(account, amount).from(bank(suite));
    send(&suite.devnet, transfer, "pay out USDCx")
        .await
        .map(drop)
}

/// The stake that backs so many units under the square root, in wei; at least the least.
pub fn stake_for(capacity: f64) -> U256 {
    let stake = (capacity * capacity).ceil() as u64;
    tokens(stake.max(100))
}

/// What so much capacity costs for a second, in wei.
pub fn price_of(capacity: f64) -> u128 {
    (capacity * PRICE as f64) as u128
}

/// So many wei for so much work.
pub fn value_of(work: f64, price: f64) -> U256 {
    U256::from((work * price) as u128)
}
