//! Settlement by work on real Superfluid, to the wei: streams into the reserve, vouchers out of it, the rest back.

mod attacks;
mod path;

use alloy::primitives::B256;
use alloy::signers::local::PrivateKeySigner;

/// A key of its own for every number.
fn signer(number: u64) -> PrivateKeySigner {
    let key = alloy::primitives::keccak256(number.to_be_bytes());
    PrivateKeySigner::from_bytes(&B256::from(key)).unwrap()
}
