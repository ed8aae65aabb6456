//! What there is to do once in an epoch, and who comes and goes.

use alloy::primitives::U256;
use anyhow::bail;
use bpe_abi::{
    ICompletionTracker::AutoSlashed,
    IOffchainAggregator::AttestationRejected,
    IStakeManager::{SlashOwed, Slashed},
};

use super::{
    super::{
        chain::events,
        money::usdcx,
        suite::{tokens, units},
        world::Habit,
    },
    Play,
};

/// By how much attested capacities vary, either way.
const WOBBLE: f64 = 0.05;

impl Play {
    /// What there is to do once in an epoch, after the last one was judged.
    pub(super) async fn open_epoch(&mut self, number: u64) -> anyhow::Result<()> {
        self.leave_if_broken().await?;
        let mut newcomers = Vec::new();
        if number == self.world.joining_epoch() {
            newcomers = self.join_late().await?;
        }
        if number > 0 {
            self.attest(number, &newcomers).await?;
        }
        for market in 0..2 {
            let rebalance = self.suite.pools.rebalance(self.id(market));
            self.send(rebalance, "rebalance a pool").await?;
        }
        if number == self.world.epochs {
            self.end_streams().await?;
        }
        for market in self.markets(false) {
            self.drain(market).await?;
        }
        Ok(())
    }

    /// Sinks say what they can do: a little more or less than they declared. Broken ones say nothing.
    pub(super) async fn attest(&mut self, number: u64, newcomers: &[usize]) -> anyhow::Result<()> {
        let mut attestations = Vec::new();
        for sink in 0..self.world.sinks.len() {
            if !self.tallies[sink].registered || newcomers.contains(&sink) || self.is_broken(sink) {
                continue;
            }
            for market in self.served(sink) {
                let wobble = 1.0 + WOBBLE * (2.0 * self.dispatcher.fraction() - 1.0);
                let capacity = units(self.world.sinks[sink].declared[market] * wobble);
                let (id, time) = (self.id(market), self.start + self.now);
                let attestation = self.cast.attestation(sink, id, capacity, time, number)?;
                attestations.push(attestation);
            }
        }
        let submit = self.suite.aggregator.submitBatch(attestations);
        let receipt = self.send(submit, "submit attestations").await?;
        let rejected = events::<AttestationRejected>(&receipt);
        if let Some(first) = rejected.first() {
            bail!("an attestation was refused: {}", first.reason);
        }
        Ok(())
    }

    /// Judges the epoch that has ended, and slashes.
    pub(super) async fn judge(&mut self) -> anyhow::Result<()> {
        for market in 0..2 {
            let tracker = &self.suite.tracker;
            let advance = tracker.advanceEpochs(self.id(market), U256::ZERO, U256::MAX);
            let receipt = self.send(advance, "judge an epoch").await?;
            for slash in events::<AutoSlashed>(&receipt) {
                let sink = self.place(slash.sink)?;
                self.tallies[sink].slashes += 1;
            }
            for slash in events::<Slashed>(&receipt) {
                let sink = self.place(slash.sink)?;
                self.tallies[sink].slashed += slash.amount;
                let amount = usdcx(slash.amount, 2);
                let name = self.world.sinks[sink].name;
                self.note(format!("{name} is slashed by {amount} USDCx"));
            }
            for slash in events::<SlashOwed>(&receipt) {
                let amount = usdcx(slash.amount, 2);
                let name = self.world.sinks[self.place(slash.sink)?].name;
                self.note(format!(
                    "{name} owes {amount} USDCx: 30 % of a stake a day is the most that slashes take"
                ));
            }
        }
        Ok(())
    }

    // --- Sinks come and go

    /// Stakes all it has, and registers wherever it serves.
    pub(super) async fn join(&mut self, sink: usize) -> anyhow::Result<()> {
        let account = self.cast.sinks[sink].address();
        let stake = tokens(self.world.sinks[sink].stake);
        let stakes = *self.suite.stakes.address();
        let approve = self.suite.usdcx.approve(stakes, stake).from(account);
        self.send(approve, "approve a stake").await?;
        let staking = self.suite.stakes.stake(stake).from(account);
        self.send(staking, "stake").await?;
        for market in self.served(sink) {
            let capacity = units(self.world.sinks[sink].declared[market]);
            let register = self.suite.registry.registerSink(self.id(market), capacity);
            self.send(register.from(account), "register a sink").await?;
            if !self.world.markets[market].is_by_work() {
                let units = self.suite.pools.rebalanceSink(self.id(market), account);
                self.send(units, "give a sink its units").await?;
            }
        }
        self.tallies[sink].registered = true;
        Ok(())
    }

    pub(super) async fn join_late(&mut self) -> anyhow::Result<Vec<usize>> {
        let sinks = 0..self.world.sinks.len();
        let late: Vec<usize> = sinks
            .filter(|sink| self.world.sinks[*sink].habit == Habit::JoinsLate)
            .collect();
        for sink in &late {
            self.join(*sink).await?;
            self.note(format!("{} joins", self.world.sinks[*sink].name));
        }
        Ok(late)
    }

    /// The operator of a broken machine notices when it is slashed, and leaves.
    pub(super) async fn leave_if_broken(&mut self) -> anyhow::Result<()> {
        for sink in 0..self.world.sinks.len() {
            let tally = &self.tallies[sink];
            if !tally.registered || tally.slashes == 0 || !self.is_broken(sink) {
                continue;
            }
            for market in self.served(sink) {
                let account = self.cast.sinks[sink].address();
                let leave = self.suite.registry.deregisterSink(self.id(market));
                self.send(leave.from(account), "deregister a sink").await?;
            }
            self.tallies[sink].registered = false;
            self.note(format!("{} leaves", self.world.sinks[sink].name));
        }
        Ok(())
    }

    pub(super) fn is_broken(&self, sink: usize) -> bool {
        self.is_broken_at(sink, self.now as f64)
    }

    pub(super) fn is_broken_at(&self, sink: usize, at: f64) -> bool {
        self.world.sinks[sink].habit == Habit::GoesDown && at >= self.world.breakdown()
    }
}
