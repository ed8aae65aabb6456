//! WorkReserve on motsu, with the real WorkLedger and WorkVouchers.

extern crate alloc;

mod attacks;
#[allow(dead_code, unused_imports)]
#[path = "../../src/lib.rs"]
mod contract;
mod deposits;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-vouchers/src/lib.rs"]
mod evidence;
mod fuzz;
mod invariants;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-ledger/src/lib.rs"]
mod ledger;
mod market;
#[allow(dead_code, unused_imports)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
mod money;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
mod payments;

use contract as reserve;
