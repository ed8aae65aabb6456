//! A protocol's adapter that pays, fails, takes its time, or takes what is not its own.

use alloy_primitives::{Address, B256, U256, U8};
use alloy_sol_types::{Revert, SolCall, SolError, SolValue};
use bpe_common::{
    call::{call_with_value, ALL_GAS},
    erc20,
    interfaces::{IProtocolAdapter, IProtocolRouter},
};
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
    token: StorageAddress,
    takes: StorageU256,
}

#[public]
impl Rail {
    /// Pays in this token too, and takes so much more or less of it than it should: 1 000 is right.
    pub fn pay_in(&mut self, token: Address, takes: U256) {
        self.token.set(token);
        self.takes.set(takes);
    }

    /// Tells the router that a payment was made, and passes on what it reverts with.
    pub fn settled(&mut self, router: Address, payment_id: B256) -> Result<(), Vec<u8>> {
        let call = IProtocolRouter::reportSettledCall {
            paymentId: payment_id,
        };
        self.tell(router, U256::ZERO, &call.abi_encode())
    }

    /// Gives a payment back with so much ether.
    pub fn refunded(
        &mut self,
        router: Address,
        payment_id: B256,
        value: U256,
    ) -> Result<(), Vec<u8>> {
        let call = IProtocolRouter::reportRefundedCall {
            paymentId: payment_id,
        };
        self.tell(router, value, &call.abi_encode())
    }

    /// From now on: 0 pays, 1 reverts with a reason, 2 with a thousand bytes, 3 pays and answers with a thousand, 4 takes its time.
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
        let token = self.token.get();
        if calldata == (IProtocolAdapter::tokenCall {}).abi_encode() {
            return Ok(token.abi_encode());
        }
        if let Ok(call) = IProtocolAdapter::acceptsCall::abi_decode(calldata, true) {
            return Ok((call.token.is_zero() || call.token == token).abi_encode());
        }
        let call = IProtocolAdapter::executeCall::abi_decode(calldata, true)
            .map_err(|_| Revert::from("what?").abi_encode())?;
        let value = self.vm().msg_value();
        if value.is_zero() {
            let takes = call.amount + self.takes.get() - U256::from(1_000);
            let (router, this) = (self.vm().msg_sender(), self.vm().contract_address());
            if !takes.is_zero() {
                erc20::transfer_from(self.vm(), token, router, this, takes)
                    .map_err(|error| error.abi_encode())?;
            }
        } else if value != call.amount {
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
            4 => Ok(U256::from(1).abi_encode()),
            _ => Ok(vec![]),
        }
    }
}

impl Rail {
    fn tell(&mut self, router: Address, value: U256, data: &[u8]) -> Result<(), Vec<u8>> {
        let answer = call_with_value(self.vm(), router, value, data, ALL_GAS, 256);
        match answer.success {
            true => Ok(()),
            false => Err(answer.data),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Rail {}
