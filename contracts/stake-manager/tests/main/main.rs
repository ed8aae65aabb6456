//! StakeManager on motsu.

extern crate alloc;

mod bonds;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod stakes;
