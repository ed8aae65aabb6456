//! WorkMisses on motsu, with the real WorkLedger, WorkVouchers, WorkReserve, Judge and StakeManager.

extern crate alloc;

#[allow(dead_code, unused_imports)]
#[path = "../../src/lib.rs"]
mod contract;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-vouchers/src/lib.rs"]
mod evidence;
mod fuzz;
#[allow(dead_code, unused_imports)]
#[path = "../../../judge/src/lib.rs"]
mod judge;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-ledger/src/lib.rs"]
mod ledger;
#[path = "../../../work-reserve/tests/main/market.rs"]
mod market;
#[allow(dead_code, unused_imports)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
mod miss_attacks;
mod miss_verdicts;
mod misses;
#[path = "../../../escrow-buffer/tests/main/neighbours.rs"]
mod neighbours;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-reserve/src/lib.rs"]
mod reserve;
#[allow(dead_code, unused_imports)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
