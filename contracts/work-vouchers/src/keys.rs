//! Keys that sign for accounts which have none of their own: contracts.
//!
//! Vouchers are signed by keys alone. A contract account that could answer for itself when a voucher is redeemed could also
//! answer otherwise than when the work was done.

use alloy_primitives::{b256, Address, B256, U256, U64};
use bpe_common::{
    call::{has_code, require_gas},
    emit,
    events::Word,
    signature::{is_valid_erc1271, recover},
};
use stylus_sdk::prelude::*;

use super::{
    Error, InvalidKey, InvalidRegistration, InvalidSignature, KeyNotRegistered, KeyRegistered,
    KeyRemoved, WorkVouchers, DOMAIN,
};

/// What a removed key signed counts for so many seconds more: a day.
pub const KEY_GRACE: u64 = 86_400;
/// What a contract account may use to approve of a key: enough for several owners' signatures.
pub const ERC1271_GAS: u64 = 400_000;
/// `keccak256("KeyRegistration(address account,address key,uint256 nonce)")`
pub const KEY_TYPEHASH: B256 =
    b256!("f97941a095030a7d58b9d9e5fce4e0fafe9b51456d692a2170fe8e4ce29c17e9");

impl WorkVouchers {
    /// Has `key` sign for `account` from now on.
    pub(super) fn add_key(&mut self, account: Address, key: Address) -> Result<(), Error> {
        if key.is_zero() {
            return Err(InvalidKey { key }.into());
        }
        self.keys.setter(account).setter(key).set(U64::MAX);
        emit!(self.vm(), KeyRegistered[account, key]);
        Ok(())
    }

    /// The same, by the word of `account` (ERC-1271) over the next of its registrations.
    pub(super) fn add_key_by_signature(
        &mut self,
        account: Address,
        key: Address,
        signature: &[u8],
    ) -> Result<(), Error> {
        let nonce = self.key_nonces.get(account);
        let words = [KEY_TYPEHASH, account.word(), key.word(), nonce.word()];
        let digest = DOMAIN.digest(self.vm(), bpe_common::eip712::hash_words(&words));
        let own = recover(self.vm(), digest, signature).is_ok_and(|signer| signer == account);
        if !own && !self.approves(account, digest, signature)? {
            return Err(InvalidRegistration { account }.into());
        }
        // Not in this world 2^256 times.
        self.key_nonces
            .setter(account)
            .set(nonce.saturating_add(U256::from(1)));
        self.add_key(account, key)
    }

    /// Whether the contract `account` says that it signed. That it had too little gas for it is no answer.
    fn approves(&self, account: Address, digest: B256, signature: &[u8]) -> Result<bool, Error> {
        if !has_code(self.vm(), account) {
            return Ok(false);
        }
        require_gas(self.vm(), ERC1271_GAS)?;
        let gas = ERC1271_GAS;
        Ok(is_valid_erc1271(self.vm(), account, digest, signature, gas))
    }

    /// Takes `key` from `account`. What it signed counts for a day more. Registrations that `account` signed before are void.
    pub(super) fn drop_key(&mut self, account: Address, key: Address) -> Result<(), Error> {
        if self.keys.getter(account).get(key) != U64::MAX {
            return Err(KeyNotRegistered { account, key }.into());
        }
        let until = self.now().saturating_add(KEY_GRACE);
        self.keys.setter(account).setter(key).set(U64::from(until));
        let nonce = self.key_nonces.get(account).saturating_add(U256::from(1));
        self.key_nonces.setter(account).set(nonce);
        emit!(self.vm(), KeyRemoved[account, key](until));
        Ok(())
    }

    /// Until when `key` signs for `account`, in seconds since 1970; zero if it never did.
    pub(super) fn key_until(&self, account: Address, key: Address) -> u64 {
        self.keys.getter(account).get(key).wrapping_to()
    }

    /// Refuses unless `account` signed `digest`: by its own key, code or not, or by one that signs for it.
    pub(super) fn require_signed(
        &self,
        account: Address,
        digest: B256,
        signature: &[u8],
    ) -> Result<(), Error> {
        let signer = recover(self.vm(), digest, signature)?;
        if signer == account || self.key_until(account, signer) > self.now() {
            return Ok(());
        }
        Err(InvalidSignature { account, signer }.into())
    }
}
