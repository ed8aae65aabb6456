//! RebalanceEngine: updates units where the money that they misallocate is worth it, drains what waits, closes price epochs.

mod decide;
mod jobs;
mod look;

pub use decide::{decide, due_units, misallocated_share, Debts, Decision, Judgement, Prices, Sink};
pub use jobs::{Drains, PriceEpochs, Units, Update};
pub use look::{look, View};

pub const UNITS: &str = "units";
pub const ESCROW: &str = "escrow";
pub const PRICES: &str = "prices";
