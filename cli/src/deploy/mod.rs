//! Deploying the suite to any Stylus chain, looking at what is deployed, and keeping it alive.
//!
//! [`suite`] is the plan, as data; [`plan`] finds out what of it is still to be done, [`run`] does it, [`verify`] reads it
//! back. Every step is recorded in `deployments/<chain id>.json` ([`record`]) before the next one begins, and a transaction
//! before it is sent: a run that was interrupted is simply repeated.
//!
//! Programs go through StylusDeployer, as with `cargo stylus deploy`: created, activated and constructed in one transaction,
//! so that nobody else constructs them. stylus-tools, the library behind that command, wants to build a project for it,
//! brings wasmer, testcontainers and a C compiler's brotli along, and sends no fee with a keepalive; so the few calls are
//! made here, as the devnet makes them.

mod chain;
mod cli;
mod config;
mod estimate;
mod keepalive;
mod key;
mod misses;
mod plan;
mod record;
mod run;
mod scope;
mod status;
pub mod suite;
mod text;
mod verify;

pub use chain::{without_secrets, Chain};
pub use cli::{deployments_file, DeployOptions, KeepaliveOptions, StatusOptions, DEPLOYMENTS};
pub use config::{Config, Settings, Stake, TaskType, ARBITRUM_ONE};
pub use keepalive::{keepalive, Renewed};
pub use key::KeySource;
pub use plan::Redeploy;
pub use record::{Book, CallRecord, ContractRecord};
pub use run::{deploy, Deployed, Request};
pub use status::status;
pub use verify::{inspect, Report};
