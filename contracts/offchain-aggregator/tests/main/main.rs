//! OffchainAggregator on motsu. One binary for all tests: what they share is compiled and linked once.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod offchain_aggregator;
#[allow(dead_code)]
#[path = "../../../pricing-curve/src/lib.rs"]
mod pricing_curve;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod suite;
