//! What CompletionTracker tells Judge of an epoch, and what Judge says of it: a word each, so that a page of epochs is an
//! array of words and needs no encoder of its own.

use alloy_primitives::{Uint, B256, U256};
use stylus_sdk::{prelude::*, storage::*};

#[cfg(target_arch = "wasm32")]
use alloc::{vec, vec::Vec};

use crate::clock;

/// Below this rate, in basis points, an epoch counts against the sink.
pub const SLASH_THRESHOLD_BPS: u64 = 5_000;
/// So many such epochs in a row cost stake.
pub const CONSECUTIVE_EPOCHS_FOR_SLASH: u32 = 3;
/// What they cost, of the stake, in basis points.
pub const SLASH_AMOUNT_BPS: u16 = 1_000;
/// The most epochs of a sink that one call judges; the next call goes on.
pub const MAX_EPOCHS: u32 = 64;
/// Sinks owe nothing.
pub const NONE: u8 = 0;
/// Sinks owe what they declare.
pub const DECLARED: u8 = 1;
/// Sinks owe what was assigned to them.
pub const ASSIGNED: u8 = 2;

/// Sinks owe the work that they accepted in writing, and what counts is work that was paid.
pub const MISSED: u8 = 3;
/// By [`MISSED`] an epoch is judged when so many later ones have ended, 4200 s: 600 s in which misses are reported, 3600 s in
/// which they are answered.
pub const MISS_EPOCHS: u32 = 14;
/// By [`MISSED`] stake has to stay for so long after a sink has left, in seconds: an hour until the last deadline, three epochs,
/// 4200 s, and as long again as it takes for somebody to have them judged.
pub const MISS_UNBONDING: u64 = 10_200;

/// Numbers of epochs, until 2129.
type Count = Uint<24, 1>;

/// One slot: first (24 bits), last (24). Into which epochs something falls that is due of a sink, since all before were judged:
/// zeros, if nothing did. If all of them have been judged since, `first` is the largest number.
#[storage]
pub struct Dues {
    first: StorageUint<24, 1>,
    last: StorageUint<24, 1>,
}

// It asks no machine by itself: see `powers::Holder`.
impl Dues {
    /// The first and the last of them.
    pub fn get(&self) -> (u32, u32) {
        (
            self.first.get().wrapping_to(),
            self.last.get().wrapping_to(),
        )
    }

    /// Notes that something is due in `epoch`.
    pub fn add(&mut self, epoch: u32) {
        let due = Count::wrapping_from(epoch);
        if self.first.get() > due || self.last.get().is_zero() {
            self.first.set(due);
        }
        if self.last.get() < due {
            self.last.set(due);
        }
    }

    /// Notes that all before `until` are judged.
    pub fn judged(&mut self, until: u32) {
        let (_, last) = self.get();
        if last > 0 && last < until && self.first.get() != Count::MAX {
            self.first.set(Count::MAX);
        }
    }
}

/// What a sink did in an epoch, and how that is measured.
///
/// As a word, from the low bits on: yardstick (8 bits), weight (72), accepted (72), done (24), assigned (24).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochRecord {
    /// [`NONE`], [`DECLARED`], [`ASSIGNED`], [`MISSED`].
    pub yardstick: u8,
    /// The capacity that a task stands for, of 72 bits; by [`MISSED`] the wei of stake that 1e18 wei of payment stand for.
    pub weight: u128,
    /// The most capacity that the sink ever had until assignments were recorded that are due in the epoch, of 72 bits.
    pub accepted: u128,
    /// Tasks that were done of what counts by the yardstick, of 24 bits.
    pub done: u32,
    /// Assignments that were due, of 24 bits.
    pub assigned: u32,
}

impl EpochRecord {
    /// As a word.
    pub fn word(&self) -> B256 {
        let mut word = B256::ZERO;
        word[7..10].copy_from_slice(&self.assigned.to_be_bytes()[1..]);
        word[10..13].copy_from_slice(&self.done.to_be_bytes()[1..]);
        word[13..22].copy_from_slice(&self.accepted.to_be_bytes()[7..]);
        word[22..31].copy_from_slice(&self.weight.to_be_bytes()[7..]);
        word[31] = self.yardstick;
        word
    }
}

impl From<U256> for EpochRecord {
    fn from(word: U256) -> Self {
        let word = B256::from(word);
        let (mut assigned, mut done) = ([0; 4], [0; 4]);
        let (mut accepted, mut weight) = ([0; 16], [0; 16]);
        assigned[1..].copy_from_slice(&word[7..10]);
        done[1..].copy_from_slice(&word[10..13]);
        accepted[7..].copy_from_slice(&word[13..22]);
        weight[7..].copy_from_slice(&word[22..31]);
        Self {
            yardstick: word[31],
            weight: u128::from_be_bytes(weight),
            accepted: u128::from_be_bytes(accepted),
            done: u32::from_be_bytes(done),
            assigned: u32::from_be_bytes(assigned),
        }
    }
}

/// What Judge says of an epoch.
///
/// As a word, from the low bits on: 1 and the rate (16 bits), or 0 if there is none; what is slashed (128).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What the sink did of what it owed, in basis points: 10 000 if it owed nothing. `None` if it had no capacity either.
    pub rate: Option<u16>,
    /// What the epoch, as the last of three, costs the sink, in wei of stake.
    pub slashed: u128,
}

impl Verdict {
    /// As a word.
    pub fn word(&self) -> U256 {
        let rate = self.rate.map_or(0, |rate| rate.saturating_add(1));
        let mut word = B256::ZERO;
        word[14..30].copy_from_slice(&self.slashed.to_be_bytes());
        word[30..].copy_from_slice(&rate.to_be_bytes());
        word.into()
    }
}

impl From<B256> for Verdict {
    fn from(word: B256) -> Self {
        let mut slashed = [0; 16];
        slashed.copy_from_slice(&word[14..30]);
        Self {
            rate: u16::from_be_bytes([word[30], word[31]]).checked_sub(1),
            slashed: u128::from_be_bytes(slashed),
        }
    }
}

/// The epoch of CompletionTracker and Judge in which `time` is.
pub fn to_epoch(time: u64) -> u32 {
    u32::try_from(time / clock::EPOCH).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(word: B256) -> U256 {
        word.into()
    }

    proptest! {
        #[test]
        fn records_are_read_as_they_are_written(
            yardstick: u8,
            weight in 0_u128..1 << 72,
            accepted in 0_u128..1 << 72,
            done in 0_u32..1 << 24,
            assigned in 0_u32..1 << 24,
        ) {
            let record = EpochRecord { yardstick, weight, accepted, done, assigned };
            prop_assert_eq!(EpochRecord::from(number(record.word())), record);
        }

        #[test]
        fn verdicts_are_read_as_they_are_written(
            rate in prop::option::of(0_u16..=10_000),
            slashed: u128,
        ) {
            let verdict = Verdict { rate, slashed };
            prop_assert_eq!(Verdict::from(B256::from(verdict.word())), verdict);
        }
    }

    /// As the documentation has the places.
    #[test]
    fn the_places_are_these() {
        let record = EpochRecord {
            yardstick: 1,
            weight: 2,
            accepted: 3,
            done: 4,
            assigned: 5,
        };
        let at = |value: u64, place: usize| U256::from(value) << place;
        let word = at(1, 0) | at(2, 8) | at(3, 80) | at(4, 152) | at(5, 176);
        assert_eq!(number(record.word()), word);
        let verdict = Verdict {
            rate: Some(0),
            slashed: 7,
        };
        assert_eq!(verdict.word(), at(1, 0) | at(7, 16));
        assert_eq!(Verdict::default().word(), U256::ZERO);
    }

    #[test]
    fn epochs_begin_with_full_five_minutes() {
        assert_eq!((to_epoch(299), to_epoch(300)), (0, 1));
        assert_eq!(to_epoch(u64::MAX), u32::MAX);
    }
}
