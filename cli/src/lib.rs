//! What `bpe` does that tests do as well.

pub mod abis;
pub mod artifacts;
pub mod deploy;
pub mod errors;
pub mod migrate;
pub mod programs;
pub mod trace;
