use alloy_primitives::{uint, Address, U256};
use bpe_common::clock::testing::{set_timestamp, timestamp};
use bpe_testing::{Behaviour, Token};
use motsu::prelude::*;
use num_bigint::BigUint;

use crate::contract::*;

pub const OWNER: Address = Address::repeat_byte(0x01);
pub const TREASURY: Address = Address::repeat_byte(0x02);
pub const ALICE: Address = Address::repeat_byte(0xa1);
pub const BOB: Address = Address::repeat_byte(0xb0);
pub const CAROL: Address = Address::repeat_byte(0xca);
pub const STAKES: Address = Address::repeat_byte(0x57);

/// 5 % a year.
pub const RATE: u64 = 1_585_489_599;
pub const DAY: u64 = 86_400;
pub const YEAR: u64 = 31_557_600;
pub const TOKEN: U256 = uint!(1_000_000_000_000_000_000_U256);

pub fn wei(amount: u64) -> U256 {
    U256::from(amount)
}

pub fn tokens(amount: u64) -> U256 {
    TOKEN * U256::from(amount)
}

/// The token over an underlying one, at [`RATE`], for [`TREASURY`].
pub struct World {
    pub token: Contract<DemurrageToken>,
    pub underlying: Contract<Token>,
}

impl World {
    pub fn new() -> Self {
        Self::at_rate(RATE)
    }

    pub fn at_rate(rate: u64) -> Self {
        let (token, underlying) = (Contract::<DemurrageToken>::new(), Contract::<Token>::new());
        let (name, symbol) = ("Idle Coin".into(), "IDLE".into());
        token
            .sender(OWNER)
            .constructor(
                name,
                symbol,
                underlying.address(),
                wei(rate),
                TREASURY,
                OWNER,
            )
            .motsu_unwrap();
        Self { token, underlying }
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.underlying.sender(OWNER).behave(behaviour as u8);
    }

    /// Gives `account` so much of the underlying token, and wraps it.
    pub fn wrap(&self, account: Address, amount: U256) {
        self.underlying.sender(OWNER).mint(account, amount);
        self.token.sender(account).wrap(amount).motsu_unwrap();
    }

    pub fn unwrap(&self, account: Address, amount: U256) -> Result<(), Error> {
        self.token.sender(account).unwrap(amount).motsu_res()
    }

    pub fn transfer(&self, from: Address, to: Address, amount: U256) -> Result<bool, Error> {
        self.token.sender(from).transfer(to, amount).motsu_res()
    }

    pub fn balance(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance_of(account)
    }

    pub fn nominal(&self, account: Address) -> U256 {
        self.token.sender(OWNER).nominal_balance_of(account)
    }

    pub fn supply(&self) -> U256 {
        self.token.sender(OWNER).total_supply()
    }

    pub fn decayed(&self) -> U256 {
        self.token.sender(OWNER).total_decayed()
    }

    /// What of the underlying token `account` has.
    pub fn outside(&self, account: Address) -> U256 {
        self.underlying.sender(OWNER).balance(account)
    }

    pub fn held(&self) -> U256 {
        self.outside(self.token.address())
    }

    /// Makes a call of the owner's now that was announced as long ago as it has to be.
    pub fn with_notice(&self, call: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let now = timestamp();
        if !self.supply().is_zero() {
            set_timestamp(now - NOTICE);
            let announced = call();
            set_timestamp(now);
            announced?;
        }
        call()
    }

    pub fn exempt(&self, account: Address, exempt: bool) {
        let set = || {
            let mut context = self.token.sender(OWNER);
            context.set_decay_exempt(account, exempt).motsu_res()
        };
        match exempt {
            true => set().unwrap(),
            false => self.with_notice(set).unwrap(),
        }
    }

    pub fn try_rate(&self, rate: u64) -> Result<(), Error> {
        let mut context = self.token.sender(OWNER);
        context.set_decay_rate(wei(rate)).motsu_res()
    }

    pub fn set_rate(&self, rate: u64) {
        self.with_notice(|| self.try_rate(rate)).unwrap();
    }

    pub fn try_recipient(&self, recipient: Address) -> Result<(), Error> {
        let mut context = self.token.sender(OWNER);
        context.set_decay_recipient(recipient).motsu_res()
    }

    pub fn set_recipient(&self, recipient: Address) -> Result<(), Error> {
        self.with_notice(|| self.try_recipient(recipient))
    }

    pub fn set_monitor(&self, monitor: Address) {
        let set = || {
            let mut context = self.token.sender(OWNER);
            context.set_virial_monitor(monitor).motsu_res()
        };
        self.with_notice(set).unwrap();
    }

    pub fn rebase(&self, account: Address) {
        // Anyone.
        let mut context = self.token.sender(Address::repeat_byte(0x77));
        context.rebase(account);
    }
}

/// `floor(amount · e^(−x))`, `x` with 18 decimals: by the series, to 400 bits.
pub fn decayed(amount: U256, x: u128) -> U256 {
    const BITS: u32 = 400;
    let one = BigUint::from(1u8) << BITS;
    // e^x, of positive terms only.
    let x = (BigUint::from(x) << BITS) / BigUint::from(1_000_000_000_000_000_000u64);
    let (mut sum, mut term, mut n) = (one.clone(), one.clone(), 0u32);
    while term > BigUint::ZERO {
        n += 1;
        term = ((term * &x) >> BITS) / n;
        sum += &term;
    }
    let worth = (BigUint::from_bytes_be(&amount.to_be_bytes::<32>()) << BITS) / sum;
    U256::from_be_slice(&worth.to_bytes_be())
}

/// The same over so many seconds at so much per second.
pub fn after(amount: U256, rate: u64, seconds: u64) -> U256 {
    decayed(amount, u128::from(rate) * u128::from(seconds))
}
