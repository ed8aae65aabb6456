//! Tasks that sinks accepted and did not do, as their sources say; Judge says who is right.
//!
//! A report costs its source what the assignment names: it is never returned, so nobody reports for fun. What is answered is
//! the sink's, what is not is the treasury's. Nothing can be charged that the source has not signed, whatever Judge does.

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U128, U256};
use bpe_common::{
    eip712::hash_words,
    emit,
    events::Word,
    packed::{narrow, to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    counting::{StorageWork, Work},
    reserve::{Amount, StorageAmount},
    AlreadyReported, Error, InvalidDeadline, MissAwarded, MissCharged, NotCharged, NotDue,
    NothingAssigned, ReportTooEarly, ReportTooLate, SignedAssignment, UnauthorizedCaller,
    WorkLedger, DOMAIN,
};

/// `keccak256("WorkAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)")`
pub const ASSIGNMENT_TYPEHASH: B256 =
    b256!("58038cfa2e71e1db197862627fc0e6747bbc37aec35ec7c47a7b9078b3e6c1fc");
/// `keccak256("MissReport(bytes32 taskTypeId,address sink,bytes32 taskId)")`
pub const MISS_TYPEHASH: B256 =
    b256!("18a4c0ba156ce497094fb0847c9660a8c1cfe6454de3e42b61d60940cfc50e01");
/// A task that is paid by work is due at most so many seconds after it was accepted.
pub const MAX_TASK: u64 = 3_600;
/// A miss is reported at most so many seconds after the task was due.
pub const REPORT_WINDOW: u64 = 600;
/// A miss is answered at most so many seconds after it was reported.
pub const ANSWER_WINDOW: u64 = 3_600;

/// A miss. One slot: value (112 bits), work (104), charged_at (40). The value is zero once it is awarded; the time stays for
/// ever, as a task can be missed once.
#[storage]
pub struct Miss {
    value: StorageAmount,
    work: StorageWork,
    charged_at: StorageUint<40, 1>,
}

/// Whose task it was. Ids of tasks are unique for two parties and a task type.
fn miss_key(id: B256, sink: Address, source: Address, task: B256) -> B256 {
    hash_words(&[id, sink.word(), source.word(), task])
}

impl WorkLedger {
    /// Takes what `assignment` names from what is free of its source. Judge says that `reporter` called it; if that is not the
    /// source, the source signed `report`.
    pub(super) fn charge_miss(
        &mut self,
        assignment: &SignedAssignment,
        reporter: Address,
        report: &[u8],
    ) -> Result<(), Error> {
        self.only_judge()?;
        let (id, sink, source) = (assignment.taskTypeId, assignment.sink, assignment.source);
        let (work, value) = require_assigned(assignment)?;
        self.require_due(assignment)?;
        let key = miss_key(id, sink, source, assignment.taskId);
        if !self.misses.getter(key).charged_at.get().is_zero() {
            return Err(AlreadyReported { missId: key }.into());
        }
        let digest = DOMAIN.digest(self.vm(), assignment_hash(assignment));
        self.require_signed(sink, digest, &assignment.sinkSig)?;
        self.require_signed(source, digest, &assignment.sourceSig)?;
        if reporter != source {
            let words = [MISS_TYPEHASH, id, sink.word(), assignment.taskId];
            let digest = DOMAIN.digest(self.vm(), hash_words(&words));
            self.require_signed(source, digest, report)?;
        }
        let mut funds = self.require_free(id, source, assignment.value)?;
        // Fits: no more than what is free.
        let amount = to_u128(value);
        funds.unspent = funds.unspent.saturating_sub(amount);
        self.store_funds(id, source, &funds);
        self.reduce_unspent_sum(id, amount);
        self.change_pending(id, amount, 0);
        let now = self.now();
        let mut miss = self.misses.setter(key);
        miss.value.set(value);
        miss.work.set(work);
        miss.charged_at.set(Uint::wrapping_from(U256::from(now)));
        let (work, value) = (assignment.work, assignment.value);
        emit!(self.vm(), MissCharged[id, sink, source](assignment.taskId, work, value));
        Ok(())
    }

    /// Gives what a miss took to `to`: to its sink within the time for answers, to somebody else after it.
    pub(super) fn award_miss(
        &mut self,
        id: B256,
        sink: Address,
        source: Address,
        task: B256,
        to: Address,
    ) -> Result<U256, Error> {
        self.only_judge()?;
        let key = miss_key(id, sink, source, task);
        let miss = self.misses.getter(key);
        let (value, work) = (to_u128(miss.value.get()), to_u128(miss.work.get()));
        if value == 0 {
            return Err(NotCharged { missId: key }.into());
        }
        let charged_at: u64 = widen(miss.charged_at.get()).wrapping_to();
        let until = charged_at.saturating_add(ANSWER_WINDOW);
        let in_time = self.now() <= until;
        if in_time != (to == sink) {
            return Err(NotDue {
                missId: key,
                until: U256::from(until),
            }
            .into());
        }
        self.misses.setter(key).value.set(Amount::ZERO);
        self.change_pending(id, 0, value);
        let mut sums = self.sums.setter(id);
        let owed = to_u128(sums.owed.get()).saturating_add(value);
        sums.owed.set(U128::from(owed));
        self.owe(id, to, value);
        if !in_time {
            self.disprove(id, sink, work);
        }
        emit!(self.vm(), MissAwarded[id, sink, to](source, task, value));
        Ok(U256::from(value))
    }

    /// Value and work of a miss, and when it was charged.
    pub(super) fn miss(
        &self,
        id: B256,
        sink: Address,
        source: Address,
        task: B256,
    ) -> (U256, U256, U256) {
        let miss = self.misses.getter(miss_key(id, sink, source, task));
        (
            widen(miss.value.get()),
            widen(miss.work.get()),
            widen(miss.charged_at.get()),
        )
    }

    fn only_judge(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match caller == self.judge() {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }

    /// Refuses unless the task was due, and not long ago.
    fn require_due(&self, assignment: &SignedAssignment) -> Result<(), Error> {
        let (timestamp, deadline) = (assignment.timestamp, assignment.deadline);
        let longest = timestamp.saturating_add(U256::from(MAX_TASK));
        if deadline < timestamp || deadline > longest {
            return Err(InvalidDeadline {
                timestamp,
                deadline,
            }
            .into());
        }
        let now = U256::from(self.now());
        if now <= deadline {
            return Err(ReportTooEarly { deadline }.into());
        }
        if now > deadline.saturating_add(U256::from(REPORT_WINDOW)) {
            return Err(ReportTooLate { deadline }.into());
        }
        Ok(())
    }

    fn change_pending(&mut self, id: B256, more: u128, less: u128) {
        let mut sums = self.sums.setter(id);
        let pending = to_u128(sums.pending.get())
            .saturating_add(more)
            .saturating_sub(less);
        sums.pending.set(U128::from(pending));
    }
}

fn require_assigned(assignment: &SignedAssignment) -> Result<(Work, Amount), Error> {
    let (work, value) = (assignment.work, assignment.value);
    match (narrow(work), narrow(value)) {
        (Some(narrow_work), Some(narrow_value)) if !work.is_zero() && !value.is_zero() => {
            Ok((narrow_work, narrow_value))
        }
        _ => Err(NothingAssigned { work, value }.into()),
    }
}

fn assignment_hash(assignment: &SignedAssignment) -> B256 {
    hash_words(&[
        ASSIGNMENT_TYPEHASH,
        assignment.taskTypeId,
        assignment.sink.word(),
        assignment.source.word(),
        assignment.taskId,
        assignment.work.word(),
        assignment.value.word(),
        assignment.timestamp.word(),
        assignment.deadline.word(),
    ])
}
