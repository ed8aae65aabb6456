//! StreamGateway on motsu.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod gateway;
mod neighbours;
