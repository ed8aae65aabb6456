//! The stake of one sink: where it is, what of it can leave, what can be taken today, and what it was.

extern crate alloc;

// What the macro of storage writes needs them, on the chain.
#[cfg(target_arch = "wasm32")]
use alloc::{vec, vec::Vec};
use alloy_primitives::{Uint, U256, U32, U64, U8};
use bpe_common::{
    clock,
    math::bps_of_ceil,
    packed::{narrow, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::interface::*;

/// Token amounts: two of them, with flags, in one slot. 5·10^15 tokens of 18 decimals.
pub(crate) type StorageAmount = StorageUint<112, 2>;
pub(crate) type Amount = Uint<112, 2>;

/// The part of a stake that slashes can take in a day, in basis points.
pub const MAX_DAILY_SLASH_BPS: u16 = 3_000;
/// So long nothing may have been taken before another such part can be, in seconds.
pub const SLASH_INTERVAL: u64 = 86_400;
/// The most changes of a stake that are remembered: one an epoch of 300 s.
pub const HISTORY: u8 = 64;
/// The unit in which a lock keeps its unbonding time: 30 days are 240 of them.
const LOCK_UNIT: u64 = 10_800;

const UNBONDING: u8 = 1;
const DEPOSITS: u8 = 2;
const OWED: u8 = 4;
const COUNTED_ON: u8 = 8;

/// The stake of one sink.
///
/// Slot 0: stake (112 bits), locked (112), registry (8), flags (8), lock_time (8), changes (8): all that staking, locking
/// and slashing touch. Slot 1, in use only with the flags `UNBONDING` and `DEPOSITS`: unbonding (112), unbonding_until
/// (64), deposits (32). Slot 2, in use after a slash: allowance (112), slashed_at (32), owed (112, with the flag `OWED`).
#[storage]
pub struct SinkStake {
    pub(crate) stake: StorageAmount,
    pub(crate) locked: StorageAmount,
    /// Id of the registry that holds the lock; 0 if there is no lock.
    pub(crate) registry: StorageU8,
    flags: StorageU8,
    /// How long the lock's unbonding takes, in units of 3 h, as it was when the lock began; the present time, if that is
    /// less.
    lock_time: StorageU8,
    /// How many changes of the stake were written down: up to 64, and then from 64 to 127 over and over again.
    changes: StorageU8,
    unbonding: StorageAmount,
    unbonding_until: StorageU64,
    deposits: StorageU32,
    /// What slashes can still take, until none has for [`SLASH_INTERVAL`].
    allowance: StorageAmount,
    slashed_at: StorageU32,
    owed: StorageAmount,
}

/// One slot: time (32 bits), stake (112), before (112). The last change of a stake in an epoch, and what it was before the
/// first one.
#[storage]
pub struct Change {
    time: StorageU32,
    stake: StorageAmount,
    before: StorageAmount,
}

impl SinkStake {
    fn has(&self, flag: u8) -> bool {
        self.flags.get().byte(0) & flag != 0
    }

    fn flag(&mut self, flag: u8, on: bool) {
        let flags = self.flags.get().byte(0) & !flag;
        let flags = if on { flags | flag } else { flags };
        self.flags.set(U8::from(flags));
    }

    /// All of it.
    pub(crate) fn total(&self) -> U256 {
        widen(self.stake.get())
    }

    /// What is unbonding at `now`, at most what a slash has left of the stake.
    pub(crate) fn unbonding_at(&self, now: u64) -> U256 {
        if !self.has(UNBONDING) || self.unbonding_until.get() <= U64::from(now) {
            return U256::ZERO;
        }
        widen(self.unbonding.get().min(self.stake.get()))
    }

    /// Until when it is unbonding, of what is.
    pub(crate) fn unbonding_until(&self) -> U64 {
        self.unbonding_until.get()
    }

    /// How many deposits are locked.
    pub(crate) fn deposits(&self) -> u32 {
        match self.has(DEPOSITS) {
            true => self.deposits.get().wrapping_to(),
            false => 0,
        }
    }

    pub(crate) fn set_deposits(&mut self, count: u32) {
        self.deposits.set(U32::from(count));
        self.flag(DEPOSITS, count > 0);
    }

    /// What slashes have still to take.
    pub(crate) fn owed(&self) -> U256 {
        match self.has(OWED) {
            true => widen(self.owed.get()),
            false => U256::ZERO,
        }
    }

    /// What can back capacity: all but what is unbonding or a deposit, which are of `deposit` each.
    pub(crate) fn backing(&self, now: u64, deposit: U256) -> U256 {
        // Fits: 32 bits times 112.
        let deposits = U256::from(self.deposits()).wrapping_mul(deposit);
        let idle = self.unbonding_at(now).saturating_add(deposits);
        self.total().saturating_sub(idle)
    }

    /// What can leave: all but what is unbonding, a deposit or locked; nothing, as long as slashes have something to take.
    pub(crate) fn free(&self, now: u64, deposit: U256) -> U256 {
        match self.has(OWED) {
            true => U256::ZERO,
            false => self
                .backing(now, deposit)
                .saturating_sub(widen(self.locked.get())),
        }
    }

    /// Begins a lock whose unbonding takes `period`, and returns whether there was none.
    pub(crate) fn begin_lock(&mut self, registry: U8, period: u64) -> bool {
        if !self.registry.get().is_zero() {
            return false;
        }
        self.registry.set(registry);
        self.flag(COUNTED_ON, true);
        // Fits: 30 days are 240.
        let units = u8::try_from(period.div_ceil(LOCK_UNIT)).unwrap_or(u8::MAX);
        self.lock_time.set(U8::from(units));
        true
    }

    /// Moves what is locked to what is unbonding, for the time that the lock began with, or for `period` if that is less.
    /// Returns how much is unbonding until when; nothing, if nothing was locked.
    pub(crate) fn unbond(&mut self, now: u64, period: u64, deposit: U256) -> Option<(U256, U64)> {
        self.finish_unbonding(now);
        let released = widen(self.locked.get()).min(self.backing(now, deposit));
        self.locked.set(Amount::ZERO);
        self.registry.set(U8::ZERO);
        if released.is_zero() {
            return None;
        }
        let begun = u64::from(self.lock_time.get().byte(0)).saturating_mul(LOCK_UNIT);
        let until = U64::from(now.saturating_add(begun.min(period)));
        // Fits: at most the stake, since what is released is no more than what is not unbonding yet.
        let unbonding = widen(self.unbonding.get()).saturating_add(released);
        // The later of the two: the period may have become shorter since the first request.
        let until = until.max(self.unbonding_until.get());
        self.flag(UNBONDING, true);
        self.unbonding.set(Amount::wrapping_from(unbonding));
        self.unbonding_until.set(until);
        Some((unbonding, until))
    }

    /// Forgets unbonding whose time has come.
    pub(crate) fn finish_unbonding(&mut self, now: u64) {
        if self.has(UNBONDING) && self.unbonding_until.get() <= U64::from(now) {
            self.flag(UNBONDING, false);
            self.unbonding.set(Amount::ZERO);
            self.unbonding_until.set(U64::ZERO);
        }
    }

    /// What slashes can take at `now`: a part of what the stake was when they began to, and another one when nothing has
    /// been taken for a day. So never more than that part within a day.
    pub(crate) fn allowance(&self, now: u64) -> U256 {
        match now < self.more_from() {
            true => widen(self.allowance.get()),
            false => bps_of_ceil(self.total(), MAX_DAILY_SLASH_BPS),
        }
    }

    /// When another part of the stake can be taken.
    pub(crate) fn more_from(&self) -> u64 {
        match self.slashed_at.get() {
            U32::ZERO => 0,
            time => time.wrapping_to::<u64>().saturating_add(SLASH_INTERVAL),
        }
    }

    /// Takes as much of `amount` as can be taken at `now`, and owes the rest. Returns what was taken and what is owed.
    pub(crate) fn take(&mut self, now: u64, amount: U256) -> (U256, U256) {
        let due = self.owed().saturating_add(amount).min(self.total());
        let allowance = self.allowance(now);
        let taken = due.min(allowance);
        let owed = due.saturating_sub(taken);
        if !taken.is_zero() {
            let left = allowance.saturating_sub(taken);
            self.allowance.set(Amount::wrapping_from(left));
            self.slashed_at.set(U32::wrapping_from(now));
            let stake = Amount::wrapping_from(self.total().saturating_sub(taken));
            self.stake.set(stake);
            // What is staked afterwards does not take the place of what was slashed.
            if self.has(UNBONDING) && self.unbonding.get() > stake {
                self.unbonding.set(stake);
            }
        }
        if !owed.is_zero() || self.has(OWED) {
            self.owed.set(Amount::wrapping_from(owed));
            self.flag(OWED, !owed.is_zero());
        }
        (taken, owed)
    }

    /// Where a change of the stake at `now` is written down, after the one at `last`: in its place, if both are of one epoch. Of
    /// a stake that never backed anything nobody asks what it was, so that is spared the write.
    pub(crate) fn next_change(&mut self, last: Option<u64>, now: u64) -> Option<u8> {
        if !self.has(COUNTED_ON) {
            return None;
        }
        let count = self.changes.get().byte(0);
        let is_same_epoch = last.is_some_and(|last| last / clock::EPOCH == now / clock::EPOCH);
        if !is_same_epoch {
            let next = match count {
                127.. => HISTORY,
                _ => count.saturating_add(1),
            };
            self.changes.set(U8::from(next));
        }
        Some(match is_same_epoch {
            true => self.written().1,
            false => count % HISTORY,
        })
    }

    /// How many changes are written down, and the place of the latest.
    pub(crate) fn written(&self) -> (u8, u8) {
        let count = self.changes.get().byte(0);
        (count.min(HISTORY), count.saturating_sub(1) % HISTORY)
    }
}

impl Change {
    pub(crate) fn time(&self) -> u64 {
        self.time.get().wrapping_to()
    }

    pub(crate) fn stake(&self) -> U256 {
        widen(self.stake.get())
    }

    pub(crate) fn before(&self) -> U256 {
        widen(self.before.get())
    }

    pub(crate) fn write(&mut self, now: u64, stake: U256, before: U256) {
        self.time.set(U32::wrapping_from(now));
        // Fits: both are, or were, a stake.
        self.stake.set(Amount::wrapping_from(stake));
        self.before.set(Amount::wrapping_from(before));
    }
}

/// An amount as it is stored.
pub(crate) fn to_amount(amount: U256) -> Result<Amount, StakeTooLarge> {
    narrow(amount).ok_or(StakeTooLarge { amount })
}
