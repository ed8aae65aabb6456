//! The domains on a devnet, connected to the core: what they attest, earn and pay really moves.

mod demurrage;
mod lightning;
mod openclaw;
mod platform;
mod rails;
mod relay;
mod routes;
mod strangers;

/// Seconds of an hour.
const HOUR: u64 = 3_600;
