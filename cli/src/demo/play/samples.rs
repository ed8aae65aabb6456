//! How things stand, minute by minute.

use alloy::primitives::U256;

use super::{
    super::{chain::read, world::TICK},
    Play,
};

/// How things stand at the end of a tick.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Simulated seconds.
    pub at: u64,
    /// Wei per second, by sink and market: streamed, or by work earned in this tick.
    pub pay: Vec<[U256; 2]>,
    /// Smoothed capacity, by sink and market.
    pub capacity: Vec<[U256; 2]>,
    /// By market: tokens per second that were asked for, the base fee and what waits in escrow.
    pub asked: [f64; 2],
    pub base_fee: [U256; 2],
    pub escrow: [U256; 2],
}

impl Play {
    pub(super) async fn sample(&mut self) -> anyhow::Result<()> {
        let mut sample = Sample {
            at: self.now,
            pay: vec![[U256::ZERO; 2]; self.world.sinks.len()],
            capacity: vec![[U256::ZERO; 2]; self.world.sinks.len()],
            asked: [0, 1].map(|market| self.needed.iter().map(|it| it[market]).sum()),
            base_fee: [U256::ZERO; 2],
            escrow: [U256::ZERO; 2],
        };
        for market in 0..2 {
            self.sample_market(market, &mut sample).await?;
        }
        self.samples.push(sample);
        Ok(())
    }

    pub(super) async fn sample_market(
        &mut self,
        market: usize,
        sample: &mut Sample,
    ) -> anyhow::Result<()> {
        let (suite, id) = (&self.suite, self.id(market));
        sample.base_fee[market] = read(suite.pricing.getBaseFee(id).call(), "a base fee").await?;
        sample.escrow[market] = read(suite.escrow.bufferLevel(id).call(), "an escrow").await?;
        let pool = &suite.task_types[market].pool;
        let listed = self.listed(market).await?;
        let mut paid = 0.0;
        let by_work = self.world.markets[market].is_by_work();
        for (sink, earned) in self.earned.iter_mut().enumerate() {
            let earned = std::mem::take(&mut earned[market]);
            sample.pay[sink][market] = earned / U256::from(TICK);
        }
        for (sink, capacity) in &listed {
            let account = self.cast.sinks[*sink].address();
            let flow = match by_work {
                true => sample.pay[*sink][market],
                false => {
                    let flow = read(pool.getMemberFlowRate(account).call(), "a flow").await?;
                    U256::from(flow.into_raw().to::<u128>())
                }
            };
            sample.pay[*sink][market] = flow;
            sample.capacity[*sink][market] = *capacity;
            paid += f64::from(flow);
        }
        self.add_due(market, &listed, paid * TICK as f64);
        Ok(())
    }

    /// The registered sinks and their smoothed capacities.
    pub(super) async fn listed(&self, market: usize) -> anyhow::Result<Vec<(usize, U256)>> {
        let listed = self.suite.registry.getSinks(self.id(market));
        let listed = read(listed.call(), "the sinks").await?;
        let pairs = listed.sinks.into_iter().zip(listed.capacities);
        pairs
            .map(|(account, capacity)| Ok((self.place(account)?, capacity)))
            .collect()
    }

    /// Takes note of what `wei` would give each by capacity.
    pub(super) fn add_due(&mut self, market: usize, listed: &[(usize, U256)], wei: f64) {
        let total: U256 = listed.iter().map(|(_, capacity)| capacity).sum();
        for (sink, capacity) in listed {
            let part = f64::from(*capacity) / f64::from(total).max(1.0);
            self.tallies[*sink].due[market] += wei * part;
        }
    }
}
