//! RelayCapacityRegistry on motsu: every function, error and access rule.

extern crate alloc;

mod capacity;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod locks;
mod relays;
mod settings;
#[allow(dead_code)]
mod world;
