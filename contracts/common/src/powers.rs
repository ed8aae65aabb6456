//! Powers over stakes, which are given with notice.
//!
//! A slasher, a registry, a treasury, an aggregator, an adapter, a verifier: each can cost sinks their stake. Until
//! StakeManager is opened there are no stakes, and its owner gives powers at once. From then on a power is announced, takes
//! effect by itself when the notice has passed, and is taken away at once: whoever does not trust it has time to leave.

use alloy_primitives::{Address, B256, U256, U64};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::{
    prelude::*,
    storage::{StorageAddress, StorageU64},
    stylus_core::Host,
};

#[cfg(target_arch = "wasm32")]
use alloc::{vec, vec::Vec};

use crate::{
    call::{query_words, Revert},
    clock, emit,
};

sol! {
    /// From `from` on, in seconds since 1970, `to` has the power `power` in the contract `at`, unless it is taken back.
    #[derive(Debug, PartialEq, Eq)]
    event PowerAnnounced(address at, bytes32 indexed power, address indexed to, uint256 from);

    /// StakeManager, as whoever gives powers over stakes sees it.
    interface IPowers {
        function powerNotice() external view returns (uint256);
    }
}

/// The shortest notice: 7 days.
pub const MIN_NOTICE: u64 = 7 * 86_400;

/// The name of a power: its letters, and zeros.
pub const fn power(name: &str) -> B256 {
    let (name, mut word) = (name.as_bytes(), [0; 32]);
    let mut index = 0;
    while index < name.len() {
        word[index] = name[index];
        index += 1;
    }
    B256::new(word)
}

/// The notice with which powers over the stakes of StakeManager at `stakes` are given, in seconds; 0 until staking is open.
///
/// # Errors
///
/// If it does not answer.
pub fn notice(vm: &dyn Host, stakes: Address) -> Result<u64, Revert> {
    let [notice] = query_words(vm, stakes, IPowers::powerNoticeCall::SELECTOR, &[])?;
    Ok(notice.saturating_to())
}

/// Announces that `to` has `power` after `notice` seconds, and returns from when on. Without notice it is silent.
pub fn announce(vm: &dyn Host, power: B256, to: Address, notice: u64) -> u64 {
    let from = clock::block_timestamp(vm).saturating_add(notice);
    if notice > 0 {
        let at = vm.contract_address();
        emit!(vm, PowerAnnounced[power, to](at, from));
    }
    from
}

/// Whether what was given from `since` on is in effect; zero is never.
pub fn is_in_effect(vm: &dyn Host, since: U64) -> bool {
    !since.is_zero() && since <= U64::from(clock::block_timestamp(vm))
}

/// From when on somebody has a power that several can have: gives it after `notice`, or takes it away. What was given
/// already keeps its time.
pub fn since(vm: &dyn Host, known: U64, power: B256, to: Address, given: bool, notice: u64) -> U64 {
    match (given, known.is_zero()) {
        (false, _) => U64::ZERO,
        (true, true) => U64::from(announce(vm, power, to, notice)),
        (true, false) => known.min(U64::from(clock::block_timestamp(vm).saturating_add(notice))),
    }
}

/// Who has a power that one account has at a time. Two slots: current; next (160 bits), from (64).
#[storage]
pub struct Holder {
    current: StorageAddress,
    next: StorageAddress,
    from: StorageU64,
}

impl Holder {
    /// Who has it now; zero if nobody does.
    pub fn get(&self) -> Address {
        match is_in_effect(self.vm(), self.from.get()) {
            true => self.next.get(),
            false => self.current.get(),
        }
    }

    /// Who gets it, and from when on, in seconds since 1970; zeros if nobody does.
    pub fn announced(&self) -> (Address, U256) {
        let from = self.from.get();
        match from.is_zero() || is_in_effect(self.vm(), from) {
            true => (Address::ZERO, U256::ZERO),
            false => (self.next.get(), U256::from(from.to::<u64>())),
        }
    }

    /// Gives it to `to` after `notice` seconds, and announces that; takes it away at once, if zero. Whoever has it keeps it
    /// until then. An announcement replaces an earlier one, and does not put off the same one. Returns whether `to` has it
    /// now.
    pub fn give(&mut self, power: B256, to: Address, notice: u64) -> bool {
        let holder = self.get();
        if !to.is_zero() && self.announced().0 == to {
            return false;
        }
        let is_immediate = to.is_zero() || to == holder || notice == 0;
        let (current, next, from) = match is_immediate {
            true => (to, Address::ZERO, 0),
            false => (holder, to, announce(self.vm(), power, to, notice)),
        };
        self.current.set(current);
        self.next.set(next);
        self.from.set(U64::from(from));
        is_immediate
    }
}
