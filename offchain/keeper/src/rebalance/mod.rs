//! RebalanceEngine: updates units where the money that they misallocate is worth it, drains what waits, closes price epochs, notes
//! what sources by work have paid, settles what sinks have missed.

mod decide;
mod jobs;
mod look;
mod misses;
mod notes;

pub use decide::{decide, due_units, misallocated_share, Debts, Decision, Judgement, Prices, Sink};
pub use jobs::{Drains, PriceEpochs, Units, Update};
pub use look::{look, View};
pub use misses::{unsettled, Misses, Unsettled};
pub use notes::{streams_by_work, Note, Notes};

pub const UNITS: &str = "units";
pub const ESCROW: &str = "escrow";
pub const PRICES: &str = "prices";
pub const NOTES: &str = "notes";
pub const MISSES: &str = "misses";
