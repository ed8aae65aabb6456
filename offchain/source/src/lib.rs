//! A local gateway of a payer: OpenAI-compatible, and any other path is passed through too. Every request goes to a
//! sink that has room, and is paid for what was done.
//!
//! - `gateway`: what becomes of a request; `request`: what it asks for; `sinks`: who is asked.
//! - `money`: limits of spending, streams, earmarks. `settle`: vouchers for what was done.
//! - [`Source`]: start, run, stop, and take everything back.

pub mod config;
mod gateway;
mod health;
mod money;
mod random;
mod request;
mod settle;
mod shared;
mod sinks;
mod source;

pub use config::Config;
pub use health::SERIES;
pub use source::{Source, SourceError};
