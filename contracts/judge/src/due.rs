//! What a sink owed in an epoch, and what of it it did.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_number,
    clock,
    interfaces::ICapacityRegistry,
    judging::{EpochRecord, ASSIGNED, DECLARED, MAX_EPOCHS, SLASH_THRESHOLD_BPS},
    math,
};
use stylus_sdk::prelude::*;

use super::{misses::Missed, standing::Memory, Error, Judge};

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
        let before = self.seconds_until(task_type, sink, next)?;
        // The sum is `before` at `low`, and more beyond `high`.
        let (mut low, mut high) = (next, end);
        while low < high {
            let middle = high.saturating_sub(high.saturating_sub(low) / 2);
            match self.seconds_until(task_type, sink, middle)? == before {
                true => low = middle,
                false => high = middle.saturating_sub(1),
            }
        }
        Ok(low)
    }

    /// The capacity-seconds of `sink` until `epoch` begins: all since it came.
    #[inline(never)]
    pub(super) fn seconds_until(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<u128, Error> {
        let time = u64::from(epoch).saturating_mul(clock::EPOCH);
        let arguments = [task_type, sink.into_word(), U256::from(time).into()];
        let selector = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        Ok(query_number(
            self.vm(),
            self.capacity_registry.get(),
            selector,
            &arguments,
        )?)
    }
}

/// What a sink owed in an epoch, and what of it it did.
#[derive(Clone, Copy)]
pub(super) struct Due {
    /// In capacity-seconds; not zero.
    pub(super) owed: u128,
    /// In basis points.
    pub(super) rate: u16,
}

impl Due {
    /// If anything was owed.
    fn new(done: u128, owed: u128) -> Option<Self> {
        let all = u128::from(math::BPS);
        let rate = done.saturating_mul(all).checked_div(owed)?;
        // Fits: at most 10 000.
        let rate = rate.min(all) as u16;
        Some(Self { owed, rate })
    }

    /// Whether less than half was done.
    pub(super) fn is_bad(&self) -> bool {
        u64::from(self.rate) < SLASH_THRESHOLD_BPS
    }
}

impl Judge {
    /// What the sink did and missed in `epoch`, and what of that it did, if it missed anything or had capacity, and
    /// what that is worth is known: below 5 000, if less counted than was missed.
    pub(super) fn due_by_misses(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
        missed: &Missed,
        served: u128,
        memory: &Memory,
    ) -> Result<Option<Due>, Error> {
        // Whatever counted changes nothing: it is not asked for.
        if missed.work == 0 && (memory.below == 0 || served == 0) {
            return Ok(None);
        }
        let Some(counted) = self.counted_in(task_type, sink, epoch)? else {
            return Ok(None);
        };
        // No product overflows: works have 104 bits, sums of them fewer than 114.
        Ok(Due::new(counted, counted.saturating_add(missed.work)))
    }
}

/// What the sink owed in `epoch`, if anything, and what of it it did. It had `served` capacity-seconds.
pub(super) fn due(record: &EpochRecord, epoch: u32, memory: &Memory, served: u128) -> Option<Due> {
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
    Due::new(seconds_of(record.done, record), owed)
}

/// Whether what three bad epochs and more `owed` together is enough to be slashed for: an assignment is, however small.
/// Of what was declared half is due at least, and half of it has to be a whole task: nobody can do a part of one.
pub(super) fn is_enough(record: &EpochRecord, owed: u128) -> bool {
    record.yardstick != DECLARED || owed / 2 >= seconds_of(1, record)
}

/// The value of `tasks`, times the seconds of an epoch.
fn seconds_of(tasks: u32, record: &EpochRecord) -> u128 {
    let capacity = u128::from(tasks).saturating_mul(record.weight);
    capacity.saturating_mul(EPOCH)
}
