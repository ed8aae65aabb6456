//! Where a sink stands: what has been judged, and what is remembered of it.

// What the macro of storage needs.
use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use bpe_common::{
    eip712::hash_words,
    judging::CONSECUTIVE_EPOCHS_FOR_SLASH,
    packed::{pack, to_u128},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{Judge, Numbers};

/// A sink that had no capacity in so many epochs in a row, a day, starts afresh.
pub const MEMORY: u32 = 288;

/// Numbers of epochs, until 2129.
type StorageCount = StorageUint<24, 1>;

/// Slot 0: next (24 bits), below (24), absent (24), rate (24), stake (112), since (24): all that judging a sink writes.
/// Slot 1, which only a slash and misses change: bound (72), bound_until (24), lost (112), by_misses (24). Slot 2,
/// which only bad epochs and good ones after them change: owed (112), kept (112).
#[storage]
pub struct Standing {
    next: StorageCount,
    below: StorageCount,
    absent: StorageCount,
    rate: StorageCount,
    /// As StakeManager keeps stakes.
    stake: StorageUint<112, 2>,
    since: StorageCount,
    /// As CapacityRegistry keeps capacities.
    bound: StorageUint<72, 2>,
    bound_until: StorageCount,
    lost: StorageUint<112, 2>,
    by_misses: StorageCount,
    /// As it sums up epochs of 81 bits each, 2^24 at most.
    owed: StorageUint<112, 2>,
    kept: StorageUint<112, 2>,
}

/// A [`Standing`] while epochs are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// The next epoch to be judged.
    pub(super) next: u32,
    /// Epochs below the threshold in a row.
    pub(super) below: u32,
    /// Epochs without capacity in a row.
    absent: u32,
    /// Of the last epoch in which it had capacity or owed anything, in basis points.
    pub(super) rate: u16,
    /// The least stake at the ends of the epochs below the threshold.
    pub(super) stake: u128,
    /// The first of these epochs.
    pub(super) since: u32,
    /// The cap that the last slash left.
    pub(super) bound: u128,
    /// The last epoch that has to be told of `bound`: the capacity of later ones was clipped to it.
    pub(super) bound_until: u32,
    /// What the epochs below the threshold cost those who reported misses, in wei of stake.
    pub(super) lost: u128,
    /// Whether they were measured by misses; all in a row are, or none.
    pub(super) by_misses: bool,
    /// What was owed in the epochs below the threshold, in capacity-seconds.
    pub(super) owed: u128,
    /// What was owed in the good epochs since the last of them, in capacity-seconds.
    kept: u128,
}

impl Memory {
    /// Counts an epoch below the threshold, which ended with `stake`, in which `owed` was due, and which cost those who
    /// reported misses `lost`. A row of another measure ends; so does one that was not worth a task, where more is due
    /// in one epoch than in all of it: what a sink of next to nothing left undone is no fault of a large one.
    pub(super) fn be_bad(
        &mut self,
        epoch: u32,
        stake: u128,
        owed: u128,
        lost: u128,
        by_misses: bool,
    ) {
        let was_small = self.below >= CONSECUTIVE_EPOCHS_FOR_SLASH && owed > self.owed;
        if was_small || by_misses != self.by_misses {
            self.below = 0;
        }
        self.by_misses = by_misses;
        if self.below == 0 {
            (self.since, self.stake, self.lost, self.owed) = (epoch, stake, 0, 0);
        }
        self.kept = 0;
        self.lost = self.lost.saturating_add(lost);
        self.owed = self.owed.saturating_add(owed);
        self.stake = self.stake.min(stake);
        self.below = self.below.saturating_add(1);
    }

    /// Ends the row of epochs below the threshold once in good ones since, together, half as much was due as in one of
    /// them: not by a second of capacity and a task.
    pub(super) fn be_good(&mut self, owed: u128, by_misses: bool) {
        if self.below == 0 {
            return;
        }
        self.kept = self.kept.saturating_add(owed);
        // No overflow: 112 bits, and a count of a few.
        let twice = self.kept.saturating_mul(2);
        let is_enough = twice.saturating_mul(u128::from(self.below)) >= self.owed;
        if is_enough || by_misses != self.by_misses {
            self.below = 0;
        }
    }

    /// Remembers that the sink had capacity.
    pub(super) fn be_present(&mut self) {
        self.absent = 0;
    }

    /// Passes over `epochs` without capacity. What was before a day of that is forgotten.
    pub(super) fn be_absent(&mut self, epochs: u32) {
        self.absent = self.absent.saturating_add(epochs).min(MEMORY);
        if self.absent >= MEMORY {
            self.below = 0;
        }
    }

    pub(super) fn numbers(&self) -> Numbers {
        (
            U256::from(self.next),
            U256::from(self.below),
            U256::from(self.absent),
            U256::from(self.rate),
            U256::from(self.stake),
            U256::from(self.since),
            U256::from(self.bound),
            U256::from(self.bound_until),
            U256::from(self.lost),
            U256::from(self.owed),
            U256::from(self.kept),
        )
    }
}

impl Judge {
    pub(super) fn standing(&self, task_type: B256, sink: Address) -> Memory {
        let standing = self.standings.getter(pair(task_type, sink));
        Memory {
            next: standing.next.get().wrapping_to(),
            below: standing.below.get().wrapping_to(),
            absent: standing.absent.get().wrapping_to(),
            rate: standing.rate.get().wrapping_to(),
            stake: to_u128(standing.stake.get()),
            since: standing.since.get().wrapping_to(),
            bound: to_u128(standing.bound.get()),
            bound_until: standing.bound_until.get().wrapping_to(),
            lost: to_u128(standing.lost.get()),
            by_misses: !standing.by_misses.get().is_zero(),
            owed: to_u128(standing.owed.get()),
            kept: to_u128(standing.kept.get()),
        }
    }

    pub(super) fn store(&mut self, task_type: B256, sink: Address, memory: &Memory) {
        let mut standing = self.standings.setter(pair(task_type, sink));
        standing.next.set(to_count(memory.next));
        standing.below.set(to_count(memory.below));
        standing.absent.set(to_count(memory.absent));
        standing.rate.set(to_count(u32::from(memory.rate)));
        standing.stake.set(pack(memory.stake));
        standing.since.set(to_count(memory.since));
        standing.bound.set(pack(memory.bound));
        standing.bound_until.set(to_count(memory.bound_until));
        // More than there can be of stake is as good as the most.
        standing.lost.set(pack(memory.lost));
        standing
            .by_misses
            .set(to_count(u32::from(memory.by_misses)));
        standing.owed.set(pack(memory.owed));
        standing.kept.set(pack(memory.kept));
    }
}

fn pair(task_type: B256, sink: Address) -> B256 {
    hash_words(&[task_type, sink.into_word()])
}

/// A number as it is stored.
fn to_count(number: u32) -> Uint<24, 1> {
    Uint::wrapping_from(number)
}
