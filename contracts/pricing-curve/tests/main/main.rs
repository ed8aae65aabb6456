//! PricingCurve on motsu. One binary for all tests: what they share is compiled and linked once.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod pricing_curve;
