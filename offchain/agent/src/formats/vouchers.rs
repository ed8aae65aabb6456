//! `POST /bpe/v1/vouchers`: what a source signs for, and what the sink answers.

use alloy::primitives::{Address, Bytes, B256, U256};
use bpe_abi::typed_data::{CompletionReceipt, WorkVoucher};
use serde::{Deserialize, Serialize};

use super::checksummed;
use crate::vouchers::Totals;

/// Running totals between a source and a sink since ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VoucherBody {
    pub task_type_id: B256,
    #[serde(with = "checksummed")]
    pub sink: Address,
    #[serde(with = "checksummed")]
    pub source: Address,
    #[serde(with = "bpe_chain::decimal")]
    pub work: u128,
    #[serde(with = "bpe_chain::decimal")]
    pub value: u128,
    #[serde(with = "bpe_chain::decimal")]
    pub tasks: u64,
    #[serde(with = "bpe_chain::decimal")]
    pub timestamp: u64,
}

impl VoucherBody {
    pub fn totals(&self) -> Totals {
        Totals {
            work: self.work,
            value: self.value,
            tasks: self.tasks,
        }
    }

    /// What both sign.
    pub fn voucher(&self) -> WorkVoucher {
        WorkVoucher {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            source: self.source,
            work: U256::from(self.work),
            value: U256::from(self.value),
            tasks: U256::from(self.tasks),
            timestamp: U256::from(self.timestamp),
        }
    }
}

/// That a task was completed: of CompletionTracker's domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptBody {
    pub task_type_id: B256,
    #[serde(with = "checksummed")]
    pub sink: Address,
    #[serde(with = "checksummed")]
    pub source: Address,
    pub task_id: B256,
    #[serde(with = "bpe_chain::decimal")]
    pub timestamp: u64,
    pub source_signature: Bytes,
}

impl ReceiptBody {
    /// What the source signs.
    pub fn receipt(&self) -> CompletionReceipt {
        CompletionReceipt {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            source: self.source,
            taskId: self.task_id,
            timestamp: U256::from(self.timestamp),
        }
    }
}

/// What a source hands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VoucherSubmission {
    pub voucher: VoucherBody,
    pub source_signature: Bytes,
    pub receipts: Vec<ReceiptBody>,
}

/// The sink has taken the voucher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoucherAnswer {
    pub sink_signature: Bytes,
}

/// The sink has a later one. With the source's own signature, so that a source that lost its store knows it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatestVoucher {
    pub latest: VoucherBody,
    pub sink_signature: Bytes,
    #[serde(default)]
    pub source_signature: Bytes,
}
