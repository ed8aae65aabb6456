//! Chance: ids that nobody has used, and draws.

use alloy::primitives::B256;

/// 32 bytes from the operating system.
///
/// # Panics
/// If it has none, as no system in use does.
pub fn random() -> B256 {
    let mut bytes = B256::ZERO;
    getrandom::fill(bytes.as_mut_slice()).expect("the operating system gives random bytes");
    bytes
}
