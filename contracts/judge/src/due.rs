//! What a sink owed in an epoch, and what of it it did.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    call::{query_words, Revert},
    clock,
    interfaces::ICapacityRegistry,
    judging::{EpochRecord, ASSIGNED, DECLARED, MAX_EPOCHS},
    math,
};
use stylus_sdk::prelude::*;

use super::{misses::Missed, standing::Memory, Error, Judge};

/// How CapacityRegistry says that it no longer knows.
const EXPIRED: [u8; 4] = ICapacityRegistry::ObservationExpired::SELECTOR;
/// Seconds of an epoch.
const EPOCH: u128 = clock::EPOCH as u128;

impl Judge {
    /// The next epoch to be judged, the first from it on in which something can be due, and the one before which to stop.
    pub(super) fn span(
        &self,
        task_type: B256,
        sink: Address,
        (first, end): (u32, u32),
        dues: (u32, u32),
    ) -> Result<[u32; 3], Error> {
        let next = self.standing(task_type, sink).next.max(first);
        let end = end.min(self.now());
        if next >= end {
            return Ok([next; 3]);
        }
        let from = self.skip(task_type, sink, (next, end), dues)?;
        let until = end.min(from.saturating_add(MAX_EPOCHS));
        Ok([next, from, until])
    }

    /// Passes over epochs from `next` on in which the sink had no capacity and nothing was due of what it had accepted. So a sink that comes
    /// after a year is judged at once. By bisection, as the sum of capacity-seconds never falls.
    fn skip(
        &self,
        task_type: B256,
        sink: Address,
        (next, end): (u32, u32),
        dues: (u32, u32),
    ) -> Result<u32, Error> {
        if next.saturating_add(1) >= end {
            return Ok(next);
        }
        let dues = [dues, self.missed_epochs(task_type, sink)?];
        let dues = dues.into_iter().filter(|(_, last)| *last >= next);
        let end = dues.fold(end, |end, (first, _)| end.min(first));
        if next.saturating_add(1) >= end {
            return Ok(next);
        }
        let Some(before) = self.seconds_until(task_type, sink, next)? else {
            return Ok(next);
        };
        // The sum is `before` at `low`, and more beyond `high`.
        let (mut low, mut high) = (next, end);
        while low < high {
            let middle = high.saturating_sub(high.saturating_sub(low) / 2);
            match self.seconds_until(task_type, sink, middle)? == Some(before) {
                true => low = middle,
                false => high = middle.saturating_sub(1),
            }
        }
        Ok(low)
    }

    /// The capacity-seconds of `sink` until `epoch` begins; `None` if the registry no longer knows.
    #[inline(never)]
    pub(super) fn seconds_until(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<Option<u128>, Error> {
        let time = u64::from(epoch).saturating_mul(clock::EPOCH);
        let arguments = [task_type, sink.into_word(), U256::from(time).into()];
        let selector = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        match self.number(self.capacity_registry.get(), selector, &arguments) {
            Ok(seconds) => Ok(Some(seconds)),
            Err(Revert(reason)) if reason.starts_with(&EXPIRED) => Ok(None),
            Err(revert) => Err(revert.into()),
        }
    }

    /// The most capacity-seconds of an epoch that the registry no longer knows.
    pub(super) fn most_served(&self, task_type: B256, sink: Address) -> Result<u128, Error> {
        let selector = ICapacityRegistry::getPeakCapacityCall::SELECTOR;
        let arguments = [task_type, sink.into_word()];
        let peak = self.number(self.capacity_registry.get(), selector, &arguments)?;
        Ok(peak.saturating_mul(EPOCH))
    }

    /// What a neighbour answers: a capacity, capacity-seconds, a stake. All of them fit.
    #[inline(never)]
    pub(super) fn number(
        &self,
        of: Address,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<u128, Revert> {
        let [number] = query_words(self.vm(), of, selector, arguments)?;
        Ok(number.saturating_to())
    }
}

impl Judge {
    /// What the sink did of what it did and missed in `epoch`, in basis points, if it missed anything or had capacity, and what
    /// that is worth is known: below 5 000, if less counted than was missed.
    pub(super) fn rate_by_misses(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
        missed: &Missed,
        served: u128,
        memory: &Memory,
    ) -> Result<Option<u16>, Error> {
        // Whatever counted changes nothing: it is not asked for.
        if missed.work == 0 && (memory.below == 0 || served == 0) {
            return Ok(None);
        }
        let Some(counted) = self.counted_in(task_type, sink, epoch)? else {
            return Ok(None);
        };
        let all = counted.saturating_add(missed.work);
        let part = counted.saturating_mul(u128::from(math::BPS));
        // No product overflows: works have 104 bits, sums of them fewer than 114.
        Ok(part.checked_div(all).map(|rate| rate as u16))
    }
}

/// What the sink did of what it owed in `epoch`, in basis points, if it owed anything. It had `served` capacity-seconds.
pub(super) fn rate(record: &EpochRecord, epoch: u32, memory: &Memory, served: u128) -> Option<u16> {
    // No product overflows: counts have 24 bits, weights and capacities 72, seconds 9, basis points 14.
    let bound = match epoch <= memory.bound_until {
        true => memory.bound.saturating_mul(EPOCH),
        false => u128::MAX,
    };
    let owed = match record.yardstick {
        DECLARED => served.min(bound),
        ASSIGNED => {
            let most = record.accepted.saturating_mul(EPOCH).max(served);
            seconds_of(record.assigned, record).min(most.min(bound))
        }
        _ => return None,
    };
    let all = u128::from(math::BPS);
    let rate = seconds_of(record.done, record)
        .saturating_mul(all)
        .checked_div(owed)?;
    // Fits: at most 10 000.
    Some(rate.min(all) as u16)
}

/// The value of `tasks`, times the seconds of an epoch.
fn seconds_of(tasks: u32, record: &EpochRecord) -> u128 {
    let capacity = u128::from(tasks).saturating_mul(record.weight);
    capacity.saturating_mul(EPOCH)
}
