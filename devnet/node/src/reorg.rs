//! Reorganisations on request, for tests of what follows the chain.

use alloy::consensus::{transaction::Recovered, TxEnvelope};
use serde::Deserialize;

use crate::{
    error::NodeError,
    node::{Inner, Node},
};

/// What becomes of the transactions of the blocks that are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Displaced {
    /// The chain never hears of them again.
    #[default]
    Drop,
    /// They run in the same places, in other blocks.
    Keep,
    /// All of them run in the last of the new blocks.
    Last,
    /// They wait again, for the blocks after the new ones.
    Pool,
}

impl Node {
    /// Replaces the newest `depth` blocks by as many others at the same times.
    ///
    /// # Errors
    /// If there are not so many blocks besides the genesis.
    pub fn reorganise(&self, depth: u64, displaced: Displaced) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let removed = self.remove(&mut inner, depth)?;
        let mut blocks: Vec<Vec<_>> = removed
            .iter()
            .map(|block| {
                block
                    .transactions
                    .iter()
                    .map(|tx| tx.envelope.clone())
                    .collect()
            })
            .collect();
        match displaced {
            Displaced::Keep => {}
            Displaced::Drop => blocks.iter_mut().for_each(Vec::clear),
            Displaced::Last => {
                let all: Vec<_> = blocks.iter_mut().flat_map(std::mem::take).collect();
                if let Some(last) = blocks.last_mut() {
                    *last = all;
                }
            }
            Displaced::Pool => {
                let all = blocks.iter_mut().flat_map(std::mem::take).collect();
                inner.pool.put_back(all);
            }
        }
        let times = removed.iter().map(|block| block.header.timestamp);
        self.refill(&mut inner, times.zip(blocks))
    }

    /// The same, with the transactions that are given, each for one of the new blocks: 0 is the first.
    pub fn reorganise_with(
        &self,
        depth: u64,
        transactions: Vec<(Recovered<TxEnvelope>, u64)>,
    ) -> Result<(), NodeError> {
        if let Some((_, place)) = transactions.iter().find(|(_, place)| *place >= depth) {
            return Err(NodeError::InvalidArgument(format!(
                "block {place} of a reorganisation of {depth} blocks: the first is 0"
            )));
        }
        let mut inner = self.inner.lock();
        let removed = self.remove(&mut inner, depth)?;
        let blocks = removed.iter().zip(0..).map(|(block, place)| {
            let here = transactions.iter().filter(|(_, at)| *at == place);
            let here = here.map(|(tx, _)| tx.clone()).collect();
            (block.header.timestamp, here)
        });
        self.refill(&mut inner, blocks)
    }

    /// Takes the newest `depth` blocks off the chain, and puts nothing in their place.
    ///
    /// # Errors
    /// If there are not so many blocks besides the genesis.
    pub fn roll_back(&self, depth: u64) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        self.remove(&mut inner, depth)?;
        self.changed(&inner.chain);
        Ok(())
    }

    fn remove(
        &self,
        inner: &mut Inner,
        depth: u64,
    ) -> Result<Vec<std::sync::Arc<crate::block::Block>>, NodeError> {
        let head = inner.chain.head().number();
        if depth > head {
            return Err(NodeError::InvalidArgument(format!(
                "{depth} blocks to take back, and the chain has {head} besides its genesis"
            )));
        }
        Ok(inner.chain.roll_back(depth))
    }

    /// Mines blocks at given times. Transactions that cannot run any more are left out.
    fn refill(
        &self,
        inner: &mut Inner,
        blocks: impl Iterator<Item = (u64, Vec<Recovered<TxEnvelope>>)>,
    ) -> Result<(), NodeError> {
        let clock = inner.chain.clock.clone();
        for (timestamp, transactions) in blocks {
            let latest = inner.chain.head().header.timestamp;
            inner.chain.clock.set_next(timestamp.max(latest), latest)?;
            let alone = transactions.len() == 1;
            if let (Err(_), true) = (self.mine_block(inner, transactions), alone) {
                self.mine_block(inner, Vec::new())?;
            }
        }
        // Time goes on as if nothing had happened.
        inner.chain.clock = clock;
        self.changed(&inner.chain);
        Ok(())
    }
}
