//! `BPE-Task`: what a source offers a sink to do.

use alloy::{
    primitives::{Address, Signature, B256, U256},
    sol_types::{Eip712Domain, SolStruct as _},
};
use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine as _};
use bpe_abi::typed_data::{work_ledger, WorkAssignment};
use serde::{Deserialize, Serialize};

use super::checksummed;

/// An offer is no longer than this.
const MOST_BYTES: usize = 4_096;
/// The one kind that is settled by work.
const BY_WORK: &str = "WorkAssignment";
/// A deadline is at most so many seconds after the timestamp, and that at most so far from the chain's time.
const MOST_TIME: u64 = 3_600;
const MOST_SKEW: u64 = 60;

/// The header is no offer that can be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    #[error("BPE-Task is longer than {MOST_BYTES} bytes")]
    TooLong,
    #[error("BPE-Task is not base64url without padding")]
    Base64,
    #[error("BPE-Task holds no task: {0}")]
    Json(String),
    #[error("primaryType is {0:?}; this sink settles by work, and takes a WorkAssignment")]
    Kind(String),
    #[error("chainId is {offered}; this sink is on chain {expected}")]
    Chain { offered: u64, expected: u64 },
    #[error("verifyingContract is {offered}; this sink is paid by {expected}")]
    Contract { offered: Address, expected: Address },
    #[error("the task is for the sink {offered}; this one is {expected}")]
    Sink { offered: Address, expected: Address },
    #[error("{name} is 0")]
    Zero { name: &'static str },
    #[error("{name} is {value}, more than a voucher holds")]
    TooLarge { name: &'static str, value: U256 },
    #[error("the deadline {deadline} is past; it is {now}")]
    DeadlineGone { deadline: U256, now: u64 },
    #[error("the deadline {deadline} is more than {MOST_TIME} s after the timestamp {timestamp}")]
    DeadlineTooFar { deadline: U256, timestamp: U256 },
    #[error("the timestamp {timestamp} is more than {MOST_SKEW} s from the chain's time {now}")]
    Timestamp { timestamp: U256, now: u64 },
    #[error("BPE-Task-Signature is no signature of 65 bytes")]
    NoSignature,
}

/// A task as a source offers it: the most that it may take and cost.
///
/// ```
/// use alloy::primitives::{Address, B256};
/// use bpe_agent::formats::TaskOffer;
///
/// let offer = TaskOffer {
///     primary_type: "WorkAssignment".to_owned(),
///     chain_id: 31_337,
///     verifying_contract: Address::repeat_byte(7),
///     task_type_id: B256::repeat_byte(1),
///     sink: Address::repeat_byte(2),
///     source: Address::repeat_byte(3),
///     task_id: B256::repeat_byte(4),
///     work: 5_000_000_000,
///     value: 1_000_000,
///     timestamp: 1_700_000_000,
///     deadline: 1_700_000_060,
/// };
/// assert_eq!(TaskOffer::decode(&offer.encode()).unwrap(), offer);
/// assert_eq!(offer.price(), 200_000); // wei per work unit
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskOffer {
    pub primary_type: String,
    #[serde(with = "bpe_chain::decimal")]
    pub chain_id: u64,
    #[serde(with = "checksummed")]
    pub verifying_contract: Address,
    pub task_type_id: B256,
    #[serde(with = "checksummed")]
    pub sink: Address,
    #[serde(with = "checksummed")]
    pub source: Address,
    pub task_id: B256,
    /// In work units of 1e-9.
    #[serde(with = "bpe_chain::decimal")]
    pub work: u128,
    /// In wei.
    #[serde(with = "bpe_chain::decimal")]
    pub value: u128,
    /// Seconds since 1970, by the chain.
    #[serde(with = "bpe_chain::decimal")]
    pub timestamp: u64,
    #[serde(with = "bpe_chain::decimal")]
    pub deadline: u64,
}

/// What a sink expects of an offer.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub chain_id: u64,
    pub verifying_contract: Address,
    pub sink: Address,
    /// Seconds since 1970, by the chain.
    pub now: u64,
}

impl TaskOffer {
    /// The header's text.
    pub fn encode(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads a header.
    ///
    /// # Errors
    /// If it is too long, or no offer.
    pub fn decode(header: &str) -> Result<Self, TaskError> {
        if header.len() > MOST_BYTES {
            return Err(TaskError::TooLong);
        }
        let json = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| TaskError::Base64)?;
        // The kind first: a task of another kind lacks fields, and that is not what is wrong with it.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            primary_type: String,
        }
        let no_task = |error: serde_json::Error| TaskError::Json(error.to_string());
        let kind: Kind = serde_json::from_slice(&json).map_err(no_task)?;
        if kind.primary_type != BY_WORK {
            let shown = kind.primary_type.chars().take(40).collect();
            return Err(TaskError::Kind(shown));
        }
        serde_json::from_slice(&json).map_err(no_task)
    }

    /// Compares it with what a sink expects.
    ///
    /// # Errors
    /// What is wrong with it, by name and value.
    pub fn check(&self, expected: &Expected) -> Result<(), TaskError> {
        if self.chain_id != expected.chain_id {
            return Err(TaskError::Chain {
                offered: self.chain_id,
                expected: expected.chain_id,
            });
        }
        if self.verifying_contract != expected.verifying_contract {
            return Err(TaskError::Contract {
                offered: self.verifying_contract,
                expected: expected.verifying_contract,
            });
        }
        if self.sink != expected.sink {
            return Err(TaskError::Sink {
                offered: self.sink,
                expected: expected.sink,
            });
        }
        self.check_amounts()?;
        self.check_time(expected.now)
    }

    fn check_amounts(&self) -> Result<(), TaskError> {
        let amounts = [
            ("work", self.work, crate::vouchers::MOST_WORK),
            ("value", self.value, crate::vouchers::MOST_VALUE),
        ];
        for (name, value, most) in amounts {
            if value == 0 {
                return Err(TaskError::Zero { name });
            }
            if value > most {
                let value = U256::from(value);
                return Err(TaskError::TooLarge { name, value });
            }
        }
        Ok(())
    }

    fn check_time(&self, now: u64) -> Result<(), TaskError> {
        let (timestamp, deadline) = (U256::from(self.timestamp), U256::from(self.deadline));
        if self.deadline <= now {
            return Err(TaskError::DeadlineGone { deadline, now });
        }
        if self.timestamp.abs_diff(now) > MOST_SKEW {
            return Err(TaskError::Timestamp { timestamp, now });
        }
        if self.deadline.saturating_sub(self.timestamp) > MOST_TIME {
            return Err(TaskError::DeadlineTooFar {
                deadline,
                timestamp,
            });
        }
        Ok(())
    }

    /// What the source pays at most, in wei per work unit.
    pub fn price(&self) -> u128 {
        crate::vouchers::price_of(self.work, self.value)
    }

    /// What both sign.
    pub fn assignment(&self) -> WorkAssignment {
        WorkAssignment {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            source: self.source,
            taskId: self.task_id,
            work: U256::from(self.work),
            value: U256::from(self.value),
            timestamp: U256::from(self.timestamp),
            deadline: U256::from(self.deadline),
        }
    }

    /// The domain that it is signed for.
    pub fn domain(&self) -> Eip712Domain {
        work_ledger(self.chain_id, self.verifying_contract)
    }

    /// Who signed it, by a signature's hex text of 65 bytes.
    ///
    /// # Errors
    /// [`TaskError::NoSignature`], if it is none.
    pub fn signer(&self, signature: &str) -> Result<Address, TaskError> {
        let signature: Signature = signature.parse().map_err(|_| TaskError::NoSignature)?;
        let hash = self.assignment().eip712_signing_hash(&self.domain());
        recover(&signature, hash).ok_or(TaskError::NoSignature)
    }
}

/// Who signed a hash; nobody, if the signature has a twin, which contracts refuse.
pub fn recover(signature: &Signature, hash: B256) -> Option<Address> {
    if signature.normalize_s().is_some() {
        return None;
    }
    signature.recover_address_from_prehash(&hash).ok()
}
