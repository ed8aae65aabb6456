//! KeyRegistry on motsu, with real keys of secp256k1.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod proofs;

use alloy_primitives::{Address, B256, U256};
use bpe_common::curve::{LIGHTNING, NOSTR};
use bpe_testing::{turn, Precompiles, Turn};
use contract::*;
use k256::{ecdsa, schnorr, sha2};
use motsu::prelude::*;

const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const CHAIN: u64 = 42_161;

struct World {
    keys: Contract<KeyRegistry>,
    _precompiles: Precompiles,
    _turn: Turn,
}

impl World {
    fn new() -> Self {
        let turn = turn();
        VM::context().set_chain_id(CHAIN);
        Self {
            keys: Contract::new(),
            _precompiles: Precompiles::new(),
            _turn: turn,
        }
    }

    fn prove(
        &self,
        operator: Address,
        scheme: u8,
        key: B256,
        time: u64,
        signature: Vec<u8>,
    ) -> Result<(), Error> {
        self.keys
            .sender(operator)
            .prove_key(scheme, key, U256::from(time), signature.into())
            .motsu_res()
    }

    fn operator(&self, scheme: u8, key: B256) -> Address {
        self.keys.sender(BOB).get_key(scheme, key).0
    }

    /// The text that names `operator`, built here.
    fn text(&self, operator: Address, time: u64) -> String {
        let contract = self.keys.address();
        format!(
            "BPE: {} operates this key, says its holder at {time} to {} on chain {CHAIN}.",
            format!("{operator:?}").to_lowercase(),
            format!("{contract:?}").to_lowercase(),
        )
    }

    /// What a Nostr signer signs: the event's id.
    fn event(&self, key: B256, operator: Address, time: u64) -> [u8; 32] {
        let event = format!(
            "[0,\"{}\",{time},27340,[],\"{}\"]",
            key.to_string().trim_start_matches("0x"),
            self.text(operator, time)
        );
        sha256(event.as_bytes())
    }

    fn nostr_proof(&self, seed: u8, operator: Address, time: u64) -> (B256, Vec<u8>) {
        let key = schnorr::SigningKey::from_bytes(&[seed; 32]).unwrap();
        let x = B256::from_slice(&key.verifying_key().to_bytes());
        let id = self.event(x, operator, time);
        (x, key.sign_raw(&id, &[9; 32]).unwrap().to_bytes().to_vec())
    }

    fn lightning_proof(&self, seed: u8, operator: Address, time: u64) -> (B256, Vec<u8>) {
        let key = ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let point = key.verifying_key().to_encoded_point(true);
        let text = format!("Lightning Signed Message:{}", self.text(operator, time));
        let digest = sha256(&sha256(text.as_bytes()));
        let (signature, id) = key.sign_prehash_recoverable(&digest).unwrap();
        let bytes = [&[31 + id.to_byte()][..], &signature.to_bytes()].concat();
        (B256::from_slice(&point.as_bytes()[1..]), bytes)
    }
}

fn sha256(data: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(data).into()
}
