use alloy_primitives::{keccak256, uint, Address, B256, U256};
use alloy_sol_types::SolValue;
use bpe_common::{
    clock::testing::timestamp,
    signature::{self, ECDSAInvalidSignature, ECDSAInvalidSignatureS},
};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;

use crate::{contract::*, world::*};

const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn signer() -> Address {
    let point = key().verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

/// What ERC-2612 says is signed, written out.
fn sign(it: &World, spender: Address, value: U256, nonce: u64, deadline: u64) -> (u8, B256, B256) {
    let typehash = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    );
    let permit = (
        typehash,
        signer(),
        spender,
        value,
        wei(nonce),
        wei(deadline),
    );
    let separator = it.token.sender(BOB).domain_separator();
    let digest = keccak256(
        [
            &[0x19, 0x01][..],
            separator.as_slice(),
            keccak256(permit.abi_encode()).as_slice(),
        ]
        .concat(),
    );
    let (signature, recovery) = key().sign_prehash_recoverable(digest.as_slice()).unwrap();
    let (r, s) = signature.split_bytes();
    let (r, s) = (B256::from_slice(&r), B256::from_slice(&s));
    (27 + recovery.to_byte(), r, s)
}

fn permit(
    it: &World,
    value: U256,
    deadline: u64,
    (v, r, s): (u8, B256, B256),
) -> Result<(), Error> {
    // Anyone.
    let mut context = it.token.sender(CAROL);
    context
        .permit(signer(), BOB, value, wei(deadline), v, r, s)
        .motsu_res()
}

#[motsu::test]
fn a_signature_is_an_approval_once() {
    let it = World::new();
    let now = timestamp();
    let signature = sign(&it, BOB, tokens(5), 0, now);
    permit(&it, tokens(5), now, signature).unwrap();
    it.token.assert_emitted(&Approval {
        owner: signer(),
        spender: BOB,
        value: tokens(5),
    });
    assert_eq!(it.token.sender(BOB).allowance(signer(), BOB), tokens(5));
    assert_eq!(it.token.sender(BOB).nonces(signer()), wei(1));
    // The nonce is used: whoever that signature is of now, it is somebody else's.
    let again = permit(&it, tokens(5), now, signature);
    assert!(
        matches!(again, Err(Error::ERC2612InvalidSigner(_))),
        "{again:?}"
    );
    let next = sign(&it, BOB, U256::ZERO, 1, now);
    permit(&it, U256::ZERO, now, next).unwrap();
    assert_eq!(it.token.sender(BOB).allowance(signer(), BOB), U256::ZERO);
}

#[motsu::test]
fn refuses_what_was_not_signed() {
    let it = World::new();
    let now = timestamp();
    let (v, r, s) = sign(&it, BOB, tokens(5), 0, now);
    let deadline = wei(now - 1);
    assert_eq!(
        permit(&it, tokens(5), now - 1, (v, r, s)),
        Err(ERC2612ExpiredSignature { deadline }.into())
    );
    let more = permit(&it, tokens(6), now, (v, r, s));
    assert!(matches!(more, Err(Error::ERC2612InvalidSigner(_))));
    let later = permit(&it, tokens(5), now + 1, (v, r, s));
    assert!(matches!(later, Err(Error::ERC2612InvalidSigner(_))));
    let twin = B256::from(ORDER - U256::from_be_bytes(s.0));
    assert_eq!(
        permit(&it, tokens(5), now, (55 - v, r, twin)),
        Err(Error::Signature(signature::Error::HighS(
            ECDSAInvalidSignatureS { s: twin }
        )))
    );
    assert_eq!(
        permit(&it, tokens(5), now, (0, r, s)),
        Err(Error::Signature(signature::Error::Invalid(
            ECDSAInvalidSignature {}
        )))
    );
    assert_eq!(it.token.sender(BOB).nonces(signer()), U256::ZERO);
    // For nobody, nobody signs.
    let mut context = it.token.sender(CAROL);
    let zero = context
        .permit(Address::ZERO, BOB, tokens(5), wei(now), v, r, s)
        .motsu_res();
    assert!(matches!(zero, Err(Error::ERC2612InvalidSigner(_))));
}

#[motsu::test]
fn the_domain_is_the_tokens_name() {
    let it = World::new();
    let token = it.token.sender(BOB);
    let (contract, chain) = (it.token.address(), U256::from(42_161));
    let typehash = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    );
    let words = (
        typehash,
        keccak256("Idle Coin"),
        keccak256("1"),
        chain,
        contract,
    );
    assert_eq!(token.domain_separator(), keccak256(words.abi_encode()));
}
