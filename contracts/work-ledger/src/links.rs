//! What WorkLedger asks besides those that it was constructed with: PricingCurve, which moves no money, and Judge, which is
//! given its power with notice.

use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    emit,
    interfaces::{IPowerNotice, IRegistryLinks},
    packed::widen,
};
use stylus_sdk::prelude::*;

use super::{Error, PowerAnnounced, WorkLedger};

/// The least notice of a power over stakes or over sources' money, in seconds: seven days.
pub const MIN_NOTICE: u64 = 7 * 86_400;
/// The power to charge and award misses: "JUDGE".
pub const JUDGE: B256 = B256::new(*b"JUDGE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

impl WorkLedger {
    /// Who may charge and award misses now.
    pub(super) fn judge(&self) -> Address {
        let from = widen(self.judge_from.get());
        match from.is_zero() || U256::from(self.now()) < from {
            true => self.current_judge.get(),
            false => self.next_judge.get(),
        }
    }

    /// Gives the power to `judge`: after the notice once staking is open, at once before. Taking it away is immediate.
    pub(super) fn announce_judge(&mut self, judge: Address) -> Result<(), Error> {
        let now = self.now();
        let notice = match judge.is_zero() {
            true => 0,
            false => {
                require_contract(self.vm(), judge)?;
                self.notice()?
            }
        };
        let current = match judge.is_zero() {
            true => Address::ZERO,
            false => self.judge(),
        };
        let from = now.saturating_add(notice);
        self.current_judge.set(current);
        self.next_judge.set(judge);
        self.judge_from.set(Uint::wrapping_from(U256::from(from)));
        emit!(self.vm(), PowerAnnounced[self.vm().contract_address(), JUDGE, judge](from));
        Ok(())
    }

    /// Twice the unbonding period, seven days at least; nothing before staking is open.
    fn notice(&self) -> Result<u64, Error> {
        let registry = self.capacity_registry.get();
        let selector = IRegistryLinks::stakeManagerCall::SELECTOR;
        let [stakes] = query_words(self.vm(), registry, selector, &[])?;
        let stakes = to_address(stakes);
        let [opened] = query_words(self.vm(), stakes, IPowerNotice::openedCall::SELECTOR, &[])?;
        if opened.is_zero() {
            return Ok(0);
        }
        let selector = IPowerNotice::unbondingPeriodCall::SELECTOR;
        let [period] = query_words(self.vm(), stakes, selector, &[])?;
        let twice = period.saturating_to::<u64>().saturating_mul(2);
        Ok(twice.max(MIN_NOTICE))
    }
}
