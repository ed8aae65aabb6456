//! Drains: how much, to whom, page by page.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U128, U256, U32, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_gas},
    clock, emit, erc20,
    interfaces::{ICapacityRegistry, IOverflowMeter},
    math::{self, mul_div_floor},
    packed::widen,
};
use stylus_sdk::prelude::*;

use super::{
    weights::Span, Amount, Credited, Drained, Error, EscrowBuffer, NothingToDrain, RoundOpen,
    Sinks, LEAST_LOOK_BACK, MAX_DEPOSITS_PER_DRAIN, PAYMENT_GAS,
};

/// A round of several calls, as it stands. First its pages are weighed, then paid, each time from the last sink of the registry's
/// list to the first: where a sink leaves, the last one takes its place, which is one that was done. So nobody can have
/// another's turn passed over. Paid is who was weighed, once.
struct Round {
    /// What it drains in all; zero until it is weighed.
    amount: U256,
    /// What all sinks that were weighed have served.
    total: U256,
    /// What of `amount` has been paid.
    paid: U256,
    /// How many sinks, from the first on, are still to be weighed, or paid.
    cursor: u32,
    /// How many sinks there were when it began.
    end: u32,
    number: U64,
    span: Span,
    is_paying: bool,
}

impl Round {
    /// What each of `sinks` gets: its share of the amount, rounded down. Never more in all than is left of the round.
    #[inline(never)]
    fn split(&mut self, sinks: &Sinks) -> Sinks {
        let mut payments = Vec::with_capacity(sinks.len());
        for (sink, weight) in sinks {
            let left = self.amount.saturating_sub(self.paid);
            // No quotient: beyond 256 bits, or nothing was weighed.
            let share = mul_div_floor(self.amount, *weight, self.total).unwrap_or_default();
            let share = share.min(left);
            if !share.is_zero() {
                self.paid = self.paid.saturating_add(share);
                payments.push((*sink, share));
            }
        }
        payments
    }
}

/// What OverflowMeter's counter lets drain.
enum Allowance {
    /// Everything.
    All,
    /// What became free since `baseline`, up to `value`.
    Free { baseline: u128, value: u128 },
}

impl EscrowBuffer {
    pub(super) fn drain_page(&mut self, id: B256, count: u32) -> Result<(), Error> {
        self.refuse_by_work(id)?;
        let Some(mut round) = self.open_round(id) else {
            return self.start_round(id, count);
        };
        let page = round.cursor.min(count);
        round.cursor = round.cursor.saturating_sub(page);
        let sinks = self.weighed(id, round.cursor, page, round.span)?;
        let sinks = self.stamp(id, &round, sinks);
        if round.is_paying {
            let payments = round.split(&sinks);
            self.store_round(id, &round);
            return self.pay_all(id, payments);
        }
        round.total = round.total.saturating_add(sum(&sinks));
        if round.cursor == 0 {
            round = self.turn_to_paying(id, round)?;
        }
        self.store_round(id, &round);
        Ok(())
    }

    /// Begins a round. If there are as few sinks as a call may pay, that is all of it.
    #[inline(never)]
    fn start_round(&mut self, id: B256, count: u32) -> Result<(), Error> {
        if self.buffer_level(id).is_zero() || self.overflow_meter.get().is_zero() {
            return Err(NothingToDrain {}.into());
        }
        let now = clock::block_timestamp(self.vm());
        let last: u64 = self.buffers.getter(id).last_round.get().wrapping_to();
        let span = Span::new(last, now);
        let get = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let registry = self.capacity_registry.get();
        let [_min_stake, sink_count, _total] = query_words(self.vm(), registry, get, &[id])?;
        let end: u32 = sink_count.saturating_to();
        let cursor = end.saturating_sub(count);
        let sinks = self.weighed(id, cursor, count, span)?;
        let number = self.buffers.getter(id).round_number.get();
        let mut round = Round {
            amount: U256::ZERO,
            total: sum(&sinks),
            paid: U256::ZERO,
            cursor,
            end,
            // Of two numbers, one for who is weighed and one for who is paid.
            number: number.saturating_add(U64::from(2)),
            span,
            is_paying: false,
        };
        if cursor > 0 {
            // Refused, if nothing may drain.
            if self.allowance(id)?.is_some() {
                self.stamp(id, &round, sinks);
                self.store_round(id, &round);
            }
            return Ok(());
        }
        if round.total.is_zero() {
            return Err(NothingToDrain {}.into());
        }
        let Some(allowance) = self.allowance(id)? else {
            return Ok(());
        };
        round.amount = self.allot(id, &allowance, round.span);
        let payments = round.split(&sinks);
        self.pay_all(id, payments)
    }

    /// Fixes what a round drains whose sinks are all weighed; ends it, if that is nothing.
    #[inline(never)]
    fn turn_to_paying(&mut self, id: B256, mut round: Round) -> Result<Round, Error> {
        let allowance = match self.allowance(id) {
            Err(Error::NothingToDrain(_)) => None,
            other => other?,
        };
        if let (Some(allowance), false) = (allowance, round.total.is_zero()) {
            round.amount = self.allot(id, &allowance, round.span);
        }
        if !round.amount.is_zero() {
            round.cursor = round.end;
            round.is_paying = true;
        }
        Ok(round)
    }

    /// What may drain of the task type's buffer, of which none is refused. `None` if this was the first look at the counter,
    /// or if that went back: then it counts from here.
    #[inline(never)]
    fn allowance(&mut self, id: B256) -> Result<Option<Allowance>, Error> {
        let get = IOverflowMeter::getFreeValueCall::SELECTOR;
        let [bound, value] = query_words(self.vm(), self.overflow_meter.get(), get, &[id])?;
        let (bound, value) = (!bound.is_zero(), math::to_u128_saturating(value));
        let mut buffer = self.buffers.setter(id);
        let had_baseline = buffer.has_baseline.get();
        if !bound {
            // A price that comes back later counts from then on.
            if had_baseline {
                buffer.has_baseline.set(false);
            }
            return Ok(Some(Allowance::All));
        }
        let baseline = buffer.baseline.get().wrapping_to();
        if had_baseline && value == baseline {
            return Err(NothingToDrain {}.into());
        }
        if had_baseline && value > baseline {
            return Ok(Some(Allowance::Free { baseline, value }));
        }
        buffer.has_baseline.set(true);
        buffer.baseline.set(U128::from(value));
        Ok(None)
    }

    /// What a round drains that begins now: what `allowance` lets, as far as the next deposits hold it, and behind the last
    /// of them what is nobody's. Passes over those that nothing is left of, and moves the baseline. Later rounds look back to
    /// the end of its span at least.
    #[inline(never)]
    fn allot(&mut self, id: B256, allowance: &Allowance, span: Span) -> U256 {
        let allowed = match allowance {
            Allowance::All => U256::MAX,
            Allowance::Free { baseline, value } => U256::from(value.saturating_sub(*baseline)),
        };
        let queue = self.deposits.getter(id);
        let mut buffer = self.buffers.setter(id);
        let head = buffer.head.get().wrapping_to::<u64>();
        let tail = buffer.tail.get().wrapping_to::<u64>();
        let last = head.saturating_add(MAX_DEPOSITS_PER_DRAIN).min(tail);
        let (mut sum, mut next, mut number) = (U256::ZERO, head, head);
        while number < last && sum < allowed {
            sum = sum.saturating_add(widen(queue.getter(U64::from(number)).amount.get()));
            number = number.saturating_add(1);
            if sum.is_zero() {
                next = number;
            }
        }
        if number == tail {
            sum = sum.saturating_add(widen(buffer.unattributed.get()));
        }
        if next != head {
            buffer.head.set(U64::from(next));
        }
        let amount = sum.min(allowed);
        if !amount.is_zero() {
            buffer.last_round.set(U32::wrapping_from(span.until));
        }
        if let Allowance::Free { value, .. } = allowance {
            // What the queue has no use for expires. Where only the bound on deposits stood in the way, the rest stays free:
            // else many small deposits could slow the draining down.
            let kept = match number == tail {
                true => 0,
                false => math::to_u128_saturating(allowed.saturating_sub(amount)),
            };
            buffer.baseline.set(U128::from(value.saturating_sub(kept)));
        }
        amount
    }

    /// Those of `sinks` that the round has not weighed yet; or, while it is paying, that it has weighed and not paid yet.
    #[inline(never)]
    fn stamp(&mut self, id: B256, round: &Round, mut sinks: Sinks) -> Sinks {
        let number = round.number.wrapping_to::<u64>();
        let done = U64::from(number.saturating_add(round.is_paying.into()));
        let mut stamps = self.stamps.setter(id);
        sinks.retain(|(sink, _)| {
            let mut stamp = stamps.setter(*sink);
            let is_due = (stamp.get() == round.number) == round.is_paying;
            if is_due {
                stamp.set(done);
            }
            is_due
        });
        sinks
    }

    /// While a round is paying, what it counts on stays where it is.
    pub(super) fn refuse_while_paying(&self, id: B256) -> Result<(), Error> {
        match self.is_paying(id) {
            true => Err(RoundOpen {}.into()),
            false => Ok(()),
        }
    }

    fn is_paying(&self, id: B256) -> bool {
        self.buffers.getter(id).is_paying.get()
    }

    /// The round that is open. One that nobody weighed to its end in four hours is given up: what came in since would be paid
    /// for what was served before.
    #[inline(never)]
    fn open_round(&self, id: B256) -> Option<Round> {
        let buffer = self.buffers.getter(id);
        let end = buffer.round_end.get();
        let until: u64 = buffer.round_until.get().wrapping_to();
        let age = clock::block_timestamp(self.vm()).saturating_sub(until);
        let is_fresh = buffer.is_paying.get() || age <= LEAST_LOOK_BACK;
        (!end.is_zero() && is_fresh).then(|| Round {
            amount: widen(buffer.round_amount.get()),
            total: widen(buffer.round_total.get()),
            paid: widen(buffer.round_paid.get()),
            cursor: buffer.round_cursor.get().wrapping_to(),
            end: end.wrapping_to(),
            number: buffer.round_number.get(),
            span: Span {
                since: buffer.round_from.get().wrapping_to(),
                until,
            },
            is_paying: buffer.is_paying.get(),
        })
    }

    /// Writes a round of several calls down. Closes it after the last page that is paid.
    #[inline(never)]
    fn store_round(&mut self, id: B256, round: &Round) {
        let goes_on = round.cursor > 0;
        let mut buffer = self.buffers.setter(id);
        buffer.is_paying.set(goes_on && round.is_paying);
        buffer.round_number.set(round.number);
        let end = match goes_on {
            true => round.end,
            false => 0,
        };
        buffer.round_end.set(U32::from(end));
        if goes_on {
            // Fits: part of the level, as is what has been paid of it. Sums of 104 bits.
            buffer.round_amount.set(Amount::wrapping_from(round.amount));
            let total = math::to_u128_saturating(round.total);
            buffer.round_total.set(U128::from(total));
            buffer.round_paid.set(Amount::wrapping_from(round.paid));
            buffer.round_cursor.set(U32::from(round.cursor));
            buffer.round_from.set(U32::wrapping_from(round.span.since));
            buffer.round_until.set(U32::wrapping_from(round.span.until));
        }
    }

    /// Takes the sum of `payments` from the oldest deposits, and makes them.
    #[inline(never)]
    fn pay_all(&mut self, id: B256, payments: Sinks) -> Result<(), Error> {
        self.consume(id, sum(&payments))?;
        for (sink, amount) in payments {
            self.pay(id, sink, amount)?;
        }
        Ok(())
    }

    /// Pays `sink`, or credits it if the token reverts: a sink that cannot be paid does not stand in the way of others.
    #[inline(never)]
    fn pay(&mut self, id: B256, sink: Address, amount: U256) -> Result<(), Error> {
        require_gas(self.vm(), PAYMENT_GAS)?;
        if erc20::try_transfer(self.vm(), self.token.get(), sink, amount, PAYMENT_GAS)? {
            emit!(self.vm(), Drained[id, sink](amount));
            return Ok(());
        }
        // Fits, all three: what was booked until now.
        let credit = self.credits.get(sink).saturating_add(amount);
        self.credits.setter(sink).set(credit);
        let credited = widen(self.credited.get()).saturating_add(amount);
        self.credited.set(U128::wrapping_from(credited));
        emit!(self.vm(), Credited[id, sink](amount));
        Ok(())
    }
}

fn sum(sinks: &Sinks) -> U256 {
    sinks
        .iter()
        .fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount))
}
