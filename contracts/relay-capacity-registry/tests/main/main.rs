//! RelayCapacityRegistry on motsu: every function, error and access rule, with real secp256k1 signatures.

extern crate alloc;

mod attestations;
mod capacity;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod invariants;
mod relays;
mod settings;
mod world;
