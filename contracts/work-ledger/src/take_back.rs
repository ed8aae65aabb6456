//! What sources take back. It is asked for, and paid an hour later: until then vouchers may still use it.

use alloy_primitives::{Address, Uint, B256, U256};
use bpe_common::{emit, packed::widen};
use stylus_sdk::prelude::*;

use super::{
    reserve::{Amount, Budget, ASKED},
    Error, NothingAsked, TakeBackRequested, TakeBackTooEarly, TakenBack, WorkLedger, ZeroAmount,
};

/// So many seconds after the last request what is asked back is paid: sinks have until then to redeem.
pub const TAKE_BACK_NOTICE: u64 = 3_600;
/// After so many seconds a request has lapsed: what was asked back is free.
pub const TAKE_BACK_LAPSE: u64 = 90_000;

impl WorkLedger {
    /// Asks `amount` of what is free back, beside what is asked back already: the hour begins anew for all of it.
    pub(super) fn ask_back(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
    ) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        let funds = self.require_free(id, source, amount)?;
        // Fits: part of what is unspent.
        let asked = U256::from(funds.asked).saturating_add(amount);
        let now = self.now();
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        budget.set_flag(ASKED, true);
        budget.asked.set(Amount::wrapping_from(asked));
        budget.asked_at.set(Uint::wrapping_from(U256::from(now)));
        let from = now.saturating_add(TAKE_BACK_NOTICE);
        emit!(self.vm(), TakeBackRequested[id, source](asked, from));
        Ok(())
    }

    /// Takes what is left of what `source` asked back off its money, if it is time.
    pub(super) fn take_asked(&mut self, id: B256, source: Address) -> Result<u128, Error> {
        let mut funds = self.funds(id, source);
        if funds.asked == 0 {
            return Err(NothingAsked {}.into());
        }
        let asked_at = widen(self.budgets.getter(id).getter(source).asked_at.get());
        let available_at = asked_at.saturating_add(U256::from(TAKE_BACK_NOTICE));
        if U256::from(self.now()) < available_at {
            return Err(TakeBackTooEarly {
                availableAt: available_at,
            }
            .into());
        }
        self.sweep(id, source);
        let amount = funds.asked;
        funds.unspent = funds.unspent.saturating_sub(amount);
        funds.asked = 0;
        self.store_funds(id, source, &funds);
        self.reduce_unspent_sum(id, amount);
        emit!(self.vm(), TakenBack[id, source](amount));
        Ok(amount)
    }

    /// Whether the request stands, and has not lapsed.
    pub(super) fn is_asked(&self, budget: &Budget) -> bool {
        let lapses = widen(budget.asked_at.get()).saturating_add(U256::from(TAKE_BACK_LAPSE));
        U256::from(self.now()) < lapses
    }
}
