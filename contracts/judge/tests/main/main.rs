//! Judge on motsu.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
#[allow(dead_code, unused_imports)]
#[path = "../../../work-vouchers/src/lib.rs"]
mod evidence;
mod fuzz;
mod invariants;
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
mod rewards;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod world;
