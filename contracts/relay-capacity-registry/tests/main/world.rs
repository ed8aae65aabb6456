//! The contract over neighbours that answer what they are told to.

use alloy_primitives::{keccak256, uint, Address, B256, U256, U64};
use alloy_sol_types::{eip712_domain, sol, Eip712Domain, Revert as Refusal, SolError, SolStruct};
use bpe_common::clock::testing::timestamp;
use bpe_testing::{turn, Turn};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::contract::*;

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

pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const RELAY_TYPE: B256 = B256::repeat_byte(0xee);
pub const KEY: B256 = B256::repeat_byte(0x11);
pub const OTHER_KEY: B256 = B256::repeat_byte(0x22);
/// Nobody in particular.
pub const ANYONE: Address = Address::repeat_byte(0x4e);
pub const URL: &str = "wss://relay.example";
/// The least stake of the relay task type.
pub const MIN_STAKE: U256 = uint!(100_U256);

/// CapacityRegistry, with one task type.
#[storage]
pub struct Core {}

#[public]
impl Core {
    pub fn task_type_exists(&self, task_type_id: B256) -> bool {
        task_type_id == RELAY_TYPE
    }

    pub fn get_task_type(&self, task_type_id: B256) -> (U256, U256, U256) {
        match task_type_id == RELAY_TYPE {
            true => (MIN_STAKE, U256::ZERO, U256::ZERO),
            false => (U256::ZERO, U256::ZERO, U256::ZERO),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Core {}

/// StakeManager: stakes and caps as told, half of the minimum for who has a discount.
#[storage]
pub struct Stakes {
    reverts: StorageBool,
    stakes: StorageMap<Address, StorageU256>,
    caps: StorageMap<Address, StorageU256>,
    discounted: StorageMap<Address, StorageBool>,
    notice: StorageU64,
}

#[public]
impl Stakes {
    pub fn set(&mut self, sink: Address, stake: U256, cap: U256) {
        self.stakes.setter(sink).set(stake);
        self.caps.setter(sink).set(cap);
    }

    pub fn give_discount(&mut self, sink: Address) {
        self.discounted.setter(sink).set(true);
    }

    pub fn set_reverts(&mut self, reverts: bool) {
        self.reverts.set(reverts);
    }

    pub fn set_notice(&mut self, notice: u64) {
        self.notice.set(U64::from(notice));
    }

    pub fn power_notice(&self) -> U256 {
        U256::from(self.notice.get())
    }

    pub fn get_stake(&self, sink: Address) -> U256 {
        self.stakes.get(sink)
    }

    pub fn get_capacity_cap(&self, sink: Address) -> Result<U256, Vec<u8>> {
        match self.reverts.get() {
            true => Err(Refusal::from("no").abi_encode()),
            false => Ok(self.caps.get(sink)),
        }
    }

    pub fn required_stake(&self, sink: Address, min_stake: U256) -> U256 {
        match self.discounted.get(sink) {
            true => min_stake / U256::from(2),
            false => min_stake,
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Stakes {}

pub fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

pub fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

pub fn sign(key: &SigningKey, digest: B256) -> Vec<u8> {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat()
}

/// Events per second, GB, Mbps.
pub fn capacity(dimensions: [u64; 3]) -> RelayCapacity {
    let [events, storage, bandwidth] = dimensions.map(U256::from);
    RelayCapacity {
        eventsPerSecond: events,
        storageGB: storage,
        bandwidthMbps: bandwidth,
    }
}

/// A relay of so many points.
pub fn points(amount: u64) -> RelayCapacity {
    capacity([amount; 3])
}

pub struct World<'a> {
    pub relays: &'a Contract<RelayCapacityRegistry>,
    pub stakes: &'a Contract<Stakes>,
    pub turn: Turn,
}

impl<'a> World<'a> {
    pub fn new(
        relays: &'a Contract<RelayCapacityRegistry>,
        core: &Contract<Core>,
        stakes: &'a Contract<Stakes>,
        owner: Address,
    ) -> Self {
        let turn = turn();
        VM::context().set_chain_id(42_161);
        relays
            .sender(owner)
            .constructor(core.address(), stakes.address(), RELAY_TYPE, owner)
            .motsu_unwrap();
        Self {
            relays,
            stakes,
            turn,
        }
    }

    /// Gives `account` the least stake, and this cap.
    pub fn stake(&self, account: Address, cap: U256) {
        self.stakes.sender(ANYONE).set(account, MIN_STAKE, cap);
    }

    pub fn register(
        &self,
        operator: Address,
        pubkey: B256,
        initial: RelayCapacity,
    ) -> Result<(), Error> {
        self.relays
            .sender(operator)
            .register_relay(pubkey, URL.into(), initial)
            .motsu_res()
    }

    /// An operator with a stake for 1000 units, and its relay.
    pub fn relay(&self, operator: Address, pubkey: B256, initial: RelayCapacity) {
        self.stake(operator, units(1_000));
        self.register(operator, pubkey, initial).unwrap();
    }

    pub fn deregister(&self, caller: Address, pubkey: B256) -> Result<(), Error> {
        self.relays
            .sender(caller)
            .deregister_relay(pubkey)
            .motsu_res()
    }

    pub fn composite(&self, pubkey: B256) -> U256 {
        self.relays.sender(ANYONE).get_composite_capacity(pubkey)
    }

    pub fn sequence(&self, pubkey: B256) -> U256 {
        self.relays.sender(ANYONE).get_capacity_update(pubkey).3
    }

    pub fn domain(&self) -> Eip712Domain {
        eip712_domain! {
            name: "BPE-RelayCapacityRegistry",
            version: "1",
            chain_id: 42_161,
            verifying_contract: self.relays.address(),
        }
    }

    pub fn digest(&self, it: &SignedRelayAttestation) -> B256 {
        RelayAttestation {
            nostrPubkey: it.nostrPubkey,
            operator: it.operator,
            eventsPerSecond: it.eventsPerSecond,
            storageGB: it.storageGB,
            bandwidthMbps: it.bandwidthMbps,
            timestamp: it.timestamp,
            nonce: it.nonce,
        }
        .eip712_signing_hash(&self.domain())
    }

    /// What `operator` could sign now of the relay [`KEY`].
    pub fn attestation(
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

    pub fn resigned(
        &self,
        signer: &SigningKey,
        mut it: SignedRelayAttestation,
    ) -> SignedRelayAttestation {
        it.signature = sign(signer, self.digest(&it)).into();
        it
    }

    pub fn signed(
        &self,
        signer: &SigningKey,
        capacity: RelayCapacity,
        nonce: u64,
    ) -> SignedRelayAttestation {
        self.resigned(signer, self.attestation(address(signer), capacity, nonce))
    }

    pub fn submit(&self, batch: Vec<SignedRelayAttestation>) {
        self.relays
            .sender(ANYONE)
            .submit_batch(batch)
            .motsu_unwrap();
    }
}

pub fn copy(it: &SignedRelayAttestation) -> SignedRelayAttestation {
    SignedRelayAttestation {
        signature: it.signature.clone(),
        ..*it
    }
}

/// What the contract encoded, as who asks decodes it.
pub trait Decoded {
    fn info(self) -> RelayInfo;
}

impl Decoded for bpe_common::returns::Encoded<RelayInfo> {
    fn info(self) -> RelayInfo {
        <RelayInfo as alloy_sol_types::SolValue>::abi_decode(&self.bytes, true)
            .expect("as Solidity decodes it")
    }
}
