//! RelayBudget on motsu, over a token and a pool of the tests, with real secp256k1 signatures.

extern crate alloc;

mod attacks;
mod budgets;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod world;
