use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, U256, U8};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::{prelude::*, storage::*};

use crate::{refusal, split, Answer};

sol! {
    interface IERC20 {
        function balanceOf(address account) external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
        function approve(address spender, uint256 value) external returns (bool);
        function getHost() external view returns (address);
    }
}

/// How a [`Token`] transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Behaviour {
    /// As ERC-20 says.
    Standard,
    /// Transfers, but returns nothing.
    NoReturn,
    /// Burns a tenth of every transfer.
    Fee,
    /// Transfers nothing and says so.
    ReturnsFalse,
    /// Transfers nothing and says that it did.
    Lies,
    /// Transfers, and returns a word that is no bool.
    ReturnsTwo,
    /// Transfers, and returns one byte.
    ReturnsShort,
    /// Reverts.
    Reverts,
    /// Transfers twice what it was told to.
    Doubles,
}

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Standard,
        Self::NoReturn,
        Self::Fee,
        Self::ReturnsFalse,
        Self::Lies,
        Self::ReturnsTwo,
        Self::ReturnsShort,
        Self::Reverts,
        Self::Doubles,
    ];

    fn moved(self, value: U256) -> U256 {
        match self {
            Self::ReturnsFalse | Self::Lies => U256::ZERO,
            Self::Doubles => value * U256::from(2),
            _ => value,
        }
    }

    fn received(self, moved: U256) -> U256 {
        match self {
            Self::Fee => moved - moved / U256::from(10),
            _ => moved,
        }
    }

    fn answer(self) -> Vec<u8> {
        let word = |value: u8| U256::from(value).to_be_bytes_vec();
        match self {
            Self::NoReturn => vec![],
            Self::ReturnsFalse => word(0),
            Self::ReturnsTwo => word(2),
            Self::ReturnsShort => vec![1],
            _ => word(1),
        }
    }
}

/// An ERC-20, or a Super Token, that notes allowances but needs none: whoever asks may move anybody's tokens. Its ERC-20 functions are in the fallback, so
/// that they can return what no Solidity type allows.
#[storage]
pub struct Token {
    behaviour: StorageU8,
    balances: StorageMap<Address, StorageU256>,
    refused: StorageMap<Address, StorageBool>,
    allowances: StorageMap<Address, StorageMap<Address, StorageU256>>,
    host: StorageAddress,
}

#[public]
impl Token {
    /// Makes `amount` of tokens for `to`.
    pub fn mint(&mut self, to: Address, amount: U256) {
        let balance = self.balances.get(to);
        self.balances.setter(to).set(balance + amount);
    }

    /// Makes the token behave so from now on.
    pub fn behave(&mut self, behaviour: u8) {
        self.behaviour.set(U8::from(behaviour));
    }

    /// Reverts transfers to `to` from now on, as a recipient's hook may, or no longer.
    pub fn refuse(&mut self, to: Address, refuses: bool) {
        self.refused.setter(to).set(refuses);
    }

    /// Makes it a Super Token of this host.
    pub fn set_host(&mut self, host: Address) {
        self.host.set(host);
    }

    /// What `owner` lets `spender` take.
    pub fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.allowances.getter(owner).get(spender)
    }

    /// What `account` has.
    pub fn balance(&self, account: Address) -> U256 {
        self.balances.get(account)
    }

    /// The ERC-20 functions.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Answer {
        let (selector, arguments) = split(calldata);
        let malformed = |_| refusal("malformed");
        match selector {
            IERC20::balanceOfCall::SELECTOR => {
                let call =
                    IERC20::balanceOfCall::abi_decode_raw(arguments, true).map_err(malformed)?;
                Ok(self.balances.get(call.account).to_be_bytes_vec())
            }
            IERC20::transferCall::SELECTOR => {
                let call =
                    IERC20::transferCall::abi_decode_raw(arguments, true).map_err(malformed)?;
                self.transfer(self.vm().msg_sender(), call.to, call.value)
            }
            IERC20::transferFromCall::SELECTOR => {
                let call =
                    IERC20::transferFromCall::abi_decode_raw(arguments, true).map_err(malformed)?;
                self.transfer(call.from, call.to, call.value)
            }
            IERC20::approveCall::SELECTOR => {
                let call =
                    IERC20::approveCall::abi_decode_raw(arguments, true).map_err(malformed)?;
                let behaviour = self.behaviour();
                if behaviour == Behaviour::Reverts {
                    return Err(refusal("no"));
                }
                let owner = self.vm().msg_sender();
                self.allowances
                    .setter(owner)
                    .setter(call.spender)
                    .set(call.value);
                Ok(behaviour.answer())
            }
            IERC20::getHostCall::SELECTOR if !self.host.get().is_zero() => {
                Ok(self.host.get().into_word().to_vec())
            }
            _ => Err(refusal("no such function")),
        }
    }
}

impl Token {
    fn behaviour(&self) -> Behaviour {
        Behaviour::ALL[self.behaviour.get().to::<usize>()]
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) -> Answer {
        let behaviour = self.behaviour();
        if behaviour == Behaviour::Reverts || self.refused.get(to) {
            return Err(refusal("no"));
        }
        let moved = behaviour.moved(value);
        let left = self
            .balances
            .get(from)
            .checked_sub(moved)
            .ok_or_else(|| refusal("too little"))?;
        self.balances.setter(from).set(left);
        let arrived = self.balances.get(to) + behaviour.received(moved);
        self.balances.setter(to).set(arrived);
        Ok(behaviour.answer())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Token {}
