//! Checks, and what neighbours are asked for.

use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_pairs, query_words},
    emit,
    events::Word,
    interfaces::ICapacityRegistry,
    math,
    superfluid::ISuperfluidPool,
};
use stylus_sdk::prelude::*;

use super::{
    units::Page, BackpressurePool, Error, InvalidAccount, PoolDoesNotExist, TaskTypeDoesNotExist,
    WeightingSet,
};

impl BackpressurePool {
    #[inline(never)]
    pub(super) fn only_owner(&self) -> Result<(), Error> {
        Ok(self.ownable.only_owner()?)
    }

    #[inline(never)]
    pub(super) fn require_pool(&self, id: B256) -> Result<Address, Error> {
        let pool = self.get_pool(id);
        match pool.is_zero() {
            true => Err(PoolDoesNotExist {}.into()),
            false => Ok(pool),
        }
    }

    pub(super) fn require_task_type(&self, id: B256) -> Result<(), Error> {
        let [exists] = self.ask_registry(ICapacityRegistry::taskTypeExistsCall::SELECTOR, &[id])?;
        match exists.is_zero() {
            true => Err(TaskTypeDoesNotExist {}.into()),
            false => Ok(()),
        }
    }

    pub(super) fn require_recipient(&self, recipient: Address) -> Result<(), Error> {
        match recipient.is_zero() || recipient == self.escrow.get() {
            true => Err(InvalidAccount { account: recipient }.into()),
            false => Ok(()),
        }
    }

    /// Whether `account` has the units of the overflow, or of capacity below a task type, which are not a sink's.
    #[inline(never)]
    pub(super) fn is_reserved(&self, account: Address) -> bool {
        account == self.escrow.get() || account == self.nested_pool.get()
    }

    #[inline(never)]
    pub(super) fn store_weighting(&mut self, id: B256, weighting: u8) {
        let mut pool = self.pools.setter(id);
        pool.weighting.set(Uint::from(weighting));
        emit!(self.vm(), WeightingSet[id](weighting));
    }

    #[inline(never)]
    pub(super) fn units(&self, pool: Address, member: Address) -> Result<u128, Error> {
        let selector = ISuperfluidPool::getUnitsCall::SELECTOR;
        let [units] = self.ask(pool, selector, &[member.word()])?;
        Ok(math::to_u128_saturating(units))
    }

    /// The smoothed capacity of a sink; zero if it is not registered.
    pub(super) fn capacity_of(&self, id: B256, sink: Address) -> Result<U256, Error> {
        let selector = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let [capacity] = self.ask_registry(selector, &[id, sink.word()])?;
        Ok(capacity)
    }

    /// How many sinks the task type has, and their total capacity.
    #[inline(never)]
    pub(super) fn sinks_and_total(&self, id: B256) -> Result<(u64, u128), Error> {
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [_, count, total] = self.ask_registry(selector, &[id])?;
        Ok((count.saturating_to(), math::to_u128_saturating(total)))
    }

    /// A page of the registry's list: sinks and their capacities.
    pub(super) fn sinks_page(&self, id: B256, from: u64, count: u64) -> Result<Page, Error> {
        let selector = ICapacityRegistry::getSinksPageCall::SELECTOR;
        let arguments = [id, from.word(), count.word()];
        Ok(query_pairs(
            self.vm(),
            self.registry.get(),
            selector,
            &arguments,
        )?)
    }

    fn ask_registry<const N: usize>(
        &self,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        self.ask(self.registry.get(), selector, arguments)
    }

    pub(super) fn ask<const N: usize>(
        &self,
        whom: Address,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        Ok(query_words(self.vm(), whom, selector, arguments)?)
    }
}
