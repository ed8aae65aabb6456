use alloc::{vec, vec::Vec};
use alloy_primitives::{address, Address};
use k256::sha2::{Digest, Sha256};
use motsu::prelude::Contract;
use num_bigint::BigUint;
use stylus_sdk::prelude::*;

use crate::Answer;

/// SHA-256 and modular exponentiation, at their addresses for as long as this lives. motsu has `ecrecover` alone.
pub struct Precompiles {
    _sha_256: Contract<Hash>,
    _mod_exp: Contract<Power>,
}

impl Precompiles {
    /// Puts them there.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        const SHA_256: Address = address!("0000000000000000000000000000000000000002");
        const MOD_EXP: Address = address!("0000000000000000000000000000000000000005");
        Self {
            _sha_256: Contract::new_at(SHA_256),
            _mod_exp: Contract::new_at(MOD_EXP),
        }
    }
}

#[storage]
pub struct Hash {}

#[public]
impl Hash {
    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> Answer {
        Ok(Sha256::digest(calldata).to_vec())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Hash {}

#[storage]
pub struct Power {}

#[public]
impl Power {
    /// Of lengths below 256, which all of ours are.
    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> Answer {
        let length = |place: usize| usize::from(calldata[place]);
        let (base, exponent, modulus) = (length(31), length(63), length(95));
        let rest = calldata[96..].to_vec();
        let number =
            |from: usize, length: usize| BigUint::from_bytes_be(&rest[from..from + length]);
        let result =
            number(0, base).modpow(&number(base, exponent), &number(base + exponent, modulus));
        let bytes = result.to_bytes_be();
        Ok([vec![0; modulus - bytes.len()], bytes].concat())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Power {}
