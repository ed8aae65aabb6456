//! What sources have not spent. Nothing here is ever clamped to what is there: what is not there is refused.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U128, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words},
    clock,
    events::Word,
    interfaces::IWorkEvidence,
    math::{
        to_u128_saturating,
        work::{bought, counted, Part},
    },
    packed::{narrow, to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{AmountTooLarge, Error, InsufficientFunds, WorkReserve};

/// Token amounts. 5·10^15 tokens of 18 decimals.
pub(super) type StorageAmount = StorageUint<112, 2>;
pub(super) type Amount = Uint<112, 2>;
/// The most of one account that can be kept.
const MAX_AMOUNT: u128 = (1 << 112) - 1;

/// Money of a source for a task type. Slot 0: spent (112 bits), earmarked (112), swept (24), flags (8). Slot 1, where
/// there is a request to take back or a deposit: asked (112), asked_at (40), deposited (104).
#[storage]
pub struct Budget {
    /// What counted for sinks, was taken back and was charged for misses, since ever. What was paid, less this, is unspent.
    pub(super) spent: StorageAmount,
    /// The sum of the earmarks that are not released yet.
    pub(super) earmarked: StorageAmount,
    /// Up to this hour since 1970, earmarks that ended are released.
    pub(super) swept: StorageUint<24, 1>,
    /// [`ASKED`], [`DEPOSITED`]: whether slot 1 is in use.
    flags: StorageU8,
    pub(super) asked: StorageAmount,
    pub(super) asked_at: StorageUint<40, 1>,
    /// Since ever, after cuts.
    deposited: StorageUint<104, 2>,
}

/// There is a request to take back.
const ASKED: u8 = 1;
/// There was a deposit.
const DEPOSITED: u8 = 2;

impl Budget {
    fn has(&self, flag: u8) -> bool {
        self.flags.get().wrapping_to::<u8>() & flag != 0
    }

    fn set_flag(&mut self, flag: u8, on: bool) {
        let flags: u8 = self.flags.get().wrapping_to();
        let changed = match on {
            true => flags | flag,
            false => flags & !flag,
        };
        self.flags.set(U8::from(changed));
    }
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
    fn available(&self, earmark: u128) -> u128 {
        self.unspent
            .saturating_sub(self.earmarked.saturating_sub(earmark))
    }

    /// Spends `amount`, which is available: of the earmark, of what is free, of what is asked back. Returns what of the
    /// earmark it used.
    fn spend(&mut self, amount: u128, earmark: u128) -> u128 {
        let of_earmark = amount.min(earmark);
        let of_free = amount.saturating_sub(of_earmark).min(self.free());
        let of_asked = amount.saturating_sub(of_earmark).saturating_sub(of_free);
        self.unspent = self.unspent.saturating_sub(amount);
        self.earmarked = self.earmarked.saturating_sub(of_earmark);
        self.asked = self.asked.saturating_sub(of_asked);
        of_earmark
    }
}

impl WorkReserve {
    /// Counts what the money of the source, the first of `pair`, covers of a voucher's work and value that have not counted, within
    /// the allowance of the sink, the second. Returns what counted, and what was available.
    pub(super) fn spend_for(
        &mut self,
        id: B256,
        pair: (Address, Address),
        paid: U256,
        voucher: [U256; 4],
        whole: bool,
    ) -> (Part, u128) {
        let (source, sink) = pair;
        let [work, value, allowance, fee] = voucher.map(to_u128_saturating);
        let (earmark, hour) = self.earmark_of(id, source, sink);
        let mut funds = self.funds(id, source, paid);
        let available = funds.available(earmark);
        if whole && value > available {
            return (Part::default(), available);
        }
        let part = counted(work, value, allowance, available);
        if part.value == 0 {
            return (part, available);
        }
        self.sweep(id, source);
        let used = funds.spend(part.value, earmark);
        self.use_earmark(id, source, sink, used, hour);
        self.store_funds(id, source, &funds, part.value);
        self.owe(id, sink, part.value);
        self.write_down(id, sink, bought(part, fee));
        (part, available)
    }

    /// What `source` has, which has `paid` so much since ever.
    pub(super) fn funds(&self, id: B256, source: Address, paid: U256) -> Funds {
        let budgets = self.budgets.getter(id);
        let budget = budgets.getter(source);
        let asked = match budget.has(ASKED) && !self.has_lapsed(&budget) {
            true => to_u128(budget.asked.get()),
            false => 0,
        };
        let earmarked = to_u128(budget.earmarked.get());
        let paid = self.ever_paid(id, source, paid);
        Funds {
            unspent: paid.saturating_sub(to_u128(budget.spent.get())),
            earmarked: match earmarked {
                0 => 0,
                earmarked => earmarked.saturating_sub(self.ended(id, source)),
            },
            asked,
        }
    }

    /// What `source` has paid since ever, of which `streamed` by streams. More than can be kept, which no token in use reaches, is
    /// never anybody's.
    pub(super) fn ever_paid(&self, id: B256, source: Address, streamed: U256) -> u128 {
        let budgets = self.budgets.getter(id);
        let budget = budgets.getter(source);
        let deposited = match budget.has(DEPOSITED) {
            true => to_u128(budget.deposited.get()),
            false => 0,
        };
        let streamed = to_u128_saturating(streamed);
        streamed.saturating_add(deposited).min(MAX_AMOUNT)
    }

    /// Books a deposit.
    pub(super) fn add_deposit(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
    ) -> Result<(), Error> {
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        let total = widen(budget.deposited.get()).saturating_add(amount);
        let total = narrow(total).ok_or(AmountTooLarge { amount })?;
        budget.deposited.set(total);
        budget.set_flag(DEPOSITED, true);
        Ok(())
    }

    /// As far as it is noted.
    pub(super) fn funds_now(&self, id: B256, source: Address) -> Result<Funds, Error> {
        let selector = IWorkEvidence::getPaidCall::SELECTOR;
        let arguments = [id, source.word()];
        let [paid] = query_words(self.vm(), self.work_ledger.get(), selector, &arguments)?;
        Ok(self.funds(id, source, paid))
    }

    /// Refuses unless `source` has `amount` that is free, what its stream has brought until now included.
    pub(super) fn require_free(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
    ) -> Result<Funds, Error> {
        let selector = IWorkEvidence::noteCall::SELECTOR;
        let arguments = [id, source.word()];
        let [paid] = invoke_words(self.vm(), self.work_ledger.get(), selector, &arguments)?;
        self.sweep(id, source);
        let funds = self.funds(id, source, paid);
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

    /// Writes down what `source` has left, of which it `spent` so much now; earmarks that ended are released by
    /// [`WorkReserve::sweep`] before.
    pub(super) fn store_funds(&mut self, id: B256, source: Address, funds: &Funds, spent: u128) {
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        // All fit: none is more than what was paid.
        let total = to_u128(budget.spent.get()).saturating_add(spent);
        budget.spent.set(to_amount(total));
        budget.earmarked.set(to_amount(funds.earmarked));
        if budget.has(ASKED) || funds.asked > 0 {
            budget.asked.set(to_amount(funds.asked));
            budget.set_flag(ASKED, funds.asked > 0);
        }
    }

    /// Adds `amount` to what `to` is owed.
    pub(super) fn owe(&mut self, id: B256, to: Address, amount: u128) {
        let owed = self.owed.getter(id).get(to);
        // Fits, as the sum does: no more than all sources have paid.
        let owed = owed.saturating_add(U256::from(amount));
        self.owed.setter(id).setter(to).set(owed);
        let mut holdings = self.holdings.setter(id);
        let sum = to_u128(holdings.owed.get()).saturating_add(amount);
        holdings.owed.set(U128::from(sum));
    }

    pub(super) fn now(&self) -> u64 {
        clock::block_timestamp(self.vm())
    }
}

/// Of what is at most [`MAX_AMOUNT`].
pub(super) fn to_amount(amount: u128) -> Amount {
    Amount::wrapping_from(U256::from(amount))
}
