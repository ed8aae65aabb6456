//! CompletionTracker: what sinks complete, counted by epoch. It is what Judge, the only slasher, is told.
//!
//! | who | may |
//! |---|---|
//! | a source | [`record_completion`](CompletionTracker::record_completion) |
//! | anyone | bring receipts, assignments and evidence; advance epochs |
//! | the owner | set a task type's completion weight, yardstick and verifier, with notice once staking is open; name Judge, once |
//!
//! Capacities are in units of 1e-9, stakes in the stake token's wei, rates in basis points, times in seconds since 1970.
//!
//! # Epochs
//!
//! Epoch n is `[300·n, 300·(n + 1))`, the same for all. A completion counts in the epoch in which it is recorded, so nothing
//! is won by holding a receipt back. Counters are kept by epoch and never reset: when an epoch is judged, late or in
//! time, it is judged by the same numbers.
//!
//! # Who judges
//!
//! Judge does, with what is owed, the counters of bad epochs and the slash: see its documentation. It is named once, for
//! ever, and was made for this contract. [`advance_epoch`](CompletionTracker::advance_epoch) tells it all that is known here,
//! and publishes what it says; whoever calls first is paid a small part of a slash. Until there is a Judge nobody is judged,
//! and everything else works.
//!
//! # Nobody is judged by accident
//!
//! A task type is judged from the first epoch of its first yardstick on, and by epochs after this contract was constructed.
//! Without a yardstick nobody owes anything. Weight and yardstick are judged by as they stood in the epoch.
//!
//! # Nor without notice
//!
//! Once staking is open, yardsticks, weights and verifiers wait for StakeManager's `powerNotice`, in which sinks can leave.
//! What an owner has announced for an epoch stands, or nothing is owed in it: of a yardstick that is taken away or exchanged
//! before it begins, the end of the one before remains, and who takes a verifier away takes the yardstick along.
//!
//! # What two signatures do not prove
//!
//! A sink that is its own source, by another key, can sign itself receipts. A source that is served can refuse to sign: a
//! sink accepts assignments from whom it trusts that far, and evidence by a verifier needs no source.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod advancing;
mod interface;
mod proof;
mod tasks;
mod yardsticks;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256};
use bpe_common::{
    call::require_contract,
    clock,
    eip712::{hash_words, Domain, DomainFields, COMPLETION_TRACKER},
    emit,
    judging::{to_epoch, Dues},
    math,
    ownable::Ownable,
    packed::{narrow, widen},
    powers,
};
use stylus_sdk::{abi, prelude::*, storage::*};

#[allow(unused_imports)]
pub use bpe_common::judging::{
    ASSIGNED, CONSECUTIVE_EPOCHS_FOR_SLASH, DECLARED, MAX_EPOCHS, MISSED, MISS_EPOCHS,
    MISS_UNBONDING, NONE, SLASH_AMOUNT_BPS, SLASH_THRESHOLD_BPS,
};
pub use interface::*;
#[allow(unused_imports)]
pub use proof::{SIGNER_GAS, VERIFIER_GAS};
use tasks::{Epoch, Task, TaskRecord};
#[allow(unused_imports)]
pub use tasks::{JUDGING_TIME, MAX_BATCH, MAX_CLOCK_SKEW, MAX_DEADLINE, MAX_RECEIPT_AGE};
use yardsticks::{Verifier, Yardstick};
pub use yardsticks::{VERIFIER, YARDSTICK};

/// The domain that receipts and assignments are signed for.
pub const DOMAIN: Domain = COMPLETION_TRACKER;
/// `keccak256("CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)")`
pub const COMPLETION_TYPEHASH: B256 =
    b256!("7619767ac53e1c74b317807ae59255eef42deb8afaaf9aab91d0161a1eecf383");
/// `keccak256("TaskAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 deadline)")`
pub const ASSIGNMENT_TYPEHASH: B256 =
    b256!("c6b0d5a05743bcfcb89e8a5cd25b20d3cc611c06667bf7dca580226a9dcde879");

// Few widths, as each costs code: 24 bits count, 72 hold capacities, 112 stakes.

/// Numbers of epochs, until 2129; counts of tasks, 55 000 a second in an epoch.
type Count = Uint<24, 1>;
type StorageCount = StorageUint<24, 1>;
/// As CapacityRegistry keeps capacities.
type Capacity = Uint<72, 2>;
type StorageCapacity = StorageUint<72, 2>;
/// As StakeManager keeps stakes.
type StorageAmount = StorageUint<112, 2>;

/// The contract. Slots 0–1: ownership. Slot 2: the registry (160 bits), the first epoch that is judged (24). Slot 3:
/// StakeManager. Then the mappings, and Judge.
#[entrypoint]
#[storage]
pub struct CompletionTracker {
    #[borrow]
    ownable: Ownable,
    capacity_registry: StorageAddress,
    /// The first epoch that began after the construction.
    begin: StorageCount,
    stake_manager: StorageAddress,
    verifiers: StorageMap<B256, Verifier>,
    /// By task type: of those that have begun, the last counts.
    yardsticks: StorageMap<B256, StorageVec<Yardstick>>,
    /// By the hash of task type and sink.
    dues: StorageMap<B256, Dues>,
    /// By the hash of task type and sink, and by epoch.
    epochs: StorageMap<B256, StorageMap<Count, Epoch>>,
    /// By task id: the first task that had it.
    tasks: StorageMap<B256, TaskRecord>,
    /// By key: the tasks whose id was taken. So nobody can use up an id that belongs to others.
    namesakes: StorageMap<B256, TaskRecord>,
    /// By the hash of task type and sink, and by source: the last epoch into which a deadline falls.
    sources: StorageMap<B256, StorageMap<Address, StorageCount>>,
    judge: StorageAddress,
}

#[public]
#[inherit(Ownable)]
impl CompletionTracker {
    /// Sets the contract up: where capacities are declared, where stakes are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        capacity_registry: Address,
        stake_manager: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for account in [capacity_registry, stake_manager] {
            require_contract(self.vm(), account)?;
        }
        self.capacity_registry.set(capacity_registry);
        self.stake_manager.set(stake_manager);
        let begin = self.now().saturating_add(1);
        self.begin.set(to_count(begin));
        Ok(())
    }

    // --- Recording

    /// Records that `sink` completed a task for the caller. Both have signed a `CompletionReceipt` whose timestamp is this
    /// block's; who cannot know that beforehand uses [`CompletionTracker::record_receipt`].
    ///
    /// # Errors
    ///
    /// * As [`CompletionTracker::record_receipt`], but [`StaleReceipt`].
    ///
    /// # Events
    ///
    /// * [`CompletionRecorded`]
    pub fn record_completion(
        &mut self,
        task_type_id: B256,
        sink: Address,
        task_id: B256,
        sink_sig: abi::Bytes,
        source_sig: abi::Bytes,
    ) -> Result<(), Error> {
        self.receive(&SignedTask {
            taskTypeId: task_type_id,
            sink,
            source: self.vm().msg_sender(),
            taskId: task_id,
            time: U256::from(clock::block_timestamp(self.vm())),
            sinkSig: sink_sig.0.into(),
            sourceSig: source_sig.0.into(),
        })
    }

    /// Records that `receipt.sink` completed a task for `receipt.source`, both of whom have signed the receipt. Counts
    /// in this epoch. If the task was assigned and its deadline has not passed, it is met. Where there is a verifier,
    /// evidence of a task with this id counts no more.
    ///
    /// # Errors
    ///
    /// * [`StaleReceipt`] if the receipt is more than [`MAX_RECEIPT_AGE`] old or [`MAX_CLOCK_SKEW`] ahead.
    /// * [`TaskAlreadyRecorded`], [`SinkIsSource`], [`InvalidSinkSignature`], [`InvalidSourceSignature`]
    /// * [`signature::ECDSAInvalidSignature`], [`signature::ECDSAInvalidSignatureLength`],
    ///   [`signature::ECDSAInvalidSignatureS`] if a signature is malformed.
    /// * [`InsufficientGas`] if a contract account cannot be given [`SIGNER_GAS`].
    ///
    /// # Events
    ///
    /// * [`CompletionRecorded`]
    pub fn record_receipt(&mut self, receipt: SignedTask) -> Result<(), Error> {
        self.receive(&receipt)
    }

    /// Records as many of the receipts as are good.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`], [`InsufficientGas`]
    ///
    /// # Events
    ///
    /// * [`CompletionRecorded`] or [`CompletionRejected`] for each.
    pub fn record_receipts(&mut self, receipts: Vec<SignedTask>) -> Result<(), Error> {
        self.each(receipts, false)
    }

    /// Records that `assignment.sink` has accepted a task of `assignment.source`, both of whom have signed that. It is due in
    /// the epoch of its deadline.
    ///
    /// # Errors
    ///
    /// * [`InvalidDeadline`] if it has passed, or is more than [`MAX_DEADLINE`] away, or than stakes take to unbond less
    ///   [`JUDGING_TIME`].
    /// * [`TaskAlreadyAssigned`]; [`TaskAlreadyRecorded`] if it is done already.
    /// * As [`CompletionTracker::record_receipt`] for the signatures.
    ///
    /// # Events
    ///
    /// * [`AssignmentRecorded`]
    pub fn record_assignment(&mut self, assignment: SignedTask) -> Result<(), Error> {
        self.assign(&assignment)
    }

    /// Records as many of the assignments as are good.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`], [`InsufficientGas`]
    ///
    /// # Events
    ///
    /// * [`AssignmentRecorded`] or [`AssignmentRejected`] for each.
    pub fn record_assignments(&mut self, assignments: Vec<SignedTask>) -> Result<(), Error> {
        self.each(assignments, true)
    }

    /// Records the completion that `attestation` proves to the task type's verifier; no signature is needed. `source`
    /// is the one whose task it was, if it was assigned, and zero otherwise: with it the task counts towards the
    /// assignment, also of a sink that has left. Who names none, or another, cannot keep it from being met afterwards.
    /// Of a sink a task counts once, by evidence or by a receipt.
    ///
    /// The verifier itself may call: it brings, instead of an attestation, what it would answer to one,
    /// `abi.encode(true, taskTypeId, sink, taskId)`.
    ///
    /// # Errors
    ///
    /// * [`NoVerifier`], [`EvidenceRejected`], [`SinkNotRegistered`], [`TaskAlreadyRecorded`]
    ///
    /// # Events
    ///
    /// * [`CompletionRecorded`]
    pub fn record_evidence(
        &mut self,
        task_type_id: B256,
        source: Address,
        attestation: abi::Bytes,
    ) -> Result<(), Error> {
        let proven = self.verified(task_type_id, attestation)?;
        let task = Task { source, ..proven };
        // Who has left still owes what it accepted.
        if !self.is_open(&task) && !self.is_serving(task_type_id, task.sink)? {
            return Err(SinkNotRegistered {}.into());
        }
        self.complete(&task)
    }

    // --- Anyone

    /// Has Judge judge the epochs of `sink` that have ended, [`MAX_EPOCHS`] at most, and slash it where three in a row are below
    /// the threshold. A slash reaches stake, cap, capacity and pool, or the call fails. Whoever calls first is paid what Judge
    /// says of a slash, unless it is the sink, or deadlines of its own assignments fall into the bad epochs.
    ///
    /// # Errors
    ///
    /// * [`NoJudge`], [`EpochNotElapsed`]
    /// * What StakeManager and CapacityRegistry revert with if they refuse the slash, or get too little gas for it.
    ///
    /// # Events
    ///
    /// * [`EpochAdvanced`] for each epoch, [`AutoSlashed`]
    pub fn advance_epoch(&mut self, task_type_id: B256, sink: Address) -> Result<(), Error> {
        match self.advance(task_type_id, sink)? {
            0 => Err(EpochNotElapsed {}.into()),
            _ => Ok(()),
        }
    }

    /// As [`CompletionTracker::advance_epoch`] for at most `count` sinks (and [`MAX_BATCH`]) of the task type, from number
    /// `from` on in the registry's list; none, if there is nothing to judge. Returns how many epochs were judged. For a
    /// keeper; if a slash fails, all do, and the keeper goes on beside that sink.
    ///
    /// # Returns
    ///
    /// * `epochs`
    ///
    /// # Errors
    ///
    /// * As [`CompletionTracker::advance_epoch`], but [`EpochNotElapsed`].
    ///
    /// # Events
    ///
    /// * As [`CompletionTracker::advance_epoch`].
    pub fn advance_epochs(
        &mut self,
        task_type_id: B256,
        from: U256,
        count: U256,
    ) -> Result<U256, Error> {
        let count = count.min(U256::from(MAX_BATCH));
        Ok(U256::from(self.advance_page(task_type_id, from, count)?))
    }

    // --- Owner

    /// Has `judge` judge the sinks, for ever: another one would not know who was slashed for what. It can slash once
    /// StakeManager lets it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount), [`JudgeAlreadySet`],
    ///   [`NotAContract`](bpe_common::call::NotAContract), [`ForeignJudge`]
    /// * `MalformedReturn` if `judge` is none.
    ///
    /// # Events
    ///
    /// * [`JudgeSet`]
    pub fn set_judge(&mut self, judge: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        require_contract(self.vm(), judge)?;
        self.name_judge(judge)
    }

    /// Measures the sinks of the task type from the first epoch on that begins after StakeManager's `powerNotice`: a
    /// completion stands for `weight` of capacity, and they owe what they declare ([`DECLARED`]) or what was assigned to them
    /// ([`ASSIGNED`]). With [`NONE`] they owe nothing, from the next epoch on. With a weight of 1e9 a capacity of 100 units
    /// means 100 tasks in an epoch.
    ///
    /// By [`MISSED`] they owe the work that they accept for payment, and `weight` is the task type's rate: so many wei of the stake
    /// token 1e18 wei of the payment token stand for, in a slash. For that stakes have to unbond for [`MISS_UNBONDING`] at least.
    ///
    /// What an owner has said stands, or nobody owes anything: if another yardstick is announced already, sinks owe nothing
    /// from when that was to begin until this one does. One that begins with the next epoch is not held up.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    /// * [`InvalidWeight`] if it is zero or has more than 72 bits; [`InvalidYardstick`], [`UnbondingTooShort`]
    ///
    /// # Events
    ///
    /// * [`YardstickSet`]; [`powers::PowerAnnounced`] besides, if it waits for the notice.
    pub fn set_yardstick(
        &mut self,
        task_type_id: B256,
        weight: U256,
        yardstick: u8,
    ) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if yardstick > MISSED {
            return Err(InvalidYardstick { yardstick }.into());
        }
        if yardstick == MISSED {
            self.require_unbonding()?;
        }
        let narrowed: Capacity = narrow(weight).unwrap_or_default();
        if narrowed.is_zero() {
            return Err(InvalidWeight { weight }.into());
        }
        let notice = match yardstick {
            NONE => 0,
            _ => self.power_notice()?,
        };
        let time = powers::announce(self.vm(), YARDSTICK, Address::ZERO, notice);
        let from = to_epoch(time).saturating_add(1);
        self.measure_from(task_type_id, from, narrowed, yardstick);
        Ok(())
    }

    /// Lets `verifier` (an `ICapacityVerifier`) check evidence for the task type, after StakeManager's `powerNotice`; nobody
    /// from now on, if zero.
    ///
    /// Sinks that owe work may count on evidence. So whoever takes away or replaces a verifier, or one that is announced,
    /// takes the yardstick along: from this epoch on nobody owes anything, until a yardstick is set again.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`VerifierSet`]; [`powers::PowerAnnounced`] besides, if it takes effect later; [`YardstickSet`] if the yardstick goes.
    pub fn set_verifier(&mut self, task_type_id: B256, verifier: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = self.power_notice()?;
        let from = powers::announce(self.vm(), VERIFIER, verifier, notice);
        let mut entry = self.verifiers.setter(task_type_id);
        let is_lost = !entry.account.get().is_zero();
        entry.account.set(verifier);
        entry.from.set(U256::from(from));
        if is_lost {
            self.measure_from(task_type_id, self.now(), Capacity::from(1), NONE);
        }
        emit!(self.vm(), VerifierSet[task_type_id, verifier](from));
        Ok(())
    }

    // --- Views

    /// Completions recorded in this epoch.
    pub fn get_completions(&self, task_type_id: B256, sink: Address) -> U256 {
        let epochs = self.epochs.getter(pair(task_type_id, sink));
        let record = epochs.getter(to_count(self.now()));
        widen(record.completions.get())
    }

    /// How much `sink` did, in basis points, of what it owed in the epoch that was judged last; 10 000 if it owed nothing. It
    /// stays when the sink has left; zero if none was judged.
    ///
    /// # Errors
    ///
    /// * What Judge reverts with.
    pub fn get_completion_rate(&self, task_type_id: B256, sink: Address) -> Result<U256, Error> {
        let [_next, _below, _absent, rate] = self.standing(task_type_id, sink)?;
        Ok(rate)
    }

    /// How many epochs in a row `sink` was below the threshold.
    ///
    /// # Errors
    ///
    /// * What Judge reverts with.
    pub fn get_consecutive_below_threshold(
        &self,
        task_type_id: B256,
        sink: Address,
    ) -> Result<U256, Error> {
        let [_next, below, ..] = self.standing(task_type_id, sink)?;
        Ok(below)
    }

    /// Whether a completion of a task with this id has been recorded, whosever it was. Of which there can be several: see
    /// [`CompletionTracker::get_task`].
    pub fn task_recorded(&self, task_id: B256) -> bool {
        self.tasks.getter(task_id).recorded.get()
    }

    /// Of this very task: its deadline, zero if it was not assigned, and whether its completion has been recorded; by
    /// evidence alone, or by a receipt since there is a verifier, if `source` is zero.
    ///
    /// # Returns
    ///
    /// * `deadline`
    /// * `recorded`
    pub fn get_task(
        &self,
        task_type_id: B256,
        sink: Address,
        source: Address,
        task_id: B256,
    ) -> (U256, bool) {
        let record = self.task(&Task {
            task_type: task_type_id,
            sink,
            source,
            id: task_id,
        });
        (widen(record.deadline.get()), record.recorded.get())
    }

    /// Of `sink` in `epoch`: the most capacity that it ever had until assignments due in it were recorded, completions
    /// recorded, assignments due and those of them that were met.
    ///
    /// # Returns
    ///
    /// * `accepted`
    /// * `completions`
    /// * `assigned`
    /// * `met`
    pub fn get_epoch(
        &self,
        task_type_id: B256,
        sink: Address,
        epoch: U256,
    ) -> (U256, U256, U256, U256) {
        let epochs = self.epochs.getter(pair(task_type_id, sink));
        let record = epochs.getter(epoch.saturating_to());
        (
            widen(record.accepted.get()),
            widen(record.completions.get()),
            widen(record.assigned.get()),
            widen(record.met.get()),
        )
    }

    /// How the sinks of the task type are measured in `epoch`: the weight of a completion, in capacity, or the rate of stake for
    /// payment, and the yardstick: 0 none, 1 declared, 2 assigned, 3 missed.
    ///
    /// # Returns
    ///
    /// * `weight`
    /// * `yardstick`
    pub fn get_yardstick(&self, task_type_id: B256, epoch: U256) -> (U256, u8) {
        let (weight, yardstick) = self.measure(task_type_id, epoch.saturating_to());
        (widen(weight), yardstick)
    }

    /// Who checks evidence for the task type; zero if nobody does.
    pub fn verifiers(&self, task_type_id: B256) -> Address {
        let now = clock::block_timestamp(self.vm());
        self.get_verifier(task_type_id, U256::from(now))
    }

    /// Who checks evidence for the task type at `time`, in seconds since 1970, now or later, as far as it is announced.
    pub fn get_verifier(&self, task_type_id: B256, time: U256) -> Address {
        let entry = self.verifiers.getter(task_type_id);
        match time < entry.from.get() {
            true => Address::ZERO,
            false => entry.account.get(),
        }
    }

    /// Where capacities are declared.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// Who judges and slashes; zero before [`CompletionTracker::set_judge`].
    pub fn judge(&self) -> Address {
        self.judge.get()
    }

    /// The domain that receipts and assignments are signed for (EIP-5267).
    ///
    /// # Returns
    ///
    /// * `fields`
    /// * `name`
    /// * `version`
    /// * `chainId`
    /// * `verifyingContract`
    /// * `salt`
    /// * `extensions`
    pub fn eip712_domain(&self) -> DomainFields {
        DOMAIN.fields(self.vm())
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }

    /// Type hash of what both sign when a task is done.
    #[selector(name = "COMPLETION_TYPEHASH")]
    pub fn completion_typehash(&self) -> B256 {
        COMPLETION_TYPEHASH
    }

    /// Type hash of what both sign when a task is accepted.
    #[selector(name = "ASSIGNMENT_TYPEHASH")]
    pub fn assignment_typehash(&self) -> B256 {
        ASSIGNMENT_TYPEHASH
    }

    /// So many epochs below the threshold in a row cost stake.
    #[selector(name = "CONSECUTIVE_EPOCHS_FOR_SLASH")]
    pub fn consecutive_epochs_for_slash(&self) -> U256 {
        U256::from(CONSECUTIVE_EPOCHS_FOR_SLASH)
    }

    /// Seconds of an epoch.
    #[selector(name = "EPOCH_DURATION")]
    pub fn epoch_duration(&self) -> U256 {
        U256::from(clock::EPOCH)
    }

    /// How much of the stake a slash takes, in basis points.
    #[selector(name = "SLASH_AMOUNT_BPS")]
    pub fn slash_amount_bps(&self) -> U256 {
        U256::from(SLASH_AMOUNT_BPS)
    }

    /// Below this rate, in basis points, an epoch counts against the sink.
    #[selector(name = "SLASH_THRESHOLD_BPS")]
    pub fn slash_threshold_bps(&self) -> U256 {
        U256::from(SLASH_THRESHOLD_BPS)
    }
}

impl CompletionTracker {
    fn now(&self) -> u32 {
        to_epoch(clock::block_timestamp(self.vm()))
    }
}

fn pair(task_type: B256, sink: Address) -> B256 {
    hash_words(&[task_type, sink.into_word()])
}

/// A number as it is stored.
fn to_count(number: u32) -> Count {
    Count::wrapping_from(number)
}
