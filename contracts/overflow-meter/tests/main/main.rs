//! OverflowMeter on motsu.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
mod overflow;
