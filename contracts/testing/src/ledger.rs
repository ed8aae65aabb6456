use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use stylus_sdk::{prelude::*, storage::*};

use crate::{refusal, Answer};

/// A reputation ledger that answers what it is told to, for everybody.
#[storage]
pub struct Ledger {
    discount: StorageU256,
    reverts: StorageBool,
    answers_short: StorageBool,
    account: StorageAddress,
    domain: StorageB256,
}

#[public]
impl Ledger {
    /// Grants this discount from now on.
    pub fn set_discount(&mut self, discount_bps: U256) {
        self.discount.set(discount_bps);
    }

    /// Fails from now on: reverts, or answers with less than a word.
    pub fn fail(&mut self, reverts: bool, answers_short: bool) {
        self.reverts.set(reverts);
        self.answers_short.set(answers_short);
    }

    /// The only account and domain that get the discount; zeros for all.
    pub fn only_for(&mut self, account: Address, domain: B256) {
        self.account.set(account);
        self.domain.set(domain);
    }

    /// `getStakeDiscount(address,bytes32)`.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Answer {
        if self.reverts.get() {
            return Err(refusal("no"));
        }
        if self.answers_short.get() {
            return Ok(vec![1; 31]);
        }
        let wanted = [self.account.get().into_word(), self.domain.get()].concat();
        let is_for = self.account.get().is_zero() || calldata.get(4..) == Some(&wanted[..]);
        let discount = if is_for {
            self.discount.get()
        } else {
            U256::ZERO
        };
        Ok(discount.to_be_bytes_vec())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Ledger {}
