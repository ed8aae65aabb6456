//! CapacityOracle: takes attestations, checks what the contract would check, and brings them to the chain in batches.

mod check;
mod preview;
mod submit;

pub use check::{recover, AttestationBody, Checker, Refused};
pub use preview::{change_bps, smoothed};
pub use submit::Attestations;

/// The lane and the rows of attestations in the inbox.
pub const WORKER: &str = "oracle";
