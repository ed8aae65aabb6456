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
/// The unit in which a lock keeps its unbonding time, in seconds: 30 days are 14 400 of them.
const LOCK_UNIT: u64 = 180;

/// Flags, and where the two numbers of [`SinkStake`] begin and what they can be.
/// Something is unbonding, or bonded.
const ASIDE: u32 = 1;
const OWED: u32 = 2;
const COUNTED_ON: u32 = 4;
const LOCK_TIME: (u32, u32) = (3, 0x3fff);
const CHANGES: (u32, u32) = (17, 0x7f);

/// The stake of one sink.
///
/// Slot 0: stake (112 bits), locked (112), registry (8), bits (24): all that staking, locking and slashing touch. Slot 1, in
/// use only with the flag `ASIDE`: unbonding (112), unbonding_until (64), bonds (32), bonded_by (8). Slot 2, in use after a
/// slash: slashed (112 bits), slashed_at (32), owed (112), with the flag `OWED`.
#[storage]
pub struct SinkStake {
    pub(crate) stake: StorageAmount,
    pub(crate) locked: StorageAmount,
    /// Id of the registry that holds the lock; 0 if there is no lock.
    pub(crate) registry: StorageU8,
    /// Three flags. Then, in 14 bits, how long the unbonding of the lock takes, in units of 3 minutes, as it was when the lock
    /// began. Then, in 7 bits, how many changes of the stake were written down: up to 64, and then from 64 to 127 over and
    /// over again.
    bits: StorageUint<24, 1>,
    unbonding: StorageAmount,
    unbonding_until: StorageU64,
    /// How many minimum stakes are set aside for task types that it created, and the id of the registry that did.
    bonds: StorageU32,
    bonded_by: StorageU8,
    /// What slashes have taken since there was none for [`SLASH_INTERVAL`].
    slashed: StorageAmount,
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
    fn all_bits(&self) -> u32 {
        self.bits.get().wrapping_to()
    }

    fn has(&self, flag: u32) -> bool {
        self.all_bits() & flag != 0
    }

    fn flag(&mut self, flag: u32, on: bool) {
        let others = self.all_bits() & !flag;
        let bits = if on { others | flag } else { others };
        self.bits.set(Uint::wrapping_from(bits));
    }

    fn number(&self, (shift, mask): (u32, u32)) -> u32 {
        self.all_bits() >> shift & mask
    }

    fn set_number(&mut self, (shift, mask): (u32, u32), number: u32) {
        let others = self.all_bits() & !(mask << shift);
        self.bits
            .set(Uint::wrapping_from(others | number.min(mask) << shift));
    }

    /// All of it.
    pub(crate) fn total(&self) -> U256 {
        widen(self.stake.get())
    }

    /// What is unbonding at `now`, at most what a slash has left of the stake.
    pub(crate) fn unbonding_at(&self, now: u64) -> U256 {
        if !self.has(ASIDE) || self.unbonding_until.get() <= U64::from(now) {
            return U256::ZERO;
        }
        widen(self.unbonding.get().min(self.stake.get()))
    }

    /// Until when it is unbonding, of what is.
    pub(crate) fn unbonding_until(&self) -> U64 {
        self.unbonding_until.get()
    }

    /// What slashes have still to take.
    pub(crate) fn owed(&self) -> U256 {
        match self.has(OWED) {
            true => widen(self.owed.get()),
            false => U256::ZERO,
        }
    }

    /// How many minimum stakes are set aside for task types that it created, and which registry did so.
    pub(crate) fn bonds(&self) -> (u32, U8) {
        match self.has(ASIDE) {
            true => (self.bonds.get().wrapping_to(), self.bonded_by.get()),
            false => (0, U8::ZERO),
        }
    }

    pub(crate) fn set_bonds(&mut self, bonds: u32, registry: U8) {
        let unbonding = self.has(ASIDE) && !self.unbonding_until.get().is_zero();
        self.flag(ASIDE, bonds > 0 || unbonding);
        self.bonds.set(U32::from(bonds));
        self.bonded_by.set(registry);
    }

    /// What can back capacity, where `bond` is set aside for each task type that it created: all but that and what is
    /// unbonding.
    pub(crate) fn backing(&self, now: u64, bond: U256) -> U256 {
        let bonded = bond.saturating_mul(U256::from(self.bonds().0));
        self.total()
            .saturating_sub(self.unbonding_at(now))
            .saturating_sub(bonded)
    }

    /// What can leave: all but what is unbonding, bonded or locked; nothing, as long as slashes have something to take.
    pub(crate) fn free(&self, now: u64, bond: U256) -> U256 {
        match self.has(OWED) {
            true => U256::ZERO,
            false => self
                .backing(now, bond)
                .saturating_sub(widen(self.locked.get())),
        }
    }

    /// Begins a lock whose unbonding takes `period`, unless there is one.
    pub(crate) fn begin_lock(&mut self, registry: U8, period: u64) {
        if !self.registry.get().is_zero() {
            return;
        }
        self.registry.set(registry);
        self.flag(COUNTED_ON, true);
        // Fits: 30 days are 14 400.
        let units = u32::try_from(period.div_ceil(LOCK_UNIT)).unwrap_or(u32::MAX);
        self.set_number(LOCK_TIME, units);
    }

    /// Moves what is locked to what is unbonding, for the time that the lock began with; `period`
    /// is what it takes now. Returns how much is unbonding until when; nothing, if nothing was locked.
    pub(crate) fn unbond(&mut self, now: u64, period: u64, bond: U256) -> Option<(U256, U64)> {
        self.finish_unbonding(now);
        let released = widen(self.locked.get()).min(self.backing(now, bond));
        self.locked.set(Amount::ZERO);
        self.registry.set(U8::ZERO);
        if released.is_zero() {
            return None;
        }
        // What is stored is rounded up: exact where nothing has changed.
        let units = u64::from(self.number(LOCK_TIME));
        let begun = match units == period.div_ceil(LOCK_UNIT) {
            true => period,
            false => units.saturating_mul(LOCK_UNIT),
        };
        let until = U64::from(now.saturating_add(begun));
        // Fits: at most the stake, since what is released is no more than what is not unbonding yet.
        let unbonding = widen(self.unbonding.get()).saturating_add(released);
        // The later of the two: the period may have become shorter since the first request.
        let until = until.max(self.unbonding_until.get());
        self.flag(ASIDE, true);
        self.unbonding.set(Amount::wrapping_from(unbonding));
        self.unbonding_until.set(until);
        Some((unbonding, until))
    }

    /// Forgets unbonding whose time has come.
    pub(crate) fn finish_unbonding(&mut self, now: u64) {
        if self.has(ASIDE) && self.unbonding_until.get() <= U64::from(now) {
            let bonded = !self.bonds.get().is_zero();
            self.flag(ASIDE, bonded);
            self.unbonding.set(Amount::ZERO);
            self.unbonding_until.set(U64::ZERO);
        }
    }

    /// What slashes have taken that counts at `now`: all since nothing was taken for a day.
    fn slashed(&self, now: u64) -> U256 {
        match now < self.more_from() {
            true => widen(self.slashed.get()),
            false => U256::ZERO,
        }
    }

    /// What slashes can take at `now`: a part of the stake as it would be without those that count. So never more than that
    /// part within a day; of stake that leaves meanwhile nothing is taken from what stays.
    pub(crate) fn allowance(&self, now: u64) -> U256 {
        let slashed = self.slashed(now);
        let whole = self.total().saturating_add(slashed);
        bps_of_ceil(whole, MAX_DAILY_SLASH_BPS).saturating_sub(slashed)
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
        let taken = due.min(self.allowance(now));
        let owed = due.saturating_sub(taken);
        if !taken.is_zero() {
            let slashed = self.slashed(now).saturating_add(taken);
            self.slashed.set(Amount::saturating_from(slashed));
            self.slashed_at.set(U32::wrapping_from(now));
            let stake = Amount::wrapping_from(self.total().saturating_sub(taken));
            self.stake.set(stake);
            // What is staked afterwards does not take the place of what was slashed.
            if self.has(ASIDE) && self.unbonding.get() > stake {
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
        let count = self.change_count();
        let is_same_epoch = last.is_some_and(|last| last / clock::EPOCH == now / clock::EPOCH);
        if !is_same_epoch {
            let next = match count {
                127.. => HISTORY,
                _ => count.saturating_add(1),
            };
            self.set_number(CHANGES, u32::from(next));
        }
        Some(match is_same_epoch {
            true => self.written().1,
            false => count % HISTORY,
        })
    }

    fn change_count(&self) -> u8 {
        // Fits: 7 bits.
        self.number(CHANGES) as u8
    }

    /// How many changes are written down, and the place of the latest.
    pub(crate) fn written(&self) -> (u8, u8) {
        let count = self.change_count();
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
