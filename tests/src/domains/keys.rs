//! Keys of relays and nodes, which name their operators at KeyRegistry.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    signers::{
        k256::{
            elliptic_curve::{ops::Reduce, point::AffineCoordinates},
            sha2::{Digest, Sha256},
            FieldBytes, ProjectivePoint, Scalar, U256 as Number,
        },
        local::PrivateKeySigner,
        SignerSync,
    },
};
use bpe_abi::IKeyRegistry::IKeyRegistryInstance;

use crate::stage::mined;

/// Keys of Nostr, at KeyRegistry.
pub const NOSTR: u8 = 1;
/// Keys of Lightning nodes.
pub const LIGHTNING: u8 = 2;

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// As many as 32 bytes say, modulo the order.
fn scalar(bytes: [u8; 32]) -> Scalar {
    <Scalar as Reduce<Number>>::reduce_bytes(&FieldBytes::from(bytes))
}

/// The scalar of which the point has an even y, and its x.
fn even(scalar: Scalar) -> (Scalar, [u8; 32]) {
    let point = (ProjectivePoint::GENERATOR * scalar).to_affine();
    let is_odd: bool = point.y_is_odd().into();
    let x = point.x().into();
    (if is_odd { -scalar } else { scalar }, x)
}

/// The Nostr key of a secret.
pub fn nostr_key(secret: [u8; 32]) -> B256 {
    even(scalar(secret)).1.into()
}

/// The signature of the secret's key over `message` (BIP-340).
pub fn schnorr(secret: [u8; 32], message: &[u8]) -> Bytes {
    let (secret, key) = even(scalar(secret));
    let tag = sha256(&[b"BIP0340/challenge"]);
    let (nonce, r) = even(scalar(sha256(&[b"nonce", &secret.to_bytes(), message])));
    let challenge = scalar(sha256(&[&tag, &tag, &r, &key, message]));
    let s = nonce + challenge * secret;
    [r.to_vec(), s.to_bytes().to_vec()].concat().into()
}

/// The x coordinate of the signer's key, as if it were a Lightning node's.
pub fn node_key(signer: &PrivateKeySigner) -> B256 {
    let point = signer.credential().verifying_key().to_encoded_point(true);
    B256::from_slice(&point.as_bytes()[1..])
}

/// What a Lightning node of the signer's key prints for `text`, in bytes.
pub fn sign_message(signer: &PrivateKeySigner, text: &str) -> Bytes {
    let inner = sha256(&[b"Lightning Signed Message:", text.as_bytes()]);
    let signature = signer.sign_hash_sync(&sha256(&[&inner]).into()).unwrap();
    let mut bytes = vec![31 + u8::from(signature.v())];
    bytes.extend_from_slice(&signature.as_bytes()[..64]);
    bytes.into()
}

/// Has the Nostr key of a secret name `operator`, which brings that.
pub async fn prove_nostr(
    keys: &IKeyRegistryInstance<DynProvider>,
    operator: Address,
    secret: [u8; 32],
    time: u64,
) -> TransactionReceipt {
    let (key, time) = (nostr_key(secret), U256::from(time));
    let id = keys.getEventId(key, operator, time).call().await.unwrap();
    let prove = keys.proveKey(NOSTR, key, time, schnorr(secret, id.as_slice()));
    mined(prove.from(operator).send().await).await
}

/// Has the node of the signer's key name the signer's account, which brings that.
pub async fn prove_node(
    keys: &IKeyRegistryInstance<DynProvider>,
    signer: &PrivateKeySigner,
    time: u64,
) -> TransactionReceipt {
    let (operator, time) = (signer.address(), U256::from(time));
    let text = keys.getKeyText(operator, time).call().await.unwrap();
    let signature = sign_message(signer, &text);
    let prove = keys.proveKey(LIGHTNING, node_key(signer), time, signature);
    mined(prove.from(operator).send().await).await
}
