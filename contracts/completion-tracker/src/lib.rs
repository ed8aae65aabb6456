//! CompletionTracker: what sinks complete, counted by epoch, against what they declared or accepted; and the slash.
//!
//! | who | may |
//! |---|---|
//! | a source | [`record_completion`](CompletionTracker::record_completion) |
//! | anyone | bring receipts, assignments and evidence; advance epochs |
//! | the owner | set a task type's completion weight, yardstick and verifier, with notice once staking is open |
//!
//! Capacities are in units of 1e-9, stakes in the stake token's wei, rates in basis points, times in seconds since 1970.
//!
//! # Epochs
//!
//! Epoch n is `[300·n, 300·(n + 1))`, the same for all. A completion counts in the epoch in which it is recorded, so nothing
//! is won by holding a receipt back. Counters are kept by epoch and never reset: when an epoch is judged, late or in
//! time, it is judged by the same numbers, and one after the other. Below the threshold three times in a row, the sink
//! loses a tenth of its stake. An epoch in which nothing was due leaves the count as it was: neither leaving nor waiting
//! clears it. Only a sink that was away for a day, [`MEMORY`] epochs, starts afresh.
//!
//! # Nobody is judged by accident
//!
//! A task type is judged from the first epoch of its first yardstick on, and by epochs after this contract was constructed.
//! Without a yardstick nobody owes anything.
//!
//! # Nor without notice
//!
//! Once staking is open, yardsticks, weights and verifiers wait for StakeManager's `powerNotice`, in which sinks can leave.
//! What an owner has announced for an epoch stands, or nothing is owed in it: of a yardstick that is taken away or exchanged
//! before it begins, the end of the one before remains, and who takes a verifier away takes the yardstick along.
//!
//! # What is due
//!
//! *Declared*: completions against capacity × time, as CapacityRegistry recorded it: the capacity that the sink was paid for,
//! second by second, however often it left and came back, and whatever it declares now.
//! *Assigned*: of the tasks that the sink accepted in writing, those whose deadline falls into the epoch, at most the
//! capacity that it had then or when it accepted them, against those of them that were recorded by their deadline; they are
//! due after it has left, too. A sink that nobody sent work to owes nothing by the second. Weight and yardstick are judged by
//! as they stood in the epoch. Of an epoch that the registry no longer remembers, the most that it does remember is due.
//!
//! # The slash
//!
//! A tenth of the least stake when the three epochs were judged, which is when they ended, if somebody calls in time. Called
//! late, it is the stake of that moment: free stake can have left since, locked stake cannot. From the
//! slash on a sink owes no more than the cap that is left to it, also in epochs that are judged later. Stake, cap,
//! smoothed capacity and pool units of this task type fall in one transaction; other task types of the sink are synced by
//! [`CapacityRegistry.syncCapacity`](bpe_common::interfaces::ICapacityRegistry).
//!
//! # What two signatures do not prove
//!
//! A sink that is its own source, by another key, can sign itself receipts. A source that is served can refuse to sign: a
//! sink accepts assignments from whom it trusts that far, and evidence by a verifier needs no source.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256, U8};
use alloy_sol_types::{sol, SolCall, SolError};
use bpe_common::{
    call::{
        first_words, has_code, invoke_words, query_array, query_words, require_contract,
        require_gas, static_call, Answer, InsufficientGas, NotAContract, Revert,
    },
    clock,
    eip712::{hash_words, Domain, DomainFields},
    emit,
    interfaces::{ICapacityRegistry, ICapacityVerifier, IStakeSlasher},
    math,
    ownable::{self, Ownable},
    packed::{narrow, pack, to_u128, widen},
    powers::{self, power},
    signature::{self, is_valid_erc1271, recover},
};
use stylus_sdk::{abi, prelude::*, storage::*};

sol! {
    /// `sink` completed `taskId` for `source`; for nobody in particular, if that is zero.
    #[derive(Debug, PartialEq, Eq)]
    event CompletionRecorded(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId);
    /// A receipt in a batch was not accepted. `reason` is the selector of the error that it would have reverted with alone.
    #[derive(Debug, PartialEq, Eq)]
    event CompletionRejected(bytes32 indexed taskTypeId, address indexed sink, bytes32 taskId, bytes4 reason);
    /// `sink` owes `source` the completion of `taskId` by `deadline`.
    #[derive(Debug, PartialEq, Eq)]
    event AssignmentRecorded(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, uint256 deadline);
    /// An assignment in a batch was not accepted. `reason` as of [`CompletionRejected`].
    #[derive(Debug, PartialEq, Eq)]
    event AssignmentRejected(bytes32 indexed taskTypeId, address indexed sink, bytes32 taskId, bytes4 reason);
    /// `sink` did `completionRate` (in basis points) of what it owed in `epoch`.
    #[derive(Debug, PartialEq, Eq)]
    event EpochAdvanced(bytes32 indexed taskTypeId, address indexed sink, uint256 epoch, uint256 completionRate);
    /// `sink` is slashed by `slashAmount`, the last of its epochs with `completionRate`. What it lost at once, at most 30 % of
    /// its stake a day, StakeManager's `Slashed` says.
    #[derive(Debug, PartialEq, Eq)]
    event AutoSlashed(bytes32 indexed taskTypeId, address indexed sink, uint256 slashAmount, uint256 completionRate);
    /// From epoch `fromEpoch` on a completion of the task type stands for `weight` of capacity, and sinks are measured by
    /// `yardstick`: 0 not at all, 1 by what they declare, 2 by what was assigned to them.
    #[derive(Debug, PartialEq, Eq)]
    event YardstickSet(bytes32 indexed taskTypeId, uint256 fromEpoch, uint256 weight, uint8 yardstick);
    /// Evidence for the task type is checked by `verifier` from `from` on, in seconds since 1970; by nobody, if `verifier` is
    /// zero.
    #[derive(Debug, PartialEq, Eq)]
    event VerifierSet(bytes32 indexed taskTypeId, address indexed verifier, uint256 from);
    /// This task has been recorded as completed already.
    #[derive(Debug, PartialEq, Eq)]
    error TaskAlreadyRecorded();
    /// This task has been assigned already.
    #[derive(Debug, PartialEq, Eq)]
    error TaskAlreadyAssigned();
    /// The sink did not sign this.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSinkSignature();
    /// The source did not sign this.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSourceSignature();
    /// A sink cannot be its own source.
    #[derive(Debug, PartialEq, Eq)]
    error SinkIsSource();
    /// A receipt of `timestamp` is too old, or from the future.
    #[derive(Debug, PartialEq, Eq)]
    error StaleReceipt(uint256 timestamp);
    /// The `deadline` has passed, or is too far away.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidDeadline(uint256 deadline);
    /// No epoch has ended that is still to be judged.
    #[derive(Debug, PartialEq, Eq)]
    error EpochNotElapsed();
    /// The sink does not serve this task type.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered();
    /// The task type has no verifier.
    #[derive(Debug, PartialEq, Eq)]
    error NoVerifier(bytes32 taskTypeId);
    /// `verifier` does not say that this proves a completion of the task type.
    #[derive(Debug, PartialEq, Eq)]
    error EvidenceRejected(address verifier);
    /// `length` is more than a batch can have.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length);
    /// A completion `weight` is from 1 to 2^72 − 1.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeight(uint256 weight);
    /// There is no `yardstick` of that number: 0 is none, 1 declared, 2 assigned.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidYardstick(uint8 yardstick);

    /// What sink and source have both signed of a task: a receipt, `CompletionReceipt(bytes32 taskTypeId,address sink,address
    /// source,bytes32 taskId,uint256 timestamp)`, or an assignment, `TaskAssignment(bytes32 taskTypeId,address sink,address
    /// source,bytes32 taskId,uint256 deadline)`. `time` is the timestamp or the deadline.
    #[derive(Debug)]
    struct SignedTask {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 time;
        bytes sinkSig;
        bytes sourceSig;
    }
}

bpe_common::abi_struct!(SignedTask(
    B256,
    Address,
    Address,
    B256,
    U256,
    abi::Bytes,
    abi::Bytes
));

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    TaskAlreadyRecorded(TaskAlreadyRecorded),
    TaskAlreadyAssigned(TaskAlreadyAssigned),
    InvalidSinkSignature(InvalidSinkSignature),
    InvalidSourceSignature(InvalidSourceSignature),
    SinkIsSource(SinkIsSource),
    StaleReceipt(StaleReceipt),
    InvalidDeadline(InvalidDeadline),
    EpochNotElapsed(EpochNotElapsed),
    SinkNotRegistered(SinkNotRegistered),
    NoVerifier(NoVerifier),
    EvidenceRejected(EvidenceRejected),
    BatchTooLarge(BatchTooLarge),
    InvalidWeight(InvalidWeight),
    InvalidYardstick(InvalidYardstick),
    NotAContract(NotAContract),
    Signature(signature::Error),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// The domain that receipts and assignments are signed for.
pub const DOMAIN: Domain = Domain {
    name: "BPE-CompletionTracker",
    version: "1",
};
/// `keccak256("CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)")`
pub const COMPLETION_TYPEHASH: B256 =
    b256!("7619767ac53e1c74b317807ae59255eef42deb8afaaf9aab91d0161a1eecf383");
/// `keccak256("TaskAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 deadline)")`
pub const ASSIGNMENT_TYPEHASH: B256 =
    b256!("c6b0d5a05743bcfcb89e8a5cd25b20d3cc611c06667bf7dca580226a9dcde879");
/// `keccak256("COMPLETION_UNDERPERFORMANCE")`
pub const SLASH_REASON: B256 =
    b256!("d0e2c49981e010b210a798f5698435254fee198a8b50eb12f13710c4df92934b");

/// Below this rate an epoch counts against the sink.
pub const SLASH_THRESHOLD_BPS: u64 = 5_000;
/// So many such epochs in a row cost stake.
pub const CONSECUTIVE_EPOCHS_FOR_SLASH: u32 = 3;
/// What they cost, of the stake.
pub const SLASH_AMOUNT_BPS: u16 = 1_000;
/// A receipt is good for so many seconds.
pub const MAX_RECEIPT_AGE: u64 = 600;
/// By so many seconds the clocks of those who sign may be ahead.
pub const MAX_CLOCK_SKEW: u64 = 30;
/// How far away a deadline may be, in seconds: half an hour less than the default unbonding period, in which the epochs up
/// to it are judged.
pub const MAX_DEADLINE: u64 = 86_400 - 1_800;
/// The most receipts or assignments in a batch, and sinks in a keeper's page.
pub const MAX_BATCH: usize = 100;
/// The most epochs of a sink that one call judges; the next call goes on.
pub const MAX_EPOCHS: u32 = 64;
/// A sink that had no capacity in so many epochs in a row, a day, starts afresh.
pub const MEMORY: u32 = 288;
/// Sinks owe nothing.
pub const NONE: u8 = 0;
/// Sinks owe what they declare.
pub const DECLARED: u8 = 1;
/// Sinks owe what was assigned to them.
pub const ASSIGNED: u8 = 2;
/// The power to say what sinks owe, as [`powers::PowerAnnounced`] names it. It is given to nobody in particular.
pub const YARDSTICK: B256 = power("yardstick");
/// The power to check evidence.
pub const VERIFIER: B256 = power("verifier");
/// What a contract account may use to say whether it signed.
pub const SIGNER_GAS: u64 = 200_000;
/// What a verifier may use.
pub const VERIFIER_GAS: u64 = 5_000_000;

// Few widths, as each costs code: 24 bits count, 72 hold capacities, 112 stakes.

/// Numbers of epochs, until 2129; counts of tasks, 55 000 a second in an epoch.
type Count = Uint<24, 1>;
type StorageCount = StorageUint<24, 1>;
/// As CapacityRegistry keeps capacities.
type Capacity = Uint<72, 2>;
type StorageCapacity = StorageUint<72, 2>;
/// As StakeManager keeps stakes.
type StorageAmount = StorageUint<112, 2>;

/// Slot 0: next (24 bits), below (24), absent (24), rate (24), stake (112): all that judging a sink writes. Slot 1: bound (72),
/// bound_until (24), first_due (24), last_due (24).
#[storage]
pub struct Standing {
    /// The next epoch to be judged.
    next: StorageCount,
    /// Epochs below the threshold in a row.
    below: StorageCount,
    /// Epochs without capacity in a row.
    absent: StorageCount,
    /// Of the last epoch in which it had capacity or owed anything, in basis points.
    rate: StorageCount,
    /// The least stake when the epochs below the threshold were judged.
    stake: StorageAmount,
    /// The cap that the last slash left.
    bound: StorageCapacity,
    /// The last epoch that has to be told of `bound`: the capacity of later ones was clipped to it.
    bound_until: StorageCount,
    /// The first and the last epoch, from `next` on, into which deadlines fall.
    first_due: StorageCount,
    last_due: StorageCount,
}

/// One slot: accepted (72 bits), completions (24), assigned (24), met (24). All that is recorded of a sink in an epoch.
#[storage]
pub struct Epoch {
    /// The most capacity with which assignments were accepted that are due in this epoch.
    accepted: StorageCapacity,
    /// Completions recorded in this epoch.
    completions: StorageCount,
    /// Assignments due in this epoch, and those of them that were met.
    assigned: StorageCount,
    met: StorageCount,
}

/// One slot: tag (112 bits), deadline (72), recorded (8).
#[storage]
pub struct TaskRecord {
    /// Whose task this is: the end of its key. Nobody finds another task with the same.
    tag: StorageAmount,
    /// The deadline, if it was assigned.
    deadline: StorageCapacity,
    recorded: StorageBool,
}

/// One slot: weight (72 bits), from (24), kind (8). How a task type's sinks are measured from an epoch on.
#[storage]
pub struct Yardstick {
    weight: StorageCapacity,
    from: StorageCount,
    kind: StorageU8,
}

/// Who checks evidence, and since when. Two slots.
#[storage]
pub struct Verifier {
    account: StorageAddress,
    from: StorageU256,
}

/// The contract. Slots 0–1: ownership. Slot 2: the registry (160 bits), the first epoch that is judged (24). Slot 3: StakeManager. Then the mappings.
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
    standings: StorageMap<B256, Standing>,
    /// By the hash of task type and sink, and by epoch.
    epochs: StorageMap<B256, StorageMap<Count, Epoch>>,
    /// By task id: the first task that had it.
    tasks: StorageMap<B256, TaskRecord>,
    /// By key: the tasks whose id was taken. So nobody can use up an id that belongs to others.
    namesakes: StorageMap<B256, TaskRecord>,
}

#[public]
#[inherit(Ownable)]
impl CompletionTracker {
    /// Sets the contract up: where capacities are declared, where stakes are, and who owns the contract. StakeManager's
    /// owner has to let this contract slash.
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

    /// Records that `receipt.sink` completed a task for `receipt.source`, both of whom have signed the receipt. Counts in
    /// this epoch. If the task was assigned and its deadline has not passed, it is met.
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
    /// * [`InvalidDeadline`] if it has passed or is more than [`MAX_DEADLINE`] away.
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

    /// Records the completion that `attestation` proves to the task type's verifier; no signature is needed. `source` is the
    /// one whose task it was, if it was assigned or there may be a receipt for it too, and zero otherwise: with it the task
    /// counts once, and towards the assignment. Who names none, or another, cannot keep it from being met afterwards.
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
        if !self.is_serving(task_type_id, proven.sink)? {
            return Err(SinkNotRegistered {}.into());
        }
        let is_new = !self.mark(&proven);
        let task = Task { source, ..proven };
        let is_met = !source.is_zero() && self.is_open(&task);
        let was_recorded = !source.is_zero() && self.mark(&task);
        if was_recorded || !is_new && !is_met {
            return Err(TaskAlreadyRecorded {}.into());
        }
        self.count(&task, is_new)
    }

    // --- Anyone

    /// Judges the epochs of `sink` that have ended, [`MAX_EPOCHS`] at most, and slashes it where three in a row are below the
    /// threshold. A slash reaches stake, cap, capacity and pool, or the call fails.
    ///
    /// # Errors
    ///
    /// * [`EpochNotElapsed`]
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
        let sinks = query_array::<ICapacityRegistry::getSinksPageCall>(
            self.vm(),
            self.capacity_registry.get(),
            &[task_type_id, from.into(), count.into()],
        )?;
        let mut epochs = 0_u32;
        for sink in sinks {
            let judged = self.advance(task_type_id, Address::from_word(sink))?;
            epochs = epochs.saturating_add(judged);
        }
        Ok(U256::from(epochs))
    }

    // --- Owner

    /// Measures the sinks of the task type from the first epoch on that begins after StakeManager's `powerNotice`: a
    /// completion stands for `weight` of capacity, and they owe what they declare ([`DECLARED`]) or what was assigned to them
    /// ([`ASSIGNED`]). With [`NONE`] they owe nothing, from the next epoch on. With a weight of 1e9 a capacity of 100 units
    /// means 100 tasks in an epoch.
    ///
    /// What an owner has said stands, or nobody owes anything: if another yardstick is announced already, sinks owe nothing
    /// from when that was to begin until this one does. One that begins with the next epoch is not held up.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    /// * [`InvalidWeight`] if it is zero or has more than 72 bits; [`InvalidYardstick`]
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
        if yardstick > ASSIGNED {
            return Err(InvalidYardstick { yardstick }.into());
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
    pub fn get_completion_rate(&self, task_type_id: B256, sink: Address) -> U256 {
        U256::from(self.verdict(pair(task_type_id, sink)).rate)
    }

    /// How many epochs in a row `sink` was below the threshold.
    pub fn get_consecutive_below_threshold(&self, task_type_id: B256, sink: Address) -> U256 {
        U256::from(self.verdict(pair(task_type_id, sink)).below)
    }

    /// Whether a completion of a task with this id has been recorded, whosever it was. Of which there can be several: see
    /// [`CompletionTracker::get_task`].
    pub fn task_recorded(&self, task_id: B256) -> bool {
        self.tasks.getter(task_id).recorded.get()
    }

    /// Of this very task: its deadline, zero if it was not assigned, and whether its completion has been recorded; by
    /// evidence alone, if `source` is zero.
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

    /// Of `sink` in `epoch`: the most capacity with which assignments due in it were accepted, completions recorded, assignments
    /// due and those of them that were met.
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

    /// How the sinks of the task type are measured in `epoch`: the weight of a completion, in capacity, and the yardstick: 0
    /// none, 1 declared, 2 assigned.
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

/// A task: its parties and its id name it. `source` is zero for what evidence alone proves.
#[derive(Clone, Copy)]
struct Task {
    task_type: B256,
    sink: Address,
    source: Address,
    id: B256,
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

/// A [`Standing`] while epochs are judged.
struct Verdict {
    next: u32,
    below: u32,
    absent: u32,
    /// Of the last epoch, in basis points.
    rate: u32,
    stake: u128,
    bound: u128,
    bound_until: u32,
    first_due: u32,
    last_due: u32,
}

impl CompletionTracker {
    fn now(&self) -> u32 {
        to_epoch(clock::block_timestamp(self.vm()))
    }

    fn receive(&mut self, receipt: &SignedTask) -> Result<(), Error> {
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

    fn assign(&mut self, assignment: &SignedTask) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let deadline = assignment.time;
        let latest = U256::from(now.saturating_add(MAX_DEADLINE));
        if deadline <= U256::from(now) || deadline > latest {
            return Err(InvalidDeadline { deadline }.into());
        }
        let task = Task::from(assignment);
        let (sink_sig, source_sig) = (&assignment.sinkSig, &assignment.sourceSig);
        self.require_signed(ASSIGNMENT_TYPEHASH, &task, deadline, sink_sig, source_sig)?;
        let known = self.task(&task);
        if known.recorded.get() {
            return Err(TaskAlreadyRecorded {}.into());
        }
        if !known.deadline.get().is_zero() {
            return Err(TaskAlreadyAssigned {}.into());
        }
        let selector = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let capacity = self.ask_registry(selector, task.task_type, task.sink)?;
        let mut record = self.task_mut(&task);
        record.tag.set(tag(task.key()));
        record.deadline.set(Capacity::wrapping_from(deadline));
        let due = to_count(to_epoch(deadline.wrapping_to()));
        let mut standing = self.standings.setter(pair(task.task_type, task.sink));
        let (first, last) = (standing.first_due.get(), standing.last_due.get());
        if first > due || last < standing.next.get() || last.is_zero() {
            standing.first_due.set(due);
        }
        if last < due {
            standing.last_due.set(due);
        }
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

    /// Records what is good of a batch, and says what is not.
    fn each(&mut self, batch: Vec<SignedTask>, are_assignments: bool) -> Result<(), Error> {
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

    fn complete(&mut self, task: &Task) -> Result<(), Error> {
        match self.mark(task) {
            true => Err(TaskAlreadyRecorded {}.into()),
            false => self.count(task, true),
        }
    }

    /// Books a task as done, and returns whether it was already. Who gets `true` reverts, or goes no further.
    fn mark(&mut self, task: &Task) -> bool {
        let mut record = self.task_mut(task);
        let was_recorded = record.recorded.get();
        if !was_recorded {
            record.tag.set(tag(task.key()));
            record.recorded.set(true);
        }
        was_recorded
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
    fn is_open(&self, task: &Task) -> bool {
        let now = clock::block_timestamp(self.vm());
        let record = self.task(task);
        !record.recorded.get() && record.deadline.get().saturating_to::<u64>() >= now
    }

    fn task(&self, task: &Task) -> StorageGuard<'_, TaskRecord> {
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

    fn require_signed(
        &self,
        typehash: B256,
        task: &Task,
        time: U256,
        sink_sig: &[u8],
        source_sig: &[u8],
    ) -> Result<(), Error> {
        if task.sink == task.source {
            return Err(SinkIsSource {}.into());
        }
        let words = [
            typehash,
            task.task_type,
            task.sink.into_word(),
            task.source.into_word(),
            task.id,
            time.into(),
        ];
        let digest = DOMAIN.digest(self.vm(), hash_words(&words));
        if !self.is_signed_by(task.sink, digest, sink_sig)? {
            return Err(InvalidSinkSignature {}.into());
        }
        if !self.is_signed_by(task.source, digest, source_sig)? {
            return Err(InvalidSourceSignature {}.into());
        }
        Ok(())
    }

    /// Whether `signer` signed, with its key or as a contract. A key comes first: that spares most signers the question
    /// whether they have code, and nobody has the key of a contract's address.
    fn is_signed_by(&self, signer: Address, digest: B256, sig: &[u8]) -> Result<bool, Error> {
        let recovered = recover(self.vm(), digest, sig);
        if recovered.as_ref() == Ok(&signer) {
            return Ok(true);
        }
        if !has_code(self.vm(), signer) {
            recovered?;
            return Ok(false);
        }
        require_gas(self.vm(), SIGNER_GAS)?;
        Ok(is_valid_erc1271(self.vm(), signer, digest, sig, SIGNER_GAS))
    }

    /// The task that `attestation` proves to the verifier of the task type to be done.
    fn verified(&self, task_type: B256, attestation: abi::Bytes) -> Result<Task, Error> {
        let verifier = self.verifiers(task_type);
        if verifier.is_zero() {
            return Err(NoVerifier {
                taskTypeId: task_type,
            }
            .into());
        }
        let answer = match self.vm().msg_sender() == verifier {
            // It is open now, so it cannot be asked: it brings its answer along.
            true => Answer {
                success: true,
                length: attestation.len(),
                data: attestation.0,
            },
            false => self.ask(verifier, attestation.0),
        };
        if let (true, ANSWER, Some([ok, proven, sink, id])) =
            (answer.success, answer.length, first_words(&answer.data))
        {
            let is_address = Address::from_word(sink).into_word() == sink;
            if ok == B256::with_last_byte(1) && proven == task_type && is_address {
                return Ok(Task {
                    task_type,
                    sink: Address::from_word(sink),
                    source: Address::ZERO,
                    id,
                });
            }
        }
        Err(EvidenceRejected { verifier }.into())
    }

    fn ask(&self, verifier: Address, attestation: Vec<u8>) -> Answer {
        let length = attestation.len();
        let mut request = ICapacityVerifier::verifyCall::SELECTOR.to_vec();
        request.extend_from_slice(B256::with_last_byte(32).as_slice());
        request.extend_from_slice(B256::from(U256::from(length)).as_slice());
        request.extend_from_slice(&attestation);
        request.resize(request.len().saturating_add(length.wrapping_neg() % 32), 0);
        static_call(self.vm(), verifier, &request, VERIFIER_GAS, ANSWER)
    }

    fn is_serving(&self, task_type: B256, sink: Address) -> Result<bool, Error> {
        let selector = ICapacityRegistry::isRegisteredCall::SELECTOR;
        Ok(self.ask_registry(selector, task_type, sink)? != 0)
    }

    fn ask_registry(
        &self,
        selector: [u8; 4],
        task_type: B256,
        sink: Address,
    ) -> Result<u128, Error> {
        let arguments = [task_type, sink.into_word()];
        Ok(self.number(self.capacity_registry.get(), selector, &arguments)?)
    }

    fn ask_stakes(&self, selector: [u8; 4], sink: Address) -> Result<u128, Error> {
        Ok(self.number(self.stake_manager.get(), selector, &[sink.into_word()])?)
    }

    /// What a neighbour answers: a capacity, capacity-seconds, a stake. All of them fit.
    #[inline(never)]
    fn number(&self, of: Address, selector: [u8; 4], arguments: &[B256]) -> Result<u128, Revert> {
        let [number] = query_words(self.vm(), of, selector, arguments)?;
        Ok(number.saturating_to())
    }

    /// The capacity-seconds of `sink` until `epoch` begins; `None` if the registry no longer knows.
    #[inline(never)]
    fn seconds_until(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<Option<u128>, Error> {
        let time = u64::from(epoch).saturating_mul(clock::EPOCH);
        let arguments = [task_type, sink.into_word(), U256::from(time).into()];
        let selector = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        match self.number(self.capacity_registry.get(), selector, &arguments) {
            Ok(seconds) => Ok(Some(seconds)),
            Err(Revert(reason)) if reason.starts_with(&EXPIRED) => Ok(None),
            Err(revert) => Err(revert.into()),
        }
    }

    /// The first epoch in which the task type's sinks can owe anything; `u32::MAX` if there is none.
    fn first_epoch(&self, task_type: B256) -> u32 {
        let yardsticks = self.yardsticks.getter(task_type);
        match yardsticks.getter(0) {
            Some(first) => first.from.get().max(self.begin.get()).wrapping_to(),
            None => u32::MAX,
        }
    }

    /// Passes over epochs in which the sink had no capacity and nothing was assigned to it: the next epoch to be judged is
    /// the first in which something can be due. So a sink that comes after a year is judged at once. By bisection, as the
    /// sum of capacity-seconds never falls.
    fn skip(
        &self,
        task_type: B256,
        sink: Address,
        now: u32,
        verdict: &mut Verdict,
    ) -> Result<(), Error> {
        let first = verdict.next;
        let end = match verdict.last_due < first {
            true => now,
            false => now.min(verdict.first_due),
        };
        if first.saturating_add(1) >= end {
            return Ok(());
        }
        let Some(before) = self.seconds_until(task_type, sink, first)? else {
            return Ok(());
        };
        // The sum is `before` at `low`, and more beyond `high`.
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = high.saturating_sub(high.saturating_sub(low) / 2);
            match self.seconds_until(task_type, sink, middle)? == Some(before) {
                true => low = middle,
                false => high = middle.saturating_sub(1),
            }
        }
        verdict.next = low;
        verdict.be_absent(low.saturating_sub(first));
        Ok(())
    }

    /// Judges the epochs of `sink` that have ended, and returns how many.
    ///
    /// Epochs are judged in memory while neighbours are called. Nobody can enter in between: programs refuse re-entry.
    fn advance(&mut self, task_type: B256, sink: Address) -> Result<u32, Error> {
        let now = self.now();
        let pair = pair(task_type, sink);
        let mut verdict = self.verdict(pair);
        verdict.next = verdict.next.max(self.first_epoch(task_type));
        if verdict.next >= now {
            return Ok(0);
        }
        let first = verdict.next;
        self.skip(task_type, sink, now, &mut verdict)?;
        let end = now.min(verdict.next.saturating_add(MAX_EPOCHS));
        let mut before = self.seconds_until(task_type, sink, verdict.next)?;
        let mut is_slashed = false;
        for epoch in verdict.next..end {
            let after = self.seconds_until(task_type, sink, epoch.saturating_add(1))?;
            let served = match before.zip(after) {
                Some((before, after)) => after.saturating_sub(before),
                None => self.most_served(task_type, sink)?,
            };
            before = after;
            is_slashed |= self.judge(task_type, sink, epoch, served, &mut verdict)?;
        }
        self.store(pair, &verdict);
        if is_slashed && self.is_serving(task_type, sink)? {
            invoke_words::<0>(
                self.vm(),
                self.capacity_registry.get(),
                ICapacityRegistry::syncCapacityCall::SELECTOR,
                &[task_type, sink.into_word()],
            )?;
        }
        Ok(verdict.next.saturating_sub(first))
    }

    /// The most capacity-seconds of an epoch that the registry no longer knows.
    fn most_served(&self, task_type: B256, sink: Address) -> Result<u128, Error> {
        let selector = ICapacityRegistry::getPeakCapacityCall::SELECTOR;
        let peak = self.ask_registry(selector, task_type, sink)?;
        Ok(peak.saturating_mul(EPOCH))
    }

    /// Judges one epoch, in which the sink had `served` capacity-seconds, and returns whether it was slashed.
    fn judge(
        &mut self,
        task_type: B256,
        sink: Address,
        epoch: u32,
        served: u128,
        verdict: &mut Verdict,
    ) -> Result<bool, Error> {
        verdict.next = epoch.saturating_add(1);
        match served {
            0 => verdict.be_absent(1),
            _ => verdict.absent = 0,
        }
        let judged = self.rate(task_type, pair(task_type, sink), epoch, verdict, served);
        if judged.is_none() && served == 0 {
            return Ok(false);
        }
        let rate = judged.unwrap_or(u64::from(math::BPS));
        // Fits: at most 10 000.
        verdict.rate = rate as u32;
        emit!(self.vm(), EpochAdvanced[task_type, sink](u64::from(epoch), rate));
        if judged.is_none() {
            return Ok(false);
        }
        if rate >= SLASH_THRESHOLD_BPS {
            verdict.below = 0;
            return Ok(false);
        }
        let stake = self.ask_stakes(IStakeSlasher::getStakeCall::SELECTOR, sink)?;
        verdict.stake = match verdict.below {
            0 => stake,
            _ => verdict.stake.min(stake),
        };
        verdict.below = verdict.below.saturating_add(1);
        if verdict.below < CONSECUTIVE_EPOCHS_FOR_SLASH {
            return Ok(false);
        }
        verdict.below = 0;
        verdict.bound_until = self.now();
        self.slash(task_type, sink, verdict, rate)
    }

    /// Takes from the stake of `sink` what three bad epochs cost; returns whether there was anything to take.
    fn slash(
        &mut self,
        task_type: B256,
        sink: Address,
        verdict: &mut Verdict,
        rate: u64,
    ) -> Result<bool, Error> {
        // No overflow: a stake has 112 bits. No more than the stake: it was the least so far, this one included.
        let part = verdict.stake.saturating_mul(u128::from(SLASH_AMOUNT_BPS));
        let amount = part / u128::from(math::BPS);
        if amount > 0 {
            invoke_words::<0>(
                self.vm(),
                self.stake_manager.get(),
                IStakeSlasher::slashCall::SELECTOR,
                &[sink.into_word(), U256::from(amount).into(), SLASH_REASON],
            )?;
            emit!(self.vm(), AutoSlashed[task_type, sink](amount, rate));
        }
        verdict.bound = self.ask_stakes(IStakeSlasher::getCapacityCapCall::SELECTOR, sink)?;
        Ok(amount > 0)
    }

    /// What the sink did of what it owed in `epoch`, in basis points, if it owed anything. It had `served` capacity-seconds.
    fn rate(
        &self,
        task_type: B256,
        pair: B256,
        epoch: u32,
        verdict: &Verdict,
        served: u128,
    ) -> Option<u64> {
        let (weight, yardstick) = self.measure(task_type, epoch);
        let weight = to_u128(weight);
        let epochs = self.epochs.getter(pair);
        let record = epochs.getter(to_count(epoch));
        // No product overflows: counts have 24 bits, weights and capacities 72, seconds 9, basis points 14.
        let bound = match epoch <= verdict.bound_until {
            true => verdict.bound.saturating_mul(EPOCH),
            false => u128::MAX,
        };
        let (done, owed) = match yardstick {
            DECLARED => (record.completions.get(), served.min(bound)),
            ASSIGNED => {
                let accepted = to_u128(record.accepted.get()).saturating_mul(EPOCH);
                let most = accepted.max(served).min(bound);
                (
                    record.met.get(),
                    seconds_of(record.assigned.get(), weight).min(most),
                )
            }
            _ => return None,
        };
        let all = u128::from(math::BPS);
        let rate = seconds_of(done, weight)
            .saturating_mul(all)
            .checked_div(owed)?;
        Some(rate.min(all) as u64)
    }

    /// The weight of a completion in `epoch`, and the yardstick.
    fn measure(&self, task_type: B256, epoch: u32) -> (Capacity, u8) {
        let yardsticks = self.yardsticks.getter(task_type);
        // As long as the owner made it, but what is looked for is mostly the last.
        for index in (0..yardsticks.len()).rev() {
            if let Some(yardstick) = yardsticks.getter(index) {
                if yardstick.from.get().wrapping_to::<u32>() <= epoch {
                    return (yardstick.weight.get(), yardstick.kind.get().byte(0));
                }
            }
        }
        (Capacity::from(1), NONE)
    }

    /// Measures by this from epoch `from` on, which is not judged yet. Of what was to begin later than the next epoch, only
    /// that the one before ends remains. That is the last entry at most: all before have begun, or are ends.
    fn measure_from(&mut self, task_type: B256, from: u32, weight: Capacity, kind: u8) {
        let next = self.now().saturating_add(1);
        let mut yardsticks = self.yardsticks.setter(task_type);
        let last = yardsticks.len().saturating_sub(1);
        if let Some(mut last) = yardsticks.setter(last) {
            if last.from.get().wrapping_to::<u32>() > next {
                last.kind.set(U8::from(NONE));
            }
        }
        let mut entry = yardsticks.grow();
        entry.weight.set(weight);
        entry.from.set(to_count(from));
        entry.kind.set(U8::from(kind));
        emit!(
            self.vm(),
            YardstickSet[task_type](u64::from(from), to_u128(weight), kind)
        );
    }

    /// The notice with which powers are given, in seconds; 0 until staking is open.
    fn power_notice(&self) -> Result<u64, Revert> {
        let selector = powers::IPowers::powerNoticeCall::SELECTOR;
        let notice = self.number(self.stake_manager.get(), selector, &[])?;
        Ok(notice as u64)
    }

    fn verdict(&self, pair: B256) -> Verdict {
        let standing = self.standings.getter(pair);
        Verdict {
            next: standing.next.get().wrapping_to(),
            below: standing.below.get().wrapping_to(),
            absent: standing.absent.get().wrapping_to(),
            rate: standing.rate.get().wrapping_to(),
            stake: to_u128(standing.stake.get()),
            bound: to_u128(standing.bound.get()),
            bound_until: standing.bound_until.get().wrapping_to(),
            first_due: standing.first_due.get().wrapping_to(),
            last_due: standing.last_due.get().wrapping_to(),
        }
    }

    fn store(&mut self, pair: B256, verdict: &Verdict) {
        let mut standing = self.standings.setter(pair);
        standing.next.set(to_count(verdict.next));
        standing.below.set(to_count(verdict.below));
        standing.absent.set(to_count(verdict.absent));
        standing.rate.set(to_count(verdict.rate));
        standing.stake.set(pack(verdict.stake));
        standing.bound.set(pack(verdict.bound));
        standing.bound_until.set(to_count(verdict.bound_until));
    }
}

impl Verdict {
    /// Passes over `epochs` without capacity. What was before a day of that is forgotten.
    fn be_absent(&mut self, epochs: u32) {
        self.absent = self.absent.saturating_add(epochs).min(MEMORY);
        if self.absent >= MEMORY {
            self.below = 0;
        }
    }
}

/// How CapacityRegistry says that it no longer knows.
const EXPIRED: [u8; 4] = ICapacityRegistry::ObservationExpired::SELECTOR;
/// Seconds of an epoch.
const EPOCH: u128 = clock::EPOCH as u128;
/// The length of a verifier's answer: four words.
const ANSWER: usize = 128;

fn pair(task_type: B256, sink: Address) -> B256 {
    hash_words(&[task_type, sink.into_word()])
}

fn tag(key: B256) -> Uint<112, 2> {
    Uint::wrapping_from(U256::from_be_bytes(key.0))
}

fn to_epoch(time: u64) -> u32 {
    u32::try_from(time / clock::EPOCH).unwrap_or(u32::MAX)
}

/// A number as it is stored.
fn to_count(number: u32) -> Count {
    Count::wrapping_from(number)
}

/// The value of `tasks` at `weight` units each, times the seconds of an epoch.
fn seconds_of(tasks: Count, weight: u128) -> u128 {
    to_u128(tasks).saturating_mul(weight).saturating_mul(EPOCH)
}

/// A count that is full stays so.
fn increment(count: Count) -> Count {
    count.saturating_add(Count::from(1))
}

/// The selector of an error, as the word that an event holds.
fn selector(error: Error) -> B256 {
    let encoded: Vec<u8> = error.into();
    let mut selector = B256::ZERO;
    for (to, from) in selector.iter_mut().take(4).zip(encoded) {
        *to = from;
    }
    selector
}
