//! WorkLedger on motsu.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod keys;
#[path = "../../../work-reserve/tests/main/market.rs"]
mod market;
#[allow(dead_code)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
mod notes;
#[allow(dead_code)]
#[path = "../../../work-reserve/src/lib.rs"]
mod reserve;
mod verified;
mod vouchers;
mod world;

use contract as ledger;
