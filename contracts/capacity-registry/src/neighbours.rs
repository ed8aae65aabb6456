//! What the registry asks StakeManager, and what it tells the pool.

use alloy_primitives::{Address, B256};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    call::{call, calldata, invoke_words, require_gas, Revert},
    emit,
    events::Word,
    interfaces::{ICapacityListener, IStakeManager},
    math,
    packed::to_u128,
};
use stylus_sdk::prelude::*;

use super::{
    interface::*, sinks::Capacities, CapacityRegistry, Error, LISTENER_GAS, UNBONDING_GAS,
};

impl CapacityRegistry {
    /// How much of `wanted` the stake of `sink` backs beside its other task types, for a sink that has `now` in this one.
    /// Nothing, where this registry has lost its authority over the stake: it cannot lock or have slashed what backs the
    /// sink, so the sink must not be paid.
    pub(crate) fn room(&self, sink: Address, now: Capacities, wanted: u128) -> Result<u128, Error> {
        let others = to_u128(self.backings.getter(sink).capacity.get()).saturating_sub(now.max());
        let selector = IStakeManager::backCapacityCall::SELECTOR;
        let arguments = [sink.word(), others.saturating_add(wanted).word()];
        let stakes = self.stake_manager.get();
        let granted = match invoke_words(self.vm(), stakes, selector, &arguments) {
            Ok([granted]) => math::to_u128_saturating(granted),
            Err(revert) if says_no_authority(&revert) => 0,
            Err(revert) => return Err(revert.into()),
        };
        Ok(granted.saturating_sub(others))
    }

    /// Says that the stake of `sink` no longer backs what it had, to the pool too.
    pub(crate) fn clipped(
        &mut self,
        id: B256,
        sink: Address,
        now: Capacities,
    ) -> Result<(), Error> {
        emit!(self.vm(), CapacityClipped[id, sink](now.raw, now.smoothed));
        self.notify(id, sink, now.smoothed)
    }

    /// Tells the pool that `sink` now has less. It gets [`LISTENER_GAS`], and the caller has to bring that: otherwise a
    /// sink could leave with too little gas for the pool, and be paid on.
    pub(crate) fn notify(&mut self, id: B256, sink: Address, capacity: u128) -> Result<(), Error> {
        let pool = self.pool.get();
        if pool.is_zero() {
            return Ok(());
        }
        require_gas(self.vm(), LISTENER_GAS)?;
        let selector = ICapacityListener::onCapacityReducedCall::SELECTOR;
        let message = calldata(selector, &[id, sink.word(), capacity.word()]);
        if !call(self.vm(), pool, &message, LISTENER_GAS, 0).success {
            emit!(self.vm(), ListenerFailed[id, sink](capacity));
        }
        Ok(())
    }

    /// StakeManager refuses if this registry has lost its authority; that must not hold the sink.
    pub(crate) fn start_unbonding(&mut self, sink: Address) -> Result<(), Error> {
        require_gas(self.vm(), UNBONDING_GAS)?;
        let selector = IStakeManager::startUnbondingCall::SELECTOR;
        let request = calldata(selector, &[sink.word()]);
        let stake_manager = self.stake_manager.get();
        if !call(self.vm(), stake_manager, &request, UNBONDING_GAS, 0).success {
            emit!(self.vm(), UnbondingFailed[sink]);
        }
        Ok(())
    }
}

/// Whether StakeManager refused because this registry may no longer lock stakes, or because another one holds the lock.
fn says_no_authority(revert: &Revert) -> bool {
    [
        IStakeManager::NotAuthorizedRegistry::SELECTOR,
        IStakeManager::LockedByOtherRegistry::SELECTOR,
    ]
    .iter()
    .any(|selector| revert.0.starts_with(selector))
}
