//! What the services of sinks and sources share.
//!
//! - [`config`]: the sections that both configurations have, and how they are read.
//! - [`start`]: from a configuration to chain, deployment, store and sender.
//! - [`http`]: requests to another service, with a limit of time for each part of them; answers that are forwarded as
//!   they
//!   come, counted, and ended well or with an error event.
//! - [`answer`]: what a client is told, in the form that OpenAI's clients read.
//! - [`metrics`]: counted from the start.

pub mod answer;
pub mod config;
pub mod http;
mod in_hand;
pub mod metrics;
mod relay;
mod resolve;
pub mod start;

pub use in_hand::InHand;
pub use relay::{relay, End, Relayed};
