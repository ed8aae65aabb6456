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

use super::{DepositTooSmall, Deposited, Error, NotPaidByWork, WorkReserve};

impl WorkReserve {
    /// Takes a deposit of `source`, of which `least` has to be left. The cuts are the units that others than this contract have in the pool.
    pub(super) fn take_deposit(
        &mut self,
        id: B256,
        source: Address,
        amount: U256,
        least: U256,
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
        if left < least {
            let amount = left;
            return Err(DepositTooSmall { amount, least }.into());
        }
        self.hold(id, left);
        self.add_deposit(id, source, left)?;
        let cuts = received.saturating_sub(left);
        emit!(self.vm(), Deposited[id, source](left, cuts));
        Ok(())
    }

    /// Fee recipient and reviewer, and the units of each: together all that this contract does not have, as with a stream, even
    /// while a recipient waits to take over those of the one before. This contract is no recipient of its own.
    fn cuts(&self, id: B256) -> Result<[(Address, U256); 2], Error> {
        let here = self.vm().contract_address().word();
        let [fee, reviewer] = [
            self.ask_pools(IPoolDirectory::feeRecipientCall::SELECTOR, &[])?,
            self.ask_pools(IPoolDirectory::reviewerCall::SELECTOR, &[])?,
        ]
        .map(Word::word);
        let all = U256::from(BY_WORK_UNITS).saturating_sub(self.units_of(id, here)?);
        let of_reviewer = match reviewer == here {
            true => U256::ZERO,
            false => self.units_of(id, reviewer)?.min(all),
        };
        let of_fee = match fee == here {
            true => U256::ZERO,
            false => all.saturating_sub(of_reviewer),
        };
        Ok([(fee, of_fee), (reviewer, of_reviewer)]
            .map(|(recipient, units)| (to_address(recipient.into()), units)))
    }

    fn units_of(&self, id: B256, member: B256) -> Result<U256, Error> {
        let selector = IPoolDirectory::getMemberUnitsCall::SELECTOR;
        self.ask_pools(selector, &[id, member])
    }

    fn ask_pools(&self, selector: [u8; 4], arguments: &[B256]) -> Result<U256, Error> {
        let pools = self.backpressure_pool.get();
        let [answer] = query_words(self.vm(), pools, selector, arguments)?;
        Ok(answer)
    }
}
