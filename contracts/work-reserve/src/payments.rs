//! What leaves the reserve: each task type pays from what its own pool has paid.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U128, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, require_gas, to_address},
    emit, erc20,
    events::Word,
    interfaces::IPoolDirectory,
    packed::widen,
    superfluid::ISuperfluidPool,
};
use stylus_sdk::{prelude::*, storage::*};

use super::{Claimed, Credited, Error, NothingToClaim, Paid, ReserveShort, WorkReserve};

/// What the token may use to pay an account. A Super Token takes less than a third of it, unless the account has a hook.
pub const PAYMENT_GAS: u64 = 300_000;
/// Accounts that are paid in one call at most.
pub const MAX_ACCOUNTS: usize = 64;

/// What is here of a task type, in wei. Slot 0: held (128 bits), received (128). Slot 1: owed (128). Slot 2: pool (160).
#[storage]
pub struct Holdings {
    /// What was claimed and has not been paid out.
    pub(super) held: StorageU128,
    /// What the pool had paid since ever when it was claimed last.
    pub(super) received: StorageU128,
    /// The sum of what is owed.
    pub(super) owed: StorageU128,
    /// The task type's pool, which never changes.
    pool: StorageAddress,
}

impl WorkReserve {
    /// Pays `to` all that it is owed.
    pub(super) fn pay_owed(&mut self, id: B256, to: Address) -> Result<(), Error> {
        let owed = self.owed.getter(id).get(to);
        if owed.is_zero() {
            return Ok(());
        }
        self.owed.setter(id).setter(to).set(U256::ZERO);
        let mut holdings = self.holdings.setter(id);
        let sum = widen(holdings.owed.get()).saturating_sub(owed);
        holdings.owed.set(U128::wrapping_from(sum));
        self.pay(id, to, owed)
    }

    /// Pays `amount`, which is in no other book any more, to `to`; or credits it if the token reverts: one that cannot be paid
    /// does not stand in the way of others.
    pub(super) fn pay(&mut self, id: B256, to: Address, amount: U256) -> Result<(), Error> {
        self.release(id, amount)?;
        require_gas(self.vm(), PAYMENT_GAS)?;
        if erc20::try_transfer(self.vm(), self.token.get(), to, amount, PAYMENT_GAS)? {
            emit!(self.vm(), Paid[id, to](amount));
            return Ok(());
        }
        self.credit(id, to, amount);
        Ok(())
    }

    /// Lets `to` claim `amount`, which is here, and in no other book.
    pub(super) fn credit(&mut self, id: B256, to: Address, amount: U256) {
        // Fit, both: no more than there are tokens.
        let credit = self.credits.get(to).saturating_add(amount);
        self.credits.setter(to).set(credit);
        let credited = self.credited.get().saturating_add(amount);
        self.credited.set(credited);
        emit!(self.vm(), Credited[id, to](amount));
    }

    /// Pays `account` what it has been credited.
    pub(super) fn pay_credit(&mut self, account: Address) -> Result<(), Error> {
        let amount = self.credits.get(account);
        if amount.is_zero() {
            return Err(NothingToClaim {}.into());
        }
        self.credits.setter(account).set(U256::ZERO);
        let credited = self.credited.get().saturating_sub(amount);
        self.credited.set(credited);
        emit!(self.vm(), Claimed[account](amount));
        Ok(erc20::transfer(
            self.vm(),
            self.token.get(),
            account,
            amount,
        )?)
    }

    /// Takes `amount` out of what is held of the task type, and claims what its pool has paid if that does not suffice.
    fn release(&mut self, id: B256, amount: U256) -> Result<(), Error> {
        let held = widen(self.holdings.getter(id).held.get());
        let held = match amount > held {
            true => self.take_in(id, held)?,
            false => held,
        };
        let rest = held.checked_sub(amount).ok_or(ReserveShort {
            required: amount,
            available: held,
        })?;
        // Fits: less than the pool has paid.
        let mut holdings = self.holdings.setter(id);
        holdings.held.set(U128::wrapping_from(rest));
        Ok(())
    }

    /// Claims what the pool has paid. Returns what is held then.
    fn take_in(&mut self, id: B256, held: U256) -> Result<U256, Error> {
        let pool = self.pool_of(id)?;
        let member = [self.vm().contract_address().word()];
        let claim = ISuperfluidPool::claimAllCall::SELECTOR;
        let [_claimed] = invoke_words(self.vm(), pool, claim, &member)?;
        let get = ISuperfluidPool::getTotalAmountReceivedByMemberCall::SELECTOR;
        let [received] = query_words(self.vm(), pool, get, &member)?;
        let received = U128::saturating_from(received);
        let mut holdings = self.holdings.setter(id);
        let arrived = widen(received.saturating_sub(holdings.received.get()));
        holdings.received.set(received);
        Ok(held.saturating_add(arrived))
    }

    /// Adds what was deposited to what is held of the task type.
    pub(super) fn hold(&mut self, id: B256, amount: U256) {
        let mut holdings = self.holdings.setter(id);
        // Fits: no more than there are tokens.
        let held = widen(holdings.held.get()).saturating_add(amount);
        holdings.held.set(U128::wrapping_from(held));
    }

    fn pool_of(&mut self, id: B256) -> Result<Address, Error> {
        let known = self.holdings.getter(id).pool.get();
        if !known.is_zero() {
            return Ok(known);
        }
        let get = IPoolDirectory::getPoolCall::SELECTOR;
        let [pool] = query_words(self.vm(), self.backpressure_pool.get(), get, &[id])?;
        let pool = to_address(pool);
        self.holdings.setter(id).pool.set(pool);
        Ok(pool)
    }
}
