//! Keys of Nostr and Lightning: BIP-340's own test vectors, and what Lightning nodes have signed.

use alloy_primitives::{hex, Address, B256};
use bpe_common::curve::{is_schnorr_signed, lightning_signer, sha256, N, P};
use bpe_testing::Precompiles;
use k256::{ecdsa::SigningKey, schnorr};
use motsu::prelude::*;

use stylus_sdk::prelude::HostAccess;

use crate::Probe;

/// Of BIP-340's test-vectors.csv, without the secret keys: number, public key, message, signature, whether it is good.
const BIP_340: &[(u8, &str, &str, &str, bool)] = &[
    (
        0,
        "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0",
        true,
    ),
    (
        1,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a",
        true,
    ),
    (
        2,
        "dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8",
        "7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c",
        "5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1bab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7",
        true,
    ),
    (
        3,
        "25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "7eb0509757e246f19449885651611cb965ecc1a187dd51b64fda1edc9637d5ec97582b9cb13db3933705b32ba982af5af25fd78881ebb32771fc5922efc66ea3",
        true,
    ),
    (
        4,
        "d69c3509bb99e412e68b0fe8544e72837dfa30746d8be2aa65975f29d22dc7b9",
        "4df3c3f68fcc83b27e9d42c90431a72499f17875c81a599b566c9889b9696703",
        "00000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c6376afb1548af603b3eb45c9f8207dee1060cb71c04e80f593060b07d28308d7f4",
        true,
    ),
    (
        5,
        "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e17776969e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
        false,
    ),
    (
        6,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a14602975563cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2",
        false,
    ),
    (
        7,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "1fa62e331edbc21c394792d2ab1100a7b432b013df3f6ff4f99fcb33e0e1515f28890b3edb6e7189b630448b515ce4f8622a954cfe545735aaea5134fccdb2bd",
        false,
    ),
    (
        8,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769961764b3aa9b2ffcb6ef947b6887a226e8d7c93e00c5ed0c1834ff0d0c2e6da6",
        false,
    ),
    (
        9,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "0000000000000000000000000000000000000000000000000000000000000000123dda8328af9c23a94c1feecfd123ba4fb73476f0d594dcb65c6425bd186051",
        false,
    ),
    (
        10,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "00000000000000000000000000000000000000000000000000000000000000017615fbaf5ae28864013c099742deadb4dba87f11ac6754f93780d5a1837cf197",
        false,
    ),
    (
        11,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "4a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
        false,
    ),
    (
        12,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
        false,
    ),
    (
        13,
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        false,
    ),
    (
        14,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e17776969e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
        false,
    ),
    (
        15,
        "778caa53b4393ac467774d09497a87224bf9fab6f6e68b23086497324d6fd117",
        "",
        "71535db165ecd9fbbc046e5ffaea61186bb6ad436732fccc25291a55895464cf6069ce26bf03466228f19a3a62db8a649f2d560fac652827d1af0574e427ab63",
        true,
    ),
    (
        16,
        "778caa53b4393ac467774d09497a87224bf9fab6f6e68b23086497324d6fd117",
        "11",
        "08a20a0afef64124649232e0693c583ab1b9934ae63b4c3511f3ae1134c6a303ea3173bfea6683bd101fa5aa5dbc1996fe7cacfc5a577d33ec14564cec2bacbf",
        true,
    ),
    (
        17,
        "778caa53b4393ac467774d09497a87224bf9fab6f6e68b23086497324d6fd117",
        "0102030405060708090a0b0c0d0e0f1011",
        "5130f39a4059b43bc7cac09a19ece52b5d8699d1a71e3c52da9afdb6b50ac370c4a482b77bf960f8681540e25b6771ece1e5a37fd80e5a51897c5566a97ea5a5",
        true,
    ),
    (
        18,
        "778caa53b4393ac467774d09497a87224bf9fab6f6e68b23086497324d6fd117",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
        "403b12b0d8555a344175ea7ec746566303321e5dbfa8be6f091635163eca79a8585ed3e3170807e7c03b720fc54c7b23897fcba0e9d0b4a06894cfd249f22367",
        true,
    ),
];

/// What nodes signed, as CLN's tests have it, from users of LND: message, signature, key.
const LIGHTNING: [(&str, &str, &str); 3] = [
    (
        "is this compatible?",
        "rbgfioj114mh48d8egqx8o9qxqw4fmhe8jbeeabdioxnjk8z3t1ma1hu1fiswpakgucwwzwo6ofycffbsqusqdimugbh41n1g698hr9t",
        "02b80cabdf82638aac86948e4c06e82064f547768dcef977677b9ea931ea75bab5",
    ),
    (
        "hi",
        "rnrphcjswusbacjnmmmrynh9pqip7sy5cx695h6mfu64iac6qmcmsd8xnsyczwmpqp9shqkth3h4jmkgyqu5z47jfn1q7gpxtaqpx4xg",
        "02de60d194e1ca5947b59fe8e2efd6aadeabfb67f2e89e13ae1a799c1e08e4a43b",
    ),
    (
        "hi",
        "ry8bbsopmduhxy3dr5d9ekfeabdpimfx95kagdem7914wtca79jwamtbw4rxh69hg7n6x9ty8cqk33knbxaqftgxsfsaeprxkn1k48p3",
        "022b8ece90ee891cbcdac0c1cc6af46b73c47212d8defbce80265ac81a6b794931",
    ),
];

fn word(text: &str) -> B256 {
    B256::from_slice(&hex::decode(text).unwrap())
}

#[motsu::test]
fn bip_340_says_the_same(probe: Contract<Probe>, anyone: Address) {
    let _precompiles = Precompiles::new();
    let context = probe.sender(anyone);
    for (number, key, message, signature, is_good) in BIP_340 {
        let (key, message) = (word(key), hex::decode(message).unwrap());
        let signature = hex::decode(signature).unwrap();
        let found = is_schnorr_signed(context.vm(), key, &message, &signature);
        assert_eq!(found, *is_good, "vector {number}");
    }
}

#[motsu::test]
fn a_schnorr_signature_is_of_its_key_and_message(probe: Contract<Probe>, anyone: Address) {
    let _precompiles = Precompiles::new();
    let context = probe.sender(anyone);
    for seed in 1..=20 {
        let key = schnorr::SigningKey::from_bytes(&[seed; 32]).unwrap();
        let x = B256::from_slice(&key.verifying_key().to_bytes());
        let message = sha256(context.vm(), &[seed]);
        let signature = key
            .sign_raw(message.as_slice(), &[7; 32])
            .unwrap()
            .to_bytes();
        let is_signed = |x, message: &[u8], signature: &[u8]| {
            is_schnorr_signed(context.vm(), x, message, signature)
        };
        assert!(is_signed(x, message.as_slice(), &signature));
        assert!(!is_signed(B256::ZERO, message.as_slice(), &signature));
        assert!(!is_signed(P.into(), message.as_slice(), &signature));
        assert!(!is_signed(N.into(), message.as_slice(), &signature));
        assert!(!is_signed(x, &message[1..], &signature));
        assert!(!is_signed(x, message.as_slice(), &signature[1..]));
        assert!(!is_signed(x, message.as_slice(), &[]));
        for place in [0, 31, 32, 63] {
            let mut changed = signature;
            changed[place] ^= 1;
            assert!(!is_signed(x, message.as_slice(), &changed));
        }
    }
}

#[motsu::test]
fn what_lightning_nodes_signed_is_theirs(probe: Contract<Probe>, anyone: Address) {
    let _precompiles = Precompiles::new();
    let context = probe.sender(anyone);
    for (message, signature, key) in LIGHTNING {
        let (first, x) = key.split_at(2);
        let signer = |x, message: &str, signature: &[u8]| {
            lightning_signer(context.vm(), x, message.as_bytes(), signature)
        };
        let expected = Some(first.parse().unwrap());
        assert_eq!(signer(word(x), message, signature.as_bytes()), expected);
        assert_eq!(signer(word(x), "hello", signature.as_bytes()), None);
        assert_eq!(
            signer(B256::repeat_byte(1), message, signature.as_bytes()),
            None
        );
        assert_eq!(signer(word(x), message, &signature.as_bytes()[1..]), None);
        // No letter of zbase32.
        let other = signature.replacen('y', "l", 1);
        assert_eq!(signer(word(x), message, other.as_bytes()), None);
    }
}

#[motsu::test]
fn a_lightning_key_of_either_parity_is_proven(probe: Contract<Probe>, anyone: Address) {
    let _precompiles = Precompiles::new();
    let context = probe.sender(anyone);
    let mut seen = [false; 2];
    for seed in 1..=20 {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        let point = key.verifying_key().to_encoded_point(true);
        let (first, x) = (
            point.as_bytes()[0],
            B256::from_slice(&point.as_bytes()[1..]),
        );
        let inner = sha256(context.vm(), b"Lightning Signed Message:text");
        let digest = sha256(context.vm(), inner.as_slice());
        let (signature, id) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
        let with = |first: u8| {
            let bytes = [&[first][..], &signature.to_bytes()].concat();
            lightning_signer(context.vm(), x, b"text", &bytes)
        };
        assert_eq!(with(31 + id.to_byte()), Some(first));
        // The other point, points beyond the order, and keys that are not compressed.
        for other in [32 - id.to_byte(), 33, 34, 27 + id.to_byte(), 0] {
            assert_eq!(with(other), None);
        }
        seen[usize::from(first - 2)] = true;
    }
    assert_eq!(seen, [true; 2]);
}
