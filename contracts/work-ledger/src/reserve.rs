//! The reserve: what sources have not spent, and what sinks and others are owed.
//!
//! A source's *unspent* money is in three parts: earmarked for single sinks, asked back, and free. Nothing here is ever
//! clamped to what is there: what is not there is refused.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U128, U256, U8};
use bpe_common::{clock, emit, packed::to_u128};
use stylus_sdk::{prelude::*, storage::*};

use super::{AmountTooLarge, Credited, Error, InsufficientFunds, WorkLedger};

/// Token amounts: as many bits as EscrowBuffer has for them.
pub(super) type StorageAmount = StorageUint<112, 2>;
pub(super) type Amount = Uint<112, 2>;
/// The most of one account that can be kept.
pub(super) const MAX_AMOUNT: u128 = (1 << 112) - 1;

/// Money of a source for a task type. Slot 0: unspent (112 bits), earmarked (112), swept (24), flags (8). Slot 1, where
/// there is a request to take back: asked (112), asked_at (40).
#[storage]
pub struct Budget {
    /// All of it: earmarked, asked back and free.
    pub(super) unspent: StorageAmount,
    /// The sum of the buckets of earmarks that are not released yet.
    pub(super) earmarked: StorageAmount,
    /// Up to this hour since 1970, earmarks that ended are released.
    pub(super) swept: StorageUint<24, 1>,
    /// [`ASKED`], [`PAID`].
    pub(super) flags: StorageU8,
    pub(super) asked: StorageAmount,
    pub(super) asked_at: StorageUint<40, 1>,
}

/// There is a request to take back.
pub(super) const ASKED: u8 = 1;
/// The source has paid something once.
pub(super) const PAID: u8 = 2;

impl Budget {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags.get().wrapping_to::<u8>() & flag != 0
    }

    pub(super) fn set_flag(&mut self, flag: u8, on: bool) {
        let flags: u8 = self.flags.get().wrapping_to();
        let changed = match on {
            true => flags | flag,
            false => flags & !flag,
        };
        self.flags.set(U8::from(changed));
    }
}

/// What all have in a task type, in wei. One slot: unspent (128 bits), owed (128).
#[storage]
pub struct Sums {
    /// Σ unspent.
    pub(super) unspent: StorageU128,
    /// Σ owed.
    pub(super) owed: StorageU128,
}

/// Money of a source, with what has ended by now released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Funds {
    pub(super) unspent: u128,
    pub(super) earmarked: u128,
    pub(super) asked: u128,
}

impl Funds {
    /// Neither earmarked nor asked back.
    pub(super) fn free(&self) -> u128 {
        self.unspent
            .saturating_sub(self.earmarked)
            .saturating_sub(self.asked)
    }

    /// What a voucher can use of a sink for which `earmark` is set aside.
    pub(super) fn available(&self, earmark: u128) -> u128 {
        self.unspent
            .saturating_sub(self.earmarked.saturating_sub(earmark))
    }

    /// Spends `amount`, which is available: of the earmark, of what is free, of what is asked back. Returns what of the
    /// earmark it used.
    pub(super) fn spend(&mut self, amount: u128, earmark: u128) -> u128 {
        let of_earmark = amount.min(earmark);
        let of_free = amount.saturating_sub(of_earmark).min(self.free());
        let of_asked = amount.saturating_sub(of_earmark).saturating_sub(of_free);
        self.unspent = self.unspent.saturating_sub(amount);
        self.earmarked = self.earmarked.saturating_sub(of_earmark);
        self.asked = self.asked.saturating_sub(of_asked);
        of_earmark
    }
}

impl WorkLedger {
    /// What `source` has, as of now.
    pub(super) fn funds(&self, id: B256, source: Address) -> Funds {
        let budgets = self.budgets.getter(id);
        let budget = budgets.getter(source);
        let asked = match budget.has(ASKED) && self.is_asked(&budget) {
            true => to_u128(budget.asked.get()),
            false => 0,
        };
        let earmarked = to_u128(budget.earmarked.get());
        Funds {
            unspent: to_u128(budget.unspent.get()),
            earmarked: match earmarked {
                0 => 0,
                earmarked => earmarked.saturating_sub(self.ended(id, source)),
            },
            asked,
        }
    }

    /// Writes down what `source` has left; earmarks that ended are released by [`WorkLedger::sweep`] before.
    pub(super) fn store_funds(&mut self, id: B256, source: Address, funds: &Funds) {
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        // All fit: none is more than what was unspent.
        budget
            .unspent
            .set(Amount::wrapping_from(U256::from(funds.unspent)));
        budget
            .earmarked
            .set(Amount::wrapping_from(U256::from(funds.earmarked)));
        if budget.has(ASKED) {
            budget
                .asked
                .set(Amount::wrapping_from(U256::from(funds.asked)));
            budget.set_flag(ASKED, funds.asked > 0);
        }
    }

    /// Adds what `source` paid. Of more than can be kept, which no token in use reaches, the rest is never anybody's.
    pub(super) fn add_unspent(&mut self, id: B256, source: Address, amount: u128) -> u128 {
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        let before = to_u128(budget.unspent.get());
        let after = before.saturating_add(amount).min(MAX_AMOUNT);
        budget.unspent.set(Amount::wrapping_from(U256::from(after)));
        budget.set_flag(PAID, true);
        let added = after.saturating_sub(before);
        let mut sums = self.sums.setter(id);
        let sum = to_u128(sums.unspent.get()).saturating_add(added);
        sums.unspent.set(U128::from(sum));
        added
    }

    /// Books a deposit of `source`. Returns Σ unspent.
    pub(super) fn credit_deposit(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
    ) -> Result<U256, Error> {
        let unspent = to_u128(self.budgets.getter(id).getter(source).unspent.get());
        let total = amount.saturating_add(U256::from(unspent));
        if total > U256::from(MAX_AMOUNT) {
            return Err(AmountTooLarge { amount }.into());
        }
        // Fits, as the total does.
        self.add_unspent(id, source, amount.wrapping_to());
        emit!(self.vm(), Credited[id, source](amount));
        Ok(self.unspent_sum(id))
    }

    /// Refuses unless `source` has `amount` that is free. Looks at its stream if that is not on the books yet.
    pub(super) fn require_free(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
    ) -> Result<Funds, Error> {
        if amount > U256::from(self.funds(id, source).free()) {
            self.note_stream(id, source);
        }
        self.sweep(id, source);
        let funds = self.funds(id, source);
        let free = U256::from(funds.free());
        match amount > free {
            true => Err(InsufficientFunds {
                source,
                required: amount,
                free,
            }
            .into()),
            false => Ok(funds),
        }
    }

    /// Moves `amount` of Σ unspent to Σ owed.
    pub(super) fn move_to_owed(&mut self, id: B256, amount: u128) {
        let mut sums = self.sums.setter(id);
        let unspent = to_u128(sums.unspent.get()).saturating_sub(amount);
        let owed = to_u128(sums.owed.get()).saturating_add(amount);
        sums.unspent.set(U128::from(unspent));
        sums.owed.set(U128::from(owed));
    }

    /// Takes `amount` off Σ unspent.
    pub(super) fn reduce_unspent_sum(&mut self, id: B256, amount: u128) {
        let mut sums = self.sums.setter(id);
        let unspent = to_u128(sums.unspent.get()).saturating_sub(amount);
        sums.unspent.set(U128::from(unspent));
    }

    /// Adds `amount` to what `to` is owed.
    pub(super) fn owe(&mut self, id: B256, to: Address, amount: u128) {
        let mut accounts = self.accounts.setter(id);
        let mut account = accounts.setter(to);
        // 2^112 wei of one token do not exist; what does not fit stays in Σ owed, and is never paid to anybody else.
        let owed = to_u128(account.owed.get())
            .saturating_add(amount)
            .min(MAX_AMOUNT);
        account.owed.set(Amount::wrapping_from(U256::from(owed)));
    }

    /// Takes all that `to` is owed.
    pub(super) fn take_all_owed(&mut self, id: B256, to: Address) -> u128 {
        let mut accounts = self.accounts.setter(id);
        let mut account = accounts.setter(to);
        let owed = to_u128(account.owed.get());
        if owed > 0 {
            account.owed.set(Amount::ZERO);
            let mut sums = self.sums.setter(id);
            let sum = to_u128(sums.owed.get()).saturating_sub(owed);
            sums.owed.set(U128::from(sum));
        }
        owed
    }

    pub(super) fn unspent_sum(&self, id: B256) -> U256 {
        U256::from(to_u128(self.sums.getter(id).unspent.get()))
    }

    pub(super) fn now(&self) -> u64 {
        clock::block_timestamp(self.vm())
    }
}
