//! What sources stream, and what waits in escrow.

use alloy::primitives::{aliases::I96, Address, Bytes, U256};
use anyhow::Context as _;
use bpe_abi::IEscrowBuffer::{self, Drained, IEscrowBufferErrors};

use super::{
    super::{
        cast::HIGHEST_PRICE,
        chain::{events, read},
        suite::{wei_per_second, PRICE, TOKENS_PER_FEE},
    },
    Play, LEAST_PART,
};

impl Play {
    /// Every source streams what it asks for: the tokens per second of the last minute at the base fee, not below the posted
    /// price and not above what it is willing to pay.
    pub(super) async fn set_streams(&mut self) -> anyhow::Result<()> {
        for market in 0..2 {
            let id = self.id(market);
            let fee = read(self.suite.pricing.getBaseFee(id).call(), "a base fee").await?;
            let posted = U256::from(PRICE);
            let price = fee / U256::from(TOKENS_PER_FEE);
            let highest = posted * U256::from(HIGHEST_PRICE) / U256::from(100);
            let price = price.clamp(posted, highest);
            self.prices[market] = price;
            for source in 0..self.world.sources.len() {
                let rate = match self.world.markets[market].is_by_work() {
                    true => self.rate_by_work(source, market, price).await?,
                    false => self.rate_by_capacity(source, market, price),
                };
                self.set_stream(source, market, rate).await?;
            }
        }
        Ok(())
    }

    /// What a source asked for in the last minute, at `price`.
    fn rate_by_capacity(&self, source: usize, market: usize, price: U256) -> U256 {
        let part = self.world.sources[source].parts[market];
        let least = LEAST_PART * part * self.world.markets[market].mean;
        let needed = self.needed[source][market].max(least);
        wei_per_second(needed) * price / U256::from(PRICE)
    }

    pub(super) async fn set_stream(
        &mut self,
        source: usize,
        market: usize,
        rate: U256,
    ) -> anyhow::Result<()> {
        let current = self.rates[source][market];
        if rate == current {
            return Ok(());
        }
        let flow = I96::try_from(rate.to::<u128>()).context("a stream's rate is too large")?;
        let (gateway, id) = (&self.suite.gateway, self.id(market));
        let (what, parameters) = match current.is_zero() {
            true => (
                "open a stream",
                read(gateway.createStream_0(id, flow).call(), "a macro").await?,
            ),
            false => (
                "change a stream",
                read(gateway.updateStream(id, flow).call(), "a macro").await?,
            ),
        };
        self.run_macro(source, parameters, what).await?;
        self.rates[source][market] = rate;
        Ok(())
    }

    /// Has Superfluid do for a source what the gateway says.
    async fn run_macro(
        &mut self,
        source: usize,
        parameters: Bytes,
        what: &'static str,
    ) -> anyhow::Result<()> {
        let account = self.cast.sources[source].address();
        let gateway = *self.suite.gateway.address();
        let run = self.suite.macros.runMacro(gateway, parameters);
        self.send(run.from(account), what).await.map(drop)
    }

    /// Books what overflowed to the sources whose it is, as noted when they changed their streams last.
    pub(super) async fn sync(&mut self, market: usize) -> anyhow::Result<()> {
        let id = self.id(market);
        let sources: Vec<Address> = self.cast.sources.iter().map(|it| it.address()).collect();
        let attribute = self.suite.escrow.attribute(id, sources);
        self.send(attribute, "book the overflow").await.map(drop)
    }

    /// Pays out what waits, as far as capacity has become free.
    pub(super) async fn drain(&mut self, market: usize) -> anyhow::Result<()> {
        let drain = self.suite.escrow.drain_0(self.id(market));
        if let Err(error) = drain.call().await {
            let nothing = IEscrowBufferErrors::NothingToDrain(IEscrowBuffer::NothingToDrain {});
            // Nothing waits, or nothing is free: that is no failure.
            if error.as_decoded_interface_error() == Some(nothing) {
                return Ok(());
            }
        }
        let receipt = self.send(drain, "drain the escrow").await?;
        let mut total = U256::ZERO;
        for payment in events::<Drained>(&receipt) {
            let sink = self.place(payment.sink)?;
            self.tallies[sink].drained[market] += payment.amount;
            total += payment.amount;
        }
        self.epoch.drained += total;
        let listed = self.listed(market).await?;
        self.add_due(market, &listed, f64::from(total));
        Ok(())
    }

    /// Sources have their deposits back.
    pub(super) async fn end_streams(&mut self) -> anyhow::Result<()> {
        for source in 0..self.world.sources.len() {
            for market in 0..2 {
                let delete = self.suite.gateway.deleteStream(self.id(market));
                let parameters = read(delete.call(), "a macro").await?;
                self.run_macro(source, parameters, "end a stream").await?;
                self.rates[source][market] = U256::ZERO;
            }
        }
        Ok(())
    }
}
