//! WorkReserve on motsu, with the real WorkLedger.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod deposits;
mod fuzz;
mod invariants;
#[allow(dead_code)]
#[path = "../../../work-ledger/src/lib.rs"]
mod ledger;
mod market;
#[allow(dead_code)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
mod money;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
mod payments;

use contract as reserve;
