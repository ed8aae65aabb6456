//! The protocol's logic layer as one service: CapacityOracle, RebalanceEngine, VerificationService, with a store, an API,
//! metrics and a page.
//!
//! Until somebody turns the crank, no attestation arrives, no unit follows capacity, no epoch ends. Anybody may; the keeper
//! is somebody who does it on time and as cheaply as it can. It needs a key with ether and no rights.
//!
//! - [`oracle`], [`rebalance`], [`verification`]: what is to be done, and how the chain says that it was.
//! - `index`: the picture of the economy, out of events; `inbox`: what clients handed in.
//! - `workers`: who does it when. `api`: what is served.
//!
//! Everything in the store can be read again from the chain.

pub mod api;
pub mod config;
mod health;
mod inbox;
mod index;
mod keeper;
mod leader;
mod metrics;
pub mod oracle;
pub mod rebalance;
mod shared;
pub mod verification;
mod workers;

pub use config::{Config, ConfigError};
pub use keeper::{Keeper, KeeperError};
pub use metrics::SERIES;

/// The tables of the keeper's store.
const MIGRATIONS: [(i64, &str, &str); 3] = [
    (101, "keeper", include_str!("../migrations/0101_keeper.sql")),
    (
        102,
        "taken back",
        include_str!("../migrations/0102_taken_back.sql"),
    ),
    (103, "misses", include_str!("../migrations/0103_misses.sql")),
];
