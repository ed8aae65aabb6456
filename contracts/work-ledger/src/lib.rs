//! WorkLedger: what sources have paid.
//!
//! It keeps *notes*: how much of a source's stream has gone into EscrowBuffer, per task type, or, where the task type is paid by
//! work, into WorkReserve. By them WorkReserve knows whose money is there, and EscrowBuffer whose overflow.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`note`](WorkLedger::note) what a source has paid until now |
//! | EscrowBuffer | [`attribute`](WorkLedger::attribute) overflow, [`shrink`](WorkLedger::shrink) what is left of it |
//! | the owner | [`set_work_reserve`](WorkLedger::set_work_reserve), once; [`set_work_misses`](WorkLedger::set_work_misses), with notice |
//!
//! All links but WorkMisses are set once, for ever: another pool, meter or agreement could make up payments, another reserve
//! could take them. What is reported at WorkMisses costs sources money, and sinks what they have shown and their stake, so it is a
//! power over stakes: it is named at once until StakeManager is opened, and after its notice from then on.
//!
//! # Three contracts for work
//!
//! All that task types by work need has 36 KB in one program, and a program has 24 at most. So the notes are here, what sinks
//! have worked for is in WorkVouchers, and the money in WorkReserve: a contract without signatures, without an owner, and with
//! one way in. None calls back whoever calls it.
//!
//! # Notes
//!
//! A source's stream is its own distribution into the task type's pool, at a rate that Superfluid says (`getFlow`) and that
//! only the source's own changes, or its liquidation, change. What of it reaches the escrow is `rate · ∫ e/u dt`, where `e`
//! are the escrow's units and `u` all units of the pool; OverflowMeter keeps that integral exactly. From it a note deducts
//! `∫ e dt` wei, more than whatever Superfluid can round off: so the sum of all notes is at most what the escrow received.
//!
//! Where a task type is paid *by work* the units change at most hourly and each change is on record: a note counts from the
//! later of the flow's last change and the last note. Elsewhere units change with every sink, and a note counts from the
//! last note, if the flow has not changed since; otherwise it counts nothing and starts anew. So a source notes before it
//! changes its rate, as StreamGateway's macro does; what it fails to note is its own loss, and nobody else's gain. Instant
//! distributions are not noted.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod attribution;
mod interface;

mod noting;
mod reporters;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    clock, emit,
    interfaces::{IPoolDirectory, IStakeTerms, ITaskTypeRegistrar, IWorkReserve},
    ownable::Ownable,
    packed::widen,
    powers::Holder,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;
#[allow(unused_imports)]
pub use reporters::MISSES;

/// What a source has paid into a task type's escrow. Slot 0: noted (128 bits), time (32). Slot 1: index (128),
/// unit_seconds (128), as OverflowMeter had them at the last note.
#[storage]
pub struct Note {
    noted: StorageU128,
    time: StorageU32,
    index: StorageU128,
    unit_seconds: StorageU128,
}

/// The part of a source: of what is noted, all but `noted` waits to be attributed, by the scale of then. One slot: noted (128 bits), scale (64), epoch (32).
#[storage]
pub struct Part {
    noted: StorageU128,
    scale: StorageU64,
    epoch: StorageU32,
}

/// What drains have left of a task type's unattributed overflow. Slot 0: scale (64 bits), of 1 with 18 decimals, zero for 1;
/// epoch (32), how often nothing was left. Slot 1: index (128), unit_seconds (128), as OverflowMeter had them when the epoch
/// began.
#[storage]
pub struct Scale {
    scale: StorageU64,
    epoch: StorageU32,
    index: StorageU128,
    unit_seconds: StorageU128,
}

/// A task type's pool, which never changes. One slot: pool (160 bits), by_work (8), which is fixed once there is a pool.
#[storage]
pub struct KnownPool {
    pool: StorageAddress,
    by_work: StorageBool,
}

/// The contract. Slots 0–1: ownership. Slots 2–7: the neighbours, an address each. Then the mappings, WorkReserve, and
/// WorkMisses in two slots.
#[entrypoint]
#[storage]
pub struct WorkLedger {
    #[borrow]
    ownable: Ownable,
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    escrow_buffer: StorageAddress,
    overflow_meter: StorageAddress,
    token: StorageAddress,
    gda: StorageAddress,
    pools: StorageMap<B256, KnownPool>,
    notes: StorageMap<B256, StorageMap<Address, Note>>,
    parts: StorageMap<B256, StorageMap<Address, Part>>,
    scales: StorageMap<B256, Scale>,
    work_reserve: StorageAddress,
    work_misses: Holder,
}

#[public]
#[inherit(Ownable)]
impl WorkLedger {
    /// Sets the contract up: whose pools are paid into, who has capacity, where the money is, and who owns the contract.
    /// `backpressure_pool` must know its OverflowMeter by now.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`NoOverflowMeter`], `OwnableInvalidOwner`
    /// * `MalformedReturn` if `backpressure_pool` is none.
    #[constructor]
    pub fn constructor(
        &mut self,
        backpressure_pool: Address,
        capacity_registry: Address,
        escrow_buffer: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [backpressure_pool, capacity_registry, escrow_buffer] {
            require_contract(self.vm(), neighbour)?;
        }
        let meter = self.link(
            backpressure_pool,
            IPoolDirectory::overflowMeterCall::SELECTOR,
        )?;
        if meter.is_zero() {
            let pool = backpressure_pool;
            return Err(NoOverflowMeter { pool }.into());
        }
        let gda = self.link(backpressure_pool, IPoolDirectory::GDACall::SELECTOR)?;
        let token = self.link(backpressure_pool, IPoolDirectory::SUPER_TOKENCall::SELECTOR)?;
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(capacity_registry);
        self.escrow_buffer.set(escrow_buffer);
        self.overflow_meter.set(meter);
        self.gda.set(gda);
        self.token.set(token);
        Ok(())
    }

    // --- Anyone

    /// Notes what `source` has paid into the task type's escrow, or WorkReserve, by its stream until now. Never fails: without a
    /// pool, a stream or an answer it notes nothing.
    ///
    /// # Returns
    ///
    /// * `paid`: as [`WorkLedger::get_paid`], with it.
    ///
    /// # Events
    ///
    /// * [`Noted`]
    pub fn note(&mut self, task_type_id: B256, source: Address) -> U256 {
        self.note_stream(task_type_id, source);
        self.get_paid(task_type_id, source)
    }

    // --- EscrowBuffer

    /// What EscrowBuffer may attribute to `source` now, of `unattributed` wei that overflowed: what the source has paid since
    /// the last time, which is noted first. Less than `minimum` waits for more; so does everything while no note can be made.
    ///
    /// # Returns
    ///
    /// * `amount`, in wei.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    ///
    /// # Events
    ///
    /// * [`Noted`]
    pub fn attribute(
        &mut self,
        task_type_id: B256,
        source: Address,
        unattributed: U256,
        minimum: U256,
    ) -> Result<U256, Error> {
        self.only_escrow()?;
        let amount = self.take_part(task_type_id, source, unattributed, minimum);
        Ok(U256::from(amount))
    }

    /// Notes that a drain left `rest` of `before` unattributed wei: all sources' parts shrink alike.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    pub fn shrink(&mut self, task_type_id: B256, before: U256, rest: U256) -> Result<(), Error> {
        self.only_escrow()?;
        self.shrink_parts(task_type_id, before, rest);
        Ok(())
    }

    // --- The owner

    /// Makes `work_reserve` the contract that the money of task types by work is in. Once, for ever: another one could take it.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`WorkReserveAlreadySet`], [`NotAContract`](bpe_common::call::NotAContract),
    ///   [`ForeignReserve`]
    /// * `MalformedReturn` if `work_reserve` is none.
    ///
    /// # Events
    ///
    /// * [`WorkReserveSet`]
    pub fn set_work_reserve(&mut self, work_reserve: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.work_reserve.get().is_zero() {
            return Err(WorkReserveAlreadySet {}.into());
        }
        require_contract(self.vm(), work_reserve)?;
        let ledger = self.link(work_reserve, IWorkReserve::workLedgerCall::SELECTOR)?;
        if ledger != self.vm().contract_address() {
            let reserve = work_reserve;
            return Err(ForeignReserve { reserve }.into());
        }
        self.work_reserve.set(work_reserve);
        emit!(self.vm(), WorkReserveSet[work_reserve]);
        Ok(())
    }

    /// Has misses reported and answered at `work_misses`: at once until staking is open, after StakeManager's `powerNotice` from then
    /// on. Nowhere from now on, if zero.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`NotAContract`](bpe_common::call::NotAContract), [`ForeignMisses`]
    /// * `MalformedReturn` if `work_misses` is none.
    ///
    /// # Events
    ///
    /// * [`WorkMissesSet`], or [`PowerAnnounced`](bpe_common::powers::PowerAnnounced) if it waits for the notice.
    pub fn set_work_misses(&mut self, work_misses: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.name_misses(work_misses)
    }

    // --- Views

    /// Where misses are reported and answered; zero for nowhere.
    pub fn work_misses(&self) -> Address {
        self.work_misses.get(clock::block_timestamp(self.vm()))
    }

    /// Where they are to be, and from when on, in seconds since 1970; zeros if that is not announced.
    ///
    /// # Returns
    ///
    /// * `workMisses`
    /// * `from`
    pub fn announced_work_misses(&self) -> (Address, U256) {
        self.work_misses
            .announced(clock::block_timestamp(self.vm()))
    }

    /// What `source` has paid for a task type by work, as noted, in wei since ever; zero, if it is none.
    pub fn get_paid(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.paid(task_type_id, source))
    }

    /// What `source` has paid for a task type by work and is not noted yet. Lost, if the source changes its rate without a
    /// note.
    pub fn get_pending(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.pending(task_type_id, source))
    }

    /// Where the money of task types by work is; zero before [`WorkLedger::set_work_reserve`].
    pub fn work_reserve(&self) -> Address {
        self.work_reserve.get()
    }

    /// What of the task type's overflow `source` has paid and has not been attributed yet, as far as it is noted, in wei.
    pub fn get_due(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.due(task_type_id, source))
    }

    /// What `source` has paid into the task type's escrow by its stream, as noted, in wei since ever.
    ///
    /// # Returns
    ///
    /// * `noted`
    /// * `time`: of the last note, in seconds since 1970; zero if there was none.
    pub fn get_noted(&self, task_type_id: B256, source: Address) -> (U256, U256) {
        let notes = self.notes.getter(task_type_id);
        let note = notes.getter(source);
        (widen(note.noted.get()), widen(note.time.get()))
    }

    /// Whose pools are paid into.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Who gets what misses cost: StakeManager's treasury, as of slashes. Asked for each time, since it can change.
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry or StakeManager revert with.
    pub fn treasury(&self) -> Result<Address, Error> {
        let registry = self.capacity_registry.get();
        let stakes = self.link(registry, ITaskTypeRegistrar::stakeManagerCall::SELECTOR)?;
        self.link(stakes, IStakeTerms::treasuryCall::SELECTOR)
    }

    /// Where overflow is.
    pub fn escrow_buffer(&self) -> Address {
        self.escrow_buffer.get()
    }

    /// What says how much of a stream goes into the escrow.
    pub fn overflow_meter(&self) -> Address {
        self.overflow_meter.get()
    }

    /// Superfluid's general distribution agreement.
    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.gda.get()
    }

    /// The Super Token that streams are made of.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }
}

impl WorkLedger {
    fn link(&self, of: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), of, selector, &[])?;
        Ok(to_address(address))
    }
}
