//! Keys of secp256k1, as the worlds of Nostr and Lightning have them, proven by precompiles: no curve arithmetic in WASM.
//!
//! | | signature | cost |
//! |---|---|---|
//! | Nostr | BIP-340 (Schnorr) by an x-only key | about 9 000 gas; 2 700 more where EIP-7883 holds |
//! | Lightning | `signmessage` of LND, CLN, LDK, Eclair: recoverable ECDSA by a compressed key | likewise |
//!
//! A key is its x coordinate here, 32 bytes. BIP-340 takes the point with the even y; a Lightning node's key has the one that
//! its first byte, 2 or 3, says.
//!
//! # BIP-340 by `ecrecover`
//!
//! With the challenge e, `ecrecover(−s·x mod n, 27, x, −e·x mod n)` is the address of `s·G − e·P`: for recovery takes the point
//! with x and the even y, which is P, and computes `x⁻¹ · (−e·x · P − (−s·x) · G)`. That has to be the address of the point R
//! of the signature, with its even y.

use alloc::{vec, vec::Vec};
use alloy_primitives::{address, b256, keccak256, uint, Address, B256, U256, U512};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::stylus_core::Host;

use crate::{
    call::{query_words, static_call, to_address, Revert, ALL_GAS},
    events::Word,
    interfaces::IKeyRegistry,
};

sol! {
    /// The key has not said at KeyRegistry that the caller is its operator.
    #[derive(Debug, PartialEq, Eq)]
    error KeyNotProven(bytes32 key);
}

const ECRECOVER: Address = address!("0000000000000000000000000000000000000001");
const SHA_256: Address = address!("0000000000000000000000000000000000000002");
const MODEXP: Address = address!("0000000000000000000000000000000000000005");

/// The field's prime.
pub const P: U256 = uint!(0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f_U256);
/// The order of the group.
pub const N: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
/// `(P + 1) / 4`, by which roots are taken.
const ROOT: U256 = uint!(0x3fffffffffffffffffffffffffffffffffffffffffffffffffffffffbfffff0c_U256);
/// `P − 7`.
const P_LESS_7: U256 =
    uint!(0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc28_U256);
/// `sha256("BIP0340/challenge")`
const CHALLENGE: B256 = b256!("7bb52d7a9fef58323eb1bf7a407db382d2f3f2d81bb1224f49fe518f6d48d37c");
/// What Lightning nodes put in front of a message before they sign it.
const LIGHTNING_PREFIX: &[u8] = b"Lightning Signed Message:";
/// The letters of zbase32, by value.
const ZBASE32: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Keys of Nostr, at KeyRegistry.
pub const NOSTR: u8 = 1;
/// Keys of Lightning nodes.
pub const LIGHTNING: u8 = 2;

/// Who the key says at KeyRegistry that its operator is; zero if it has said nothing.
///
/// # Errors
///
/// If KeyRegistry does not answer.
#[inline(never)]
pub fn operator_of(vm: &dyn Host, keys: Address, scheme: u8, key: B256) -> Result<Address, Revert> {
    let selector = IKeyRegistry::getKeyCall::SELECTOR;
    let [operator] = query_words(vm, keys, selector, &[scheme.word(), key])?;
    Ok(to_address(operator))
}

/// The SHA-256 hash.
pub fn sha256(vm: &dyn Host, data: &[u8]) -> B256 {
    let answer = static_call(vm, SHA_256, data, ALL_GAS, 32);
    // The precompile fails only without gas, and then all does.
    B256::try_from(&answer.data[..]).unwrap_or_default()
}

/// Whether `signature` is that of the x-only `key` over `message` (BIP-340).
pub fn is_schnorr_signed(vm: &dyn Host, key: B256, message: &[u8], signature: &[u8]) -> bool {
    let Some((r, s)) = halves(signature) else {
        return false;
    };
    let (x, s_number) = (U256::from_be_bytes(key.0), U256::from_be_bytes(s.0));
    // A key of n or more, of which there are 2^-127 of all, the precompile cannot take.
    if x >= N || s_number >= N {
        return false;
    }
    let mut preimage = Vec::with_capacity(message.len().saturating_add(128));
    for part in [&CHALLENGE[..], &CHALLENGE[..], &r[..], &key[..], message] {
        preimage.extend_from_slice(part);
    }
    let challenge = U256::from_be_bytes(sha256(vm, &preimage).0);
    let Some(y) = lift(vm, U256::from_be_bytes(r.0)) else {
        return false;
    };
    let hash = negated(times(vm, s_number, x));
    let e_x = negated(times(vm, challenge, x));
    // Without a challenge there is nothing of the key in it.
    !e_x.is_zero() && recovered(vm, hash.into(), 27, key, e_x.into()) == address_of(r, y)
}

/// The first byte of the compressed key, 2 or 3, if `signature` is that of the Lightning node whose key has the x coordinate
/// `key`, over `message`: as the node prints it (104 letters of zbase32), or the 65 bytes of that.
pub fn lightning_signer(vm: &dyn Host, key: B256, message: &[u8], signature: &[u8]) -> Option<u8> {
    let decoded = match signature.len() {
        65 => signature.to_vec(),
        _ => from_zbase32(signature)?,
    };
    let (first, rest) = decoded.split_first()?;
    let (r, s) = halves(rest)?;
    // 31 and 32: a compressed key, whose r is below the order. 33 and 34 do not happen by chance.
    let v = match first {
        31 => 27,
        32 => 28,
        _ => return None,
    };
    let digest = sha256(
        vm,
        sha256(vm, &[LIGHTNING_PREFIX, message].concat()).as_slice(),
    );
    let signer = recovered(vm, digest, v, r, s);
    let y = lift(vm, U256::from_be_bytes(key.0))?;
    if signer.is_zero() {
        None
    } else if signer == address_of(key, y) {
        Some(2)
    } else if signer == address_of(key, P.wrapping_sub(y)) {
        Some(3)
    } else {
        None
    }
}

/// The even y of the point with this x, if there is one.
fn lift(vm: &dyn Host, x: U256) -> Option<U256> {
    if x >= P {
        return None;
    }
    let cube = power(vm, &x.to_be_bytes::<32>(), U256::from(3), P);
    let square = match cube >= P_LESS_7 {
        true => cube.wrapping_sub(P_LESS_7),
        false => cube.wrapping_add(U256::from(7)),
    };
    let y = power(vm, &square.to_be_bytes::<32>(), ROOT, P);
    if power(vm, &y.to_be_bytes::<32>(), U256::from(2), P) != square {
        return None;
    }
    Some(match y.bit(0) {
        true => P.wrapping_sub(y),
        false => y,
    })
}

/// `a · b mod n`, by the precompile, which takes the product as it is.
fn times(vm: &dyn Host, a: U256, b: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    power(vm, &product.to_be_bytes::<64>(), U256::from(1), N)
}

/// `−a mod n`, of a number below n.
fn negated(a: U256) -> U256 {
    match a.is_zero() {
        true => a,
        false => N.wrapping_sub(a),
    }
}

/// `base^exponent mod modulus`.
fn power(vm: &dyn Host, base: &[u8], exponent: U256, modulus: U256) -> U256 {
    let mut input = vec![0; 96];
    for (place, length) in [(31, base.len()), (63, 32), (95, 32)] {
        input[place] = length as u8;
    }
    input.extend_from_slice(base);
    input.extend_from_slice(&exponent.to_be_bytes::<32>());
    input.extend_from_slice(&modulus.to_be_bytes::<32>());
    let answer = static_call(vm, MODEXP, &input, ALL_GAS, 32);
    U256::try_from_be_slice(&answer.data).unwrap_or_default()
}

/// The address of who signed, or zero if nobody did.
fn recovered(vm: &dyn Host, digest: B256, v: u8, r: B256, s: B256) -> Address {
    let mut input = [0; 128];
    input[..32].copy_from_slice(digest.as_slice());
    input[63] = v;
    input[64..96].copy_from_slice(r.as_slice());
    input[96..].copy_from_slice(s.as_slice());
    let answer = static_call(vm, ECRECOVER, &input, ALL_GAS, 32);
    B256::try_from(&answer.data[..]).map_or(Address::ZERO, Address::from_word)
}

/// The address of the key with these coordinates. Of no key is it zero.
fn address_of(x: B256, y: U256) -> Address {
    let mut point = [0; 64];
    point[..32].copy_from_slice(x.as_slice());
    point[32..].copy_from_slice(&y.to_be_bytes::<32>());
    Address::from_word(keccak256(point))
}

fn halves(signature: &[u8]) -> Option<(B256, B256)> {
    match signature.len() {
        64 => Some((
            B256::from_slice(&signature[..32]),
            B256::from_slice(&signature[32..]),
        )),
        _ => None,
    }
}

/// The 65 bytes that 104 letters of zbase32 stand for.
fn from_zbase32(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() != 104 {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(65), 0_u32, 0_u32);
    for letter in text {
        let value = ZBASE32.iter().position(|known| known == letter)?;
        bits = bits << 5 | value as u32;
        held = held.wrapping_add(5);
        if held >= 8 {
            held = held.wrapping_sub(8);
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}
