//! What each sink's part of a round is counted by: its capacity over time, by CapacityRegistry's observations.
//!
//! A round looks back to when the last one began, but at least four hours, and as far as the last end of an epoch: who
//! registered in this epoch has served nothing yet, who registered an hour ago has a quarter of its capacity. Looking back
//! only to the last round would not do: whoever starts one round could be there for the next, a second later.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    call::{calldata, first_words, query_pairs, static_call, Revert, ALL_GAS},
    clock,
    events::Word,
    interfaces::ICapacityRegistry,
};
use stylus_sdk::prelude::*;

use super::{Error, EscrowBuffer, Sinks};

/// A round looks back for so many seconds at least. Registries remember 64 epochs of 300 s.
pub const LEAST_LOOK_BACK: u64 = 14_400;

/// The stretch of time that a round counts.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) until: u64,
}

impl Span {
    /// Of a round that begins `now`, after one that began at `last`; 0, if it is the first.
    pub(super) fn new(last: u64, now: u64) -> Self {
        let least = now.saturating_sub(LEAST_LOOK_BACK);
        let from = match last {
            0 => least,
            _ => last.min(least),
        };
        Self {
            from: epoch_of(from),
            until: epoch_of(now),
        }
    }
}

/// When the epoch of `time` began.
fn epoch_of(time: u64) -> u64 {
    time.saturating_sub(time.checked_rem(clock::EPOCH).unwrap_or_default())
}

impl EscrowBuffer {
    /// The registry's sinks from number `from` on, `count` at most, and what each has served.
    pub(super) fn weighed(
        &self,
        id: B256,
        from: u32,
        count: u32,
        span: Span,
    ) -> Result<Sinks, Error> {
        let selector = ICapacityRegistry::getSinksPageCall::SELECTOR;
        let arguments = [id, U256::from(from).word(), U256::from(count).word()];
        let registry = self.capacity_registry.get();
        let mut sinks = query_pairs(self.vm(), registry, selector, &arguments)?;
        sinks.truncate(count as usize);
        for (sink, weight) in &mut sinks {
            *weight = self.served(id, *sink, span)?;
        }
        Ok(sinks)
    }

    /// Capacity times seconds of `sink` in the span. Where the registry has forgotten its beginning, because the sink changed
    /// in more than 64 epochs since, only what is remembered counts.
    fn served(&self, id: B256, sink: Address, span: Span) -> Result<U256, Error> {
        let until = self.capacity_seconds(id, sink, span.until)?;
        let from = match self.capacity_seconds(id, sink, span.from) {
            Ok(from) => from,
            Err(revert) => {
                let Some(oldest) = expired(&revert) else {
                    return Err(revert.into());
                };
                self.capacity_seconds(id, sink, oldest)?
            }
        };
        Ok(until.saturating_sub(from))
    }

    fn capacity_seconds(&self, id: B256, sink: Address, time: u64) -> Result<U256, Revert> {
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
fn expired(revert: &Revert) -> Option<u64> {
    let arguments = revert
        .0
        .strip_prefix(&ICapacityRegistry::ObservationExpired::SELECTOR)?;
    let [oldest] = first_words(arguments)?;
    Some(U256::from_be_bytes(oldest.0).saturating_to())
}
