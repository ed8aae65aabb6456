//! What `bpe` does that tests do as well.

pub mod deploy;
pub mod programs;
