//! `GET /bpe/v1/status`: how a sink is.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

/// How a sink is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub task_types: Vec<TaskTypeStatus>,
    pub draining: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskTypeStatus {
    pub task_type_id: B256,
    /// Work units of 1e-9 per second.
    #[serde(with = "bpe_chain::decimal")]
    pub capacity: u64,
    /// Tasks that would run at once.
    #[serde(with = "bpe_chain::decimal")]
    pub free: u32,
    /// Tasks that wait.
    #[serde(with = "bpe_chain::decimal")]
    pub queued: u32,
    /// Wei per work unit.
    #[serde(with = "bpe_chain::decimal")]
    pub price: u128,
}
