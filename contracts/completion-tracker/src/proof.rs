//! What proves that a task was done: both signatures, or a verifier's word.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{first_words, has_code, query_number, require_gas, static_call, Answer},
    eip712::hash_words,
    interfaces::{ICapacityRegistry, ICapacityVerifier},
    signature::{is_valid_erc1271, recover},
};
use stylus_sdk::{abi, prelude::*};

use super::{
    tasks::Task, CompletionTracker, Error, EvidenceRejected, InvalidSinkSignature,
    InvalidSourceSignature, NoVerifier, SinkIsSource, DOMAIN,
};

/// What a contract account may use to say whether it signed.
pub const SIGNER_GAS: u64 = 200_000;
/// What a verifier may use.
pub const VERIFIER_GAS: u64 = 5_000_000;
/// The length of a verifier's answer: four words.
const ANSWER: usize = 128;

impl CompletionTracker {
    pub(super) fn require_signed(
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
    pub(super) fn verified(&self, task_type: B256, attestation: abi::Bytes) -> Result<Task, Error> {
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

    /// Whether there is a verifier of the task type, or one is announced.
    pub(super) fn has_verifier(&self, task_type: B256) -> bool {
        !self.verifiers.getter(task_type).account.get().is_zero()
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

    pub(super) fn is_serving(&self, task_type: B256, sink: Address) -> Result<bool, Error> {
        let selector = ICapacityRegistry::isRegisteredCall::SELECTOR;
        Ok(self.ask_registry(selector, task_type, sink)? != 0)
    }

    pub(super) fn ask_registry(
        &self,
        selector: [u8; 4],
        task_type: B256,
        sink: Address,
    ) -> Result<u128, Error> {
        let arguments = [task_type, sink.into_word()];
        Ok(query_number(
            self.vm(),
            self.capacity_registry.get(),
            selector,
            &arguments,
        )?)
    }
}
