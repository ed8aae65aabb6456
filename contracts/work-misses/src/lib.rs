//! WorkMisses: tasks that sinks accepted for a payment and did not do, as their sources report and they answer.
//!
//! | who | may |
//! |---|---|
//! | a source, or anyone by its signature | [`report_miss`](WorkMisses::report_miss), within 600 s after a deadline that the sink accepted in writing |
//! | anyone, by the source's receipt | [`answer_miss`](WorkMisses::answer_miss), [`answer_misses`](WorkMisses::answer_misses), within an hour after the report |
//! | anyone | [`settle_misses`](WorkMisses::settle_misses), from 4200 s after the end of the epoch of the deadlines |
//!
//! It has no owner, and no link of it ever changes. It takes effect once WorkLedger's owner has named it.
//!
//! Work is in capacity-seconds of 1e-9 units, values in wei, times in seconds since 1970, epochs of 300 s.
//!
//! # What a miss costs
//!
//! A report costs the source what the assignment names, of what it has free at WorkReserve, and is refused if that is not there.
//! It never goes back to the source, or reporting would be free: it is the sink's if it answers with the source's receipt of the
//! task, and the treasury's otherwise. What is not answered lowers what the sink has shown, by as much as its work would have
//! raised it; and where the task type is judged by misses, Judge compares it with what was paid.
//!
//! Each task is reported once, and belongs to the epoch of its deadline, whenever it is reported. Two hours after a task was accepted
//! all is known about it.
//!
//! # Who signs
//!
//! Accounts sign with their own keys, or with those that sign for them at WorkVouchers: a contract account that answered for itself
//! could answer otherwise than when the work was done.
//!
//! # Order of calls
//!
//! Programs refuse re-entry. WorkReserve and WorkVouchers are called, and neither calls back. No token is sent.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;
mod reports;
mod settling;
mod signed;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    clock,
    eip712::hash_words,
    events::Word,
    interfaces::{IWorkEvidence, IWorkKeys},
    judging::Dues,
};
use stylus_sdk::{abi, prelude::*, storage::*};

pub use interface::*;
use reports::{Miss, Missed};
#[allow(unused_imports)]
pub use reports::{ANSWER_WINDOW, MAX_BATCH, MAX_TERM};
#[allow(unused_imports)]
pub use signed::{RECEIPT_TYPEHASH, REPORT_TYPEHASH};

/// The contract. Slots 0–3: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct WorkMisses {
    work_vouchers: StorageAddress,
    completion_tracker: StorageAddress,
    work_ledger: StorageAddress,
    /// WorkLedger's, once it was there.
    work_reserve: StorageAddress,
    /// Tasks that were reported, by the hash of task type, sink, source and task.
    misses: StorageMap<B256, Miss>,
    /// By the hash of task type, sink and epoch.
    missed: StorageMap<B256, Missed>,
    /// By the hash of task type and sink: in which epochs anything was missed.
    dues: StorageMap<B256, Dues>,
}

#[public]
impl WorkMisses {
    /// Sets the contract up, for ever: whose keys and vouchers count, and in whose domain receipts are signed.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract)
    /// * `MalformedReturn` if `work_vouchers` is none.
    #[constructor]
    pub fn constructor(
        &mut self,
        work_vouchers: Address,
        completion_tracker: Address,
    ) -> Result<(), Error> {
        for account in [work_vouchers, completion_tracker] {
            require_contract(self.vm(), account)?;
        }
        let ledger = self.link(work_vouchers, IWorkKeys::workLedgerCall::SELECTOR)?;
        self.work_vouchers.set(work_vouchers);
        self.completion_tracker.set(completion_tracker);
        self.work_ledger.set(ledger);
        Ok(())
    }

    // --- Sources

    /// Reports that `assignment.sink` did not do by its deadline what it accepted. The source does so, or signed `report`, a
    /// `MissReport(bytes32 taskTypeId,address sink,bytes32 taskId)` of WorkVouchers' domain. Once for each task, within 600 s after the
    /// deadline. It costs the source what the assignment names, of what it has free at WorkReserve.
    ///
    /// # Errors
    ///
    /// * [`NoWorkReserve`], [`SinkIsSource`], [`InvalidTerm`], [`ZeroAmount`], [`AmountTooLarge`], [`AlreadyReported`], [`NotSigned`]
    /// * `ECDSAInvalidSignatureLength` if a signature is not 65 bytes.
    /// * What WorkReserve reverts with: `NotToBeReported`, `InsufficientFunds`, `NotSigned`.
    ///
    /// # Events
    ///
    /// * [`MissReported`]
    pub fn report_miss(&mut self, assignment: SignedWork, report: abi::Bytes) -> Result<(), Error> {
        self.report(&assignment, &report)
    }

    // --- Anyone

    /// Answers a report with the source's receipt of the task, within an hour: what the source lost is the sink's.
    ///
    /// # Errors
    ///
    /// * [`NoWorkReserve`], [`NotSigned`], [`NoSuchMiss`], [`AnswerTooLate`], `ECDSAInvalidSignatureLength`
    ///
    /// # Events
    ///
    /// * [`MissAnswered`]
    pub fn answer_miss(&mut self, receipt: SignedReceipt) -> Result<(), Error> {
        self.answer(&receipt)
    }

    /// Does the same for up to 64 reports. One that is not answered by it is no failure of the others.
    ///
    /// # Errors
    ///
    /// * [`NoWorkReserve`], [`BatchTooLarge`]; nothing at all, if a neighbour runs out of gas.
    ///
    /// # Events
    ///
    /// * [`MissAnswered`], or [`AnswerRejected`], for each.
    pub fn answer_misses(&mut self, receipts: Vec<SignedReceipt>) -> Result<(), Error> {
        self.answer_all(&receipts)
    }

    /// Gives the treasury what was taken for tasks that were due of `sink` in `epoch`, of 300 s, and that nobody answered, and has
    /// what the sink has shown fall by their work. Once; later, or if there are none, it only says what they are.
    ///
    /// # Returns
    ///
    /// * `work`
    /// * `value`
    ///
    /// # Errors
    ///
    /// * [`SettledTooEarly`]: until 4200 s after the epoch's end.
    /// * What WorkVouchers reverts with for want of gas.
    ///
    /// # Events
    ///
    /// * [`MissesSettled`]
    pub fn settle_misses(
        &mut self,
        task_type_id: B256,
        sink: Address,
        epoch: U256,
    ) -> Result<(U256, U256), Error> {
        let (work, value) = self.settle(task_type_id, sink, epoch.saturating_to())?;
        Ok((U256::from(work), U256::from(value)))
    }

    // --- Views

    /// What of the tasks that were due of `sink` in `epoch`, of 300 s, was reported as missed and not answered, and whether that is
    /// settled.
    ///
    /// # Returns
    ///
    /// * `work`
    /// * `value`
    /// * `settled`
    pub fn get_missed(&self, task_type_id: B256, sink: Address, epoch: U256) -> (U256, U256, bool) {
        let (work, value, settled) = self.missed_of(task_type_id, sink, epoch.saturating_to());
        (U256::from(work), U256::from(value), settled)
    }

    /// The first and the last epoch into which deadlines of misses of `sink` fall; zeros for none.
    ///
    /// # Returns
    ///
    /// * `first`
    /// * `last`
    pub fn get_dues(&self, task_type_id: B256, sink: Address) -> (U256, U256) {
        let (first, last) = self.dues.getter(pair(task_type_id, sink)).get();
        (U256::from(first), U256::from(last))
    }

    /// Whose keys and vouchers count.
    pub fn work_vouchers(&self) -> Address {
        self.work_vouchers.get()
    }

    /// In whose domain receipts are signed.
    pub fn completion_tracker(&self) -> Address {
        self.completion_tracker.get()
    }

    /// Who notes what sources pay.
    pub fn work_ledger(&self) -> Address {
        self.work_ledger.get()
    }
}

impl WorkMisses {
    /// WorkReserve, which WorkLedger is asked for until it has one.
    fn require_reserve(&mut self) -> Result<Address, Error> {
        let known = self.work_reserve.get();
        if !known.is_zero() {
            return Ok(known);
        }
        let ledger = self.work_ledger.get();
        let reserve = self.link(ledger, IWorkEvidence::workReserveCall::SELECTOR)?;
        if reserve.is_zero() {
            return Err(NoWorkReserve {}.into());
        }
        self.work_reserve.set(reserve);
        Ok(reserve)
    }

    fn link(&self, of: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), of, selector, &[])?;
        Ok(to_address(address))
    }

    fn now(&self) -> u64 {
        clock::block_timestamp(self.vm())
    }
}

fn pair(task_type: B256, sink: Address) -> B256 {
    hash_words(&[task_type, sink.word()])
}
