//! How the sinks of a task type are measured, and from when on.

use alloc::{vec, vec::Vec};
use alloy_primitives::{B256, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_number, Revert},
    emit,
    interfaces::IStakeTerms,
    judging::{MISSED, MISS_EPOCHS, MISS_UNBONDING, NONE},
    packed::to_u128,
    powers::{self, power},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    to_count, Capacity, CompletionTracker, Error, StorageCapacity, StorageCount, UnbondingTooShort,
    YardstickSet,
};

/// The power to say what sinks owe, as [`powers::PowerAnnounced`] names it. It is given to nobody in particular.
pub const YARDSTICK: B256 = power("yardstick");
/// The power to check evidence.
pub const VERIFIER: B256 = power("verifier");

/// One slot: weight (72 bits), from (24), kind (8). How a task type's sinks are measured from an epoch on.
#[storage]
pub struct Yardstick {
    weight: StorageCapacity,
    from: StorageCount,
    kind: StorageU8,
}

/// Who checks evidence, and since when. Two slots.
#[storage]
pub struct Verifier {
    pub(super) account: StorageAddress,
    pub(super) from: StorageU256,
}

impl CompletionTracker {
    /// The first epoch in which the task type's sinks can owe anything; `u32::MAX` if there is none.
    pub(super) fn first_epoch(&self, task_type: B256) -> u32 {
        let yardsticks = self.yardsticks.getter(task_type);
        match yardsticks.getter(0) {
            Some(first) => first.from.get().max(self.begin.get()).wrapping_to(),
            None => u32::MAX,
        }
    }

    /// The weight of a completion in `epoch`, and the yardstick.
    pub(super) fn measure(&self, task_type: B256, epoch: u32) -> (Capacity, u8) {
        let yardsticks = self.yardsticks.getter(task_type);
        // As long as the owner made it, but what is looked for is mostly the last.
        for index in (0..yardsticks.len()).rev() {
            if let Some(yardstick) = yardsticks.getter(index) {
                if yardstick.from.get().wrapping_to::<u32>() <= epoch {
                    return (yardstick.weight.get(), yardstick.kind.get().byte(0));
                }
            }
        }
        (Capacity::from(1), NONE)
    }

    /// The epoch before which judging has to stop now: the next one to end; by [`MISSED`] the first that ended less than
    /// [`MISS_EPOCHS`] ago.
    pub(super) fn judged_until(&self, task_type: B256) -> u32 {
        let now = self.now();
        let earliest = now.saturating_sub(MISS_EPOCHS);
        let yardsticks = self.yardsticks.getter(task_type);
        let (mut end, mut until) = (now, now);
        // As `measure` reads it: of those that have begun the last counts.
        for index in (0..yardsticks.len()).rev() {
            let Some(yardstick) = yardsticks.getter(index) else {
                break;
            };
            let from: u32 = yardstick.from.get().wrapping_to();
            if from >= until {
                continue;
            }
            if yardstick.kind.get().byte(0) == MISSED {
                end = from.max(earliest);
            }
            until = from;
            if until <= earliest {
                break;
            }
        }
        end
    }

    /// Refuses unless stakes stay until misses are known.
    pub(super) fn require_unbonding(&self) -> Result<(), Error> {
        let period = self.unbonding_period()?;
        match period < u128::from(MISS_UNBONDING) {
            true => Err(UnbondingTooShort {
                period: U256::from(period),
                required: U256::from(MISS_UNBONDING),
            }
            .into()),
            false => Ok(()),
        }
    }

    /// How long it takes to unbond a stake, in seconds.
    pub(super) fn unbonding_period(&self) -> Result<u128, Revert> {
        let selector = IStakeTerms::unbondingPeriodCall::SELECTOR;
        query_number(self.vm(), self.stake_manager.get(), selector, &[])
    }

    /// Measures by this from epoch `from` on, which is not judged yet. Of what was to begin later than the next epoch, only
    /// that the one before ends remains. That is the last entry at most: all before have begun, or are ends.
    pub(super) fn measure_from(&mut self, task_type: B256, from: u32, weight: Capacity, kind: u8) {
        let next = self.now().saturating_add(1);
        let mut yardsticks = self.yardsticks.setter(task_type);
        let last = yardsticks.len().saturating_sub(1);
        if let Some(mut last) = yardsticks.setter(last) {
            if last.from.get().wrapping_to::<u32>() > next {
                last.kind.set(U8::from(NONE));
            }
        }
        let mut entry = yardsticks.grow();
        entry.weight.set(weight);
        entry.from.set(to_count(from));
        entry.kind.set(U8::from(kind));
        emit!(
            self.vm(),
            YardstickSet[task_type](u64::from(from), to_u128(weight), kind)
        );
    }

    /// The notice with which powers are given, in seconds; 0 until staking is open.
    pub(super) fn power_notice(&self) -> Result<u64, Revert> {
        let selector = powers::IPowers::powerNoticeCall::SELECTOR;
        let notice = query_number(self.vm(), self.stake_manager.get(), selector, &[])?;
        Ok(notice as u64)
    }
}
