//! BackpressurePool on motsu.

extern crate alloc;

mod attacks;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
#[allow(dead_code)]
#[path = "../../../overflow-meter/src/lib.rs"]
mod meter;
mod neighbours;
mod pool;
mod world;
