//! DemurrageToken on motsu: every function, error, event and access rule, exact values, and SPEC §5, invariant 5.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;

mod decay;
mod fuzz;
mod invariants;
mod neighbours;
mod notice;
mod permit;
mod token;
mod world;
