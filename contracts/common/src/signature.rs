//! Who signed a digest.
//!
//! The rules are OpenZeppelin's `ECDSA` and `SignatureChecker`: 65 bytes `r ‖ s ‖ v`, `s` in the lower half of the
//! order so that no signature has a twin, the zero address never a signer; an account's own key signs for it, whether it
//! has code (EIP-7702) or not, and an account with code answers for itself besides (ERC-1271). Recovery is the `ecrecover` precompile's, 3000 gas, which no curve arithmetic in WASM comes near.

use alloy_primitives::{address, b256, Address, Bytes, B256, U256};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::{prelude::*, stylus_core::Host};

use crate::call::{has_code, static_call, ALL_GAS};

sol! {
    /// The signature recovers to no one.
    #[derive(Debug, PartialEq, Eq)]
    error ECDSAInvalidSignature();
    /// A signature is 65 bytes; this one has `length`.
    #[derive(Debug, PartialEq, Eq)]
    error ECDSAInvalidSignatureLength(uint256 length);
    /// `s` is in the upper half of the curve's order: the signature has a twin.
    #[derive(Debug, PartialEq, Eq)]
    error ECDSAInvalidSignatureS(bytes32 s);

    interface IERC1271 {
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
    }
}

/// Why a signature was not accepted.
#[derive(SolidityError, Debug, PartialEq, Eq)]
pub enum Error {
    /// It recovers to no one.
    Invalid(ECDSAInvalidSignature),
    /// It is not 65 bytes long.
    Length(ECDSAInvalidSignatureLength),
    /// It has a twin.
    HighS(ECDSAInvalidSignatureS),
}

crate::nested::nested_error!(Error, "ECDSAInvalidSignature(); error ECDSAInvalidSignatureLength(uint256); error ECDSAInvalidSignatureS(bytes32)");

const ECRECOVER: Address = address!("0000000000000000000000000000000000000001");
const ERC1271_MAGIC: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];
const LENGTH: usize = 65;
/// Half of secp256k1's order, rounded down: the largest `s` accepted.
const HALF_ORDER: B256 = b256!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// The account whose key signed `digest`.
///
/// # Errors
///
/// * [`ECDSAInvalidSignatureLength`] if the signature is not 65 bytes.
/// * [`ECDSAInvalidSignatureS`] if `s` is in the upper half.
/// * [`ECDSAInvalidSignature`] if it recovers to nobody.
pub fn recover(vm: &dyn Host, digest: B256, signature: &[u8]) -> Result<Address, Error> {
    let Some((s, v)) = split(signature) else {
        let length = U256::from(signature.len());
        return Err(ECDSAInvalidSignatureLength { length }.into());
    };
    if s > HALF_ORDER {
        return Err(ECDSAInvalidSignatureS { s }.into());
    }
    let mut input = [0; 128];
    input[..32].copy_from_slice(digest.as_slice());
    input[63] = v;
    input[64..].copy_from_slice(&signature[..64]);
    let answer = static_call(vm, ECRECOVER, &input, ALL_GAS, 32);
    if !answer.success || answer.data.len() != 32 {
        return Err(ECDSAInvalidSignature {}.into());
    }
    let signer = Address::from_word(B256::from_slice(&answer.data));
    if signer.is_zero() {
        return Err(ECDSAInvalidSignature {}.into());
    }
    Ok(signer)
}

fn split(signature: &[u8]) -> Option<(B256, u8)> {
    if signature.len() != LENGTH {
        return None;
    }
    Some((B256::from_slice(&signature[32..64]), signature[64]))
}

/// Whether `signer` signed `digest`: with its key, or, if it has code, by its own word (ERC-1271).
///
/// Never reverts, whatever `signer` does. The zero address signs nothing.
pub fn is_valid(vm: &dyn Host, signer: Address, digest: B256, signature: &[u8]) -> bool {
    is_signed(vm, signer, digest, signature).unwrap_or(false)
}

/// As [`is_valid`], but says what is wrong with the signature of an account without code if it is malformed.
///
/// # Errors
///
/// * As [`recover`].
pub fn is_signed(
    vm: &dyn Host,
    signer: Address,
    digest: B256,
    signature: &[u8],
) -> Result<bool, Error> {
    let recovered = recover(vm, digest, signature);
    if recovered.as_ref() == Ok(&signer) {
        return Ok(true);
    }
    match has_code(vm, signer) {
        true => Ok(is_valid_erc1271(vm, signer, digest, signature, ALL_GAS)),
        false => recovered.map(|_| false),
    }
}

/// Whether the contract `signer` says that it signed `digest` (ERC-1271), with at most `gas`.
///
/// Never reverts, whatever `signer` does. Where a "no" is tolerated, [`require_gas`](crate::call::require_gas) comes
/// first.
pub fn is_valid_erc1271(
    vm: &dyn Host,
    signer: Address,
    digest: B256,
    signature: &[u8],
    gas: u64,
) -> bool {
    let data = IERC1271::isValidSignatureCall {
        hash: digest,
        signature: Bytes::copy_from_slice(signature),
    }
    .abi_encode();
    let answer = static_call(vm, signer, &data, gas, 32);
    answer.success
        && answer.data.len() == 32
        && answer.data[..4] == ERC1271_MAGIC
        && answer.data[4..].iter().all(|byte| *byte == 0)
}
