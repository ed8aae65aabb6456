//! RelayPaymentPool on motsu: every function, error and access rule.

extern crate alloc;

mod age;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod members;
mod settings;
mod tariff;
mod world;
