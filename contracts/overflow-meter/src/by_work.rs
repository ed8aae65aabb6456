//! Pools by work: 10 000 units, and every change of WorkReserve's on record.

use alloy_primitives::{Uint, B256, U128, U32};
use bpe_common::{
    clock,
    math::split::{Cuts, BY_WORK_UNITS},
    packed::{pack, to_u128},
};
use stylus_sdk::prelude::*;

use super::{Change, OverflowMeter};

/// At most one change in so many seconds.
const HOUR: u64 = 3_600;

impl OverflowMeter {
    pub(super) fn change_cuts(&mut self, id: B256, cuts: Cuts) -> bool {
        let now = clock::block_timestamp(self.vm());
        let units = U128::from(cuts.left(BY_WORK_UNITS));
        let count = self.changes.getter(id).len();
        let last = count.checked_sub(1);
        let elapsed = last.map_or(u64::MAX, |place| {
            now.saturating_sub(self.changed_at(id, place))
        });
        if last.is_some_and(|place| self.units_since(id, place) == units) {
            // Only the recipients of the cuts change: no stranger can use up the hour by that.
            return true;
        }
        let unit_seconds = self.unit_seconds_at(id, now);
        let mut changes = self.changes.setter(id);
        match (elapsed, last) {
            (0, Some(place)) => {
                if let Some(mut change) = changes.setter(place) {
                    change.units.set(Uint::wrapping_from(units));
                }
                true
            }
            (1..HOUR, _) => false,
            _ => {
                let mut change = changes.grow();
                change.time.set(U32::wrapping_from(now));
                change.unit_seconds.set(pack(unit_seconds));
                change.units.set(Uint::wrapping_from(units));
                true
            }
        }
    }

    /// Whether the task type is one by work.
    pub(super) fn is_by_work(&self, id: B256) -> bool {
        !self.changes.getter(id).is_empty()
    }

    pub(super) fn unit_seconds_at(&self, id: B256, time: u64) -> u128 {
        let time = time.min(clock::block_timestamp(self.vm()));
        // The first change that is later: those before it are not.
        let (mut low, mut high) = (0, self.changes.getter(id).len());
        while low < high {
            let middle = low.midpoint(high);
            match self.changed_at(id, middle) > time {
                true => high = middle,
                false => low = middle.saturating_add(1),
            }
        }
        let changes = self.changes.getter(id);
        let before = low.checked_sub(1).and_then(|place| changes.getter(place));
        before.map_or(0, |change| change.unit_seconds_at(time))
    }

    fn units_since(&self, id: B256, place: usize) -> U128 {
        let changes = self.changes.getter(id);
        let change = changes.getter(place);
        change.map_or(U128::ZERO, |change| pack(to_u128(change.units.get())))
    }

    fn changed_at(&self, id: B256, place: usize) -> u64 {
        let changes = self.changes.getter(id);
        let change = changes.getter(place);
        change.map_or(u64::MAX, |change| change.time.get().wrapping_to())
    }
}

impl Change {
    /// At a `time` that is not before the change.
    fn unit_seconds_at(&self, time: u64) -> u128 {
        let since: u64 = self.time.get().wrapping_to();
        let elapsed = u128::from(time.saturating_sub(since));
        let grown = elapsed.saturating_mul(to_u128(self.units.get()));
        to_u128(self.unit_seconds.get()).saturating_add(grown)
    }
}
