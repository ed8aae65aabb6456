//! Tasks: receipts and assignments that both sides sign, and what of them counts.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    clock, eip712::hash_words, emit, interfaces::ICapacityRegistry, judging::to_epoch, packed::pack,
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    interface::selector, pair, to_count, AssignmentRecorded, AssignmentRejected, BatchTooLarge,
    Capacity, CompletionRecorded, CompletionRejected, CompletionTracker, Count, Error,
    InvalidDeadline, SignedTask, StaleReceipt, StorageAmount, StorageCapacity, StorageCount,
    TaskAlreadyAssigned, TaskAlreadyRecorded, ASSIGNMENT_TYPEHASH, COMPLETION_TYPEHASH,
};

/// A receipt is good for so many seconds.
pub const MAX_RECEIPT_AGE: u64 = 600;
/// By so many seconds the clocks of those who sign may be ahead.
pub const MAX_CLOCK_SKEW: u64 = 30;
/// So many seconds before a stake has unbonded the last deadline falls: in them the epochs up to it are judged.
pub const JUDGING_TIME: u64 = 1_800;
/// How far away a deadline may be, in seconds, however long stakes take to unbond: by default they take a day.
pub const MAX_DEADLINE: u64 = 86_400 - JUDGING_TIME;
/// The most receipts or assignments in a batch, and sinks in a keeper's page.
pub const MAX_BATCH: usize = 100;

/// One slot: accepted (72 bits), completions (24), assigned (24), met (24). All that is recorded of a sink in an epoch.
#[storage]
pub struct Epoch {
    /// The most capacity that the sink ever had until assignments were recorded that are due in this epoch.
    pub(super) accepted: StorageCapacity,
    /// Completions recorded in this epoch.
    pub(super) completions: StorageCount,
    /// Assignments due in this epoch, and those of them that were met.
    pub(super) assigned: StorageCount,
    pub(super) met: StorageCount,
}

/// One slot: tag (112 bits), deadline (72), recorded (8).
#[storage]
pub struct TaskRecord {
    /// Whose task this is: the end of its key. Nobody finds another task with the same.
    tag: StorageAmount,
    /// The deadline, if it was assigned.
    pub(super) deadline: StorageCapacity,
    pub(super) recorded: StorageBool,
}

/// A task: its parties and its id name it. `source` is zero for what evidence alone proves.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) task_type: B256,
    pub(super) sink: Address,
    pub(super) source: Address,
    pub(super) id: B256,
}

impl From<&SignedTask> for Task {
    fn from(signed: &SignedTask) -> Self {
        Self {
            task_type: signed.taskTypeId,
            sink: signed.sink,
            source: signed.source,
            id: signed.taskId,
        }
    }
}

impl Task {
    fn key(&self) -> B256 {
        hash_words(&[
            self.task_type,
            self.sink.into_word(),
            self.source.into_word(),
            self.id,
        ])
    }
}

impl CompletionTracker {
    pub(super) fn receive(&mut self, receipt: &SignedTask) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let timestamp = receipt.time;
        let latest = U256::from(now.saturating_add(MAX_CLOCK_SKEW));
        if timestamp > latest || timestamp < U256::from(now.saturating_sub(MAX_RECEIPT_AGE)) {
            return Err(StaleReceipt { timestamp }.into());
        }
        let task = Task::from(receipt);
        let (sink_sig, source_sig) = (&receipt.sinkSig, &receipt.sourceSig);
        self.require_signed(COMPLETION_TYPEHASH, &task, timestamp, sink_sig, source_sig)?;
        self.complete(&task)
    }

    pub(super) fn assign(&mut self, assignment: &SignedTask) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let deadline = assignment.time;
        if deadline <= U256::from(now) || deadline > U256::from(self.last_deadline()?) {
            return Err(InvalidDeadline { deadline }.into());
        }
        let task = Task::from(assignment);
        let (sink_sig, source_sig) = (&assignment.sinkSig, &assignment.sourceSig);
        self.require_signed(ASSIGNMENT_TYPEHASH, &task, deadline, sink_sig, source_sig)?;
        if self.is_recorded(&task) {
            return Err(TaskAlreadyRecorded {}.into());
        }
        if !self.task(&task).deadline.get().is_zero() {
            return Err(TaskAlreadyAssigned {}.into());
        }
        // The most that it ever had: what it has now it can have given up ahead of this very transaction.
        let selector = ICapacityRegistry::getPeakCapacityCall::SELECTOR;
        let capacity = self.ask_registry(selector, task.task_type, task.sink)?;
        let mut record = self.task_mut(&task);
        record.tag.set(tag(task.key()));
        record.deadline.set(Capacity::wrapping_from(deadline));
        let epoch = to_epoch(deadline.wrapping_to());
        self.note_due(&task, epoch);
        let due = to_count(epoch);
        let mut epochs = self.epochs.setter(pair(task.task_type, task.sink));
        let mut epoch = epochs.setter(due);
        let accepted = epoch.accepted.get().max(pack(capacity));
        epoch.accepted.set(accepted);
        let assigned = increment(epoch.assigned.get());
        epoch.assigned.set(assigned);
        emit!(
            self.vm(),
            AssignmentRecorded[task.task_type, task.sink, task.source](task.id, deadline)
        );
        Ok(())
    }

    /// The last second into which the deadline of an assignment that is recorded now may fall.
    fn last_deadline(&self) -> Result<u64, Error> {
        let unbonding = self.unbonding_period()?.saturating_sub(JUDGING_TIME.into());
        let most = unbonding.min(MAX_DEADLINE.into()) as u64;
        Ok(clock::block_timestamp(self.vm()).saturating_add(most))
    }

    /// Notes that a deadline falls into epoch `due`.
    fn note_due(&mut self, task: &Task, epoch: u32) {
        let pair = pair(task.task_type, task.sink);
        let mut dues = self.dues.setter(pair);
        dues.add(epoch);
        let due = to_count(epoch);
        let mut of_sink = self.sources.setter(pair);
        let mut latest = of_sink.setter(task.source);
        if latest.get() < due {
            latest.set(due);
        }
    }

    /// Records what is good of a batch, and says what is not.
    pub(super) fn each(
        &mut self,
        batch: Vec<SignedTask>,
        are_assignments: bool,
    ) -> Result<(), Error> {
        if batch.len() > MAX_BATCH {
            let length = U256::from(batch.len());
            return Err(BatchTooLarge { length }.into());
        }
        for item in batch {
            let result = match are_assignments {
                true => self.assign(&item),
                false => self.receive(&item),
            };
            let reason = match result {
                Ok(()) => continue,
                // Not the item's fault.
                Err(error @ (Error::InsufficientGas(_) | Error::Revert(_))) => return Err(error),
                Err(error) => selector(error),
            };
            let (task_type, sink, task_id) = (item.taskTypeId, item.sink, item.taskId);
            if are_assignments {
                emit!(self.vm(), AssignmentRejected[task_type, sink](task_id, reason));
            } else {
                emit!(self.vm(), CompletionRejected[task_type, sink](task_id, reason));
            }
        }
        Ok(())
    }

    /// Books a task as done. Where evidence can prove it, that too: one task counts once, by whichever comes first, and
    /// the other is good for nothing but its assignment.
    pub(super) fn complete(&mut self, task: &Task) -> Result<(), Error> {
        let source = Address::ZERO;
        let proven = Task { source, ..*task };
        let is_provable = self.has_verifier(task.task_type);
        let is_new = !is_provable || !self.is_recorded(&proven);
        if self.is_recorded(task) || !is_new && !self.is_open(task) {
            return Err(TaskAlreadyRecorded {}.into());
        }
        self.mark(task);
        if is_provable {
            self.mark(&proven);
        }
        self.count(task, is_new)
    }

    fn is_recorded(&self, task: &Task) -> bool {
        self.task(task).recorded.get()
    }

    fn mark(&mut self, task: &Task) {
        let mut record = self.task_mut(task);
        record.tag.set(tag(task.key()));
        record.recorded.set(true);
    }

    /// Counts a task that was just booked: as a completion of this epoch if it `is_new`, and towards its assignment.
    fn count(&mut self, task: &Task, is_new: bool) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let (pair, today) = (pair(task.task_type, task.sink), to_count(to_epoch(now)));
        let deadline: u64 = self.task(task).deadline.get().saturating_to();
        let mut epochs = self.epochs.setter(pair);
        if is_new {
            let mut epoch = epochs.setter(today);
            let completions = increment(epoch.completions.get());
            epoch.completions.set(completions);
        }
        if deadline >= now {
            let mut epoch = epochs.setter(to_count(to_epoch(deadline)));
            let met = increment(epoch.met.get());
            epoch.met.set(met);
        }
        emit!(
            self.vm(),
            CompletionRecorded[task.task_type, task.sink, task.source](task.id)
        );
        Ok(())
    }

    /// Whether the task was assigned, is not done, and can still be met.
    pub(super) fn is_open(&self, task: &Task) -> bool {
        let now = clock::block_timestamp(self.vm());
        let record = self.task(task);
        !record.recorded.get() && record.deadline.get().saturating_to::<u64>() >= now
    }

    pub(super) fn task(&self, task: &Task) -> StorageGuard<'_, TaskRecord> {
        match self.is_first(task) {
            true => self.tasks.getter(task.id),
            false => self.namesakes.getter(task.key()),
        }
    }

    fn task_mut(&mut self, task: &Task) -> StorageGuardMut<'_, TaskRecord> {
        match self.is_first(task) {
            true => self.tasks.setter(task.id),
            false => self.namesakes.setter(task.key()),
        }
    }

    /// Whether the task is, or can become, the first with its id.
    fn is_first(&self, task: &Task) -> bool {
        let holder = self.tasks.getter(task.id).tag.get();
        holder.is_zero() || holder == tag(task.key())
    }
}

fn tag(key: B256) -> Uint<112, 2> {
    Uint::wrapping_from(U256::from_be_bytes(key.0))
}

/// A count that is full stays so.
fn increment(count: Count) -> Count {
    count.saturating_add(Count::from(1))
}
