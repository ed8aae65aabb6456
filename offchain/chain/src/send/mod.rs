//! Sending: one queue per key, in which nothing is sent twice, nothing blocks the rest, and nothing drains the key.

mod batch;
mod fee;
mod flight;
mod ledger;
mod sender;
mod simulate;

pub use batch::{Batch, Call, Effect, Refusal, Report, Sent};
pub use ledger::Spending;
pub use sender::{Limits, Sender};
pub use simulate::Simulation;

use alloy::primitives::U256;

use crate::ChainError;

/// Nothing was sent, or what was sent is not mined yet.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("signing: {0}")]
    Sign(#[from] alloy::signers::Error),
    #[error("the key's balance is {balance} wei, and the next transaction may cost {needed}: send ether to it")]
    Funds { balance: U256, needed: U256 },
    #[error("{spent} gwei were spent in the last {period}, and the next transaction may cost {next}: the limit is {limit}")]
    Limit {
        period: &'static str,
        spent: u64,
        next: u64,
        limit: u64,
    },
    #[error("the base fee is {base_fee} wei, and the cap is {cap}: nothing is sent at that price")]
    FeeCap { base_fee: u128, cap: u128 },
    #[error("the transaction with nonce {nonce} is not mined yet, at a fee of {fee} wei: {hint}")]
    Pending {
        nonce: u64,
        fee: u128,
        hint: &'static str,
    },
    #[error("the node refused the transaction: {0}")]
    Refused(String),
}

impl From<sqlx::Error> for SendError {
    fn from(error: sqlx::Error) -> Self {
        Self::Chain(error.into())
    }
}

impl From<alloy::transports::RpcError<alloy::transports::TransportErrorKind>> for SendError {
    fn from(error: alloy::transports::RpcError<alloy::transports::TransportErrorKind>) -> Self {
        Self::Chain(error.into())
    }
}
