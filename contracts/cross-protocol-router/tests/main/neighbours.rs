//! A protocol's adapter that pays or fails, and a payer who takes back or does not. motsu can pay contracts only.

use alloy_primitives::{Address, B256, U256, U8};
use alloy_sol_types::{Revert, SolCall, SolError};
use bpe_common::interfaces::IProtocolAdapter;
use stylus_sdk::{prelude::*, storage::*};

/// An adapter that keeps what it should pay, and knows what it was told last.
#[storage]
pub struct Rail {
    misbehaviour: StorageU8,
    payment_id: StorageB256,
    recipient: StorageAddress,
    amount: StorageU256,
    data: StorageBytes,
    payments: StorageU256,
}

#[public]
impl Rail {
    /// From now on: 0 pays, 1 reverts with a reason, 2 with a thousand bytes, 3 pays and answers with a thousand.
    pub fn misbehave(&mut self, how: u8) {
        self.misbehaviour.set(U8::from(how));
    }

    pub fn last(&self) -> (B256, Address, U256) {
        (
            self.payment_id.get(),
            self.recipient.get(),
            self.amount.get(),
        )
    }

    pub fn last_data(&self) -> Vec<u8> {
        self.data.get_bytes()
    }

    pub fn payments(&self) -> U256 {
        self.payments.get()
    }

    #[payable]
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let call = IProtocolAdapter::executeCall::abi_decode(calldata, true)
            .map_err(|_| Revert::from("what?").abi_encode())?;
        if self.vm().msg_value() != call.amount {
            return Err(Revert::from("how much?").abi_encode());
        }
        self.payment_id.set(call.paymentId);
        self.recipient.set(call.recipient);
        self.amount.set(call.amount);
        self.data.set_bytes(call.data);
        let payments = self.payments.get() + U256::from(1);
        self.payments.set(payments);
        match self.misbehaviour.get().to::<u8>() {
            1 => Err(Revert::from("no liquidity").abi_encode()),
            2 => Err(vec![7; 1_000]),
            3 => Ok(vec![7; 1_000]),
            _ => Ok(vec![]),
        }
    }
}

/// A payer.
#[storage]
pub struct Purse {
    refuses: StorageBool,
}

#[public]
impl Purse {
    pub fn refuse(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    #[receive]
    pub fn receive(&mut self) -> Result<(), Vec<u8>> {
        match self.refuses.get() {
            true => Err(Revert::from("no").abi_encode()),
            false => Ok(()),
        }
    }

    // motsu looks at the selector of what failed.
    #[payable]
    #[fallback]
    pub fn fallback(&mut self, _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        self.receive().map(|()| vec![])
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Rail {}
unsafe impl TopLevelStorage for Purse {}
