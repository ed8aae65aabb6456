//! Two-step ownership.
//!
//! Errors, events and meaning are those of OpenZeppelin's `Ownable2Step`: the owner names a successor, who becomes
//! owner by accepting. A mistyped address can therefore not take a contract away. Routed into a contract by
//! `#[inherit(Ownable)]`.
//!
//! The first owner may hand over at once instead, once: a factory sets a contract up as its owner, and its caller owns it
//! when the transaction ends.

use alloc::{vec, vec::Vec};
use alloy_primitives::Address;
use alloy_sol_types::sol;
use stylus_sdk::{
    prelude::*,
    storage::{StorageAddress, StorageBool},
};

use crate::emit;

sol! {
    /// `previousOwner` has started to hand over to `newOwner`, who has to accept.
    #[derive(Debug, PartialEq, Eq)]
    event OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner);
    /// The owner is now `newOwner`.
    #[derive(Debug, PartialEq, Eq)]
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    /// `account` may not do what only the owner may.
    #[derive(Debug, PartialEq, Eq)]
    error OwnableUnauthorizedAccount(address account);
    /// `owner` cannot own a contract.
    #[derive(Debug, PartialEq, Eq)]
    error OwnableInvalidOwner(address owner);
}

/// Why something about ownership was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller is not who it would have to be.
    Unauthorized(OwnableUnauthorizedAccount),
    /// The zero address was given as the first owner.
    InvalidOwner(OwnableInvalidOwner),
}

crate::nested::nested_error!(
    Error,
    "OwnableUnauthorizedAccount(address); error OwnableInvalidOwner(address)"
);

/// Two slots: owner; pending_owner (160 bits), changed (8): whether there has been another owner.
#[storage]
pub struct Ownable {
    owner: StorageAddress,
    pending_owner: StorageAddress,
    changed: StorageBool,
}

#[public]
impl Ownable {
    /// The owner; zero after [`Ownable::renounce_ownership`].
    pub fn owner(&self) -> Address {
        self.owner.get()
    }

    /// Who may accept ownership; zero if nobody may.
    pub fn pending_owner(&self) -> Address {
        self.pending_owner.get()
    }

    /// Names `new_owner` as the next owner, who has to accept. The zero address takes an offer back.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`] unless the owner calls.
    ///
    /// # Events
    ///
    /// * [`OwnershipTransferStarted`]
    pub fn transfer_ownership(&mut self, new_owner: Address) -> Result<(), Error> {
        self.only_owner()?;
        self.pending_owner.set(new_owner);
        let previous_owner = self.owner.get();
        emit!(self.vm(), OwnershipTransferStarted[previous_owner, new_owner]);
        Ok(())
    }

    /// Makes `new_owner` the owner at once. For the first owner, who has set the contract up.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`] unless the first owner calls.
    /// * [`OwnableInvalidOwner`] if `new_owner` is the zero address.
    ///
    /// # Events
    ///
    /// * [`OwnershipTransferred`]
    pub fn hand_over(&mut self, new_owner: Address) -> Result<(), Error> {
        self.only_owner()?;
        if self.changed.get() {
            let account = self.vm().msg_sender();
            return Err(OwnableUnauthorizedAccount { account }.into());
        }
        self.changed.set(true);
        self.initialize(new_owner)
    }

    /// Makes the caller the owner.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`] unless the pending owner calls.
    ///
    /// # Events
    ///
    /// * [`OwnershipTransferred`]
    pub fn accept_ownership(&mut self) -> Result<(), Error> {
        let account = self.vm().msg_sender();
        if account != self.pending_owner.get() {
            return Err(OwnableUnauthorizedAccount { account }.into());
        }
        self.changed.set(true);
        self.set_owner(account);
        Ok(())
    }

    /// Leaves the contract without an owner, for ever.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`] unless the owner calls.
    ///
    /// # Events
    ///
    /// * [`OwnershipTransferred`]
    pub fn renounce_ownership(&mut self) -> Result<(), Error> {
        self.only_owner()?;
        self.set_owner(Address::ZERO);
        Ok(())
    }
}

impl Ownable {
    /// Sets an owner without asking. For constructors.
    ///
    /// # Errors
    ///
    /// * [`OwnableInvalidOwner`] if `owner` is the zero address.
    pub fn initialize(&mut self, owner: Address) -> Result<(), Error> {
        if owner.is_zero() {
            return Err(OwnableInvalidOwner { owner }.into());
        }
        self.set_owner(owner);
        Ok(())
    }

    /// Refuses everyone but the owner.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`]
    pub fn only_owner(&self) -> Result<(), Error> {
        let account = self.vm().msg_sender();
        if account != self.owner.get() {
            return Err(OwnableUnauthorizedAccount { account }.into());
        }
        Ok(())
    }

    fn set_owner(&mut self, new_owner: Address) {
        let previous_owner = self.owner.get();
        self.pending_owner.set(Address::ZERO);
        self.owner.set(new_owner);
        emit!(self.vm(), OwnershipTransferred[previous_owner, new_owner]);
    }
}
