//! KeyRegistry: whose a Nostr or Lightning key is, proven by the key itself.
//!
//! A relay is known by its Nostr key, a node by its Lightning key; who is paid for it is an account, its *operator*. The key
//! says which: it signs a text that names the operator, this contract and its chain, and the operator brings that here. The
//! contract builds the text anew, so that nothing else can have been signed. From then on the operator can register the relay or
//! node (RelayCapacityRegistry, LightningCapacityOracle), and nobody else can: no id is anybody's who came first.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`prove_key`](KeyRegistry::prove_key) for itself, with the key's signature |
//!
//! Nobody owns the contract, and it calls nothing but precompiles.
//!
//! # What is signed
//!
//! `BPE: 0x<operator> operates this key, says its holder at <time> to 0x<this contract> on chain <id>.` Addresses are in lower
//! case, `time` is in seconds since 1970 and in decimal digits, as the chain's id is.
//! [`get_key_text`](KeyRegistry::get_key_text) gives it.
//!
//! | scheme | key | signature |
//! |---|---|---|
//! | 1, Nostr | the x-only public key | that of an event (NIP-01) of kind 27340 without tags, whose `created_at` is `time` and whose `content` is the text: 64 bytes, BIP-340. Signers sign events, not texts |
//! | 2, Lightning | the x coordinate of the node's key: its id without the first byte | what `signmessage` of LND, CLN, LDK or Eclair prints for the text: 104 letters, or the 65 bytes that they stand for |
//!
//! The last word counts: a key that signs later for another operator is that one's, whatever was signed before, and an earlier
//! text does not count again. So a key that changes hands takes its relay or node along, and one that was stolen can be taken
//! back as long as its holder has it.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;
mod text;

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{Address, B256, U256, U64, U8};
use bpe_common::{
    attestation::MAX_CLOCK_SKEW,
    clock,
    curve::{is_schnorr_signed, lightning_signer, sha256, LIGHTNING, NOSTR},
    emit,
    packed::widen,
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// The kind of the event by which a Nostr key names its operator: one of those that relays do not keep.
pub const EVENT_KIND: u64 = 27_340;

/// One slot: operator (160 bits), time (64), first_byte (8).
#[storage]
pub struct Holder {
    operator: StorageAddress,
    /// When the key said so.
    time: StorageU64,
    /// Of the compressed key, 2 or 3; of Nostr always 2.
    first_byte: StorageU8,
}

/// The contract: one mapping, by scheme and key.
#[entrypoint]
#[storage]
pub struct KeyRegistry {
    holders: StorageMap<U8, StorageMap<B256, Holder>>,
}

#[public]
impl KeyRegistry {
    /// Sets nothing up: the deployer calls the constructor of every program.
    #[constructor]
    pub fn constructor(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Makes the caller the operator of the key, which signed at `time` that it is.
    ///
    /// # Errors
    ///
    /// * [`UnknownScheme`], [`InvalidProofTime`], [`InvalidKeySignature`]
    ///
    /// # Events
    ///
    /// * [`KeyProven`]
    pub fn prove_key(
        &mut self,
        scheme: u8,
        key: B256,
        time: U256,
        signature: Bytes,
    ) -> Result<(), Error> {
        let operator = self.vm().msg_sender();
        let (_, last, _) = self.get_key(scheme, key);
        let latest = clock::block_timestamp(self.vm()).saturating_add(MAX_CLOCK_SKEW);
        if time <= last || time > U256::from(latest) {
            return Err(InvalidProofTime { time, last }.into());
        }
        let first_byte = self.check(scheme, key, operator, time, &signature)?;
        let mut holders = self.holders.setter(U8::from(scheme));
        let mut holder = holders.setter(key);
        holder.operator.set(operator);
        // At most the latest of now.
        holder.time.set(U64::wrapping_from(time));
        holder.first_byte.set(U8::from(first_byte));
        emit!(self.vm(), KeyProven[scheme, key, operator](time));
        Ok(())
    }

    // --- Views

    /// Who the key says its operator is, when it said so, in seconds since 1970, and the first byte of the compressed key.
    /// Zeros if it has said nothing.
    ///
    /// # Returns
    ///
    /// * `operator`
    /// * `time`
    /// * `firstByte`
    pub fn get_key(&self, scheme: u8, key: B256) -> (Address, U256, u8) {
        let holders = self.holders.getter(U8::from(scheme));
        let holder = holders.getter(key);
        (
            holder.operator.get(),
            widen(holder.time.get()),
            holder.first_byte.get().wrapping_to(),
        )
    }

    /// What a key signs at `time` for `operator`: Lightning nodes the text itself, Nostr keys an event with it as `content`.
    pub fn get_key_text(&self, operator: Address, time: U256) -> String {
        let text = self.text(operator, time);
        // Letters and digits.
        String::from_utf8(text).unwrap_or_default()
    }

    /// The id of the event that the Nostr key signs at `time` for `operator`.
    pub fn get_event_id(&self, key: B256, operator: Address, time: U256) -> B256 {
        let text = self.text(operator, time);
        sha256(self.vm(), &text::event(key, time, EVENT_KIND, &text))
    }

    /// The kind of that event.
    #[selector(name = "EVENT_KIND")]
    pub fn event_kind(&self) -> U256 {
        U256::from(EVENT_KIND)
    }
}

impl KeyRegistry {
    /// The first byte of the compressed key, if it signed that.
    fn check(
        &self,
        scheme: u8,
        key: B256,
        operator: Address,
        time: U256,
        signature: &[u8],
    ) -> Result<u8, Error> {
        let first_byte = match scheme {
            NOSTR => {
                let id = self.get_event_id(key, operator, time);
                let is_signed = is_schnorr_signed(self.vm(), key, id.as_slice(), signature);
                is_signed.then_some(2)
            }
            LIGHTNING => {
                let text = self.text(operator, time);
                lightning_signer(self.vm(), key, &text, signature)
            }
            _ => return Err(UnknownScheme { scheme }.into()),
        };
        Ok(first_byte.ok_or(InvalidKeySignature {})?)
    }

    fn text(&self, operator: Address, time: U256) -> Vec<u8> {
        let (contract, chain) = (self.vm().contract_address(), self.vm().chain_id());
        text::text(operator, time, contract, U256::from(chain))
    }
}
