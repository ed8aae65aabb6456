//! Judge on motsu.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod dodges;
mod fuzz;
mod invariants;
mod judge;
#[allow(dead_code)]
#[path = "../../../reputation-ledger/src/lib.rs"]
mod reputation_ledger;
mod rewards;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod world;
