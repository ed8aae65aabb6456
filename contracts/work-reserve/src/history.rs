//! How much had counted for a sink when: what it did in an epoch is compared with what it missed.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256};
use bpe_common::{
    clock,
    judging::MISS_EPOCHS,
    math::work::Point,
    packed::{pack, to_u128},
};
use stylus_sdk::{prelude::*, storage::*};

use super::WorkReserve;

/// The most observations that are kept of a sink in a task type, besides the last one.
pub const HISTORY: u64 = 64;

/// What has counted for a sink since ever, and when that was. One slot: work (104 bits), time (40), written (24).
#[storage]
pub struct Counted {
    work: StorageUint<104, 2>,
    /// Of the last count.
    time: StorageUint<40, 1>,
    /// How many earlier ones have been written down, one for each epoch with a count, the last of it.
    written: StorageUint<24, 1>,
}

impl Counted {
    fn point(&self) -> Point {
        Point {
            time: self.time.get().wrapping_to(),
            work: to_u128(self.work.get()),
        }
    }

    fn write(&mut self, point: Point) {
        // Fits: at most the registry's capacity-seconds.
        self.work.set(pack(point.work));
        self.time.set(Uint::wrapping_from(point.time));
    }
}

/// By number, modulo [`HISTORY`].
pub(super) type History = StorageMap<Uint<24, 1>, Counted>;

impl WorkReserve {
    /// Adds to what has counted for the sink. The last count of each epoch stays on record, so nobody can push history out by
    /// redeeming often.
    pub(super) fn write_down(&mut self, id: B256, sink: Address, work: u128) {
        let now = self.now();
        let mut of_type = self.counted.setter(id);
        let mut counted = of_type.setter(sink);
        let last = counted.point();
        if last.time > 0 && last.time / clock::EPOCH < now / clock::EPOCH {
            let number: u64 = counted.written.get().wrapping_to();
            let mut histories = self.histories.setter(id);
            let mut history = histories.setter(sink);
            history.setter(place(number)).write(last);
            // Fits: one an epoch, until after the year 2180.
            let written = Uint::wrapping_from(number.saturating_add(1));
            counted.written.set(written);
        }
        counted.write(Point {
            time: now,
            work: last.work.saturating_add(work),
        });
    }

    /// The work that counted for the sink in an epoch: what was redeemed until 4200 s after its end, in a line between one count
    /// and the next. `None` if that is no longer known.
    pub(super) fn counted_in(&self, id: B256, sink: Address, epoch: u64) -> Option<u128> {
        let begin = epoch.saturating_mul(clock::EPOCH);
        let end = begin.saturating_add(clock::EPOCH);
        let latest = end.saturating_add(u64::from(MISS_EPOCHS).saturating_mul(clock::EPOCH));
        let [before, after] = [begin, end].map(|time| self.counted_until(id, sink, time, latest));
        before.zip(after).map(|(a, b)| b.saturating_sub(a))
    }

    /// The work that had counted for the sink by `time`, as far as counts before `latest` say.
    fn counted_until(&self, id: B256, sink: Address, time: u64, latest: u64) -> Option<u128> {
        let of_type = self.counted.getter(id);
        let counted = of_type.getter(sink);
        let histories = self.histories.getter(id);
        let history = histories.getter(sink);
        let written: u64 = counted.written.get().wrapping_to();
        let oldest = written.saturating_sub(HISTORY);
        let (mut point, mut after, mut number) = (counted.point(), None, written);
        while point.time > time {
            if point.time < latest {
                after = Some(point);
            }
            if number == oldest {
                // None of them is as early as that.
                return match (oldest, after) {
                    (0, Some(first)) => Some(first.begin().until(time, &first)),
                    (0, None) => Some(0),
                    _ => None,
                };
            }
            number = number.saturating_sub(1);
            point = history.getter(place(number)).point();
        }
        Some(after.map_or(point.work, |after| point.until(time, &after)))
    }
}

fn place(number: u64) -> Uint<24, 1> {
    Uint::wrapping_from(number % HISTORY)
}
