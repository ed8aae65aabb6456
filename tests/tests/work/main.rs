//! Settlement by work on real Superfluid, to the wei: streams into the reserve, vouchers out of it, the rest back.

mod attacks;
mod outside;
mod path;
mod self_dealing;

use alloy::{primitives::keccak256, signers::local::PrivateKeySigner};

/// A key of its own for every number.
fn signer(number: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(number.to_be_bytes())).unwrap()
}
