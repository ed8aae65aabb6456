//! What misses take from sources. It is the sink's or the treasury's, and nobody else's: WorkMisses says which, and can take no
//! more than sources have signed.

use alloy_primitives::{Address, B256, U128, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words,
    eip712::{hash_words, typed_data_hash, ASSIGNMENT_TYPEHASH, WORK_LEDGER},
    events::Word,
    interfaces::{IStakeTerms, ITaskTypeRegistrar, IWorkEvidence, IWorkKeys},
    packed::to_u128,
};
use stylus_sdk::prelude::*;

use super::{
    AlreadyCharged, Error, NotSigned, NotToBeReported, NothingPending, UnauthorizedCaller,
    WorkReserve,
};

/// A miss is reported within so many seconds after the deadline.
pub const REPORT_WINDOW: u64 = 600;

impl WorkReserve {
    /// Takes what the source of an assignment signed, the words of which are task type, sink, source, task, work, value, timestamp and
    /// deadline, from what is free of its money.
    pub(super) fn charge_for(
        &mut self,
        words: [B256; 8],
        value: U256,
        deadline: U256,
        signature: [B256; 3],
    ) -> Result<(), Error> {
        let [id, sink, source, ..] = words;
        let (sink, source) = (Address::from_word(sink), Address::from_word(source));
        let caller = self.vm().msg_sender();
        let ledger = self.work_ledger.get();
        if caller != self.link(ledger, IWorkEvidence::workMissesCall::SELECTOR)? {
            return Err(UnauthorizedCaller { caller }.into());
        }
        let now = U256::from(self.now());
        let until = deadline.saturating_add(U256::from(REPORT_WINDOW));
        if now <= deadline || now > until {
            return Err(NotToBeReported { deadline, until }.into());
        }
        let mut message = [ASSIGNMENT_TYPEHASH; 9];
        message[1..].copy_from_slice(&words);
        let message = hash_words(&message);
        if self.charged.get(message) {
            return Err(AlreadyCharged {}.into());
        }
        self.require_signed(source, message, signature)?;
        self.charged.setter(message).set(true);
        let mut funds = self.require_free(id, source, value)?;
        // Fits, as what is free does.
        let amount: u128 = value.wrapping_to();
        funds.unspent = funds.unspent.saturating_sub(amount);
        self.store_funds(id, source, &funds, amount);
        let key = pending_key(caller, id, sink);
        let pending = to_u128(self.pending.get(key)).saturating_add(amount);
        self.pending.setter(key).set(U128::from(pending));
        Ok(())
    }

    /// Gives the sink, or the treasury, of what was taken for tasks of that sink by whoever calls.
    pub(super) fn award_to(
        &mut self,
        id: B256,
        sink: Address,
        amount: U256,
        to_sink: bool,
    ) -> Result<Address, Error> {
        let caller = self.vm().msg_sender();
        let key = pending_key(caller, id, sink);
        let pending = to_u128(self.pending.get(key));
        let amount = amount.saturating_to();
        let Some(rest) = pending.checked_sub(amount) else {
            return Err(NothingPending { caller }.into());
        };
        let to = match to_sink {
            true => sink,
            false => self.treasury()?,
        };
        self.pending.setter(key).set(U128::from(rest));
        self.owe(id, to, amount);
        Ok(to)
    }

    /// What `misses` has taken for tasks of `sink` that is nobody's yet.
    pub(super) fn pending_of(&self, id: B256, misses: Address, sink: Address) -> u128 {
        to_u128(self.pending.get(pending_key(misses, id, sink)))
    }

    /// Refuses unless `account` signed the message in WorkVouchers' domain: WorkVouchers knows which keys do.
    fn require_signed(
        &self,
        account: Address,
        message: B256,
        [r, s, v]: [B256; 3],
    ) -> Result<(), Error> {
        let vouchers = self.work_vouchers.get();
        let separator = WORK_LEDGER.separator_of(self.vm(), vouchers);
        let digest = typed_data_hash(separator, message);
        let selector = IWorkKeys::isSignedCall::SELECTOR;
        let arguments = [account.word(), digest, r, s, v];
        let [signed] = query_words(self.vm(), vouchers, selector, &arguments)?;
        match signed.is_zero() {
            true => Err(NotSigned { account }.into()),
            false => Ok(()),
        }
    }

    /// StakeManager's, as slashes have it. Asked for each time, since it can change.
    fn treasury(&self) -> Result<Address, Error> {
        let ledger = self.work_ledger.get();
        let registry = self.link(ledger, IWorkEvidence::capacityRegistryCall::SELECTOR)?;
        let stakes = self.link(registry, ITaskTypeRegistrar::stakeManagerCall::SELECTOR)?;
        self.link(stakes, IStakeTerms::treasuryCall::SELECTOR)
    }
}

fn pending_key(misses: Address, id: B256, sink: Address) -> B256 {
    hash_words(&[misses.word(), id, sink.word()])
}
