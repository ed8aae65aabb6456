//! VerificationService: brings receipts, assignments and vouchers to the chain, and has epochs judged, which is when slashes happen.

mod epochs;
mod tasks;
mod vouchers;

pub use epochs::{Epochs, Page};
pub use tasks::{Assignments, Receipts, Refused, TaskBody, TaskChecker};
pub use vouchers::{VoucherBody, VoucherChecker, VoucherRefused, Vouchers};

pub const RECEIPTS: &str = "receipts";
pub const ASSIGNMENTS: &str = "assignments";
pub const VOUCHERS: &str = "vouchers";
pub const EPOCHS: &str = "epochs";

/// Seconds of an epoch.
pub const EPOCH: u64 = 300;
