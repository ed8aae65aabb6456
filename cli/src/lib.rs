//! What `bpe` does that tests do as well.

pub mod artifacts;
pub mod deploy;
pub mod migrate;
pub mod programs;
