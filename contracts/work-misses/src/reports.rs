//! Reports and answers.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U128, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, Revert},
    eip712::hash_words,
    emit,
    events::Word,
    interfaces::IWorkReserve,
    judging::to_epoch,
    packed::{narrow, pack, to_u128},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    pair, signed::to_words, AlreadyReported, AmountTooLarge, AnswerRejected, AnswerTooLate,
    BatchTooLarge, Error, InvalidTerm, MissAnswered, MissReported, NoSuchMiss, SignedReceipt,
    SignedWork, SinkIsSource, WorkMisses, ZeroAmount,
};

/// A deadline is at most so many seconds after the task was accepted.
pub const MAX_TERM: u64 = 3_600;
/// A report is answered within so many seconds.
pub const ANSWER_WINDOW: u64 = 3_600;
/// The most answers in a batch.
pub const MAX_BATCH: usize = 64;

/// A report that has been answered; one that waits has 1, and in how many epochs after the deadline's it was made.
const ANSWERED: u64 = 7;

/// A task that was reported. One slot: work (104 bits), value (112), stamp (40): when it was reported, times eight, and its state.
#[storage]
pub struct Miss {
    work: StorageUint<104, 2>,
    value: StorageUint<112, 2>,
    stamp: StorageUint<40, 1>,
}

/// What of a sink's tasks that were due in an epoch was missed: reported and not answered. One slot: work (128 bits), value (112),
/// settled (8).
#[storage]
pub struct Missed {
    pub(super) work: StorageU128,
    pub(super) value: StorageUint<112, 2>,
    pub(super) settled: StorageU8,
}

impl WorkMisses {
    /// Takes down that the task was missed, and what that costs its source.
    pub(super) fn report(&mut self, task: &SignedWork, report: &[u8]) -> Result<(), Error> {
        let reserve = self.require_reserve()?;
        let (work, value) = check(task)?;
        let (id, sink, source) = (task.taskTypeId, task.sink, task.source);
        let key = task_key(id, sink, source, task.taskId);
        if !self.misses.getter(key).stamp.get().is_zero() {
            let task_id = task.taskId;
            return Err(AlreadyReported { taskId: task_id }.into());
        }
        self.require_report(task, report)?;
        let words = self.require_accepted(task)?;
        let signature = to_words(&task.sourceSig)?;
        let mut arguments = words.to_vec();
        arguments.extend(signature);
        // That now is the time, that the source signed, and that its money is there.
        let selector = IWorkReserve::chargeCall::SELECTOR;
        invoke_words::<0>(self.vm(), reserve, selector, &arguments)?;

        // Fits: before now.
        let due = to_epoch(task.deadline.wrapping_to());
        let late = u64::from(to_epoch(self.now()).saturating_sub(due));
        let stamp = to_stamp(self.now(), late.saturating_add(1));
        let mut miss = self.misses.setter(key);
        miss.work.set(pack(work));
        miss.value.set(pack(value));
        miss.stamp.set(stamp);
        self.dues.setter(pair(id, sink)).add(due);
        let mut missed = self.missed.setter(epoch_key(id, sink, due));
        // Fit: a sum of values is at most what all sources have paid; of works there would have to be 2^24 of the greatest.
        let sum = to_u128(missed.work.get()).saturating_add(work);
        missed.work.set(U128::from(sum));
        let sum = to_u128(missed.value.get()).saturating_add(value);
        missed.value.set(pack(sum));
        emit!(
            self.vm(),
            MissReported[id, sink, source](task.taskId, work, value, task.deadline)
        );
        Ok(())
    }

    /// Gives the sink what was taken for a task that it did after all.
    pub(super) fn answer(&mut self, receipt: &SignedReceipt) -> Result<(), Error> {
        let reserve = self.require_reserve()?;
        let (id, sink, source) = (receipt.taskTypeId, receipt.sink, receipt.source);
        let key = task_key(id, sink, source, receipt.taskId);
        let miss = self.misses.getter(key);
        let stamp: u64 = miss.stamp.get().wrapping_to();
        let (reported, state) = (stamp >> 3, stamp & 7);
        let Some(late) = state.checked_sub(1).filter(|_| state != ANSWERED) else {
            let task_id = receipt.taskId;
            return Err(NoSuchMiss { taskId: task_id }.into());
        };
        let latest = reported.saturating_add(ANSWER_WINDOW);
        if self.now() > latest {
            let latest = U256::from(latest);
            return Err(AnswerTooLate { latest }.into());
        }
        self.require_receipt(receipt)?;
        let (work, value) = (to_u128(miss.work.get()), to_u128(miss.value.get()));
        let mut miss = self.misses.setter(key);
        miss.stamp.set(to_stamp(reported, ANSWERED));
        let due = to_epoch(reported).saturating_sub(late as u32);
        let mut missed = self.missed.setter(epoch_key(id, sink, due));
        // It is part of both sums.
        let rest = to_u128(missed.work.get()).saturating_sub(work);
        missed.work.set(U128::from(rest));
        let rest = to_u128(missed.value.get()).saturating_sub(value);
        missed.value.set(pack(rest));
        self.award(reserve, id, sink, value, true)?;
        emit!(self.vm(), MissAnswered[id, sink, source](receipt.taskId, value));
        Ok(())
    }

    /// Answers with what is good of several, and says what is not.
    pub(super) fn answer_all(&mut self, receipts: &[SignedReceipt]) -> Result<(), Error> {
        if receipts.len() > MAX_BATCH {
            let length = U256::from(receipts.len());
            return Err(BatchTooLarge { length }.into());
        }
        self.require_reserve()?;
        for receipt in receipts {
            let reason = match self.answer(receipt) {
                Ok(()) => continue,
                // The caller's fault: too little gas, of which a neighbour that runs out says nothing. Nothing is written before
                // anything else fails.
                Err(Error::Revert(revert)) => return Err(revert.into()),
                Err(error) => selector(error),
            };
            emit!(
                self.vm(),
                AnswerRejected[receipt.taskTypeId, receipt.sink, receipt.source](
                    receipt.taskId,
                    reason
                )
            );
        }
        Ok(())
    }

    /// Has the reserve give `amount` of what was taken for tasks of `sink` to it, or to the treasury; returns to whom.
    pub(super) fn award(
        &self,
        reserve: Address,
        id: B256,
        sink: Address,
        amount: u128,
        to_sink: bool,
    ) -> Result<Address, Revert> {
        let arguments = [id, sink.word(), amount.word(), to_sink.word()];
        let selector = IWorkReserve::awardCall::SELECTOR;
        let [to] = invoke_words(self.vm(), reserve, selector, &arguments)?;
        Ok(bpe_common::call::to_address(to))
    }
}

/// Work and value of a task that can be reported: they have to be something, and to fit.
fn check(task: &SignedWork) -> Result<(u128, u128), Error> {
    if task.sink == task.source {
        return Err(SinkIsSource {}.into());
    }
    let (timestamp, deadline) = (task.timestamp, task.deadline);
    let term = deadline.saturating_sub(timestamp);
    if timestamp > deadline || term > U256::from(MAX_TERM) {
        return Err(InvalidTerm {
            timestamp,
            deadline,
        }
        .into());
    }
    let (work, value) = (task.work, task.value);
    if work.is_zero() || value.is_zero() {
        return Err(ZeroAmount {}.into());
    }
    if narrow::<104, 2>(work).is_none() || narrow::<112, 2>(value).is_none() {
        let amount = work.max(value);
        return Err(AmountTooLarge { amount }.into());
    }
    Ok((work.wrapping_to(), value.wrapping_to()))
}

fn to_stamp(time: u64, state: u64) -> Uint<40, 1> {
    Uint::wrapping_from(time << 3 | state)
}

fn task_key(id: B256, sink: Address, source: Address, task: B256) -> B256 {
    hash_words(&[id, sink.word(), source.word(), task])
}

pub(super) fn epoch_key(id: B256, sink: Address, epoch: u32) -> B256 {
    hash_words(&[id, sink.word(), u64::from(epoch).word()])
}

/// The selector of the error, as a word: bytes4 stand on the left.
fn selector(error: Error) -> B256 {
    let encoded: Vec<u8> = error.into();
    let mut word = B256::ZERO;
    for (to, from) in word.iter_mut().zip(encoded.iter().take(4)) {
        *to = *from;
    }
    word
}
