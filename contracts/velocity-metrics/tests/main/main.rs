//! VelocityMetrics on motsu: every function, error, event and access rule, exact values, and the definition itself.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;

mod definition;
mod fuzz;
mod metrics;

use alloy_primitives::{Address, U256};

const OWNER: Address = Address::repeat_byte(0x01);
const TOKEN: Address = Address::repeat_byte(0x70);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const CAROL: Address = Address::repeat_byte(0xca);

fn wei(amount: u64) -> U256 {
    U256::from(amount)
}
