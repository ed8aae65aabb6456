//! WorkVouchers on motsu, with the real WorkLedger and WorkReserve.

extern crate alloc;

#[allow(dead_code, unused_imports)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod keys;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-ledger/src/lib.rs"]
mod ledger;
#[path = "../../../work-reserve/tests/main/market.rs"]
mod market;
#[allow(dead_code, unused_imports)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-reserve/src/lib.rs"]
mod reserve;
mod verified;
mod vouchers;

use contract as evidence;
