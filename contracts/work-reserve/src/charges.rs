//! What misses take from sources. It is the sink's or the treasury's, and nobody else's: WorkMisses says which, and can take no
//! more than sources have signed.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words,
    eip712::{hash_words, typed_data_hash, ASSIGNMENT_TYPEHASH, WORK_LEDGER},
    events::Word,
    interfaces::{IWorkEvidence, IWorkKeys},
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
        signature: [B256; 3],
    ) -> Result<(), Error> {
        let [id, sink, source, _, _, value, _, deadline] = words;
        let [value, deadline]: [U256; 2] = [value.into(), deadline.into()];
        let (sink, source) = (Address::from_word(sink), Address::from_word(source));
        let caller = self.vm().msg_sender();
        let ledger = self.work_ledger.get();
        if caller != self.link(ledger, IWorkEvidence::workMissesCall::SELECTOR)? {
            return Err(UnauthorizedCaller { caller }.into());
        }
        // Wraps to more than the window, if the deadline is now or still to come.
        let late = self.now().wrapping_sub(deadline.saturating_to());
        if late.wrapping_sub(1) >= REPORT_WINDOW {
            return Err(NotToBeReported { deadline }.into());
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
        let pending = self.pending.get(key).saturating_add(value);
        self.pending.setter(key).set(pending);
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
        let pending = self.pending.get(key);
        let Some(rest) = pending.checked_sub(amount) else {
            return Err(NothingPending { caller }.into());
        };
        let to = match to_sink {
            true => sink,
            false => self.link(
                self.work_ledger.get(),
                IWorkEvidence::treasuryCall::SELECTOR,
            )?,
        };
        self.pending.setter(key).set(rest);
        // Fits, as the sum does.
        self.owe(id, to, amount.wrapping_to());
        Ok(to)
    }

    /// What `misses` has taken for tasks of `sink` that is nobody's yet.
    pub(super) fn pending_of(&self, id: B256, misses: Address, sink: Address) -> U256 {
        self.pending.get(pending_key(misses, id, sink))
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
}

fn pending_key(misses: Address, id: B256, sink: Address) -> B256 {
    hash_words(&[misses.word(), id, sink.word()])
}
