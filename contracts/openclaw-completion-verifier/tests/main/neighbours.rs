//! OpenClawCapacityAdapter, CompletionTracker and OpenClawReputationBridge, as far as they are called.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolCall};
use bpe_common::interfaces::ICompletionTracker;
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// What the tracker was brought.
    #[derive(Debug, PartialEq, Eq)]
    event Evidence(address verifier, bytes32 taskTypeId, address source, bytes attestation);
    /// What the bridge was told.
    #[derive(Debug, PartialEq, Eq)]
    event Reported(address reporter, address operator, bytes32 skillTypeId);
}

/// Agents, as they were entered.
#[storage]
pub struct Directory {
    operators: StorageMap<B256, StorageAddress>,
    skills: StorageMap<B256, StorageB256>,
    active: StorageMap<B256, StorageBool>,
    refuses: StorageBool,
}

#[public]
impl Directory {
    pub fn enter(&mut self, agent: B256, operator: Address, skill: B256, active: bool) {
        self.operators.setter(agent).set(operator);
        self.skills.setter(agent).set(skill);
        self.active.setter(agent).set(active);
    }

    pub fn refuse(&mut self) {
        self.refuses.set(true);
    }

    pub fn get_agent(&self, agent: B256) -> Result<(Address, B256, U256, U256, bool), Vec<u8>> {
        if self.refuses.get() {
            return Err(vec![0xde]);
        }
        let (some, active) = (U256::from(7), self.active.get(agent));
        let (operator, skill) = (self.operators.get(agent), self.skills.get(agent));
        Ok((operator, skill, some, some, active))
    }
}

/// Counts evidence, and refuses it on request.
#[storage]
pub struct Tracker {
    count: StorageU256,
    refuses: StorageBool,
}

#[public]
impl Tracker {
    pub fn refuse(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn count(&self) -> U256 {
        self.count.get()
    }

    /// `recordEvidence(bytes32,address,bytes)`, and the views.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        if self.refuses.get() {
            return Err(vec![0xbe, 0xef]);
        }
        if let Ok(call) = ICompletionTracker::recordEvidenceCall::abi_decode(calldata, true) {
            let count = self.count.get() + U256::from(1);
            self.count.set(count);
            log(
                self.vm(),
                Evidence {
                    verifier: self.vm().msg_sender(),
                    taskTypeId: call.taskTypeId,
                    source: call.source,
                    attestation: call.attestation,
                },
            );
            return Ok(vec![]);
        }
        // Of a skill and an operator, in one number.
        let word =
            |number: u64| U256::from_be_slice(&calldata[4..36]).wrapping_add(U256::from(number));
        match calldata.get(..4) {
            Some(selector) if selector == ICompletionTracker::getCompletionsCall::SELECTOR => {
                Ok(word(1).to_be_bytes_vec())
            }
            Some(selector) if selector == ICompletionTracker::getCompletionRateCall::SELECTOR => {
                Ok(word(2).to_be_bytes_vec())
            }
            _ => Err(vec![]),
        }
    }
}

/// Counts reports, and fails on request.
#[storage]
pub struct Bridge {
    count: StorageU256,
    refuses: StorageBool,
}

#[public]
impl Bridge {
    pub fn refuse(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn count(&self) -> U256 {
        self.count.get()
    }

    pub fn report_completion(&mut self, operator: Address, skill: B256) -> Result<(), Vec<u8>> {
        if self.refuses.get() {
            return Err(vec![0xfa]);
        }
        let count = self.count.get() + U256::from(1);
        self.count.set(count);
        log(
            self.vm(),
            Reported {
                reporter: self.vm().msg_sender(),
                operator,
                skillTypeId: skill,
            },
        );
        Ok(())
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Directory {}
unsafe impl TopLevelStorage for Tracker {}
unsafe impl TopLevelStorage for Bridge {}
