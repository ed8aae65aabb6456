//! ServiceDirectory on motsu, with the real CapacityRegistry, StakeManager and PricingCurve.

extern crate alloc;

mod agents;
#[allow(dead_code, unused_imports)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod names;
#[allow(dead_code, unused_imports)]
#[path = "../../../pricing-curve/src/lib.rs"]
mod pricing_curve;
#[allow(dead_code, unused_imports)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod registry;
mod services;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;
mod task_types;
mod world;
