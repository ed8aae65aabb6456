//! What each sink has served: capacity over time, by CapacityRegistry's observations.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_pairs, query_words, Revert},
    events::Word,
    interfaces::ICapacityRegistry,
};
use stylus_sdk::prelude::*;

use super::OverflowMeter;

/// A stretch of time.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) since: U256,
    pub(super) until: U256,
}

impl OverflowMeter {
    /// A page of the registry's sinks, and what each has served.
    pub(super) fn weighed(
        &self,
        id: B256,
        page: [U256; 2],
        span: Span,
    ) -> Result<Vec<(Address, U256)>, Revert> {
        let [from, count] = page.map(Word::word);
        let selector = ICapacityRegistry::getSinksPageCall::SELECTOR;
        let registry = self.capacity_registry.get();
        let mut sinks = query_pairs(self.vm(), registry, selector, &[id, from, count])?;
        for (sink, weight) in &mut sinks {
            *weight = self.served(id, *sink, span)?;
        }
        Ok(sinks)
    }

    /// Capacity times seconds of `sink` in the span.
    fn served(&self, id: B256, sink: Address, span: Span) -> Result<U256, Revert> {
        let since = self.capacity_seconds(id, sink, span.since)?;
        let until = self.capacity_seconds(id, sink, span.until)?;
        Ok(until.saturating_sub(since))
    }

    fn capacity_seconds(&self, id: B256, sink: Address, time: U256) -> Result<U256, Revert> {
        let selector = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        let registry = self.capacity_registry.get();
        let arguments = [id, sink.word(), time.word()];
        let [seconds]: [U256; 1] = query_words(self.vm(), registry, selector, &arguments)?;
        Ok(seconds)
    }
}
