use alloc::{vec, vec::Vec};
use alloy_primitives::{B256, U256, U8};
use stylus_sdk::{prelude::*, storage::*};

use crate::{refusal, Answer};

/// A contract account (ERC-1271) that approves of one digest, whatever the signature.
#[storage]
pub struct Wallet {
    approved: StorageB256,
    misbehaviour: StorageU8,
}

#[public]
impl Wallet {
    /// Approves of this digest only.
    pub fn approve(&mut self, digest: B256) {
        self.approved.set(digest);
    }

    /// From now on: 0 behaves; 1 reverts; 2 answers `true`; 3 answers with 4 bytes; 4 answers the magic with a tail; 5
    /// answers with nothing.
    pub fn misbehave(&mut self, how: u8) {
        self.misbehaviour.set(U8::from(how));
    }

    /// `isValidSignature(bytes32,bytes)`.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Answer {
        let magic = [0x16, 0x26, 0xba, 0x7e];
        let mut word = [0; 32];
        match self.misbehaviour.get().to::<u8>() {
            1 => Err(refusal("no")),
            2 => Ok(U256::from(1).to_be_bytes_vec()),
            3 => Ok(magic.to_vec()),
            4 => {
                word[..4].copy_from_slice(&magic);
                word[31] = 1;
                Ok(word.to_vec())
            }
            5 => Ok(vec![]),
            _ => {
                if calldata.get(4..36) == Some(self.approved.get().as_slice()) {
                    word[..4].copy_from_slice(&magic);
                }
                Ok(word.to_vec())
            }
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Wallet {}
