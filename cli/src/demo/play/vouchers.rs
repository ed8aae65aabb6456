//! By work: what sinks have done for sources, signed by both, redeemed once an epoch, and paid out of what sources streamed.

use alloy::primitives::{Address, U256};
use anyhow::ensure;
use bpe_abi::{
    typed_data::WorkVoucher,
    IWorkReserve::{Deposited, Paid, TakenBack},
    IWorkVouchers::{Redeemed, SignedVoucher, VoucherRejected},
};

use super::{
    super::{
        chain::{events, read},
        suite::{units, wei_per_second, PRICE},
        world::TICK,
    },
    Play, LEAST_PART,
};

/// The most vouchers in a transaction.
const BATCH: usize = 50;
/// Sources keep the cost of so many seconds of what they need on average unspent, beyond what they have promised.
const CUSHION_SECONDS: f64 = 120.0;
/// In so many seconds they make up for what is too much or too little.
const CORRECTION_SECONDS: f64 = 300.0;
/// They never stream more than this many times what they need.
const MOST_PART: f64 = 2.0;
/// Seconds until what is asked back is paid.
const TAKE_BACK_NOTICE: u64 = 3_600;

/// Totals since ever between a source and a sink in a market, as both know them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    pub work: U256,
    pub value: U256,
    pub tasks: u64,
    /// Of the value, what has counted on chain.
    pub counted: U256,
}

/// What WorkReserve reported, by market.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReserveTally {
    pub paid: U256,
    pub deposited: U256,
    pub cuts: U256,
    pub taken_back: U256,
}

impl Play {
    /// What a source streams by work: what it needs at `price`, and what brings its unspent money to what it wants to have.
    pub(super) async fn rate_by_work(
        &self,
        source: usize,
        market: usize,
        price: U256,
    ) -> anyhow::Result<U256> {
        let mean = self.world.sources[source].parts[market] * self.world.markets[market].mean;
        let least = LEAST_PART * mean;
        let needed = self.needed[source][market].max(least);
        let available = self.available(source, market).await?;
        let wanted = f64::from(wei_per_second(mean) * price / U256::from(PRICE)) * CUSHION_SECONDS;
        // In tokens per second at the price of now.
        let per_token = f64::from(price);
        let correction = (wanted - available) / per_token / CORRECTION_SECONDS;
        let rate = (needed + correction).clamp(least, MOST_PART * needed.max(mean));
        Ok(wei_per_second(rate) * price / U256::from(PRICE))
    }

    /// What a source has paid and not promised yet, in wei; less than nothing, if it has promised more.
    async fn available(&self, source: usize, market: usize) -> anyhow::Result<f64> {
        let (id, account) = (self.id(market), self.cast.sources[source].address());
        let unspent = self.unspent(source, market).await?;
        let pending = read(
            self.suite.ledger.getPending(id, account).call(),
            "what a source has paid",
        )
        .await?;
        let promised = self.promised[source][market];
        Ok(f64::from(unspent + pending) - f64::from(promised))
    }

    async fn unspent(&self, source: usize, market: usize) -> anyhow::Result<U256> {
        let account = self.cast.sources[source].address();
        let funds = self.suite.reserve.getFunds(self.id(market), account);
        Ok(read(funds.call(), "a source's money").await?.unspent)
    }

    /// Adds a task that was done to what both sign next.
    pub(super) fn add_to_voucher(&mut self, deal: &super::Deal, tokens: u32, value: U256) {
        let totals = &mut self.totals[deal.source][deal.sink][deal.market];
        totals.work += units(f64::from(tokens));
        totals.value += value;
        totals.tasks += 1;
        self.earned[deal.sink][deal.market] += value;
    }

    /// Brings the last voucher of each pair that has not counted whole, and pays.
    pub(super) async fn redeem(&mut self, market: usize) -> anyhow::Result<()> {
        let vouchers = self.vouchers(market)?;
        for batch in vouchers.chunks(BATCH) {
            let redeem = self.suite.vouchers.redeemBatch(batch.to_vec(), false);
            let receipt = self.send(redeem, "redeem vouchers").await?;
            self.settlement[market].count(&receipt, batch.len());
            let rejected = events::<VoucherRejected>(&receipt).len();
            let counted = events::<Redeemed>(&receipt);
            ensure!(
                counted.len() + rejected == batch.len(),
                "a voucher neither counted nor was rejected"
            );
            for count in counted {
                let source = self.source_at(count.source)?;
                let sink = self.place(count.sink)?;
                self.totals[source][sink][market].counted += count.value;
                self.promised[source][market] -= count.value;
            }
        }
        self.pay_out(market).await
    }

    /// All sinks that are owed something are paid.
    async fn pay_out(&mut self, market: usize) -> anyhow::Result<()> {
        let sinks = self.cast.sinks.iter().map(|it| it.address()).collect();
        let drain = self.suite.reserve.drainTo(self.id(market), sinks);
        let receipt = self.send(drain, "pay sinks").await?;
        self.settlement[market].count(&receipt, 0);
        for payment in events::<Paid>(&receipt) {
            let sink = self.place(payment.to)?;
            self.tallies[sink].redeemed[market] += payment.amount;
            self.reserves[market].paid += payment.amount;
            self.epoch.drained += payment.amount;
        }
        Ok(())
    }

    fn vouchers(&self, market: usize) -> anyhow::Result<Vec<SignedVoucher>> {
        let mut vouchers = Vec::new();
        for (source, by_sink) in self.totals.iter().enumerate() {
            for (sink, totals) in by_sink.iter().enumerate() {
                let totals = totals[market];
                if totals.value > totals.counted {
                    vouchers.push(self.cast.voucher(
                        sink,
                        source,
                        &WorkVoucher {
                            taskTypeId: self.id(market),
                            sink: self.cast.sinks[sink].address(),
                            source: self.cast.sources[source].address(),
                            work: totals.work,
                            value: totals.value,
                            tasks: U256::from(totals.tasks),
                            timestamp: U256::from(self.start + self.now),
                        },
                    )?);
                }
            }
        }
        Ok(vouchers)
    }

    // --- The end

    /// Sources pay what they still owe, and take back what they have left an hour later.
    pub(super) async fn settle_up(&mut self, market: usize) -> anyhow::Result<()> {
        for source in 0..self.world.sources.len() {
            self.deposit_what_lacks(source, market).await?;
        }
        self.redeem(market).await?;
        for source in 0..self.world.sources.len() {
            let unspent = self.unspent(source, market).await?;
            if !unspent.is_zero() {
                let ask = self.suite.reserve.requestTakeBack(self.id(market), unspent);
                let ask = ask.from(self.cast.sources[source].address());
                self.send(ask, "ask money back").await?;
            }
        }
        Ok(())
    }

    async fn deposit_what_lacks(&mut self, source: usize, market: usize) -> anyhow::Result<()> {
        let (id, account) = (self.id(market), self.cast.sources[source].address());
        let note = self.suite.ledger.note(id, account);
        self.send(note, "note what a source has paid").await?;
        let (unspent, promised) = (
            self.unspent(source, market).await?,
            self.promised[source][market],
        );
        if promised <= unspent {
            return Ok(());
        }
        // With what fees take of it, and a wei for rounding.
        let lacks = promised - unspent;
        let amount = lacks * U256::from(1_002) / U256::from(1_000) + U256::ONE;
        let (reserve, token) = (&self.suite.reserve, &self.suite.usdcx);
        let approve = token.approve(*reserve.address(), amount).from(account);
        self.send(approve, "approve a deposit").await?;
        let deposit = reserve.deposit(id, amount).from(account);
        let receipt = self.send(deposit, "deposit").await?;
        for deposit in events::<Deposited>(&receipt) {
            self.reserves[market].deposited += deposit.amount;
            self.reserves[market].cuts += deposit.cuts;
        }
        let claim = self.suite.reserve.claimFor(self.suite.fee_recipient);
        self.send(claim, "claim the fee of a deposit")
            .await
            .map(drop)
    }

    /// Has what was asked back paid.
    pub(super) async fn take_back(&mut self) -> anyhow::Result<()> {
        let by_work = self.world.markets.iter().any(|it| it.is_by_work());
        if by_work {
            self.suite
                .devnet
                .set_timestamp(self.start + self.now + TAKE_BACK_NOTICE + TICK)?;
        }
        for market in self.markets(true) {
            for source in 0..self.world.sources.len() {
                let account = self.cast.sources[source].address();
                let funds = self.suite.reserve.getFunds(self.id(market), account);
                if read(funds.call(), "a source's money")
                    .await?
                    .asked
                    .is_zero()
                {
                    continue;
                }
                let take = self.suite.reserve.takeBack(self.id(market)).from(account);
                let receipt = self.send(take, "take money back").await?;
                for taken in events::<TakenBack>(&receipt) {
                    self.reserves[market].taken_back += taken.amount;
                }
            }
        }
        Ok(())
    }

    fn source_at(&self, account: Address) -> anyhow::Result<usize> {
        let mut sources = self.cast.sources.iter();
        let place = sources.position(|it| it.address() == account);
        anyhow::Context::with_context(place, || format!("{account} is no source of the demo"))
    }
}
