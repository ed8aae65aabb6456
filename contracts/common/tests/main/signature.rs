use alloy_primitives::{keccak256, uint, Address, B256, U256};
use bpe_common::{
    attestation::{self, InvalidSignature},
    signature::{
        is_signed, is_valid, recover, ECDSAInvalidSignature, ECDSAInvalidSignatureLength,
        ECDSAInvalidSignatureS,
    },
};
use bpe_testing::Wallet;
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use proptest::prelude::*;
use stylus_sdk::prelude::*;

use crate::Probe;

const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
const DIGEST: B256 = B256::repeat_byte(0xd1);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn sign(key: &SigningKey, digest: B256) -> Vec<u8> {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat()
}

/// The other signature that the same key would have: s in the upper half, v flipped.
fn twin(signature: &[u8]) -> Vec<u8> {
    let s = ORDER - U256::from_be_slice(&signature[32..64]);
    [
        &signature[..32],
        &s.to_be_bytes::<32>()[..],
        &[27 + 28 - signature[64]],
    ]
    .concat()
}

#[motsu::test]
fn recovers_who_signed(probe: Contract<Probe>, alice: Address) {
    for seed in 1..=20 {
        let digest = keccak256([seed]);
        let key = key(seed);
        let signature = sign(&key, digest);
        let context = probe.sender(alice);
        assert_eq!(recover(context.vm(), digest, &signature), Ok(address(&key)));
        assert!(is_valid(context.vm(), address(&key), digest, &signature));
        assert!(!is_valid(context.vm(), alice, digest, &signature));
        assert!(!is_valid(
            context.vm(),
            address(&key),
            keccak256(digest),
            &signature
        ));
    }
}

#[motsu::test]
fn refuses_the_twin(probe: Contract<Probe>, alice: Address) {
    let key = key(1);
    let twin = twin(&sign(&key, DIGEST));
    let s = B256::from_slice(&twin[32..64]);
    let context = probe.sender(alice);
    assert_eq!(
        recover(context.vm(), DIGEST, &twin),
        Err(ECDSAInvalidSignatureS { s }.into())
    );
    assert!(!is_valid(context.vm(), address(&key), DIGEST, &twin));
}

#[motsu::test]
fn the_bound_on_s_is_half_the_order(probe: Contract<Probe>, alice: Address) {
    let half = ORDER >> 1;
    let with = |s: U256| [&[1; 32][..], &s.to_be_bytes::<32>()[..], &[27]].concat();
    let context = probe.sender(alice);
    let above: U256 = half + U256::from(1);
    let error = ECDSAInvalidSignatureS { s: above.into() };
    assert_eq!(
        recover(context.vm(), DIGEST, &with(above)),
        Err(error.into())
    );
    assert_ne!(
        recover(context.vm(), DIGEST, &with(half)),
        Err(ECDSAInvalidSignatureS { s: half.into() }.into())
    );
}

#[motsu::test]
fn a_signature_has_65_bytes(probe: Contract<Probe>, alice: Address) {
    let key = key(1);
    let signature = sign(&key, DIGEST);
    let longer = [&signature[..], &[0]].concat();
    let context = probe.sender(alice);
    for bytes in [&[][..], &signature[..64], &longer] {
        let error = ECDSAInvalidSignatureLength {
            length: U256::from(bytes.len()),
        };
        assert_eq!(recover(context.vm(), DIGEST, bytes), Err(error.into()));
        assert!(!is_valid(context.vm(), address(&key), DIGEST, bytes));
    }
}

#[motsu::test]
fn what_recovers_to_nobody_is_nobodys(probe: Contract<Probe>, alice: Address) {
    let signature = sign(&key(1), DIGEST);
    let with_v = |v: u8| [&signature[..64], &[v]].concat();
    let context = probe.sender(alice);
    for bytes in [
        vec![0; 65],
        with_v(0),
        with_v(1),
        with_v(26),
        with_v(29),
        with_v(255),
    ] {
        assert_eq!(
            recover(context.vm(), DIGEST, &bytes),
            Err(ECDSAInvalidSignature {}.into())
        );
        assert!(
            !is_valid(context.vm(), Address::ZERO, DIGEST, &bytes),
            "the zero address signs nothing"
        );
    }
}

#[motsu::test]
fn a_contract_answers_for_itself(probe: Contract<Probe>, wallet: Contract<Wallet>, alice: Address) {
    wallet.sender(alice).approve(DIGEST);
    let ask = |digest| {
        is_valid(
            probe.sender(alice).vm(),
            wallet.address(),
            digest,
            b"anything at all",
        )
    };
    assert!(ask(DIGEST));
    assert!(!ask(keccak256(DIGEST)));
    for misbehaviour in 1..=5 {
        wallet.sender(alice).misbehave(misbehaviour);
        assert!(!ask(DIGEST), "misbehaviour {misbehaviour}");
    }
    assert!(
        !is_valid(probe.sender(alice).vm(), probe.address(), DIGEST, b""),
        "no ERC-1271"
    );
}

/// An account that has code besides its key (EIP-7702), and code that says anything: its own key signs for it all the same, and
/// nobody else's does.
#[motsu::test]
fn an_account_with_code_signs_by_its_own_key(probe: Contract<Probe>, alice: Address) {
    let its_key = key(7);
    let account = address(&its_key);
    let wallet = Contract::<Wallet>::new_at(account);
    let own = sign(&its_key, DIGEST);
    let others = [sign(&key(8), DIGEST), twin(&own), own[..64].to_vec()];
    for misbehaviour in 0..=5 {
        wallet.sender(alice).misbehave(misbehaviour);
        let context = probe.sender(alice);
        let attested = |signature: &[u8]| {
            attestation::require_signed(context.vm(), account, DIGEST, signature)
        };
        assert_eq!(is_signed(context.vm(), account, DIGEST, &own), Ok(true));
        assert_eq!(attested(&own), Ok(()));
        for other in &others {
            let refused = is_signed(context.vm(), account, DIGEST, other);
            assert_eq!(refused, Ok(false), "misbehaviour {misbehaviour}");
            assert_eq!(attested(other), Err(InvalidSignature {}.into()));
        }
    }
    // Its code may sign besides.
    wallet.sender(alice).misbehave(0);
    wallet.sender(alice).approve(DIGEST);
    let context = probe.sender(alice);
    assert!(is_valid(context.vm(), account, DIGEST, b"anything"));
    let by_code = attestation::require_signed(context.vm(), account, DIGEST, b"anything");
    assert_eq!(by_code, Ok(()));
}

proptest! {
    #[test]
    fn a_changed_signature_is_not_the_signers(seed in 1u8.., digest: [u8; 32], at in 0usize..65, flip in 1u8..) {
        let _precompiles = deploy_precompiles();
        let probe = Contract::<Probe>::new();
        let (key, digest) = (key(seed.min(250)), B256::from(digest));
        let mut signature = sign(&key, digest);
        let context = probe.sender(Address::repeat_byte(1));
        prop_assert!(is_valid(context.vm(), address(&key), digest, &signature));
        signature[at] ^= flip;
        prop_assert!(!is_valid(context.vm(), address(&key), digest, &signature));
    }
}
