//! PricingCurve on motsu.

extern crate alloc;

mod by_work;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod curve;
mod fuzz;
mod invariants;
