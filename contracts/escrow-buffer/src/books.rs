//! The books: what waits, whose it is, and in which order.

use alloy_primitives::{Address, B256, U128, U256, U32, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words,
    clock, emit, erc20,
    interfaces::ICapacityRegistry,
    math::BPS,
    packed::{narrow, widen},
};
use stylus_sdk::prelude::*;

use super::{
    Amount, AmountTooLarge, BufferFull, Deposited, Error, EscrowBuffer, NotDepositor,
    NothingToReclaim, PressureChanged, QueuedDeposit, Reclaimed, SlowDown, SourceId,
    TaskTypeDoesNotExist, TimeoutNotElapsed, MAX_DEPOSITS_PER_DRAIN, MERGE_PART, SLOW_DOWN_BPS,
};

impl EscrowBuffer {
    /// Queues `amount` of `source`, which is here and counts into no level yet.
    pub(super) fn book(&mut self, id: B256, source: Address, amount: U256) -> Result<(), Error> {
        self.raise_level(id, amount)?;
        emit!(self.vm(), Deposited[id, source](amount));
        self.queue(id, source, amount);
        self.signal_booking(id);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn raise_level(&mut self, id: B256, amount: U256) -> Result<(), Error> {
        let level = to_amount(self.buffer_level(id).saturating_add(amount))?;
        let booked = widen(self.booked.get()).saturating_add(amount);
        let booked = narrow(booked).ok_or(AmountTooLarge { amount: booked })?;
        self.booked.set(booked);
        self.buffers.setter(id).level.set(level);
        Ok(())
    }

    /// Appends a deposit of `source`, whose `amount` the level counts already; or adds it to the last one of `source`, if that
    /// is young: a source that deposits often is one place in the queue.
    #[inline(never)]
    pub(super) fn queue(&mut self, id: B256, source: Address, amount: U256) {
        let source_id = self.source_id(source);
        let now = clock::block_timestamp(self.vm());
        let timeout = self.reclaim_timeout.get();
        let buffer = self.buffers.getter(id);
        let (head, tail) = (buffer.head.get(), buffer.tail.get());
        let mut levels = self.source_levels.setter(id);
        let mut level = levels.setter(source_id);
        let sum = widen(level.amount.get()).saturating_add(amount);
        // Fits: part of the level of the buffer, as is each deposit.
        level.amount.set(Amount::wrapping_from(sum));
        let mut queue = self.deposits.setter(id);
        if let Some(last) = level.latest.get().checked_sub(U64::from(1)) {
            let mut entry = queue.setter(last);
            if last >= head && entry.is_young(source_id, now) {
                let sum = widen(entry.amount.get()).saturating_add(amount);
                entry.amount.set(Amount::wrapping_from(sum));
                return self.warn(id, source);
            }
        }
        let next = tail.saturating_add(U64::from(1));
        level.latest.set(next);
        let mut entry = queue.setter(tail);
        entry.amount.set(Amount::wrapping_from(amount));
        entry.source.set(source_id);
        entry.time.set(U64::from(now));
        entry.timeout.set(timeout);
        self.buffers.setter(id).tail.set(next);
        self.warn(id, source);
    }

    fn warn(&self, id: B256, source: Address) {
        if self.fills(id, SLOW_DOWN_BPS) {
            emit!(self.vm(), SlowDown[id, source]);
        }
    }

    /// Takes what is left of deposit `number` out of the books, for `caller`, whose it has to be.
    #[inline(never)]
    pub(super) fn withdraw(
        &mut self,
        id: B256,
        caller: Address,
        number: U64,
    ) -> Result<U256, Error> {
        let queue = self.deposits.getter(id);
        let entry = queue.getter(number);
        let amount = widen(entry.amount.get());
        if amount.is_zero() {
            return Err(NothingToReclaim {}.into());
        }
        let source_id = entry.source.get();
        let source = self.sources.get(source_id);
        if source != caller {
            return Err(NotDepositor { source }.into());
        }
        let available_at = entry.available_at();
        if U256::from(clock::block_timestamp(self.vm())) < available_at {
            return Err(TimeoutNotElapsed {
                availableAt: available_at,
            }
            .into());
        }
        self.refuse_while_paying(id)?;
        let mut queue = self.deposits.setter(id);
        queue.setter(number).take(amount);
        self.reduce_source(id, source_id, amount);
        self.reduce_level(id, amount);
        let index = widen(number);
        emit!(self.vm(), Reclaimed[id, source](index, amount));
        Ok(amount)
    }

    /// Takes `sum` from the oldest deposits, and then of what is nobody's. A round counts on no more than that, and on no
    /// deposit after the 32nd: however many were made since, a round can be paid to its end.
    pub(super) fn consume(&mut self, id: B256, sum: U256) -> Result<(), Error> {
        if sum.is_zero() {
            return Ok(());
        }
        let buffer = self.buffers.getter(id);
        let (mut head, tail) = (buffer.head.get(), buffer.tail.get());
        let mut left = sum;
        for _ in 0..MAX_DEPOSITS_PER_DRAIN {
            if left.is_zero() || head >= tail {
                break;
            }
            let mut queue = self.deposits.setter(id);
            let mut entry = queue.setter(head);
            let source = entry.source.get();
            let taken = entry.take(left);
            if entry.amount.get().is_zero() {
                head = head.saturating_add(U64::from(1));
            }
            if !taken.is_zero() {
                self.reduce_source(id, source, taken);
            }
            left = left.saturating_sub(taken);
        }
        self.buffers.setter(id).head.set(head);
        if !left.is_zero() {
            self.drain_unattributed(id, left)?;
        }
        self.reduce_level(id, sum);
        self.signal(id);
        Ok(())
    }

    /// The number of `source`, which gets one if it has none.
    fn source_id(&mut self, source: Address) -> SourceId {
        let known = self.source_ids.get(source);
        if !known.is_zero() {
            return known;
        }
        // Fits: 2^40 sources would take 10^17 gas.
        let id = self.source_count.get().saturating_add(SourceId::from(1));
        self.source_count.set(id);
        self.source_ids.setter(source).set(id);
        self.sources.setter(id).set(source);
        id
    }

    #[inline(never)]
    fn reduce_level(&mut self, id: B256, amount: U256) {
        let mut buffer = self.buffers.setter(id);
        let level = widen(buffer.level.get()).saturating_sub(amount);
        buffer.level.set(Amount::wrapping_from(level));
        let booked = widen(self.booked.get()).saturating_sub(amount);
        self.booked.set(U128::wrapping_from(booked));
    }

    #[inline(never)]
    fn reduce_source(&mut self, id: B256, source: SourceId, amount: U256) {
        let mut levels = self.source_levels.setter(id);
        let mut level = levels.setter(source);
        let rest = widen(level.amount.get()).saturating_sub(amount);
        level.amount.set(Amount::wrapping_from(rest));
    }

    #[inline(never)]
    pub(super) fn signal(&self, id: B256) {
        emit!(
            self.vm(),
            PressureChanged[id](
                self.get_escrow_pressure(id),
                U256::from(clock::block_timestamp(self.vm()))
            )
        );
    }

    #[inline(never)]
    pub(super) fn signal_booking(&self, id: B256) {
        self.signal(id);
        if self.is_full(id) {
            emit!(self.vm(), BufferFull[id](self.buffer_level(id)));
        }
    }

    /// Whether the buffer is at `share` of its limit, in BPS, or above.
    #[inline(never)]
    pub(super) fn fills(&self, id: B256, share: u16) -> bool {
        let max = self.buffer_max(id);
        // Fits: 112 and 14 bits.
        let level = self.buffer_level(id).saturating_mul(U256::from(BPS));
        !max.is_zero() && level >= max.saturating_mul(U256::from(share))
    }

    #[inline(never)]
    pub(super) fn send(&self, to: Address, amount: U256) -> Result<(), Error> {
        Ok(erc20::transfer(self.vm(), self.token.get(), to, amount)?)
    }

    /// A task type never ceases to be: after its first deposit the registry need not be asked again.
    pub(super) fn require_task_type(&self, id: B256) -> Result<(), Error> {
        if !self.buffers.getter(id).tail.get().is_zero() {
            return Ok(());
        }
        let get = ICapacityRegistry::taskTypeExistsCall::SELECTOR;
        let [exists] = query_words(self.vm(), self.capacity_registry.get(), get, &[id])?;
        match exists.is_zero() {
            true => Err(TaskTypeDoesNotExist {}.into()),
            false => Ok(()),
        }
    }
}

impl QueuedDeposit {
    /// From when on it can be reclaimed.
    pub(super) fn available_at(&self) -> U256 {
        widen(self.time.get()).saturating_add(widen(self.timeout.get()))
    }

    /// Whether it is of `source`, and so new that more of `source` may join it. It can be reclaimed when the first of it can:
    /// nobody can put that off, and what joined later waits a twenty-fourth less.
    fn is_young(&self, source: SourceId, now: u64) -> bool {
        let age = U256::from(now).saturating_sub(widen(self.time.get()));
        !self.amount.get().is_zero()
            && self.source.get() == source
            && age.saturating_mul(U256::from(MERGE_PART)) < widen(self.timeout.get())
    }

    /// Takes `amount` of it, or all there is if that is less, and returns how much. Forgets a deposit that nothing is left
    /// of, which gives a slot back.
    fn take(&mut self, amount: U256) -> U256 {
        let held = widen(self.amount.get());
        let taken = amount.min(held);
        let left = held.saturating_sub(taken);
        self.amount.set(Amount::wrapping_from(left));
        if left.is_zero() {
            self.source.set(SourceId::ZERO);
            self.time.set(U64::ZERO);
            self.timeout.set(U32::ZERO);
        }
        taken
    }
}

pub(super) fn to_amount(amount: U256) -> Result<Amount, AmountTooLarge> {
    narrow(amount).ok_or(AmountTooLarge { amount })
}
