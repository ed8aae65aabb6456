//! What operators attest, and what it is worth.

use alloy_primitives::{keccak256, FixedBytes};
use alloy_sol_types::{eip712_domain, sol, SolStruct, SolValue};
use bpe_common::{
    attestation::{self, InvalidSignature, NonceAlreadyUsed, StaleAttestation},
    clock::testing::timestamp,
    returns::Returns,
    signature::{ECDSAInvalidSignature, ECDSAInvalidSignatureLength, ECDSAInvalidSignatureS},
};
use bpe_testing::Wallet;
use k256::ecdsa::SigningKey;
use stylus_sdk::abi::Bytes;

use super::*;

sol! {
    struct OpenClawAttestation {
        bytes32 agentId;
        uint256 throughput;
        uint256 latencyMs;
        uint256 errorRateBps;
        uint256 timestamp;
        uint256 nonce;
    }
}

/// What the Solidity deployment's clients sign.
mod unnumbered {
    alloy_sol_types::sol! {
        struct OpenClawAttestation {
            bytes32 agentId;
            uint256 throughput;
            uint256 latencyMs;
            uint256 errorRateBps;
            uint256 timestamp;
        }
    }
}

const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

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

impl World {
    /// Key 1 operates AGENT.
    fn attesting() -> Self {
        let it = Self::new();
        let operator = address(&key(1));
        it.stake(operator, 100, 10);
        it.register(operator, AGENT, RESEARCH, 1).unwrap();
        it
    }

    fn digest(&self, it: &impl SolStruct) -> B256 {
        it.eip712_signing_hash(&eip712_domain! {
            name: "Pura-OpenClawAdapter",
            version: "1",
            chain_id: 42_161,
            verifying_contract: self.adapter.address(),
        })
    }

    fn signed(&self, it: &OpenClawAttestation) -> Bytes {
        encode(it, sign(&key(1), self.digest(it)))
    }

    fn verify(&self, attestation: &Bytes) -> (bool, Address, U256) {
        self.adapter
            .sender(BOB)
            .verify_attestation(attestation.clone())
    }

    fn check(&self, attestation: &Bytes) -> Result<(Address, U256), Error> {
        self.adapter
            .sender(BOB)
            .check_attestation(attestation.clone())
            .motsu_res()
    }

    fn nonce(&self, attestation: &Bytes) -> U256 {
        self.adapter
            .sender(BOB)
            .attestation_nonce(attestation.clone())
    }

    fn refuses(&self, attestation: &Bytes, error: impl Into<Error>) {
        assert_eq!(self.verify(attestation), (false, Address::ZERO, U256::ZERO));
        assert_eq!(self.check(attestation), Err(error.into()));
    }
}

fn encode(it: &OpenClawAttestation, signature: Vec<u8>) -> Bytes {
    let words = (
        it.agentId,
        it.throughput,
        it.latencyMs,
        it.errorRateBps,
        it.timestamp,
        it.nonce,
        alloy_primitives::Bytes::from(signature),
    );
    words.abi_encode_params().into()
}

fn attest(throughput: u64, nonce: u64) -> OpenClawAttestation {
    OpenClawAttestation {
        agentId: AGENT,
        throughput: U256::from(throughput),
        latencyMs: U256::from(15_000),
        errorRateBps: U256::from(1_000),
        timestamp: U256::from(timestamp()),
        nonce: U256::from(nonce),
    }
}

fn refused(error: impl Into<attestation::Error>) -> Error {
    Error::Attestation(error.into())
}

/// The old type is as good: its number is its time, so it cannot be brought twice or after a later one.
#[motsu::test]
fn an_attestation_without_a_nonce_is_numbered_by_its_time() {
    let world = World::attesting();
    let it = unnumbered::OpenClawAttestation {
        agentId: AGENT,
        throughput: U256::from(100),
        latencyMs: U256::from(15_000),
        errorRateBps: U256::from(1_000),
        timestamp: U256::from(timestamp()),
    };
    let encode = |time: U256, signature: Vec<u8>| {
        let signature = alloy_primitives::Bytes::from(signature);
        let words = (
            it.agentId,
            it.throughput,
            it.latencyMs,
            it.errorRateBps,
            time,
            signature,
        );
        Bytes::from(words.abi_encode_params())
    };
    let signature = sign(&key(1), world.digest(&it));
    let good = encode(it.timestamp, signature.clone());
    let numbered = world.signed(&attest(100, 7));
    assert_eq!(world.check(&good), world.check(&numbered));
    assert!(world.verify(&good).0);
    assert_eq!(world.nonce(&good), it.timestamp);
    // The time is signed, and the one type is not the other.
    let earlier = encode(it.timestamp - U256::from(1), signature.clone());
    world.refuses(&earlier, refused(InvalidSignature {}));
    let mut other = attest(100, 192);
    let borrowed = super::attestation::encode(&other, signature);
    world.refuses(&borrowed, refused(InvalidSignature {}));
    // A nonce that reads like the place of the signature is a nonce.
    let tricky = world.signed(&other);
    assert_eq!(world.nonce(&tricky), U256::from(192));
    assert!(world.verify(&tricky).0);
    other.nonce = U256::from(224);
    let tricky = world.signed(&other);
    assert_eq!(world.nonce(&tricky), U256::from(224));
}

#[motsu::test]
fn signatures_are_for_this_contract() {
    let world = World::new();
    let it = world.adapter.sender(BOB);
    assert_eq!(
        it.attestation_typehash(),
        keccak256("OpenClawAttestation(bytes32 agentId,uint256 throughput,uint256 latencyMs,uint256 errorRateBps,uint256 timestamp,uint256 nonce)")
    );
    let expected = Returns((
        FixedBytes([0x0f]),
        "Pura-OpenClawAdapter".to_owned(),
        "1".to_owned(),
        U256::from(42_161),
        world.adapter.address(),
        B256::ZERO,
        vec![],
    ));
    assert_eq!(it.eip712_domain(), expected);
}

#[motsu::test]
fn a_signal_is_worth_its_score() {
    let score = |throughput: u64, latency: u64, errors: u64| {
        let words = [throughput, latency, errors].map(U256::from);
        OpenClawCapacityAdapter::normalize_capacity(words.abi_encode().into()).expect("a score")
    };
    for (throughput, latency, errors, tenths) in [
        (100, 0, 0, 1_000),
        (100, 2_000, 100, 978),
        (100, 15_000, 0, 850),
        (100, 30_000, 0, 700),
        (100, 0, 10_000, 800),
        (100, 60_000, 10_000, 500),
        (1, 0, 0, 10),
        (0, 0, 0, 0),
    ] {
        let expected = units(tenths) / U256::from(10);
        assert_eq!(score(throughput, latency, errors), expected);
    }
    for length in [0, 32, 95] {
        let refused = OpenClawCapacityAdapter::normalize_capacity(vec![0; length].into());
        assert_eq!(refused, Err(MalformedSignal {}.into()));
    }
}

#[motsu::test]
fn what_the_operator_signed_is_good() {
    let world = World::attesting();
    let good = world.signed(&attest(100, 7));
    let sink = address(&key(1));
    // 50 + 15 + 18, of a stake that backs 10: the registry cuts, not the reader.
    assert_eq!(world.verify(&good), (true, sink, units(83)));
    assert_eq!(world.check(&good), Ok((sink, units(83))));
    assert_eq!(world.nonce(&good), U256::from(7));
    // Padding changes nothing, neither does its absence.
    let mut padded = good.0.clone();
    padded.extend([0xff; 40]);
    assert!(world.verify(&padded.clone().into()).0);
    assert_eq!(world.nonce(&padded.into()), U256::from(7));
    let bare = Bytes::from(good[..256 + 65].to_vec());
    assert!(world.verify(&bare).0);
    assert_eq!(world.nonce(&bare), U256::from(7));
}

#[motsu::test]
fn garbage_is_no_attestation() {
    let world = World::attesting();
    let good = world.signed(&attest(100, 1));
    let mut elsewhere = good.0.clone();
    elsewhere[223] = 0xc0;
    let mut endless = good.0.clone();
    endless[224..256].fill(0xff);
    let mut longer = good.0.clone();
    longer[255] = 97;
    let mut garbage = vec![elsewhere, endless, longer];
    garbage.extend([0, 1, 255, 256 + 64].map(|length| good[..length].to_vec()));
    for bytes in garbage {
        let bytes = Bytes::from(bytes);
        world.refuses(&bytes, MalformedSignal {});
        assert_eq!(world.nonce(&bytes), U256::ZERO);
    }
}

#[motsu::test]
fn attestations_age() {
    let world = World::attesting();
    let now = timestamp();
    for (time, is_fresh) in [
        (now - 601, false),
        (now - 600, true),
        (now + 30, true),
        (now + 31, false),
    ] {
        let timestamp = U256::from(time);
        let it = OpenClawAttestation {
            timestamp,
            ..attest(100, 1)
        };
        let signed = world.signed(&it);
        assert_eq!(world.verify(&signed).0, is_fresh, "{time}");
        if !is_fresh {
            let stale = StaleAttestation {
                attestationTime: timestamp,
                currentTime: U256::from(now),
            };
            world.refuses(&signed, refused(stale));
        }
    }
}

#[motsu::test]
fn nonces_start_from_one() {
    let world = World::attesting();
    let none = NonceAlreadyUsed {
        provided: U256::ZERO,
        required: U256::from(1),
    };
    world.refuses(&world.signed(&attest(100, 0)), refused(none));
    assert!(world.verify(&world.signed(&attest(100, 1))).0);
}

#[motsu::test]
fn only_the_operator_of_a_registered_agent_attests() {
    let world = World::attesting();
    let it = attest(100, 2);
    let digest = world.digest(&it);
    let invalid = || refused(InvalidSignature {});
    world.refuses(&encode(&it, sign(&key(2), digest)), invalid());
    // Each word is signed.
    let signature = sign(&key(1), digest);
    let good = encode(&it, signature.clone());
    assert!(world.verify(&good).0);
    for word in 1..6 {
        let mut changed = good.0.clone();
        changed[32 * word + 31] ^= 1;
        world.refuses(&changed.into(), invalid());
    }
    // Malformed: 64 bytes, no signer, the twin.
    let length = U256::from(64);
    let short = ECDSAInvalidSignatureLength { length };
    let short = bpe_common::signature::Error::from(short);
    world.refuses(&encode(&it, signature[..64].to_vec()), refused(short));
    let mut unrecoverable = signature.clone();
    unrecoverable[64] = 29;
    let nobody = bpe_common::signature::Error::from(ECDSAInvalidSignature {});
    world.refuses(&encode(&it, unrecoverable), refused(nobody));
    let s = ORDER - U256::from_be_slice(&signature[32..64]);
    let v = [27 + 28 - signature[64]];
    let twin = [&signature[..32], &s.to_be_bytes::<32>()[..], &v].concat();
    let high = bpe_common::signature::Error::from(ECDSAInvalidSignatureS { s: s.into() });
    world.refuses(&encode(&it, twin), refused(high));

    let unknown = OpenClawAttestation {
        agentId: OTHER,
        ..attest(100, 1)
    };
    world.refuses(&world.signed(&unknown), AgentNotRegistered {});
    world.deregister(address(&key(1)), AGENT).unwrap();
    world.refuses(&good, AgentNotRegistered {});
}

#[motsu::test]
fn contract_accounts_attest_by_their_word(wallet: Contract<Wallet>) {
    let world = World::new();
    world.register(wallet.address(), OTHER, REVIEW, 1).unwrap();
    let it = OpenClawAttestation {
        agentId: OTHER,
        ..attest(100, 1)
    };
    let signed = encode(&it, vec![1, 2, 3]);
    world.refuses(&signed, refused(InvalidSignature {}));
    wallet.sender(BOB).approve(world.digest(&it));
    assert_eq!(world.verify(&signed), (true, wallet.address(), units(83)));
    for how in 1..=5 {
        wallet.sender(BOB).misbehave(how);
        world.refuses(&signed, refused(InvalidSignature {}));
    }
}
