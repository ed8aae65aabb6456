//! Misses: tasks that a sink accepted for a payment and did not do, as its sources report and it answers.
//!
//! What is signed is checked here, but for what the money depends on: WorkReserve checks that the source signed what is taken of it,
//! when, how often, and who can get it.

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, to_address, Revert},
    eip712::{hash_words, typed_data_hash, Domain, COMPLETION_TRACKER, WORK_LEDGER},
    emit,
    events::Word,
    interfaces::{IWorkEvidence, IWorkKeys, IWorkReserve},
    judging::to_epoch,
    signature::{recover, ECDSAInvalidSignatureLength},
};
use stylus_sdk::prelude::*;

use super::{
    standing::pair, AnswerRejected, BatchTooLarge, Error, InvalidSignature, Judge, NoWorkReserve,
    SignedReceipt, SignedWork, SinkIsSource,
};

/// The most answers in a batch.
pub const MAX_BATCH: usize = 64;
/// `keccak256("WorkAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)")`
pub const ASSIGNMENT_TYPEHASH: B256 =
    b256!("58038cfa2e71e1db197862627fc0e6747bbc37aec35ec7c47a7b9078b3e6c1fc");
/// `keccak256("MissReport(bytes32 taskTypeId,address sink,bytes32 taskId)")`
pub const REPORT_TYPEHASH: B256 =
    b256!("18a4c0ba156ce497094fb0847c9660a8c1cfe6454de3e42b61d60940cfc50e01");
/// `keccak256("CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)")`
pub const RECEIPT_TYPEHASH: B256 =
    b256!("7619767ac53e1c74b317807ae59255eef42deb8afaaf9aab91d0161a1eecf383");

/// What of a sink's work in an epoch counts by misses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missed {
    /// In capacity-seconds of 1e-9 units.
    pub(super) work: u128,
    /// What it cost those who reported it, in wei.
    pub(super) value: u128,
}

impl Judge {
    /// Reports that `assignment` was not kept, if its source, who calls or signed `report`, says so.
    pub(super) fn report(&mut self, assignment: &SignedWork, report: &[u8]) -> Result<(), Error> {
        self.require_reserve()?;
        let (id, sink, source) = (assignment.taskTypeId, assignment.sink, assignment.source);
        if sink == source {
            return Err(SinkIsSource {}.into());
        }
        let vouchers = self.work_vouchers.get();
        if self.vm().msg_sender() != source {
            let words = [REPORT_TYPEHASH, id, sink.word(), assignment.taskId];
            self.require_signed(&WORK_LEDGER, vouchers, source, hash_words(&words), report)?;
        }
        let message = assignment_hash(assignment);
        self.require_signed(&WORK_LEDGER, vouchers, sink, message, &assignment.sinkSig)?;
        // Checked by the reserve: before now.
        let due = to_epoch(assignment.deadline.saturating_to());
        let mut misses = self.misses.setter(pair(id, sink));
        misses.add(due);
        self.charge(assignment)
    }

    /// Has the reserve take what the assignment names; it checks the source's signature.
    fn charge(&self, assignment: &SignedWork) -> Result<(), Error> {
        let signature: &[u8] = &assignment.sourceSig;
        let Ok(&signature) = <&[u8; 65]>::try_from(signature) else {
            let length = U256::from(signature.len());
            return Err(Error::Signature(
                ECDSAInvalidSignatureLength { length }.into(),
            ));
        };
        let arguments = [
            assignment.taskTypeId,
            assignment.sink.word(),
            assignment.source.word(),
            assignment.taskId,
            assignment.work.word(),
            assignment.value.word(),
            assignment.timestamp.word(),
            assignment.deadline.word(),
            B256::from_slice(&signature[..32]),
            B256::from_slice(&signature[32..64]),
            signature[64].word(),
        ];
        let selector = IWorkReserve::chargeCall::SELECTOR;
        invoke_words::<0>(self.vm(), self.work_reserve.get(), selector, &arguments)?;
        Ok(())
    }

    /// Has the reserve give the sink what was taken for a task that its source has signed the receipt of.
    pub(super) fn answer(&mut self, receipt: &SignedReceipt) -> Result<(), Error> {
        self.require_reserve()?;
        let (id, sink, source) = (receipt.taskTypeId, receipt.sink, receipt.source);
        let words = [
            RECEIPT_TYPEHASH,
            id,
            sink.word(),
            source.word(),
            receipt.taskId,
            receipt.timestamp.word(),
        ];
        let (tracker, message) = (self.completion_tracker.get(), hash_words(&words));
        self.require_signed(
            &COMPLETION_TRACKER,
            tracker,
            source,
            message,
            &receipt.sourceSig,
        )?;
        let arguments = [id, sink.word(), source.word(), receipt.taskId];
        let selector = IWorkReserve::awardCall::SELECTOR;
        invoke_words::<0>(self.vm(), self.work_reserve.get(), selector, &arguments)?;
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
                // The caller's fault: too little gas, of which a neighbour that runs out says nothing.
                Err(Error::Revert(Revert(data))) if data.is_empty() => {
                    return Err(Revert(data).into())
                }
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

    /// What was missed in `epoch` for good, and is settled by now.
    pub(super) fn missed_in(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<Missed, Error> {
        let (first, last) = self.misses.getter(pair(task_type, sink)).get();
        if epoch < first || epoch > last {
            return Ok(Missed::default());
        }
        let arguments = [task_type, sink.word(), u64::from(epoch).word()];
        let selector = IWorkReserve::settleMissesCall::SELECTOR;
        let reserve = self.work_reserve.get();
        let [work, value] = invoke_words(self.vm(), reserve, selector, &arguments)?;
        // Both fit: WorkReserve keeps no more.
        Ok(Missed {
            work: work.saturating_to(),
            value: value.saturating_to(),
        })
    }

    /// What counted for the sink in `epoch`; `None` if that is no longer known.
    pub(super) fn counted_in(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<Option<u128>, Error> {
        let arguments = [task_type, sink.word(), u64::from(epoch).word()];
        let selector = IWorkKeys::getCountedCall::SELECTOR;
        let vouchers = self.work_vouchers.get();
        let [known, work]: [U256; 2] = query_words(self.vm(), vouchers, selector, &arguments)?;
        Ok((!known.is_zero()).then(|| work.saturating_to()))
    }

    /// WorkReserve and WorkVouchers, which WorkLedger is asked for until it has them.
    fn require_reserve(&mut self) -> Result<(), Error> {
        if !self.work_reserve.get().is_zero() {
            return Ok(());
        }
        let ledger = self.work_ledger.get();
        let reserve = self.link(ledger, IWorkEvidence::workReserveCall::SELECTOR)?;
        if reserve.is_zero() {
            return Err(NoWorkReserve {}.into());
        }
        let vouchers = self.link(reserve, IWorkReserve::workVouchersCall::SELECTOR)?;
        self.work_reserve.set(reserve);
        self.work_vouchers.set(vouchers);
        Ok(())
    }

    fn link(&self, of: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), of, selector, &[])?;
        Ok(to_address(address))
    }

    /// Refuses unless `account` signed the message of the contract's domain: with its own key, or one that signs for it at
    /// WorkVouchers. A contract account that answered for itself could answer otherwise than when the work was done.
    fn require_signed(
        &self,
        domain: &Domain<'_>,
        contract: Address,
        account: Address,
        message: B256,
        signature: &[u8],
    ) -> Result<(), Error> {
        let separator = domain.separator_of(self.vm(), contract);
        let signer = recover(self.vm(), typed_data_hash(separator, message), signature)?;
        if signer == account {
            return Ok(());
        }
        let selector = IWorkKeys::getKeyUntilCall::SELECTOR;
        let arguments = [account.word(), signer.word()];
        let [until] = query_words(self.vm(), self.work_vouchers.get(), selector, &arguments)?;
        match until > U256::from(self.time()) {
            true => Ok(()),
            false => Err(InvalidSignature { account, signer }.into()),
        }
    }
}

fn assignment_hash(assignment: &SignedWork) -> B256 {
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

/// The selector of the error, as a word: bytes4 stand on the left.
fn selector(error: Error) -> B256 {
    let encoded: Vec<u8> = error.into();
    let mut word = B256::ZERO;
    for (to, from) in word.iter_mut().zip(encoded.iter().take(4)) {
        *to = *from;
    }
    word
}
