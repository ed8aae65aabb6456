//! The suite from off the chain: what is deployed, what it says, what happens there, and how to make something happen.
//!
//! Four parts, each of use alone:
//!
//! - [`Deployment`]: the record of what is deployed where. It refuses the wrong chain and another instance of it.
//! - [`views`]: what the contracts answer, in pages.
//! - [`Follower`]: reads events in order, each once, into a database: the cursor is stored in the same transaction as what
//!   the events did. Reorganisations take back what never was.
//! - [`Sender`]: one queue per key. It simulates, cuts batches, replaces what is stuck, judges by events and stays within
//!   limits of spending.
//!
//! State is a cache of the chain: a [`Database`] that is deleted costs time, not money. Time is the chain's, which [`HeadWatch`]
//! reads; the machine's clock measures durations only.
//!
//! `examples/follow.rs` is a whole program.

mod database;
pub mod decimal;
mod deployment;
mod error;
mod follow;
mod head;
mod key;
mod logs;
mod send;
mod typed_error;
pub mod views;

pub use database::{chain_migrations, Database, Identity, Kind, Once, Write};
pub use deployment::{Deployment, DeploymentError, Superfluid};
pub use error::ChainError;
pub use follow::{Follower, FollowerSettings, Progress, Projection};
pub use head::{Head, HeadWatch};
pub use key::{KeyError, KeySource};
pub use logs::read_logs;
pub use send::{
    Batch, Call, Effect, Limits, Refusal, Report, SendError, Sender, Sent, Simulation, Spending,
};
pub use typed_error::describe;
