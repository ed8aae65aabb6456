//! RebalanceEngine: updates units where the money that they misallocate is worth it, drains what waits, closes price epochs, notes
//! what sources by work have paid.

mod decide;
mod jobs;
mod look;
mod notes;

pub use decide::{decide, due_units, misallocated_share, Debts, Decision, Judgement, Prices, Sink};
pub use jobs::{Drains, PriceEpochs, Units, Update};
pub use look::{look, View};
pub use notes::{streams_by_work, Note, Notes};

pub const UNITS: &str = "units";
pub const ESCROW: &str = "escrow";
pub const PRICES: &str = "prices";
pub const NOTES: &str = "notes";
