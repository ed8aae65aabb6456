//! What sources stream, and what waits in escrow.

use alloy::primitives::{aliases::I96, Address, U256};
use anyhow::Context as _;
use bpe_abi::IEscrowBuffer::{self, Drained, IEscrowBufferErrors};

use super::{
    super::{
        cast::HIGHEST_PRICE,
        chain::{events, read},
        suite::{wei_per_second, PRICE, TOKENS_PER_FEE},
    },
    Play,
};

/// Sources stream at least this part of what they need on average: their streams never end.
const LEAST_PART: f64 = 0.1;

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
            for source in 0..self.world.sources.len() {
                let part = self.world.sources[source].parts[market];
                let least = LEAST_PART * part * self.world.markets[market].mean;
                let needed = self.needed[source][market].max(least);
                let rate = wei_per_second(needed) * price / posted;
                self.set_stream(source, market, rate).await?;
            }
        }
        Ok(())
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
        let account = self.cast.sources[source].address();
        if current.is_zero() {
            let create = gateway.createStream(id, flow).from(account);
            self.send(create, "open a stream").await?;
        } else {
            let update = gateway.updateStream(id, flow).from(account);
            self.send(update, "change a stream").await?;
        }
        self.rates[source][market] = rate;
        Ok(())
    }

    /// Books what overflowed to the sources whose it is.
    pub(super) async fn sync(&mut self, market: usize) -> anyhow::Result<()> {
        let mut sources: Vec<Address> = self.cast.sources.iter().map(|it| it.address()).collect();
        sources.push(Address::ZERO);
        let sync = self.suite.escrow.sync(self.id(market), sources);
        self.send(sync, "book the overflow").await.map(drop)
    }

    /// Pays out what waits, as far as capacity has become free.
    pub(super) async fn drain(&mut self, market: usize) -> anyhow::Result<()> {
        let drain = self.suite.escrow.drain(self.id(market));
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
            let account = self.cast.sources[source].address();
            for market in 0..2 {
                let delete = self.suite.gateway.deleteStream(self.id(market));
                self.send(delete.from(account), "end a stream").await?;
                self.rates[source][market] = U256::ZERO;
            }
            let withdraw = self.suite.gateway.withdraw(account);
            self.send(withdraw, "withdraw a source's credit").await?;
        }
        Ok(())
    }
}
