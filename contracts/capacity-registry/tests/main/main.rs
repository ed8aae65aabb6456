//! CapacityRegistry on motsu.

extern crate alloc;

mod attested;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod history;
mod invariants;
mod registry;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod task_types;
