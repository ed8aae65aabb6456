//! What sources take back. It is asked for, and paid an hour later: until then vouchers may still use it.

use alloy_primitives::{Address, Uint, B256, U256};
use bpe_common::{emit, packed::widen};
use stylus_sdk::prelude::*;

use super::{
    funds::Budget, Error, NothingAsked, TakeBackRequested, TakeBackTooEarly, TakenBack,
    WorkReserve, ZeroAmount,
};

/// So many seconds after the last request what is asked back is paid: sinks have until then to redeem.
pub const TAKE_BACK_NOTICE: u64 = 3_600;
/// After so many seconds a request has lapsed: what was asked back is free.
pub const TAKE_BACK_LAPSE: u64 = 90_000;

impl WorkReserve {
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
        let mut funds = self.require_free(id, source, amount)?;
        // Fits: part of what is unspent.
        funds.asked = funds.asked.saturating_add(amount.wrapping_to());
        self.store_funds(id, source, &funds, 0);
        let now = self.now();
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        budget.asked_at.set(Uint::wrapping_from(U256::from(now)));
        let from = now.saturating_add(TAKE_BACK_NOTICE);
        emit!(self.vm(), TakeBackRequested[id, source](funds.asked, from));
        Ok(())
    }

    /// Pays what is left of what `source` asked back, if it is time.
    pub(super) fn pay_asked(&mut self, id: B256, source: Address) -> Result<(), Error> {
        // What the source has paid since ever is not asked for: what is asked back is unspent.
        let mut funds = self.funds(id, source, U256::ZERO);
        let amount = funds.asked;
        if amount == 0 {
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
        funds.asked = 0;
        self.store_funds(id, source, &funds, amount);
        emit!(self.vm(), TakenBack[id, source](amount));
        self.pay(id, source, U256::from(amount))
    }

    /// Whether a request no longer stands.
    pub(super) fn has_lapsed(&self, budget: &Budget) -> bool {
        let lapses = widen(budget.asked_at.get()).saturating_add(U256::from(TAKE_BACK_LAPSE));
        U256::from(self.now()) >= lapses
    }
}
