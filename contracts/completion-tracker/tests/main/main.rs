//! CompletionTracker on motsu.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod dodges;
mod fuzz;
#[allow(dead_code)]
#[path = "../../../judge/src/lib.rs"]
mod judge;
mod notice;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod tracker;
