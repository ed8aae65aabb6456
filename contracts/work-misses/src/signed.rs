//! Who signed what. WorkVouchers knows which keys sign for whom.

use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words,
    eip712::{
        hash_words, typed_data_hash, Domain, ASSIGNMENT_TYPEHASH, COMPLETION_TRACKER, WORK_LEDGER,
    },
    events::Word,
    interfaces::IWorkKeys,
    signature::{self, ECDSAInvalidSignatureLength},
};
use stylus_sdk::prelude::*;

use super::{Error, NotSigned, SignedReceipt, SignedWork, WorkMisses};

/// `keccak256("MissReport(bytes32 taskTypeId,address sink,bytes32 taskId)")`
pub const REPORT_TYPEHASH: B256 =
    b256!("18a4c0ba156ce497094fb0847c9660a8c1cfe6454de3e42b61d60940cfc50e01");
/// `keccak256("CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)")`
pub const RECEIPT_TYPEHASH: B256 =
    b256!("7619767ac53e1c74b317807ae59255eef42deb8afaaf9aab91d0161a1eecf383");

/// Three words: r, s, v.
pub(super) type Words = [B256; 3];

impl WorkMisses {
    /// Refuses unless the source itself calls, or signed the report.
    pub(super) fn require_report(&self, task: &SignedWork, report: &[u8]) -> Result<(), Error> {
        if self.vm().msg_sender() == task.source {
            return Ok(());
        }
        let words = [
            REPORT_TYPEHASH,
            task.taskTypeId,
            task.sink.word(),
            task.taskId,
        ];
        let vouchers = self.work_vouchers.get();
        let message = hash_words(&words);
        self.require_signed(&WORK_LEDGER, vouchers, task.source, message, report)
    }

    /// Refuses unless the sink accepted the task. Returns what it signed, word by word but for the type.
    pub(super) fn require_accepted(&self, task: &SignedWork) -> Result<[B256; 8], Error> {
        let words = [
            task.taskTypeId,
            task.sink.word(),
            task.source.word(),
            task.taskId,
            task.work.word(),
            task.value.word(),
            task.timestamp.word(),
            task.deadline.word(),
        ];
        let mut message = [ASSIGNMENT_TYPEHASH; 9];
        message[1..].copy_from_slice(&words);
        let (vouchers, message) = (self.work_vouchers.get(), hash_words(&message));
        self.require_signed(&WORK_LEDGER, vouchers, task.sink, message, &task.sinkSig)?;
        Ok(words)
    }

    /// Refuses unless the source signed the receipt.
    pub(super) fn require_receipt(&self, receipt: &SignedReceipt) -> Result<(), Error> {
        let words = [
            RECEIPT_TYPEHASH,
            receipt.taskTypeId,
            receipt.sink.word(),
            receipt.source.word(),
            receipt.taskId,
            receipt.timestamp.word(),
        ];
        let (tracker, source) = (self.completion_tracker.get(), receipt.source);
        let message = hash_words(&words);
        let signature = &receipt.sourceSig;
        self.require_signed(&COMPLETION_TRACKER, tracker, source, message, signature)
    }

    #[inline(never)]
    fn require_signed(
        &self,
        domain: &Domain<'_>,
        contract: Address,
        account: Address,
        message: B256,
        signature: &[u8],
    ) -> Result<(), Error> {
        let separator = domain.separator_of(self.vm(), contract);
        let digest = typed_data_hash(separator, message);
        let [r, s, v] = to_words(signature)?;
        let selector = IWorkKeys::isSignedCall::SELECTOR;
        let arguments = [account.word(), digest, r, s, v];
        let [signed] = query_words(self.vm(), self.work_vouchers.get(), selector, &arguments)?;
        match signed.is_zero() {
            true => Err(NotSigned { account }.into()),
            false => Ok(()),
        }
    }
}

/// A signature of 65 bytes.
pub(super) fn to_words(signature: &[u8]) -> Result<Words, Error> {
    let length = U256::from(signature.len());
    match (signature.len(), signature.split_last()) {
        (65, Some((v, rest))) => Ok([
            B256::from_slice(&rest[..32]),
            B256::from_slice(&rest[32..]),
            v.word(),
        ]),
        _ => Err(signature::Error::from(ECDSAInvalidSignatureLength { length }).into()),
    }
}
