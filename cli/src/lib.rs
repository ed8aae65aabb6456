//! What `bpe` does that tests do as well.

pub mod programs;
