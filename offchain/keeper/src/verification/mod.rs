//! VerificationService: brings receipts and assignments to the chain, and has epochs judged, which is when slashes happen.

mod epochs;
mod tasks;

pub use epochs::{Epochs, Page};
pub use tasks::{Assignments, Receipts, Refused, TaskBody, TaskChecker};

pub const RECEIPTS: &str = "receipts";
pub const ASSIGNMENTS: &str = "assignments";
pub const EPOCHS: &str = "epochs";

/// Seconds of an epoch.
pub const EPOCH: u64 = 300;
