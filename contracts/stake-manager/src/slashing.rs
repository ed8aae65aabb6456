//! What slashes take, and where it goes.

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::require_gas,
    clock, emit,
    erc20::{self, BALANCE_GAS},
    math::bps_of_floor,
    powers,
};
use stylus_sdk::prelude::*;

use super::{interface::*, StakeManager, MAX_REWARD_BPS, PAYMENT_GAS};

impl StakeManager {
    pub(crate) fn only_slasher(&self) -> Result<(), Error> {
        let since = self.slashers.get(self.vm().msg_sender());
        match powers::is_in_effect(self.vm(), since) {
            true => Ok(()),
            false => Err(NotAuthorizedSlasher {}.into()),
        }
    }

    /// Takes `amount` and what is owed already from the stake of `sink`, as far as that can be today. Of what is taken the first
    /// of `reward` is paid the second, if that is not too much.
    pub(crate) fn take(
        &mut self,
        sink: Address,
        amount: U256,
        reason: B256,
        reward: Option<(Address, U256)>,
    ) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let mut account = self.sinks.setter(sink);
        let (before, owed_before) = (account.total(), account.owed());
        let (taken, owed) = account.take(now, amount);
        if !taken.is_zero() {
            self.write_down(sink, before);
            emit!(self.vm(), Slashed[sink, reason](taken));
        }
        if !owed.is_zero() && owed != owed_before {
            emit!(self.vm(), SlashOwed[sink, reason](owed));
        }
        if taken.is_zero() {
            return Ok(());
        }
        let rewarded = match reward {
            Some((to, reward)) => self.pay_reward(to, reward, taken.min(amount))?,
            None => U256::ZERO,
        };
        // Fits: what waits was once part of stakes, and all stakes together are tokens that exist.
        let rest = taken.saturating_sub(rewarded);
        let unpaid = self.unpaid_slashed.get().saturating_add(rest);
        self.pay_treasury(unpaid)?;
        Ok(())
    }

    /// Pays `to` of the `taken` what it is rewarded, as far as the token lets it, and returns that.
    fn pay_reward(&self, to: Address, reward: U256, taken: U256) -> Result<U256, Error> {
        let reward = reward.min(bps_of_floor(taken, MAX_REWARD_BPS));
        if to.is_zero() || reward.is_zero() {
            return Ok(U256::ZERO);
        }
        require_gas(self.vm(), PAYMENT_GAS.saturating_add(2 * BALANCE_GAS))?;
        let token = self.stake_token.get();
        let paid = erc20::try_pay(self.vm(), token, to, reward, PAYMENT_GAS);
        if !paid.is_zero() {
            emit!(self.vm(), SlashRewarded[to](paid));
        }
        Ok(paid)
    }

    /// Pays all that slashes have taken, `amount`, as far as the token and the treasury let it, and returns what waits.
    ///
    /// What is booked as unpaid only changes afterwards, which spares most slashes two writes; nobody can enter in between.
    pub(crate) fn pay_treasury(&mut self, amount: U256) -> Result<U256, Error> {
        require_gas(self.vm(), PAYMENT_GAS.saturating_add(2 * BALANCE_GAS))?;
        let (token, treasury) = (self.stake_token.get(), self.treasury());
        let paid = erc20::try_pay(self.vm(), token, treasury, amount, PAYMENT_GAS);
        let left = amount.saturating_sub(paid);
        if left != self.unpaid_slashed.get() {
            self.unpaid_slashed.set(left);
        }
        if !paid.is_zero() {
            emit!(self.vm(), SlashedPaid[treasury](paid));
        }
        Ok(left)
    }
}
