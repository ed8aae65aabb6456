//! LightningCapacityOracle on motsu, over the real CapacityRegistry and StakeManager, with real secp256k1 signatures.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../../capacity-registry/src/lib.rs"]
mod capacity_registry;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
#[allow(dead_code)]
#[path = "../../../stake-manager/src/lib.rs"]
mod stake_manager;

mod age;
mod attestations;
mod fuzz;
mod nodes;
mod sequences;

use std::borrow::Borrow;

use alloy_primitives::{keccak256, uint, Address, B256, U256};
use alloy_sol_types::{eip712_domain, sol, SolEvent, SolStruct};
use bpe_common::{
    clock::testing::{advance_blocks, timestamp},
    ownable::Ownable,
};
use bpe_testing::{Keys, Token};
use capacity_registry::CapacityRegistry;
use contract::{
    Error, LightningAttestationRejected, LightningCapacityOracle, SignedLightningAttestation,
};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use stake_manager::StakeManager;

const TOKEN: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
const LIGHTNING: B256 = B256::repeat_byte(0x11);
const OWNER: Address = Address::repeat_byte(0x01);
const RELAYER: Address = Address::repeat_byte(0x4e);
const MIN_STAKE: u64 = 100;
/// A unit is a million sats.
const SATS_PER_UNIT: u64 = 1_000_000;
const CHAIN: u64 = 42_161;

sol! {
    struct LightningAttestation {
        bytes32 nodePubkey;
        address operator;
        uint256 outboundCapacitySats;
        uint256 channelCount;
        uint256 pendingHTLCs;
        uint256 timestamp;
        uint256 nonce;
    }
}

fn number(value: u64) -> U256 {
    U256::from(value)
}

fn units(amount: u64) -> U256 {
    UNIT * number(amount)
}

fn node(seed: u8) -> B256 {
    B256::repeat_byte(seed)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn operator(seed: u8) -> Address {
    address(&key(seed))
}

fn sign(key: &SigningKey, digest: B256) -> Vec<u8> {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat()
}

/// The oracle as an adapter of the registry, in which Lightning is a task type.
struct World {
    oracle: Contract<LightningCapacityOracle>,
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    keys: Contract<Keys>,
    token: Contract<Token>,
}

impl World {
    fn new() -> Self {
        VM::context().set_chain_id(CHAIN);
        let it = Self {
            oracle: Contract::new(),
            registry: Contract::new(),
            stakes: Contract::new(),
            keys: Contract::new(),
            token: Contract::new(),
        };
        let owner = OWNER;
        let (registry, stakes) = (it.registry.address(), it.stakes.address());
        it.stakes
            .sender(owner)
            .constructor(it.token.address(), TOKEN, TOKEN, 0, owner)
            .motsu_unwrap();
        it.registry
            .sender(owner)
            .constructor(stakes, owner)
            .motsu_unwrap();
        it.stakes
            .sender(owner)
            .set_registry(registry, true)
            .motsu_unwrap();
        it.stakes
            .sender(owner)
            .set_slasher(owner, true)
            .motsu_unwrap();
        it.registry
            .sender(owner)
            .register_task_type(LIGHTNING, TOKEN * number(MIN_STAKE))
            .motsu_unwrap();
        it.registry
            .sender(owner)
            .require_attestations(LIGHTNING)
            .motsu_unwrap();
        it.oracle
            .sender(owner)
            .constructor(
                registry,
                stakes,
                it.keys.address(),
                LIGHTNING,
                number(SATS_PER_UNIT),
                owner,
            )
            .motsu_unwrap();
        it.registry
            .sender(owner)
            .set_adapter(it.oracle.address(), true)
            .motsu_unwrap();
        it.stakes.sender(owner).open().motsu_unwrap();
        it
    }

    /// Gives `account` so many tokens, and stakes them.
    fn stake(&self, account: Address, amount: u64) {
        let amount = TOKEN * number(amount);
        self.token.sender(OWNER).mint(account, amount);
        self.stakes.sender(account).stake(amount).motsu_unwrap();
    }

    /// Has the key name its operator, unless its node is registered, and registers it.
    fn register(&self, account: Address, node: B256, sats: u64) -> Result<(), Error> {
        if self.oracle.sender(OWNER).get_operator(node).is_zero() {
            self.keys.sender(OWNER).set(node, account);
        }
        self.oracle
            .sender(account)
            .register_node(node, number(sats))
            .motsu_res()
    }

    /// Node and operator of that number, with a stake for 100 units, and so many sats.
    fn member(&self, seed: u8, sats: u64) {
        self.stake(operator(seed), 10_000);
        self.register(operator(seed), node(seed), sats).unwrap();
    }

    fn deregister(&self, account: Address, node: B256) -> Result<(), Error> {
        self.oracle
            .sender(account)
            .deregister_node(node)
            .motsu_res()
    }

    /// Has the operator leave the core by itself.
    fn leave_core(&self, account: Address) {
        let mut it = self.registry.sender(account);
        it.deregister_sink(LIGHTNING).motsu_unwrap();
    }

    /// By which the operator is paid.
    fn core_capacity(&self, account: Address) -> U256 {
        let it = self.registry.sender(RELAYER);
        it.get_smoothed_capacity(LIGHTNING, account)
    }

    fn raw_capacity(&self, account: Address) -> U256 {
        let it = self.registry.sender(RELAYER);
        it.get_raw_capacity(LIGHTNING, account)
    }

    fn is_sink(&self, account: Address) -> bool {
        self.registry
            .sender(RELAYER)
            .is_registered(LIGHTNING, account)
    }

    /// What node and operator of that number attest now.
    fn attestation(
        &self,
        seed: u8,
        sats: u64,
        pending: u64,
        nonce: u64,
    ) -> SignedLightningAttestation {
        self.signed(
            seed,
            LightningAttestation {
                nodePubkey: node(seed),
                operator: operator(seed),
                outboundCapacitySats: number(sats),
                channelCount: number(7),
                pendingHTLCs: number(pending),
                timestamp: number(timestamp()),
                nonce: number(nonce),
            },
        )
    }

    /// Signed by key `seed`, whatever it says.
    fn signed(&self, seed: u8, it: LightningAttestation) -> SignedLightningAttestation {
        let signature = sign(&key(seed), self.digest(&it)).into();
        SignedLightningAttestation {
            nodePubkey: it.nodePubkey,
            operator: it.operator,
            outboundCapacitySats: it.outboundCapacitySats,
            channelCount: it.channelCount,
            pendingHTLCs: it.pendingHTLCs,
            timestamp: it.timestamp,
            nonce: it.nonce,
            signature,
        }
    }

    fn digest(&self, it: &LightningAttestation) -> B256 {
        it.eip712_signing_hash(&eip712_domain! {
            name: "Pura-LightningOracle",
            version: "1",
            chain_id: CHAIN,
            verifying_contract: self.oracle.address(),
        })
    }

    fn submit(&self, it: &SignedLightningAttestation) -> Result<(), Error> {
        self.oracle.sender(RELAYER).submit(copy(it)).motsu_res()
    }

    /// In the next block.
    fn attest(&self, seed: u8, sats: u64, pending: u64, nonce: u64) {
        advance_blocks(1);
        self.submit(&self.attestation(seed, sats, pending, nonce))
            .unwrap();
    }

    /// Submits, and returns for which nodes and why something was refused.
    fn batch(&self, batch: &[&SignedLightningAttestation]) -> Vec<(B256, String)> {
        let before = self.oracle.all_events().len();
        self.oracle
            .sender(RELAYER)
            .submit_batch(batch.iter().copied().map(copy).collect())
            .motsu_unwrap();
        let events = self.oracle.all_events().split_off(before);
        let refused = events.iter().filter_map(|event| {
            let it = LightningAttestationRejected::decode_log_data(event, true).ok()?;
            Some((it.nodePubkey, it.reason))
        });
        refused.collect()
    }

    fn smoothed(&self, node: B256) -> U256 {
        self.oracle.sender(RELAYER).get_smoothed_capacity(node)
    }

    fn owner(&self) -> Address {
        let it = self.oracle.sender(RELAYER);
        let ownable: &Ownable = (*it).borrow();
        ownable.owner()
    }
}

fn copy(it: &SignedLightningAttestation) -> SignedLightningAttestation {
    SignedLightningAttestation {
        signature: it.signature.clone(),
        ..*it
    }
}
