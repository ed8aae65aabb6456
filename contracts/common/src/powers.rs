//! Powers over stakes, which are given with notice.
//!
//! A slasher, a registry, a treasury, an aggregator, an adapter, a verifier: each can cost sinks their stake. Until
//! StakeManager is opened there are no stakes, and its owner gives powers at once. From then on a power is announced, takes
//! effect by itself when the notice has passed, and is taken away at once: whoever does not trust it has time to leave.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::{prelude::*, storage::StorageB256, stylus_core::Host};

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
#[inline(never)]
pub fn notice(vm: &dyn Host, stakes: Address) -> Result<u64, Revert> {
    let [notice] = query_words(vm, stakes, IPowers::powerNoticeCall::SELECTOR, &[])?;
    Ok(notice.saturating_to())
}

/// Announces that `to` has `power` after `notice` seconds, and returns from when on. Without notice it is silent.
#[inline(never)]
pub fn announce(vm: &dyn Host, power: B256, to: Address, notice: u64) -> u64 {
    let from = clock::block_timestamp(vm).saturating_add(notice);
    if notice > 0 {
        tell(vm, power, to, from);
    }
    from
}

/// Says that `to` has `power` from `from` on.
#[inline(never)]
pub fn tell(vm: &dyn Host, power: B256, to: Address, from: u64) {
    let at = vm.contract_address();
    emit!(vm, PowerAnnounced[power, to](at, from));
}

/// Whether what was given from `since` on is in effect; zero is never.
pub fn is_in_effect(vm: &dyn Host, since: U256) -> bool {
    !since.is_zero() && since <= U256::from(clock::block_timestamp(vm))
}

/// From when on somebody has a power that several can have: gives it after `notice`, or takes it away. What was given
/// already keeps its time.
#[inline(never)]
pub fn since(
    vm: &dyn Host,
    known: U256,
    power: B256,
    to: Address,
    given: bool,
    notice: u64,
) -> U256 {
    match (given, known.is_zero()) {
        (false, _) => U256::ZERO,
        (true, true) => U256::from(announce(vm, power, to, notice)),
        (true, false) => known,
    }
}

/// Who has a power that one account has at a time. Two slots: current; next (160 bits) and from (64), a word by hand, as
/// every width of integers costs code.
#[storage]
pub struct Holder {
    current: StorageB256,
    next: StorageB256,
}

// It asks no machine by itself: `vm()` of a second type would put all its functions into the program once more, a kilobyte.
impl Holder {
    /// Who has it at `now`; zero if nobody does.
    pub fn get(&self, now: u64) -> Address {
        Address::from_word(self.read(now).0)
    }

    /// Who gets it, and from when on, in seconds since 1970; zeros if nobody does.
    pub fn announced(&self, now: u64) -> (Address, U256) {
        let next = self.read(now).1;
        (Address::from_word(next), U256::from(time(&next)))
    }

    /// Gives it to `to` after `notice` seconds, and returns from when on, or zero if that is now; later it is for [`tell`].
    /// Takes it away at once, if zero. Whoever has it keeps it until then. An announcement replaces an earlier one, and does
    /// not put off the same one.
    #[inline(never)]
    pub fn give(&mut self, to: Address, now: u64, notice: u64) -> u64 {
        let (mut current, mut next) = self.read(now);
        let to = to.into_word();
        if to.is_zero() || to == current || notice == 0 {
            (current, next) = (to, B256::ZERO);
        } else if next[TIME..] != to[TIME..] {
            next = to;
            next[..TIME].copy_from_slice(&now.saturating_add(notice).to_be_bytes());
        }
        self.current.set(current);
        self.next.set(next);
        time(&next)
    }

    /// Who has it now, and what is announced, or zero.
    #[inline(never)]
    fn read(&self, now: u64) -> (B256, B256) {
        let (current, mut next) = (self.current.get(), self.next.get());
        if time(&next) > now || next.is_zero() {
            return (current, next);
        }
        next[..TIME].fill(0);
        (next, B256::ZERO)
    }
}

/// Bytes of a time, at the beginning of a word.
const TIME: usize = 8;

fn time(word: &B256) -> u64 {
    word.first_chunk::<TIME>()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
