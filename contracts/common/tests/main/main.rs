//! `bpe-common`: its arithmetic against exact numbers, and what needs a VM on motsu.

extern crate alloc;

mod attestation;
mod curve;
mod decay;
mod eip712;
mod erc20;
mod events;
mod list;
mod math;
mod ownable;
mod returns;
mod route;
mod signature;
mod split;
mod superfluid;

use alloc::{vec, vec::Vec};
use stylus_sdk::prelude::*;

/// A contract that does nothing but be there: its VM is what the tests need.
#[storage]
pub struct Probe {}

#[public]
impl Probe {}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Probe {}
