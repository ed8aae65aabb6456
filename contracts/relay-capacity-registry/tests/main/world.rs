//! The contract over neighbours that answer what they are told to.

use alloy_primitives::{keccak256, uint, Address, B256, U256, U64};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_testing::{turn, Keys, Turn};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::contract::*;

pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const RELAY_TYPE: B256 = B256::repeat_byte(0xee);
pub const KEY: B256 = B256::repeat_byte(0x11);
pub const OTHER_KEY: B256 = B256::repeat_byte(0x22);
/// Nobody in particular.
pub const ANYONE: Address = Address::repeat_byte(0x4e);
pub const URL: &str = "wss://relay.example";
/// The least stake of the relay task type.
pub const MIN_STAKE: U256 = uint!(100_U256);

/// CapacityRegistry, with one task type: it locks whatever stake there is.
#[storage]
pub struct Core {
    refuses: StorageBool,
    sinks: StorageMap<Address, StorageBool>,
}

#[public]
impl Core {
    pub fn task_type_exists(&self, task_type_id: B256) -> bool {
        task_type_id == RELAY_TYPE
    }

    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn is_registered(&self, task_type_id: B256, sink: Address) -> bool {
        task_type_id == RELAY_TYPE && self.sinks.get(sink)
    }

    pub fn register_sink_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Vec<u8>> {
        let is_good = task_type_id == RELAY_TYPE && capacity.is_zero() && !self.sinks.get(sink);
        if self.refuses.get() || !is_good {
            return Err(Refusal::from("no").abi_encode());
        }
        self.sinks.setter(sink).set(true);
        Ok(())
    }

    pub fn deregister_sink_for(
        &mut self,
        task_type_id: B256,
        sink: Address,
    ) -> Result<(), Vec<u8>> {
        if self.refuses.get() || !self.is_registered(task_type_id, sink) {
            return Err(Refusal::from("no").abi_encode());
        }
        self.sinks.setter(sink).set(false);
        Ok(())
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

/// RelayPaymentPool: notes which relay was taken off last.
#[storage]
pub struct Payment {
    gone: StorageB256,
}

#[public]
impl Payment {
    pub fn relay_gone(&mut self, nostr_pubkey: B256) {
        self.gone.set(nostr_pubkey);
    }

    pub fn gone(&self) -> B256 {
        self.gone.get()
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Payment {}

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
    pub keys: Contract<Keys>,
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
        let keys = Contract::<Keys>::new();
        relays
            .sender(owner)
            .constructor(
                core.address(),
                stakes.address(),
                keys.address(),
                RELAY_TYPE,
                owner,
            )
            .motsu_unwrap();
        Self {
            relays,
            stakes,
            keys,
            turn,
        }
    }

    /// Gives `account` the least stake, and this cap.
    pub fn stake(&self, account: Address, cap: U256) {
        self.stakes.sender(ANYONE).set(account, MIN_STAKE, cap);
    }

    /// Has the key name its operator, unless its relay is registered, and registers it.
    pub fn register(
        &self,
        operator: Address,
        pubkey: B256,
        initial: RelayCapacity,
    ) -> Result<(), Error> {
        if self.relays.sender(ANYONE).get_operator(pubkey).is_zero() {
            self.keys.sender(ANYONE).set(pubkey, operator);
        }
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
}

/// Operator, smoothed and raw capacity, and the number of the update.
pub fn known(
    relays: &Contract<RelayCapacityRegistry>,
    pubkey: B256,
) -> (Address, U256, U256, U256) {
    let (operator, composite, raw, sequence, _) = relays.sender(ANYONE).get_capacity_update(pubkey);
    (operator, composite, raw, sequence)
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
