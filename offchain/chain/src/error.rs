//! What can go wrong between here and the chain.

use alloy::{
    primitives::B256,
    transports::{RpcError, TransportErrorKind},
};

use crate::deployment::DeploymentError;

/// The node, the database or the record is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error("the node: {0}")]
    Node(#[from] RpcError<TransportErrorKind>),
    #[error("a contract: {0}")]
    Contract(#[from] alloy::contract::Error),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database's schema: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    #[error("this database is of another {what}: it holds {stored}, and this is {expected}; it is not touched. Name another --state, or move it away: everything in it can be read again from the chain")]
    OtherIdentity {
        what: &'static str,
        stored: String,
        expected: String,
    },
    #[error("the database holds {value:?} where {column} should be")]
    Corrupt { column: &'static str, value: String },
    #[error("the node has no block {0}, which it should have")]
    NoBlock(u64),
    #[error("the node's answer about block {number} changed from {before} to {after} while its logs were read")]
    Moved {
        number: u64,
        before: B256,
        after: B256,
    },
    #[error("a log without its {0}: the node answers with pending logs")]
    PendingLog(&'static str),
    #[error("no new block for {seconds} s: nothing is sent on what may be old")]
    StaleHead { seconds: u64 },
    #[error("the node is at block {head}, and was at {seen} before: nothing is sent until it is there again")]
    Behind { head: u64, seen: u64 },
}
