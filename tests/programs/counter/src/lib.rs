//! A counter: the smallest program that has all that the devnet's tests look for: a constructor with an argument, an
//! event, an error of its own, and calls to another counter, which may be a program or a Solidity contract.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, U256};
use alloy_sol_types::sol;
use stylus_sdk::{
    prelude::*,
    storage::{StorageAddress, StorageU256},
};

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

sol! {
    event Incremented(address indexed by, uint256 number);

    #[derive(Debug)]
    error TooMuch(uint256 amount, uint256 limit);
    #[derive(Debug)]
    error NotOwner(address caller);
}

sol_interface! {
    interface ICounter {
        function number() external view returns (uint256);
        function add(uint256 amount) external returns (uint256);
    }
}

/// The most that one call may add.
const LIMIT: U256 = U256::from_limbs([100, 0, 0, 0]);

#[derive(SolidityError, Debug)]
pub enum CounterError {
    TooMuch(TooMuch),
    NotOwner(NotOwner),
}

#[storage]
#[entrypoint]
pub struct Counter {
    number: StorageU256,
    owner: StorageAddress,
}

#[public]
impl Counter {
    #[constructor]
    pub fn constructor(&mut self, initial: U256) {
        // Not the sender, which is the deployer contract.
        self.owner.set(self.vm().tx_origin());
        self.number.set(initial);
    }

    pub fn number(&self) -> U256 {
        self.number.get()
    }

    pub fn owner(&self) -> Address {
        self.owner.get()
    }

    pub fn add(&mut self, amount: U256) -> Result<U256, CounterError> {
        if amount > LIMIT {
            return Err(CounterError::TooMuch(TooMuch {
                amount,
                limit: LIMIT,
            }));
        }
        let number = self.number.get() + amount;
        self.number.set(number);
        log(
            self.vm(),
            Incremented {
                by: self.vm().msg_sender(),
                number,
            },
        );
        Ok(number)
    }

    pub fn reset(&mut self) -> Result<(), CounterError> {
        let caller = self.vm().msg_sender();
        if caller != self.owner.get() {
            return Err(CounterError::NotOwner(NotOwner { caller }));
        }
        self.number.set(U256::ZERO);
        Ok(())
    }

    /// The sum of this and another counter.
    pub fn sum_with(&self, other: Address) -> Result<U256, Vec<u8>> {
        let theirs = ICounter::new(other).number(self)?;
        Ok(self.number.get() + theirs)
    }

    /// Adds to another counter, whose errors pass through.
    pub fn add_to(&mut self, other: Address, amount: U256) -> Result<U256, Vec<u8>> {
        Ok(ICounter::new(other).add(self, amount)?)
    }
}
