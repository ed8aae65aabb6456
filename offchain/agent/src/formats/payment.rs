//! 402 as x402 v2 has it, with the scheme `bpe-stream`.

use alloy::primitives::{Address, B256};
use base64::{engine::general_purpose::STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

use super::checksummed;

/// Paid by a stream into the task type's pool.
pub const SCHEME: &str = "bpe-stream";

/// What a source has to have, for its task to be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    pub x402_version: u8,
    pub error: String,
    pub resource: Resource,
    pub accepts: Vec<PaymentOption>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    pub url: String,
    pub description: String,
    pub mime_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentOption {
    pub scheme: String,
    /// `eip155:<chain id>`.
    pub network: String,
    /// The earmark that would do, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub amount: u128,
    #[serde(with = "checksummed")]
    pub asset: Address,
    /// The task type's pool.
    #[serde(with = "checksummed")]
    pub pay_to: Address,
    pub max_timeout_seconds: u64,
    pub extra: BpeStream,
}

/// How to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BpeStream {
    #[serde(with = "checksummed")]
    pub stream_gateway: Address,
    pub task_type_id: B256,
    /// Wei per work unit.
    #[serde(with = "bpe_chain::decimal")]
    pub price: u128,
    /// Wei per second that would do.
    #[serde(with = "bpe_chain::decimal")]
    pub flow_rate: u128,
    /// Wei to set aside for this sink; 0, if the unspent alone does not suffice.
    #[serde(with = "bpe_chain::decimal")]
    pub earmark: u128,
}

impl PaymentRequired {
    /// The header's text.
    pub fn encode(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a header; `None` if it is none.
    pub fn decode(header: &str) -> Option<Self> {
        const MOST_BYTES: usize = 16_384;
        if header.len() > MOST_BYTES {
            return None;
        }
        serde_json::from_slice(&STANDARD.decode(header).ok()?).ok()
    }

    /// The option that a source of this kind can pay.
    pub fn option(&self) -> Option<&PaymentOption> {
        self.accepts.iter().find(|it| it.scheme == SCHEME)
    }
}
