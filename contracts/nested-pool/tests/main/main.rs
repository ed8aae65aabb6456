//! NestedPool on motsu.

extern crate alloc;

mod children;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod world;
