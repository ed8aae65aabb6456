//! What each sink has served: capacity over time, by CapacityRegistry's observations.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    call::{calldata, first_words, query_pairs, static_call, Revert, ALL_GAS},
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

    /// Capacity times seconds of `sink` in the span. Where the registry has forgotten its beginning, because the sink changed
    /// in more than 64 epochs since, only what is remembered counts; that is nothing, where its end is forgotten as well.
    fn served(&self, id: B256, sink: Address, span: Span) -> Result<U256, Revert> {
        let since = self.remembered(id, sink, span.since)?;
        let until = self.remembered(id, sink, span.until)?;
        Ok(until.saturating_sub(since))
    }

    /// Capacity times seconds of `sink` at a `time`, or at the first that the registry remembers.
    fn remembered(&self, id: B256, sink: Address, time: U256) -> Result<U256, Revert> {
        match self.capacity_seconds(id, sink, time) {
            Err(revert) => match expired(&revert) {
                Some(oldest) => self.capacity_seconds(id, sink, oldest),
                None => Err(revert),
            },
            known => known,
        }
    }

    fn capacity_seconds(&self, id: B256, sink: Address, time: U256) -> Result<U256, Revert> {
        let get = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        let request = calldata(get, &[id, sink.word(), time.word()]);
        let registry = self.capacity_registry.get();
        let answer = static_call(self.vm(), registry, &request, ALL_GAS, 64);
        match (answer.success, first_words(&answer.data)) {
            (true, Some([seconds])) => Ok(seconds.into()),
            _ => Err(Revert(answer.data)),
        }
    }
}

/// The oldest time that the registry remembers, if that is what it refused for.
fn expired(revert: &Revert) -> Option<U256> {
    let arguments = revert
        .0
        .strip_prefix(&ICapacityRegistry::ObservationExpired::SELECTOR)?;
    let [oldest] = first_words(arguments)?;
    Some(oldest.into())
}
