//! What of `bpe-common` needs a VM, on motsu.

extern crate alloc;

mod eip712;
mod erc20;
mod events;
mod list;
mod ownable;
mod returns;
mod signature;

use alloc::{vec, vec::Vec};
use stylus_sdk::prelude::*;

/// A contract that does nothing but be there: its VM is what the tests need.
#[storage]
pub struct Probe {}

#[public]
impl Probe {}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Probe {}
