//! What overflowed: from the pool into the books, and from nobody's to those who paid it.
//!
//! What a pool has paid to the escrow is *unattributed* until WorkLedger says what of it each source has paid.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U128, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, to_address},
    emit,
    events::Word,
    interfaces::{IPaymentNotes, IPoolDirectory},
    math::split::BY_WORK,
    packed::widen,
    superfluid::ISuperfluidPool,
};
use stylus_sdk::prelude::*;

use super::{Amount, Attributed, Deposited, Error, EscrowBuffer, PaidByWork, PoolDoesNotExist};

/// The pool of a task type.
#[derive(Clone, Copy)]
pub(super) struct KnownPool {
    pub(super) pool: Address,
    pub(super) by_work: bool,
}

impl EscrowBuffer {
    /// Books what the pool has paid since the last time. Returns how much that is.
    #[inline(never)]
    pub(super) fn take_in(&mut self, id: B256) -> Result<U256, Error> {
        let known = self.require_pool(id)?;
        let member = [self.vm().contract_address().word()];
        let claim = ISuperfluidPool::claimAllCall::SELECTOR;
        let [_claimed] = invoke_words(self.vm(), known.pool, claim, &member)?;
        let get = ISuperfluidPool::getTotalAmountReceivedByMemberCall::SELECTOR;
        let [received] = query_words(self.vm(), known.pool, get, &member)?;
        let received = U128::saturating_from(received);
        let mut buffer = self.buffers.setter(id);
        let amount = widen(received.saturating_sub(buffer.received.get()));
        if amount.is_zero() {
            return Ok(amount);
        }
        buffer.received.set(received);
        self.raise_level(id, amount)?;
        if !known.by_work {
            let mut buffer = self.buffers.setter(id);
            let unattributed = widen(buffer.unattributed.get()).saturating_add(amount);
            // Fits: part of the level.
            buffer.unattributed.set(Amount::wrapping_from(unattributed));
        }
        emit!(self.vm(), Deposited[id, Address::ZERO](amount));
        self.signal_booking(id);
        Ok(amount)
    }

    pub(super) fn attribute_to(&mut self, id: B256, sources: Vec<Address>) -> Result<U256, Error> {
        self.take_in(id)?;
        self.refuse_by_work(id)?;
        self.refuse_while_paying(id)?;
        let (ledger, minimum) = (self.work_ledger.get(), self.minimum().word());
        let selector = IPaymentNotes::attributeCall::SELECTOR;
        let mut sum = U256::ZERO;
        for source in sources {
            let unattributed = widen(self.buffers.getter(id).unattributed.get());
            let arguments = [id, source.word(), unattributed.word(), minimum];
            let [amount] = invoke_words(self.vm(), ledger, selector, &arguments)?;
            // The ledger gives no more than there is.
            let amount = amount.min(unattributed);
            if amount.is_zero() {
                continue;
            }
            let mut buffer = self.buffers.setter(id);
            let rest = unattributed.saturating_sub(amount);
            buffer.unattributed.set(Amount::wrapping_from(rest));
            emit!(self.vm(), Attributed[id, source](amount));
            self.queue(id, source, amount);
            sum = sum.saturating_add(amount);
        }
        Ok(sum)
    }

    /// Takes `amount` of the unattributed, which is at most all of it: every source's part shrinks with it. What has overflowed
    /// meanwhile is taken in first, lest parts shrink by what is not theirs.
    pub(super) fn drain_unattributed(&mut self, id: B256, amount: U256) -> Result<(), Error> {
        self.take_in(id)?;
        let mut buffer = self.buffers.setter(id);
        let before = widen(buffer.unattributed.get());
        let rest = before.saturating_sub(amount);
        buffer.unattributed.set(Amount::wrapping_from(rest));
        let selector = IPaymentNotes::shrinkCall::SELECTOR;
        let arguments = [id, before.word(), rest.word()];
        let [] = invoke_words(self.vm(), self.work_ledger.get(), selector, &arguments)?;
        Ok(())
    }

    pub(super) fn refuse_by_work(&mut self, id: B256) -> Result<(), Error> {
        match self.known_pool(id)? {
            Some(KnownPool { by_work: true, .. }) => Err(PaidByWork {}.into()),
            _ => Ok(()),
        }
    }

    fn require_pool(&mut self, id: B256) -> Result<KnownPool, Error> {
        match self.known_pool(id)? {
            Some(known) if !known.pool.is_zero() => Ok(known),
            _ => Err(PoolDoesNotExist {}.into()),
        }
    }

    /// The pool of the task type, zero as long as there is none; `None` as long as nothing is connected. Neither pool nor
    /// weighting by work change once there is a pool.
    #[inline(never)]
    fn known_pool(&mut self, id: B256) -> Result<Option<KnownPool>, Error> {
        let buffer = self.buffers.getter(id);
        if !buffer.pool.get().is_zero() {
            return Ok(Some(KnownPool {
                pool: buffer.pool.get(),
                by_work: buffer.by_work.get(),
            }));
        }
        let pools = self.backpressure_pool.get();
        if pools.is_zero() {
            return Ok(None);
        }
        let get = IPoolDirectory::getPoolCall::SELECTOR;
        let [pool] = query_words(self.vm(), pools, get, &[id])?;
        let get = IPoolDirectory::getWeightingCall::SELECTOR;
        let [weighting] = query_words(self.vm(), pools, get, &[id])?;
        let known = KnownPool {
            pool: to_address(pool),
            by_work: weighting == U256::from(BY_WORK),
        };
        if !known.pool.is_zero() {
            let mut buffer = self.buffers.setter(id);
            buffer.pool.set(known.pool);
            buffer.by_work.set(known.by_work);
        }
        Ok(Some(known))
    }
}
