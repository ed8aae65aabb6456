//! Ink and gas for what programs ask of the host.

/// Any host call.
pub const HOSTIO: u64 = 8_400;
/// A pointer handed over.
pub const PTR: u64 = 5_040;
/// A call into the chain's state.
pub const API: u64 = 59_673;
pub const DIV: u64 = 20_000;
pub const MUL_MOD: u64 = 24_100;
pub const ADD_MOD: u64 = 21_000;

/// Gas that must be left to touch a storage word: what the cache may charge.
pub const CACHE_ACCESS_GAS: u64 = 10;
/// EIP-2200: a store needs more than this.
pub const SSTORE_SENTRY_GAS: u64 = 2_300;
pub const COLD_SLOAD_GAS: u64 = 2_100;
pub const WARM_ACCESS_GAS: u64 = 100;
pub const COLD_ACCOUNT_GAS: u64 = 2_600;
pub const LOG_TOPIC_GAS: u64 = 375;
pub const LOG_BYTE_GAS: u64 = 8;

/// Writing `len` bytes to the program's memory.
pub const fn write(len: u32) -> u64 {
    PTR + 30 * (len as u64).saturating_sub(32)
}

/// Reading `len` bytes from the program's memory.
pub const fn read(len: u32) -> u64 {
    16_381 + 55 * (len as u64).saturating_sub(32)
}

/// Hashing `len` bytes.
pub const fn keccak(len: u32) -> u64 {
    121_800 + 21_000 * (len as u64).div_ceil(32).saturating_sub(2)
}

/// Raising to an exponent: by its bytes, leading zeros left out.
pub fn pow(exponent: &[u8; 32]) -> u64 {
    let zeros = exponent.iter().take_while(|byte| **byte == 0).count() as u64;
    3_000 + 17_500 * (33 - zeros)
}
