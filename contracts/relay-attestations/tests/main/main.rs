//! RelayAttestations on motsu, over the real RelayCapacityRegistry, with real secp256k1 signatures.

extern crate alloc;

mod attestations;
#[allow(dead_code)]
#[path = "../../../relay-capacity-registry/src/lib.rs"]
mod contract;
mod fuzz;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod subject;
#[allow(dead_code)]
#[path = "../../../relay-capacity-registry/tests/main/world.rs"]
mod world;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{eip712_domain, sol, Eip712Domain, SolStruct};
use bpe_common::clock::testing::timestamp;
use contract::{RelayCapacity, RelayCapacityRegistry};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use subject::{RelayAttestations, SignedRelayAttestation};
use world::{address, sign, Core, Stakes, World, ANYONE, KEY};

sol! {
    struct RelayAttestation {
        bytes32 nostrPubkey;
        address operator;
        uint256 eventsPerSecond;
        uint256 storageGB;
        uint256 bandwidthMbps;
        uint256 timestamp;
        uint256 nonce;
    }
}

/// The relay registry, which believes the contract.
struct Stage<'a> {
    world: World<'a>,
    attestations: &'a Contract<RelayAttestations>,
}

impl<'a> Stage<'a> {
    fn new(
        attestations: &'a Contract<RelayAttestations>,
        relays: &'a Contract<RelayCapacityRegistry>,
        core: &Contract<Core>,
        stakes: &'a Contract<Stakes>,
        owner: Address,
    ) -> Self {
        let world = World::new(relays, core, stakes, owner);
        attestations
            .sender(ANYONE)
            .constructor(relays.address())
            .motsu_unwrap();
        relays
            .sender(owner)
            .set_attestations(attestations.address())
            .motsu_unwrap();
        Self {
            world,
            attestations,
        }
    }

    fn nonce(&self, operator: Address) -> U256 {
        self.attestations.sender(ANYONE).last_nonce(operator)
    }

    fn domain(&self) -> Eip712Domain {
        eip712_domain! {
            name: "BPE-RelayAttestations",
            version: "1",
            chain_id: 42_161,
            verifying_contract: self.attestations.address(),
        }
    }

    fn digest(&self, it: &SignedRelayAttestation) -> B256 {
        message(it).eip712_signing_hash(&self.domain())
    }

    /// What `operator` could sign now of the relay [`KEY`].
    fn attestation(
        &self,
        operator: Address,
        capacity: RelayCapacity,
        nonce: u64,
    ) -> SignedRelayAttestation {
        SignedRelayAttestation {
            nostrPubkey: KEY,
            operator,
            eventsPerSecond: capacity.eventsPerSecond,
            storageGB: capacity.storageGB,
            bandwidthMbps: capacity.bandwidthMbps,
            timestamp: U256::from(timestamp()),
            nonce: U256::from(nonce),
            signature: vec![].into(),
        }
    }

    fn resigned(
        &self,
        signer: &SigningKey,
        mut it: SignedRelayAttestation,
    ) -> SignedRelayAttestation {
        it.signature = sign(signer, self.digest(&it)).into();
        it
    }

    fn signed(
        &self,
        signer: &SigningKey,
        capacity: RelayCapacity,
        nonce: u64,
    ) -> SignedRelayAttestation {
        self.resigned(signer, self.attestation(address(signer), capacity, nonce))
    }

    fn submit(&self, batch: Vec<SignedRelayAttestation>) {
        self.attestations
            .sender(ANYONE)
            .submit_batch(batch)
            .motsu_unwrap();
    }
}

fn message(it: &SignedRelayAttestation) -> RelayAttestation {
    RelayAttestation {
        nostrPubkey: it.nostrPubkey,
        operator: it.operator,
        eventsPerSecond: it.eventsPerSecond,
        storageGB: it.storageGB,
        bandwidthMbps: it.bandwidthMbps,
        timestamp: it.timestamp,
        nonce: it.nonce,
    }
}

fn copy(it: &SignedRelayAttestation) -> SignedRelayAttestation {
    SignedRelayAttestation {
        signature: it.signature.clone(),
        ..*it
    }
}
