//! What overflowed: from the pool into the books, and from nobody's to those who paid it.
//!
//! What a pool has paid to the escrow is *unattributed* until it is attributed. A source's part of it is what WorkLedger has
//! noted since it was attributed last; the sum of all notes is at most what was received. Where drains have taken of the
//! unattributed meanwhile, all parts shrink alike: each buffer has a scale, which falls with every such drain, and a part
//! counts by what has become of the scale since the source was attributed last. Once all was drained, earlier parts are void.
//! A part may come out smaller than it was by that; it is never made up from what others paid.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U128, U256, U32, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, to_address},
    emit,
    events::Word,
    interfaces::{IPaymentNotes, IPoolDirectory},
    math::{mul_div_floor, split::BY_WORK},
    packed::widen,
    superfluid::ISuperfluidPool,
};
use stylus_sdk::prelude::*;

use super::{Amount, Attributed, Deposited, Error, EscrowBuffer, PaidByWork, PoolDoesNotExist};

/// 1 in the fixed point of scales.
const ONE: u64 = 1_000_000_000_000_000_000;
/// Below this a scale has too few digits, and parts start anew.
const LEAST_SCALE: u64 = 1_000_000_000;

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
        self.require_solvent()?;
        self.signal_booking(id);
        Ok(amount)
    }

    pub(super) fn attribute_to(&mut self, id: B256, sources: Vec<Address>) -> Result<U256, Error> {
        self.take_in(id)?;
        self.refuse_by_work(id)?;
        // The interactions come first.
        let mut noted = Vec::with_capacity(sources.len());
        let get = IPaymentNotes::getNotedCall::SELECTOR;
        for source in sources {
            let arguments = [id, source.word()];
            let [total, _time] = query_words(self.vm(), self.work_ledger.get(), get, &arguments)?;
            noted.push((source, U128::saturating_from(total)));
        }
        let mut sum = U256::ZERO;
        for (source, total) in noted {
            sum = sum.saturating_add(self.attribute_one(id, source, total)?);
        }
        Ok(sum)
    }

    fn attribute_one(&mut self, id: B256, source: Address, noted: U128) -> Result<U256, Error> {
        let due = self.due(id, source, noted);
        let buffer = self.buffers.getter(id);
        let (scale, epoch) = (buffer.scale(), buffer.epoch.get());
        let unattributed = widen(buffer.unattributed.get());
        let amount = due.min(unattributed);
        if !due.is_zero() && amount < self.minimum() {
            return Ok(U256::ZERO);
        }
        let mut parts = self.parts.setter(id);
        let mut part = parts.setter(source);
        part.noted.set(noted);
        part.scale.set(U64::from(scale));
        part.epoch.set(epoch);
        if amount.is_zero() {
            return Ok(amount);
        }
        let mut buffer = self.buffers.setter(id);
        let rest = unattributed.saturating_sub(amount);
        buffer.unattributed.set(Amount::wrapping_from(rest));
        emit!(self.vm(), Attributed[id, source](amount));
        self.queue(id, source, amount);
        Ok(amount)
    }

    /// What of the unattributed `source` has paid, if `noted` is all it ever paid.
    pub(super) fn due(&self, id: B256, source: Address, noted: U128) -> U256 {
        let (parts, buffer) = (self.parts.getter(id), self.buffers.getter(id));
        let part = parts.getter(source);
        // A source that never was attributed anything counts from the beginning.
        let is_new = part.scale.get().is_zero() && buffer.epoch.get().is_zero();
        let then = match is_new {
            true => ONE,
            false => part.scale.get().wrapping_to(),
        };
        if part.epoch.get() != buffer.epoch.get() || then == 0 {
            return U256::ZERO;
        }
        let raw = widen(noted.saturating_sub(part.noted.get()));
        let [now, then] = [buffer.scale(), then].map(U256::from);
        mul_div_floor(raw, now, then).unwrap_or_default()
    }

    /// Takes `amount` of the unattributed, which is at most all of it: every source's part shrinks with it.
    pub(super) fn drain_unattributed(&mut self, id: B256, amount: U256) {
        let mut buffer = self.buffers.setter(id);
        let before = widen(buffer.unattributed.get());
        let rest = before.saturating_sub(amount);
        let scale = mul_div_floor(U256::from(buffer.scale()), rest, before).unwrap_or_default();
        buffer.unattributed.set(Amount::wrapping_from(rest));
        if scale < U256::from(LEAST_SCALE) {
            let epoch = buffer.epoch.get().saturating_add(U32::from(1));
            buffer.epoch.set(epoch);
            buffer.scale.set(U64::from(ONE));
        } else {
            buffer.scale.set(U64::wrapping_from(scale));
        }
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

impl super::Buffer {
    /// What has become of 1 by the drains of unattributed overflow in this epoch.
    fn scale(&self) -> u64 {
        match self.scale.get().wrapping_to() {
            0 => ONE,
            scale => scale,
        }
    }
}
