//! What stakes back: caps, locks, unbonding and deposits.

use alloy_primitives::{Address, U256, U32, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::static_call, clock, emit, interfaces::IReputationLedger, math, packed::widen, powers,
};
use stylus_sdk::prelude::*;

use super::{account::to_amount, interface::*, StakeManager, CURVE_SQRT};

/// The most that reputation takes off the required stake.
const MAX_DISCOUNT_BPS: u16 = 5_000;
/// What the ledger may use to answer. One that fails or needs more gives no discount.
pub(crate) const LEDGER_GAS: u64 = 200_000;

impl StakeManager {
    /// The id of the calling registry.
    pub(crate) fn only_registry(&self) -> Result<U8, Error> {
        let caller = self.vm().msg_sender();
        let registry = self.registries.getter(caller);
        if !powers::is_in_effect(self.vm(), registry.since.get()) {
            return Err(NotAuthorizedRegistry { caller }.into());
        }
        Ok(registry.id.get())
    }

    /// The cap of `sink` with that much stake, in units of 1e-9.
    pub(crate) fn cap_of(&self, sink: Address, stake: U256) -> U256 {
        let (unit, minimum) = (self.stake_unit(), self.min_sink_stake());
        if !self.sinks.getter(sink).owed().is_zero() {
            return U256::ZERO;
        }
        // Only where it matters, reputation is asked.
        if stake < minimum && stake < self.required_stake(sink, U256::ZERO) {
            return U256::ZERO;
        }
        match self.cap_curve() {
            CURVE_SQRT => math::capacity_cap_sqrt(stake, unit),
            _ => math::capacity_cap_affine(stake, minimum, unit),
        }
    }

    /// The least stake whose cap is `capacity`, for a capacity that some stake caps.
    fn stake_for(&self, capacity: U256) -> U256 {
        let unit = self.stake_unit();
        match self.cap_curve() {
            CURVE_SQRT => math::stake_for_capacity_sqrt(capacity, unit),
            _ => math::stake_for_capacity_affine(capacity, self.min_sink_stake(), unit),
        }
    }

    pub(crate) fn discount_bps(&self, sink: Address) -> u16 {
        let ledger = self.reputation_ledger.get();
        if ledger.is_zero() {
            return 0;
        }
        let query = IReputationLedger::getStakeDiscountCall {
            account: sink,
            domain: self.reputation_domain.get(),
        };
        let answer = static_call(self.vm(), ledger, &query.abi_encode(), LEDGER_GAS, 32);
        if !answer.success || answer.data.len() != 32 {
            return 0;
        }
        U256::from_be_slice(&answer.data)
            .min(U256::from(MAX_DISCOUNT_BPS))
            .wrapping_to()
    }

    /// Raises the lock of `sink` to what `required` and `capacity` take, and returns how much capacity is backed. A lock
    /// that a slash left bare falls to what is left.
    pub(crate) fn back(
        &mut self,
        sink: Address,
        registry: U8,
        required: U256,
        capacity: U256,
    ) -> Result<U256, Error> {
        let (now, deposit) = (clock::block_timestamp(self.vm()), self.min_sink_stake());
        let backing = self.sinks.getter(sink).backing(now, deposit);
        if required > backing {
            return Err(InsufficientStake {
                required,
                available: backing,
            }
            .into());
        }
        let granted = capacity.min(self.cap_of(sink, backing));
        let period = self.period().wrapping_to();
        let needed = self.stake_for(granted).min(backing).max(required);
        let mut account = self.sinks.setter(sink);
        let holder = account.registry.get();
        if holder != registry && !holder.is_zero() {
            return Err(LockedByOtherRegistry { sink }.into());
        }
        let locked = widen(account.locked.get());
        let raised = needed.max(locked.min(backing));
        account.begin_lock(registry, period);
        account.locked.set(to_amount(raised)?);
        if raised > locked {
            emit!(self.vm(), StakeLocked[sink](raised));
        }
        Ok(granted)
    }

    /// Moves what is locked of `sink` to what is unbonding, and starts the clock for all of that.
    pub(crate) fn unbond(&mut self, sink: Address) {
        let (now, deposit) = (clock::block_timestamp(self.vm()), self.min_sink_stake());
        let period = self.period().wrapping_to();
        let mut account = self.sinks.setter(sink);
        if let Some((amount, until)) = account.unbond(now, period, deposit) {
            emit!(self.vm(), UnbondingStarted[sink](amount, until.to::<u64>()));
        }
    }

    /// Changes how many deposits `registry` has taken of `account`.
    pub(crate) fn change_deposits(&mut self, account: Address, registry: U8, from: u32, to: u32) {
        let mut held = self.deposits.setter(account);
        held.setter(registry).set(U32::from(to));
        let mut entry = self.sinks.setter(account);
        let count = entry.deposits().saturating_sub(from).saturating_add(to);
        entry.set_deposits(count);
        emit!(self.vm(), DepositsChanged[account](U256::from(count)));
    }
}
