//! What stakes back: caps, locks and unbonding.

use alloy_primitives::{Address, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{require_gas, static_call},
    clock, emit,
    interfaces::IReputationLedger,
    math,
    packed::widen,
    powers,
};
use stylus_sdk::prelude::*;

use super::{account::to_amount, interface::*, StakeManager, CURVE_SQRT};

/// The most that reputation takes off the required stake.
const MAX_DISCOUNT_BPS: u16 = 5_000;
/// The best reputation; the discount is half of it.
pub(crate) const MAX_REPUTATION: u16 = 2 * MAX_DISCOUNT_BPS;
/// What the ledger may use to answer. One that fails or needs more gives no discount.
pub(crate) const LEDGER_GAS: u64 = 200_000;

impl StakeManager {
    /// The id of the calling registry.
    pub(crate) fn only_registry(&self) -> Result<U8, Error> {
        let caller = self.vm().msg_sender();
        let registry = self.registries.getter(caller);
        if !powers::is_in_effect(self.vm(), widen(registry.since.get())) {
            return Err(NotAuthorizedRegistry { caller }.into());
        }
        Ok(registry.id.get())
    }

    /// The cap of `sink` with that much stake, in units of 1e-9.
    pub(crate) fn cap_of(&self, sink: Address, stake: U256) -> Result<U256, Error> {
        let (unit, minimum) = (self.stake_unit(), self.min_sink_stake());
        let is_owing = !self.sinks.getter(sink).owed().is_zero();
        if is_owing || stake < minimum && stake < self.discounted_minimum(sink)? {
            return Ok(U256::ZERO);
        }
        Ok(match self.cap_curve() {
            CURVE_SQRT => math::capacity_cap_sqrt(stake, unit),
            _ => math::capacity_cap_affine(stake, minimum, unit),
        })
    }

    /// The least that `sink` stakes. The ledger gets its gas: otherwise whoever calls could have it fail, and the sink lose
    /// its capacity with its discount.
    fn discounted_minimum(&self, sink: Address) -> Result<U256, Error> {
        if !self.reputation_ledger.get().is_zero() {
            require_gas(self.vm(), LEDGER_GAS)?;
        }
        Ok(self.required_stake(sink, U256::ZERO))
    }

    /// The least stake whose cap is `capacity`, for a capacity that some stake caps.
    fn stake_for(&self, capacity: U256) -> U256 {
        let unit = self.stake_unit();
        match self.cap_curve() {
            CURVE_SQRT => math::stake_for_capacity_sqrt(capacity, unit),
            _ => math::stake_for_capacity_affine(capacity, self.min_sink_stake(), unit),
        }
    }

    /// A ledger that fails says of nobody that he is admitted.
    pub(crate) fn require_admitted(&self, sink: Address) -> Result<(), NotAdmitted> {
        let required: u16 = self.min_reputation.get().wrapping_to();
        if required == 0 {
            return Ok(());
        }
        // No overflow: a discount is at most 5 000.
        let reputation = self.discount_bps(sink).saturating_mul(2);
        match reputation < required {
            true => Err(NotAdmitted {
                sink,
                reputation: U256::from(reputation),
                required: U256::from(required),
            }),
            false => Ok(()),
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
        let now = clock::block_timestamp(self.vm());
        let backing = self.sinks.getter(sink).backing(now, self.min_sink_stake());
        if required > backing {
            return Err(InsufficientStake {
                required,
                available: backing,
            }
            .into());
        }
        let granted = capacity.min(self.cap_of(sink, backing)?);
        let needed = self.stake_for(granted).min(backing).max(required);
        let period = self.period().wrapping_to();
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
        let now = clock::block_timestamp(self.vm());
        let (period, bond) = (self.period().wrapping_to(), self.min_sink_stake());
        let mut account = self.sinks.setter(sink);
        if let Some((amount, until)) = account.unbond(now, period, bond) {
            emit!(self.vm(), UnbondingStarted[sink](amount, until.to::<u64>()));
        }
    }

    /// Sets a minimum stake of `account` aside, out of what is free.
    pub(crate) fn add_bond(&mut self, account: Address, registry: U8) -> Result<(), Error> {
        let (now, required) = (clock::block_timestamp(self.vm()), self.min_sink_stake());
        let mut entry = self.sinks.setter(account);
        entry.finish_unbonding(now);
        let (bonds, holder) = entry.bonds();
        if bonds > 0 && holder != registry {
            return Err(LockedByOtherRegistry { sink: account }.into());
        }
        let available = entry.free(now, required);
        if required > available {
            return Err(InsufficientStake {
                required,
                available,
            }
            .into());
        }
        let bonds = bonds.saturating_add(1);
        entry.set_bonds(bonds, registry);
        emit!(self.vm(), StakeBonded[account](U256::from(bonds)));
        Ok(())
    }

    /// Frees one bond of `account` that `registry` set aside; does nothing, if there is none.
    pub(crate) fn drop_bond(&mut self, account: Address, registry: U8) {
        let mut entry = self.sinks.setter(account);
        let (bonds, holder) = entry.bonds();
        if bonds == 0 || holder != registry {
            return;
        }
        let bonds = bonds.saturating_sub(1);
        entry.set_bonds(bonds, registry);
        emit!(self.vm(), StakeBonded[account](U256::from(bonds)));
    }

    /// Frees all bonds of `account` that the registry with that id set aside. Returns whether there were any.
    pub(crate) fn drop_bonds(&mut self, account: Address, registry: U8) -> bool {
        let mut entry = self.sinks.setter(account);
        let (bonds, holder) = entry.bonds();
        let has_any = bonds > 0 && holder == registry;
        if has_any {
            entry.set_bonds(0, U8::ZERO);
            emit!(self.vm(), StakeBonded[account](U256::ZERO));
        }
        has_any
    }
}
