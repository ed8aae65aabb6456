//! Deposits: what sources pay at once. They cost what a stream costs, or nobody would stream.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, to_address},
    emit, erc20,
    events::Word,
    interfaces::IPoolDirectory,
    math::{
        mul_div_floor,
        split::{BY_WORK, BY_WORK_UNITS},
    },
};
use stylus_sdk::prelude::*;

use super::{Deposited, Error, NotPaidByWork, WorkReserve};

impl WorkReserve {
    /// Takes a deposit of `source`. The cuts are the units that fee recipient and reviewer have in the pool.
    pub(super) fn take_deposit(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
    ) -> Result<(), Error> {
        let weighting = self.ask_pools(IPoolDirectory::getWeightingCall::SELECTOR, &[id])?;
        let pool = self.ask_pools(IPoolDirectory::getPoolCall::SELECTOR, &[id])?;
        if weighting != U256::from(BY_WORK) || pool.is_zero() {
            return Err(NotPaidByWork { taskTypeId: id }.into());
        }
        let cuts = self.cuts(id)?;
        // The interaction comes before the books, since only the token knows how much arrives. A token that calls back finds the
        // contract closed: programs refuse re-entry.
        let received = erc20::pull(self.vm(), self.token.get(), source, amount)?;
        let mut left = received;
        for (recipient, units) in cuts {
            let whole = U256::from(BY_WORK_UNITS);
            let cut = mul_div_floor(received, units, whole).unwrap_or_default();
            if !cut.is_zero() {
                // Both together are less than all: the reserve has a unit at least.
                left = left.saturating_sub(cut);
                self.credit(id, recipient, cut);
            }
        }
        self.hold(id, left);
        self.add_deposit(id, source, left)?;
        let cuts = received.saturating_sub(left);
        emit!(self.vm(), Deposited[id, source](left, cuts));
        Ok(())
    }

    /// Fee recipient and reviewer, and the units of each; one who is both has them all as the first.
    fn cuts(&self, id: B256) -> Result<[(Address, U256); 2], Error> {
        let units = IPoolDirectory::getMemberUnitsCall::SELECTOR;
        let fee = self.ask_pools(IPoolDirectory::feeRecipientCall::SELECTOR, &[])?;
        let reviewer = self.ask_pools(IPoolDirectory::reviewerCall::SELECTOR, &[])?;
        let of_fee = self.ask_pools(units, &[id, fee.word()])?;
        let of_reviewer = match reviewer == fee {
            true => U256::ZERO,
            false => self.ask_pools(units, &[id, reviewer.word()])?,
        };
        Ok([
            (to_address(fee), of_fee),
            (to_address(reviewer), of_reviewer),
        ])
    }

    fn ask_pools(&self, selector: [u8; 4], arguments: &[B256]) -> Result<U256, Error> {
        let pools = self.backpressure_pool.get();
        let [answer] = query_words(self.vm(), pools, selector, arguments)?;
        Ok(answer)
    }
}
