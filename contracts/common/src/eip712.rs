//! EIP-712: hashes of typed data that people and agents sign.
//!
//! The domain separator is worked out at every use, from the chain id and the contract's own address: it is right
//! after a fork, and in every clone, without being stored.

use alloc::vec::Vec;
use alloy_primitives::{b256, keccak256, Address, FixedBytes, B256, U256};
use stylus_sdk::stylus_core::Host;

use crate::{events::Word, returns::Encoded, superfluid::push_bytes};

/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`
pub const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");

/// A domain: the name and version of the contract that signatures are meant for. Constants, or read from storage.
#[derive(Clone, Copy, Debug)]
pub struct Domain<'a> {
    /// Name of the contract, as wallets show it.
    pub name: &'a str,
    /// Version of its signed messages.
    pub version: &'a str,
}

/// The domain of vouchers, of assignments by work and of keys: the contract is WorkVouchers. By the specification it and
/// WorkLedger are one.
pub const WORK_LEDGER: Domain = Domain {
    name: "BPE-WorkLedger",
    version: "1",
};

/// `keccak256("WorkAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)")`,
/// of the domain [`WORK_LEDGER`].
pub const ASSIGNMENT_TYPEHASH: B256 =
    b256!("58038cfa2e71e1db197862627fc0e6747bbc37aec35ec7c47a7b9078b3e6c1fc");

/// The domain of receipts and of assignments of tasks.
pub const COMPLETION_TRACKER: Domain = Domain {
    name: "BPE-CompletionTracker",
    version: "1",
};

/// What `eip712Domain()` of EIP-5267 returns: fields, name, version, chain id, verifying contract, salt, extensions.
pub type DomainFields = Encoded<(
    FixedBytes<1>,
    alloc::string::String,
    alloc::string::String,
    U256,
    Address,
    B256,
    Vec<U256>,
)>;

impl Domain<'_> {
    /// The domain separator of the contract that is running.
    pub fn separator(&self, vm: &dyn Host) -> B256 {
        self.separator_of(vm, vm.contract_address())
    }

    /// The domain separator of the contract at `contract`, on this chain.
    pub fn separator_of(&self, vm: &dyn Host, contract: Address) -> B256 {
        hash_words(&[
            DOMAIN_TYPEHASH,
            keccak256(self.name),
            keccak256(self.version),
            U256::from(vm.chain_id()).into(),
            contract.into_word(),
        ])
    }

    /// What is signed: `keccak256(0x1901 ‖ separator ‖ struct_hash)`.
    pub fn digest(&self, vm: &dyn Host, struct_hash: B256) -> B256 {
        typed_data_hash(self.separator(vm), struct_hash)
    }

    /// The result of `eip712Domain()` (EIP-5267). Salt and extensions are not used.
    pub fn fields(&self, vm: &dyn Host) -> DomainFields {
        const HEAD: usize = 7 * 32;
        let version_at = HEAD.saturating_add(padded(self.name));
        let extensions_at = version_at.saturating_add(padded(self.version));
        let mut fields = B256::ZERO;
        fields[0] = 0x0f;
        let mut bytes = Vec::with_capacity(extensions_at.saturating_add(32));
        for word in [
            fields,
            HEAD.word(),
            version_at.word(),
            vm.chain_id().word(),
            vm.contract_address().word(),
            B256::ZERO,
            extensions_at.word(),
        ] {
            bytes.extend_from_slice(word.as_slice());
        }
        push_bytes(&mut bytes, self.name.as_bytes());
        push_bytes(&mut bytes, self.version.as_bytes());
        push_bytes(&mut bytes, &[]);
        bytes.into()
    }
}

/// How long a text is in the ABI: its length, then whole words of it.
fn padded(text: &str) -> usize {
    text.len().next_multiple_of(32).saturating_add(32)
}

/// `keccak256(0x1901 ‖ separator ‖ struct_hash)`, for a separator that is used several times.
pub fn typed_data_hash(separator: B256, struct_hash: B256) -> B256 {
    let mut preimage = [0; 66];
    preimage[0] = 0x19;
    preimage[1] = 0x01;
    preimage[2..34].copy_from_slice(separator.as_slice());
    preimage[34..].copy_from_slice(struct_hash.as_slice());
    keccak256(preimage)
}

/// `keccak256(abi.encode(words…))` of static values: with a type hash first, EIP-712's `hashStruct`.
pub fn hash_words<const N: usize>(words: &[B256; N]) -> B256 {
    hash_slice(words)
}

/// Once for every number of words.
fn hash_slice(words: &[B256]) -> B256 {
    let mut bytes = Vec::with_capacity(words.len().saturating_mul(32));
    for word in words {
        bytes.extend_from_slice(word.as_slice());
    }
    keccak256(bytes)
}
