//! By what each sink's part of a round is counted: its capacity over time.
//!
//! A round looks back to where the last one ended, but at least four hours, the first one to the beginning; and as far as the
//! last end of an epoch: who registered in this epoch has served nothing yet, who registered an hour ago has a quarter of its capacity. Looking back
//! only to the last round would not do: whoever starts one round could be there for the next, a second later.

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use bpe_common::{call::query_pairs, clock, events::Word, interfaces::IOverflowMeter};
use stylus_sdk::prelude::*;

use super::{Error, EscrowBuffer, Sinks};

/// A round looks back for so many seconds at least.
pub const LEAST_LOOK_BACK: u64 = 14_400;

/// The stretch of time that a round counts.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) since: u64,
    pub(super) until: u64,
}

impl Span {
    /// Of a round that begins `now`, after one that counted up to `last`; 0, if it is the first: then all that was ever served
    /// counts, since nobody knows for how long the money has waited.
    pub(super) fn new(last: u64, now: u64) -> Self {
        let least = now.saturating_sub(LEAST_LOOK_BACK);
        let since = last.min(least);
        Self {
            since: epoch_of(since),
            until: epoch_of(now),
        }
    }
}

/// When the epoch of `time` began.
#[inline(never)]
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
        let numbers = [u64::from(from), u64::from(count), span.since, span.until];
        let [from, count, since, until] = numbers.map(Word::word);
        let selector = IOverflowMeter::weighCall::SELECTOR;
        let meter = self.overflow_meter.get();
        Ok(query_pairs(
            self.vm(),
            meter,
            selector,
            &[id, from, count, since, until],
        )?)
    }
}
