//! Tasks that sinks accepted and did not do: what they cost is taken from their sources, and is the sink's if it answers, else
//! the treasury's. It never goes back to its source, or reporting would be free.
//!
//! Judge says what is reported and answered. Here it is checked what no Judge can be trusted with: that the source signed what
//! is taken of it, that it is taken once and in time, and that only the sink or the treasury gets it.

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U128, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words},
    clock,
    eip712::{hash_words, typed_data_hash, WORK_LEDGER},
    emit,
    events::Word,
    interfaces::{IStakeTerms, ITaskTypeRegistrar, IWorkEvidence, IWorkKeys},
    judging::{to_epoch, MISS_EPOCHS},
    packed::{narrow, to_u128, widen},
    signature::recover,
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    funds::{to_amount, Amount, StorageAmount},
    AlreadyReported, AmountTooLarge, AnswerTooLate, Error, InvalidSignature, InvalidTerm,
    MissAnswered, MissReported, MissesSettled, NoSuchMiss, NotToBeReported, SettledTooEarly,
    UnauthorizedCaller, WorkReserve, ZeroAmount,
};

/// A deadline is at most so many seconds after the task was accepted.
pub const MAX_TERM: u64 = 3_600;
/// A miss is reported within so many seconds after the deadline.
pub const REPORT_WINDOW: u64 = 600;
/// A report is answered within so many seconds.
pub const ANSWER_WINDOW: u64 = 3_600;
/// `keccak256("WorkAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)")`
pub const ASSIGNMENT_TYPEHASH: B256 =
    b256!("58038cfa2e71e1db197862627fc0e6747bbc37aec35ec7c47a7b9078b3e6c1fc");

/// A report that has been answered; one that waits has 1, and in how many epochs after the deadline's it was made.
const ANSWERED: u64 = 7;

/// A task that was reported. One slot: work (104 bits), value (112), stamp (40): when it was reported, times eight, and its state.
#[storage]
pub struct Miss {
    work: StorageUint<104, 2>,
    value: StorageAmount,
    stamp: StorageUint<40, 1>,
}

/// What of a sink's tasks that were due in an epoch was missed: reported and not answered. One slot: work (128 bits), value (112),
/// settled (8).
#[storage]
pub struct Missed {
    work: StorageU128,
    value: StorageAmount,
    settled: StorageU8,
}

/// What both signed when the task was accepted.
pub(super) struct Assignment {
    pub(super) id: B256,
    pub(super) sink: Address,
    pub(super) source: Address,
    pub(super) task: B256,
    pub(super) work: U256,
    pub(super) value: U256,
    pub(super) timestamp: U256,
    pub(super) deadline: U256,
}

impl Assignment {
    fn hash(&self) -> B256 {
        hash_words(&[
            ASSIGNMENT_TYPEHASH,
            self.id,
            self.sink.word(),
            self.source.word(),
            self.task,
            self.work.word(),
            self.value.word(),
            self.timestamp.word(),
            self.deadline.word(),
        ])
    }
}

impl WorkReserve {
    pub(super) fn only_judge(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        let judge = self.link(self.work_ledger.get(), IWorkEvidence::judgeCall::SELECTOR)?;
        match caller == judge {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }

    /// Takes what the assignment names from what is free of the source's money, which signed it.
    pub(super) fn take_miss(
        &mut self,
        assignment: &Assignment,
        signature: &[u8; 65],
    ) -> Result<(), Error> {
        let deadline = self.require_due(assignment)?;
        let (work, value) = amounts(assignment)?;
        let (id, sink, source) = (assignment.id, assignment.sink, assignment.source);
        let key = task_key(id, sink, source, assignment.task);
        if !self.misses.getter(key).stamp.get().is_zero() {
            return Err(AlreadyReported {
                taskId: assignment.task,
            }
            .into());
        }
        self.require_signed(source, assignment.hash(), signature)?;
        let mut funds = self.require_free(id, source, assignment.value)?;
        let amount = to_u128(value);
        // Covered: it is free.
        funds.unspent = funds.unspent.saturating_sub(amount);
        self.store_funds(id, source, &funds, amount);

        let (now, due) = (self.now(), to_epoch(deadline));
        let late = u64::from(to_epoch(now).saturating_sub(due));
        let mut miss = self.misses.setter(key);
        miss.work.set(work);
        miss.value.set(value);
        miss.stamp.set(to_stamp(now, late.saturating_add(1)));
        let mut missed = self.missed.setter(epoch_key(id, sink, due));
        // Fit: a sum of values is at most what all sources have paid; of works there would have to be 2^24 of the greatest.
        let sum = to_u128(missed.work.get()).saturating_add(to_u128(work));
        missed.work.set(U128::from(sum));
        let sum = to_u128(missed.value.get()).saturating_add(amount);
        missed.value.set(to_amount(sum));
        let pending = self.pending(id).saturating_add(amount);
        self.set_pending(id, pending);
        emit!(
            self.vm(),
            MissReported[id, sink, source](assignment.task, to_u128(work), amount, deadline)
        );
        Ok(())
    }

    /// Gives the sink what was taken for a task that it did after all.
    pub(super) fn award_miss(
        &mut self,
        id: B256,
        (sink, source): (Address, Address),
        task: B256,
    ) -> Result<(), Error> {
        let key = task_key(id, sink, source, task);
        let miss = self.misses.getter(key);
        let stamp: u64 = miss.stamp.get().wrapping_to();
        let (reported, state) = (stamp >> 3, stamp & 7);
        let Some(late) = state.checked_sub(1).filter(|_| state != ANSWERED) else {
            return Err(NoSuchMiss { taskId: task }.into());
        };
        let latest = reported.saturating_add(ANSWER_WINDOW);
        if self.now() > latest {
            let latest = U256::from(latest);
            return Err(AnswerTooLate { latest }.into());
        }
        let (work, value) = (to_u128(miss.work.get()), to_u128(miss.value.get()));
        let mut miss = self.misses.setter(key);
        miss.stamp.set(to_stamp(reported, ANSWERED));
        let due = to_epoch(reported).saturating_sub(late as u32);
        let mut missed = self.missed.setter(epoch_key(id, sink, due));
        // It is part of both sums, and of what is pending.
        let rest = to_u128(missed.work.get()).saturating_sub(work);
        missed.work.set(U128::from(rest));
        let rest = to_u128(missed.value.get()).saturating_sub(value);
        missed.value.set(to_amount(rest));
        let pending = self.pending(id).saturating_sub(value);
        self.set_pending(id, pending);
        self.owe(id, sink, value);
        emit!(self.vm(), MissAnswered[id, sink, source](task, value));
        Ok(())
    }

    /// Gives the treasury what nobody answered of an epoch, once, and has what the sink has shown fall. Returns work and value.
    pub(super) fn settle(
        &mut self,
        id: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<(u128, u128), Error> {
        let end = u64::from(epoch)
            .saturating_add(1)
            .saturating_add(u64::from(MISS_EPOCHS));
        let available_at = end.saturating_mul(clock::EPOCH);
        if self.now() < available_at {
            return Err(SettledTooEarly {
                availableAt: U256::from(available_at),
            }
            .into());
        }
        let key = epoch_key(id, sink, epoch);
        let missed = self.missed.getter(key);
        let (work, value) = (to_u128(missed.work.get()), to_u128(missed.value.get()));
        if value == 0 || !missed.settled.get().is_zero() {
            return Ok((work, value));
        }
        self.missed.setter(key).settled.set(U8::from(1));
        let treasury = self.treasury()?;
        let pending = self.pending(id).saturating_sub(value);
        self.set_pending(id, pending);
        self.owe(id, treasury, value);
        emit!(
            self.vm(),
            MissesSettled[id, sink, treasury](u64::from(epoch), work, value)
        );
        let arguments = [id, sink.word(), work.word(), value.word()];
        let selector = IWorkKeys::missWorkCall::SELECTOR;
        let [] = invoke_words(self.vm(), self.work_vouchers.get(), selector, &arguments)?;
        Ok((work, value))
    }

    /// What of a sink's tasks that were due in an epoch was missed, and whether that is settled.
    pub(super) fn missed_of(&self, id: B256, sink: Address, epoch: u32) -> (u128, u128, bool) {
        let missed = self.missed.getter(epoch_key(id, sink, epoch));
        (
            to_u128(missed.work.get()),
            to_u128(missed.value.get()),
            !missed.settled.get().is_zero(),
        )
    }

    /// The deadline, if now is the time to report.
    fn require_due(&self, assignment: &Assignment) -> Result<u64, Error> {
        let (timestamp, deadline) = (assignment.timestamp, assignment.deadline);
        let term = deadline.saturating_sub(timestamp);
        if timestamp > deadline || term > U256::from(MAX_TERM) {
            return Err(InvalidTerm {
                timestamp,
                deadline,
            }
            .into());
        }
        let now = U256::from(self.now());
        let until = deadline.saturating_add(U256::from(REPORT_WINDOW));
        if now <= deadline || now > until {
            return Err(NotToBeReported { deadline, until }.into());
        }
        // Fits: before now.
        Ok(deadline.wrapping_to())
    }

    /// Refuses unless `account` signed: with its own key, or one that signs for it at WorkVouchers, whose domain it is.
    fn require_signed(
        &self,
        account: Address,
        message: B256,
        signature: &[u8; 65],
    ) -> Result<(), Error> {
        let vouchers = self.work_vouchers.get();
        let separator = WORK_LEDGER.separator_of(self.vm(), vouchers);
        let signer = recover(self.vm(), typed_data_hash(separator, message), signature)?;
        if signer == account {
            return Ok(());
        }
        let selector = IWorkKeys::getKeyUntilCall::SELECTOR;
        let arguments = [account.word(), signer.word()];
        let [until] = query_words(self.vm(), vouchers, selector, &arguments)?;
        match until > U256::from(self.now()) {
            true => Ok(()),
            false => Err(InvalidSignature { account, signer }.into()),
        }
    }

    /// StakeManager's, as slashes have it. Asked for each time, since it can change.
    fn treasury(&self) -> Result<Address, Error> {
        let registry = self.link(
            self.work_ledger.get(),
            IWorkEvidence::capacityRegistryCall::SELECTOR,
        )?;
        let stakes = self.link(registry, ITaskTypeRegistrar::stakeManagerCall::SELECTOR)?;
        self.link(stakes, IStakeTerms::treasuryCall::SELECTOR)
    }

    fn pending(&self, id: B256) -> u128 {
        to_u128(self.holdings.getter(id).pending.get())
    }

    fn set_pending(&mut self, id: B256, pending: u128) {
        let mut holdings = self.holdings.setter(id);
        holdings.pending.set(U128::from(pending));
    }
}

/// Work and value, which have to be something, and to fit.
fn amounts(assignment: &Assignment) -> Result<(Uint<104, 2>, Amount), Error> {
    let (work, value) = (assignment.work, assignment.value);
    if work.is_zero() || value.is_zero() {
        return Err(ZeroAmount {}.into());
    }
    match (narrow(work), narrow(value)) {
        (Some(work), Some(value)) => Ok((work, value)),
        _ => Err(AmountTooLarge {
            amount: work.max(value),
        }
        .into()),
    }
}

fn to_stamp(time: u64, state: u64) -> Uint<40, 1> {
    Uint::wrapping_from(time << 3 | state)
}

fn task_key(id: B256, sink: Address, source: Address, task: B256) -> B256 {
    hash_words(&[id, sink.word(), source.word(), task])
}

fn epoch_key(id: B256, sink: Address, epoch: u32) -> B256 {
    hash_words(&[id, sink.word(), u64::from(epoch).word()])
}
