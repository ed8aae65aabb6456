//! EscrowBuffer on motsu.

extern crate alloc;

mod attacks;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod escrow;
mod fuzz;
#[allow(dead_code)]
#[path = "../../../work-ledger/src/lib.rs"]
mod ledger;
#[allow(dead_code)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
mod neighbours;
mod world;
