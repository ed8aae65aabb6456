//! A domain's adapter that behaves or not, and stakes.

use alloy_primitives::{Address, B256, U256, U8};
use alloy_sol_types::{Revert, SolCall, SolError, SolValue};
use bpe_common::interfaces::{ICapacityAdapter, ISequencedAdapter, ITaskTypeAdapter};
use stylus_sdk::{prelude::*, storage::*};

/// Takes three words (sink, capacity, nonce), and whatever follows, for an attestation.
#[storage]
pub struct Domain {
    id: StorageB256,
    description: StorageString,
    misbehaviour: StorageU8,
    task_types: StorageBool,
}

/// How an adapter misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Misbehaviour {
    None,
    Reverts,
    RevertsLong,
    SaysInvalid,
    SaysTwo,
    DirtySink,
    NoSink,
    Short,
    ShortNonce,
    RevertsNonce,
    WrongDescription,
}

#[public]
impl Domain {
    pub fn set(&mut self, id: B256, description: String) {
        self.id.set(id);
        self.description.set_str(description);
    }

    pub fn misbehave(&mut self, how: u8) {
        self.misbehaviour.set(U8::from(how));
    }

    /// Takes a fourth word for the task type, or has none.
    pub fn set_task_types(&mut self, task_types: bool) {
        self.task_types.set(task_types);
    }

    #[fallback]
    pub fn fallback(&mut self, data: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let how = self.misbehaviour.get().to::<u8>();
        let is = |which: Misbehaviour| how == which as u8;
        let selector: [u8; 4] = data[..4].try_into().unwrap();
        match selector {
            ICapacityAdapter::domainIdCall::SELECTOR => Ok(self.id.get().to_vec()),
            ICapacityAdapter::domainDescriptionCall::SELECTOR => {
                match is(Misbehaviour::WrongDescription) {
                    true => Ok(vec![0xff; 64]),
                    false => Ok(self.description.get_string().abi_encode()),
                }
            }
            ICapacityAdapter::normalizeCapacityCall::SELECTOR => {
                let call = ICapacityAdapter::normalizeCapacityCall::abi_decode(data, true).unwrap();
                let raw = U256::try_from_be_slice(&call.rawSignal).ok_or(vec![1])?;
                Ok(raw.saturating_mul(U256::from(2)).to_be_bytes_vec())
            }
            ICapacityAdapter::verifyAttestationCall::SELECTOR => {
                let call = ICapacityAdapter::verifyAttestationCall::abi_decode(data, true).unwrap();
                let Some(words) = call.attestation.get(..64) else {
                    return Ok(vec![0; 96]);
                };
                let mut answer = [U256::from(1).to_be_bytes_vec(), words.to_vec()].concat();
                if is(Misbehaviour::Reverts) {
                    return Err(Revert::from("no").abi_encode());
                }
                if is(Misbehaviour::RevertsLong) {
                    return Err(vec![7; 1_000]);
                }
                if is(Misbehaviour::SaysInvalid) {
                    answer[31] = 0;
                }
                if is(Misbehaviour::SaysTwo) {
                    answer[31] = 2;
                }
                if is(Misbehaviour::DirtySink) {
                    answer[43] = 1;
                }
                if is(Misbehaviour::NoSink) {
                    answer[32..64].fill(0);
                }
                if is(Misbehaviour::Short) {
                    answer.truncate(95);
                }
                Ok(answer)
            }
            ISequencedAdapter::attestationNonceCall::SELECTOR => {
                let call = ISequencedAdapter::attestationNonceCall::abi_decode(data, true).unwrap();
                if is(Misbehaviour::RevertsNonce) {
                    return Err(Revert::from("no").abi_encode());
                }
                let nonce = call.attestation.get(64..96).unwrap_or(&[]);
                match is(Misbehaviour::ShortNonce) {
                    true => Ok(nonce[1..].to_vec()),
                    false => Ok(nonce.to_vec()),
                }
            }
            ITaskTypeAdapter::taskTypeOfCall::SELECTOR if self.task_types.get() => {
                let call = ITaskTypeAdapter::taskTypeOfCall::abi_decode(data, true).unwrap();
                Ok(call.attestation.get(96..128).unwrap_or(&[]).to_vec())
            }
            _ => Err(Revert::from("unknown").abi_encode()),
        }
    }
}

/// StakeManager.
#[storage]
pub struct Stakes {
    stakes: StorageMap<Address, StorageU256>,
    notice: StorageU256,
}

#[public]
impl Stakes {
    pub fn set_stake(&mut self, sink: Address, amount: U256) {
        self.stakes.setter(sink).set(amount);
    }

    pub fn get_stake(&self, sink: Address) -> U256 {
        self.stakes.get(sink)
    }

    pub fn set_notice(&mut self, notice: U256) {
        self.notice.set(notice);
    }

    pub fn power_notice(&self) -> U256 {
        self.notice.get()
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Domain {}
unsafe impl TopLevelStorage for Stakes {}
