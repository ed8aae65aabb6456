//! Capacity over time: a running sum of capacity-seconds, with one observation an epoch in which something changed.

extern crate alloc;

// What the macro of storage writes needs them, on the chain.
#[cfg(target_arch = "wasm32")]
use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U32};
use bpe_common::{clock, packed::to_u128};
use stylus_sdk::{prelude::*, storage::*};

use super::{interface::*, Capacity, CapacityRegistry, StorageCapacity};

/// The most observations that are kept of a sink in a task type.
pub const HISTORY: u32 = 64;

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
    /// Writes down that `sink` has `capacity` from now on. A second change in one epoch overwrites the first, so that nobody
    /// can push history out by changing often; at the epoch's end the sum is the same.
    pub(crate) fn observe(&mut self, id: B256, sink: Address, capacity: u128) {
        let now = clock::block_timestamp(self.vm());
        let count = self.observation_count(id, sink);
        let last = count.checked_sub(1).map(|last| self.point(id, sink, last));
        let seconds = last.map_or(0, |last| last.until(now));
        let index = match last {
            Some(last) if last.time / clock::EPOCH == now / clock::EPOCH => count.saturating_sub(1),
            _ => count,
        };
        let mut rings = self.histories.setter(id);
        let mut ring = rings.setter(sink);
        if let Some(mut slot) = ring.setter(index % HISTORY) {
            slot.time.set(U32::wrapping_from(now));
            slot.capacity.set(Capacity::wrapping_from(capacity));
            slot.seconds.set(Uint::wrapping_from(seconds));
        }
        if index == count {
            let mut counts = self.observation_counts.setter(id);
            counts.setter(sink).set(U32::from(count.saturating_add(1)));
        }
    }

    /// The capacity-seconds of `sink` until `time`: exact at every end of an epoch that is remembered, and since the last
    /// change. Within an epoch, before its last change, it is as if the capacity had not changed in between.
    pub(crate) fn seconds_until(&self, id: B256, sink: Address, time: u64) -> Result<u128, Error> {
        let count = self.observation_count(id, sink);
        let Some(last) = count.checked_sub(1) else {
            return Ok(0);
        };
        // The first observation after `time`, by bisection; mostly there is none.
        let oldest = count.saturating_sub(HISTORY);
        let (mut low, mut high) = (oldest, count);
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
        let before = low.checked_sub(1).filter(|index| *index >= oldest);
        if before.is_none() && oldest > 0 {
            let oldest = U256::from(self.point(id, sink, oldest).time);
            return Err(ObservationExpired { oldest }.into());
        }
        // Before it came there is nothing.
        let before = before.map_or(Point::NONE, |index| self.point(id, sink, index));
        let begin = time.saturating_sub(time % clock::EPOCH);
        let after = (low < count).then(|| self.point(id, sink, low));
        let Some(after) = after.filter(|after| after.time / clock::EPOCH == time / clock::EPOCH)
        else {
            return Ok(before.until(time));
        };
        // In the epoch of the next observation: in a line from where the epoch began to what was observed.
        let begin = begin.max(before.time);
        let (from, length) = (before.until(begin), after.time.saturating_sub(begin).max(1));
        let part = u128::from(time.saturating_sub(begin));
        let risen = after.seconds.saturating_sub(from);
        // Fits: at most 300 s of capacity, times at most 300.
        Ok(from.saturating_add(risen.saturating_mul(part) / u128::from(length)))
    }

    /// The most capacity that is remembered of `sink`.
    pub(crate) fn peak(&self, id: B256, sink: Address) -> u128 {
        let count = self.observation_count(id, sink);
        (count.saturating_sub(HISTORY)..count)
            .map(|index| self.point(id, sink, index).capacity)
            .max()
            .unwrap_or(0)
    }

    fn observation_count(&self, id: B256, sink: Address) -> u32 {
        let counts = self.observation_counts.getter(id);
        counts.get(sink).wrapping_to()
    }

    fn point(&self, id: B256, sink: Address, index: u32) -> Point {
        let rings = self.histories.getter(id);
        let ring = rings.getter(sink);
        match ring.getter(index % HISTORY) {
            Some(slot) => Point {
                time: slot.time.get().wrapping_to(),
                capacity: to_u128(slot.capacity.get()),
                seconds: to_u128(slot.seconds.get()),
            },
            None => Point::NONE,
        }
    }
}
