//! A sidecar before any HTTP service: it takes tasks that are paid for, forwards them, and has what was done paid.
//!
//! - `serve`: what becomes of a request; `vouchers`: of what a source signs for.
//! - `chain`: what the chain says of a source, and of the price.
//! - `measure`: windows for CapacityComputer, attestations of what it says.
//! - `earn`: vouchers to keepers and to the chain. `misses`: answers to sources that report what was done. [`Sink`]: start, run, stop, leave.

mod chain;
pub mod config;
mod earn;
mod health;
mod measure;
mod misses;
mod serve;
mod shared;
mod sink;
mod vouchers;

pub use config::Config;
pub use health::SERIES;
pub use sink::{Sink, SinkError};
