//! What is owed to payers, and how it reaches them.

use alloy_primitives::{Address, U256};
use bpe_common::{
    call::{call_with_value, require_gas, ALL_GAS},
    emit,
    erc20::{self, BALANCE_GAS},
};
use stylus_sdk::prelude::*;

use super::{interface::*, CrossProtocolRouter, REFUND_GAS, TOKEN_REFUND_GAS};

impl CrossProtocolRouter {
    /// Sends `amount` back to the payer, or credits what he cannot take. Credited after the call: nobody can enter a program
    /// that is open.
    pub(super) fn give_back(
        &mut self,
        token: Address,
        payer: Address,
        amount: U256,
    ) -> Result<(), Error> {
        if amount.is_zero() {
            return Ok(());
        }
        let paid = self.try_send(token, payer, amount)?;
        let rest = amount.saturating_sub(paid);
        if rest.is_zero() {
            return Ok(());
        }
        self.owe_more(token, rest);
        let mut credits = self.credits.setter(token);
        // What was here of a token does not take more than 256 bits.
        let credit = credits.get(payer).saturating_add(rest);
        credits.setter(payer).set(credit);
        match token.is_zero() {
            true => emit!(self.vm(), Credited[payer](rest)),
            false => emit!(self.vm(), TokenCredited[token, payer](rest)),
        }
        Ok(())
    }

    /// How much of it has left, whatever the payer and the token do.
    fn try_send(&self, token: Address, payer: Address, amount: U256) -> Result<U256, Error> {
        if !token.is_zero() {
            let questions = BALANCE_GAS.saturating_mul(2);
            require_gas(self.vm(), TOKEN_REFUND_GAS.saturating_add(questions))?;
            return Ok(erc20::try_pay(
                self.vm(),
                token,
                payer,
                amount,
                TOKEN_REFUND_GAS,
            ));
        }
        require_gas(self.vm(), REFUND_GAS)?;
        Ok(
            match call_with_value(self.vm(), payer, amount, &[], REFUND_GAS, 0).success {
                true => amount,
                false => U256::ZERO,
            },
        )
    }

    /// Sends `amount`, or fails.
    pub(super) fn send(
        &mut self,
        token: Address,
        recipient: Address,
        amount: U256,
    ) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(NothingToWithdraw {}.into());
        }
        if !token.is_zero() {
            return Ok(erc20::transfer(self.vm(), token, recipient, amount)?);
        }
        match call_with_value(self.vm(), recipient, amount, &[], ALL_GAS, 0).success {
            true => Ok(()),
            false => Err(PaymentRefused { recipient }.into()),
        }
    }

    pub(super) fn owe_more(&mut self, token: Address, amount: U256) {
        let owed = self.owed.get(token).saturating_add(amount);
        self.owed.setter(token).set(owed);
    }

    pub(super) fn owe_less(&mut self, token: Address, amount: U256) {
        let owed = self.owed.get(token).saturating_sub(amount);
        self.owed.setter(token).set(owed);
    }

    /// Takes `amount` of `token` from `from`, all of which has to arrive.
    pub(super) fn pull(&self, token: Address, from: Address, amount: U256) -> Result<(), Error> {
        let value = self.vm().msg_value();
        if !value.is_zero() {
            return Err(UnexpectedEther { value }.into());
        }
        let arrived = erc20::pull(self.vm(), token, from, amount)?;
        let required = amount;
        match arrived == required {
            true => Ok(()),
            false => Err(TokenTookFee {
                token,
                arrived,
                required,
            }
            .into()),
        }
    }
}
