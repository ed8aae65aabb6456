//! Capacity over time: a running sum of capacity-seconds, with one observation an epoch in which something changed, for
//! ever.

extern crate alloc;

// What the macro of storage writes needs them, on the chain.
#[cfg(target_arch = "wasm32")]
use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U32};
use bpe_common::{clock, packed::to_u128};
use stylus_sdk::{prelude::*, storage::*};

use super::{Capacity, CapacityRegistry, StorageCapacity};

/// One slot: time (32 bits), capacity (72), seconds (104). What was last changed in an epoch, and all capacity-seconds until
/// then.
#[storage]
pub struct Observation {
    time: StorageU32,
    /// The capacity from then on.
    capacity: StorageCapacity,
    /// The capacity-seconds until then. Fits: 72 bits for at most 2^32 seconds.
    seconds: StorageUint<104, 2>,
}

/// One slot: count (32 bits), peak (72). What all observations of a sink in a task type come to.
#[storage]
pub struct Summary {
    /// How many there are.
    count: StorageU32,
    /// The most capacity that it ever had.
    peak: StorageCapacity,
}

/// An [`Observation`] in memory.
#[derive(Clone, Copy)]
struct Point {
    time: u64,
    capacity: u128,
    seconds: u128,
}

impl Point {
    const NONE: Self = Self {
        time: 0,
        capacity: 0,
        seconds: 0,
    };

    /// The capacity-seconds until `time`, with the same capacity until then. Nothing overflows: see [`Observation`].
    fn until(self, time: u64) -> u128 {
        let elapsed = u128::from(time.saturating_sub(self.time));
        self.seconds
            .saturating_add(self.capacity.saturating_mul(elapsed))
    }
}

impl CapacityRegistry {
    /// Writes down that `sink` has `capacity` from now on. A second change in one epoch overwrites the first, so that
    /// there is one an epoch at most; at the epoch's end the sum is the same.
    pub(crate) fn observe(&mut self, id: B256, sink: Address, capacity: u128) {
        let now = clock::block_timestamp(self.vm());
        let count = self.observation_count(id, sink);
        let last = count.checked_sub(1).map(|last| self.point(id, sink, last));
        let seconds = last.map_or(0, |last| last.until(now));
        let index = match last {
            Some(last) if last.time / clock::EPOCH == now / clock::EPOCH => count.saturating_sub(1),
            _ => count,
        };
        let mut histories = self.histories.setter(id);
        let mut history = histories.setter(sink);
        if let Some(mut slot) = history.setter(index) {
            slot.time.set(U32::wrapping_from(now));
            slot.capacity.set(Capacity::wrapping_from(capacity));
            slot.seconds.set(Uint::wrapping_from(seconds));
        }
        let mut summaries = self.summaries.setter(id);
        let mut summary = summaries.setter(sink);
        if index == count {
            summary.count.set(U32::from(count.saturating_add(1)));
        }
        if to_u128(summary.peak.get()) < capacity {
            summary.peak.set(Capacity::wrapping_from(capacity));
        }
    }

    /// The capacity-seconds of `sink` until `time`: exact at every end of an epoch, and since the last change. Within
    /// an epoch, before its last change, it is as if the capacity had not changed in between.
    pub(crate) fn seconds_until(&self, id: B256, sink: Address, time: u64) -> u128 {
        let count = self.observation_count(id, sink);
        let Some(last) = count.checked_sub(1) else {
            return 0;
        };
        // The first observation after `time`, by bisection; mostly there is none.
        let (mut low, mut high) = (0, count);
        if self.point(id, sink, last).time <= time {
            low = count;
        }
        while low < high {
            let middle = low.midpoint(high);
            match self.point(id, sink, middle).time <= time {
                true => low = middle.saturating_add(1),
                false => high = middle,
            }
        }
        // Before it came there is nothing.
        let before = low.checked_sub(1);
        let before = before.map_or(Point::NONE, |index| self.point(id, sink, index));
        let begin = time.saturating_sub(time % clock::EPOCH);
        let after = (low < count).then(|| self.point(id, sink, low));
        let Some(after) = after.filter(|after| after.time / clock::EPOCH == time / clock::EPOCH)
        else {
            return before.until(time);
        };
        // In the epoch of the next observation: in a line from where the epoch began to what was observed.
        let begin = begin.max(before.time);
        let (from, length) = (before.until(begin), after.time.saturating_sub(begin).max(1));
        let part = u128::from(time.saturating_sub(begin));
        let risen = after.seconds.saturating_sub(from);
        // Fits: at most 300 s of capacity, times at most 300.
        from.saturating_add(risen.saturating_mul(part) / u128::from(length))
    }

    /// The most capacity that `sink` ever had.
    pub(crate) fn peak(&self, id: B256, sink: Address) -> u128 {
        let summaries = self.summaries.getter(id);
        to_u128(summaries.getter(sink).peak.get())
    }

    fn observation_count(&self, id: B256, sink: Address) -> u32 {
        let summaries = self.summaries.getter(id);
        summaries.getter(sink).count.get().wrapping_to()
    }

    fn point(&self, id: B256, sink: Address, index: u32) -> Point {
        let histories = self.histories.getter(id);
        let history = histories.getter(sink);
        match history.getter(index) {
            Some(slot) => Point {
                time: slot.time.get().wrapping_to(),
                capacity: to_u128(slot.capacity.get()),
                seconds: to_u128(slot.seconds.get()),
            },
            None => Point::NONE,
        }
    }
}
