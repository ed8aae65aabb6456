//! WorkLedger on motsu.

extern crate alloc;

#[allow(dead_code, unused_imports)]
#[path = "../../src/lib.rs"]
mod contract;
mod invariants;
#[allow(dead_code, unused_imports)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
mod notes;
mod world;
