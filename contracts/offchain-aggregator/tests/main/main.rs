//! OffchainAggregator on motsu.

extern crate alloc;

mod aggregator;
#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
#[allow(dead_code)]
#[path = "../../../pricing-curve/src/lib.rs"]
mod pricing_curve;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod suite;
