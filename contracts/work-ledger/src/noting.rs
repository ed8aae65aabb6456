//! Notes: from a stream's rate to what has been paid.

use alloy_primitives::{Address, B256, U128, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, to_address},
    clock, emit,
    events::Word,
    interfaces::{IOverflowMeter, IPoolDirectory},
    math::{
        split::{scale, BY_WORK, BY_WORK_UNITS, INDEX_ONE},
        to_u128_saturating,
    },
    packed::to_u128,
    superfluid::IGeneralDistributionAgreementV1,
};
use stylus_sdk::prelude::*;

use super::{Noted, WorkLedger};

/// A stream of a source into a pool.
struct Flow {
    /// When the source changed it last.
    since: u64,
    /// Wei per second.
    rate: u128,
}

/// What OverflowMeter counts of a pool: ∫ e/u dt, with 18 decimals, and ∫ e dt.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) index: u128,
    pub(super) unit_seconds: u128,
}

impl Counts {
    pub(super) const MAX: Self = Self {
        index: u128::MAX,
        unit_seconds: 0,
    };
}

impl Flow {
    /// What of it reached the escrow, at a rate that did not change.
    fn paid(&self, since: &Counts, until: &Counts) -> u128 {
        let index = until.index.saturating_sub(since.index);
        let deducted = until.unit_seconds.saturating_sub(since.unit_seconds);
        scale(self.rate, index, INDEX_ONE).saturating_sub(deducted)
    }
}

impl WorkLedger {
    /// Whether all that `source` has paid until now is noted.
    pub(super) fn note_stream(&mut self, id: B256, source: Address) -> bool {
        // What nobody answers leaves the last note as it is: nothing is lost.
        self.try_note(id, source).is_some()
    }

    fn try_note(&mut self, id: B256, source: Address) -> Option<()> {
        let (pool, by_work) = self.known_pool(id)?;
        let flow = self.flow(source, pool)?;
        let counts = self.counts(id)?;
        let amount = match by_work {
            true => self.paid_by_work(id, source, &flow, counts)?,
            false => self.paid_overflow(id, source, &flow, counts),
        };
        self.store(id, source, amount, counts);
        Some(())
    }

    /// What a source has paid for a task type by work, as noted. Of another task type that is overflow, which is EscrowBuffer's.
    pub(super) fn paid(&self, id: B256, source: Address) -> u128 {
        match self.pools.getter(id).by_work.get() {
            true => to_u128(self.notes.getter(id).getter(source).noted.get()),
            false => 0,
        }
    }

    /// What a note would add now, by work.
    pub(super) fn pending(&self, id: B256, source: Address) -> u128 {
        let pending = || {
            let (pool, _) = self.look_up(id).filter(|(_, by_work)| *by_work)?;
            let flow = self.flow(source, pool)?;
            self.paid_by_work(id, source, &flow, self.counts(id)?)
        };
        pending().unwrap_or(0)
    }

    /// Since the last note, if the flow has not changed since. Part of what overflows, so it gets a part of that.
    fn paid_overflow(&mut self, id: B256, source: Address, flow: &Flow, counts: Counts) -> u128 {
        let notes = self.notes.getter(id);
        let note = notes.getter(source);
        let noted_at: u64 = note.time.get().wrapping_to();
        let before = Counts {
            index: to_u128(note.index.get()),
            unit_seconds: to_u128(note.unit_seconds.get()),
        };
        let amount = match noted_at == 0 || flow.since > noted_at {
            true => 0,
            false => flow.paid(&before, &counts),
        };
        // One wei more than was paid until then: what came later must not be too much by what is rounded off here.
        self.renew_part(id, source, amount, |then| {
            flow.paid(&before, then).saturating_add(1).min(amount)
        });
        amount
    }

    /// Since the later of the flow's last change and the last note.
    fn paid_by_work(&self, id: B256, source: Address, flow: &Flow, counts: Counts) -> Option<u128> {
        let notes = self.notes.getter(id);
        let note = notes.getter(source);
        let noted_at: u64 = note.time.get().wrapping_to();
        let before = match flow.since > noted_at {
            true => self.unit_seconds_at(id, flow.since)?,
            false => to_u128(note.unit_seconds.get()),
        };
        let unit_seconds = counts.unit_seconds.saturating_sub(before);
        let rate = flow.rate.saturating_sub(BY_WORK_UNITS);
        Some(scale(rate, unit_seconds, BY_WORK_UNITS))
    }

    fn store(&mut self, id: B256, source: Address, amount: u128, counts: Counts) {
        let now = clock::block_timestamp(self.vm());
        let mut notes = self.notes.setter(id);
        let mut note = notes.setter(source);
        let total = to_u128(note.noted.get()).saturating_add(amount);
        note.noted.set(U128::from(total));
        note.time.set(U32::wrapping_from(now));
        note.index.set(U128::from(counts.index));
        note.unit_seconds.set(U128::from(counts.unit_seconds));
        if amount > 0 {
            emit!(self.vm(), Noted[id, source](amount, total));
        }
    }

    /// As [`WorkLedger::look_up`], which is asked of others once.
    fn known_pool(&mut self, id: B256) -> Option<(Address, bool)> {
        let (pool, by_work) = self.look_up(id)?;
        if self.pools.getter(id).pool.get().is_zero() {
            let mut known = self.pools.setter(id);
            known.pool.set(pool);
            known.by_work.set(by_work);
        }
        Some((pool, by_work))
    }

    /// The pool of a task type, and whether it is paid by work. Neither changes once there is a pool.
    fn look_up(&self, id: B256) -> Option<(Address, bool)> {
        let known = self.pools.getter(id);
        if !known.pool.get().is_zero() {
            return Some((known.pool.get(), known.by_work.get()));
        }
        let pools = self.backpressure_pool.get();
        let [pool] = self.ask(pools, IPoolDirectory::getPoolCall::SELECTOR, &[id])?;
        let [weighting] = self.ask(pools, IPoolDirectory::getWeightingCall::SELECTOR, &[id])?;
        let (pool, by_work) = (to_address(pool), weighting == U256::from(BY_WORK));
        (!pool.is_zero()).then_some((pool, by_work))
    }

    fn flow(&self, source: Address, pool: Address) -> Option<Flow> {
        let selector = IGeneralDistributionAgreementV1::getFlowCall::SELECTOR;
        let arguments = [self.token.get().word(), source.word(), pool.word()];
        let [since, rate, _deposit] = self.ask(self.gda.get(), selector, &arguments)?;
        Some(Flow {
            since: since.saturating_to(),
            // Distributions are never negative. If one were, it would have more bits than a rate has.
            rate: Some(rate)
                .filter(|rate| rate.bit_len() < 96)
                .map_or(0, to_u128_saturating),
        })
    }

    pub(super) fn counts(&self, id: B256) -> Option<Counts> {
        let selector = IOverflowMeter::getOverflowIndexCall::SELECTOR;
        let [index, unit_seconds] = self.ask(self.overflow_meter.get(), selector, &[id])?;
        Some(Counts {
            index: to_u128_saturating(index),
            unit_seconds: to_u128_saturating(unit_seconds),
        })
    }

    fn unit_seconds_at(&self, id: B256, time: u64) -> Option<u128> {
        let selector = IOverflowMeter::getUnitSecondsCall::SELECTOR;
        let [then] = self.ask(self.overflow_meter.get(), selector, &[id, time.word()])?;
        Some(to_u128_saturating(then))
    }

    /// What a neighbour answers; `None` if it does not.
    fn ask<const N: usize>(
        &self,
        whom: Address,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Option<[U256; N]> {
        query_words(self.vm(), whom, selector, arguments).ok()
    }
}
