//! Prints the contract's interface: `cargo run --features export-abi`. `cargo stylus` asks it for the constructor.
extern crate alloc;

#[allow(dead_code)]
#[path = "lib.rs"]
mod contract;

fn main() {
    contract::print_from_args();
}
