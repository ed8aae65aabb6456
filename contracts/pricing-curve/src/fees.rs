//! Where a task type's base fee starts, and between what it stays.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, to_address},
    clock, emit,
    interfaces::ICapacityRegistry,
    math::to_u128,
    packed::{self, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    Error, FeesSet, InvalidFees, PricingCurve, UnauthorizedCaller, MAX_BASE_FEE, MIN_BASE_FEE,
};

/// Bounds of a base fee. Slot 0: floor (96 bits), ceiling (96), from (40). Slot 1: next_floor (96), next_ceiling (96). Zeros
/// are the bounds of all.
#[storage]
pub struct Terms {
    floor: StorageUint<96, 2>,
    ceiling: StorageUint<96, 2>,
    /// The next ones hold from then on; zero if there are none.
    from: StorageUint<40, 1>,
    next_floor: StorageUint<96, 2>,
    next_ceiling: StorageUint<96, 2>,
}

impl PricingCurve {
    /// Floor and ceiling of the task type's base fee now.
    pub(super) fn bounds(&self, id: B256) -> (u128, u128) {
        let terms = self.terms.getter(id);
        let from = widen(terms.from.get());
        let now = U256::from(clock::block_timestamp(self.vm()));
        let (floor, ceiling) = match from.is_zero() || now < from {
            true => (terms.floor.get(), terms.ceiling.get()),
            false => (terms.next_floor.get(), terms.next_ceiling.get()),
        };
        match ceiling.is_zero() {
            true => (MIN_BASE_FEE, MAX_BASE_FEE),
            false => (packed::to_u128(floor), packed::to_u128(ceiling)),
        }
    }

    pub(super) fn announce_fees(
        &mut self,
        id: B256,
        start: U256,
        floor: U256,
        ceiling: U256,
    ) -> Result<(), Error> {
        let invalid = InvalidFees {
            start,
            floor,
            ceiling,
        };
        let (Some(start), Some(floor), Some(ceiling)) =
            (to_u128(start), to_u128(floor), to_u128(ceiling))
        else {
            return Err(invalid.into());
        };
        let floor = match floor {
            0 => start / 10,
            floor => floor,
        };
        let ceiling = match ceiling {
            0 => MAX_BASE_FEE,
            ceiling => ceiling,
        };
        if floor == 0 || floor > start || start > ceiling || ceiling > MAX_BASE_FEE {
            return Err(invalid.into());
        }
        let (floor_now, ceiling_now) = self.bounds(id);
        let has_begun = self.has_begun(id);
        let from = match has_begun {
            true => clock::block_timestamp(self.vm()).saturating_add(clock::EPOCH),
            // Nobody has relied on the old ones.
            false => clock::block_timestamp(self.vm()),
        };
        if !has_begun {
            let mut market = self.markets.setter(id);
            // Fits: MAX_BASE_FEE has 90 bits.
            market.base_fee.set(Uint::wrapping_from(U256::from(start)));
        }
        let mut terms = self.terms.setter(id);
        terms.floor.set(Uint::wrapping_from(U256::from(floor_now)));
        terms
            .ceiling
            .set(Uint::wrapping_from(U256::from(ceiling_now)));
        terms.next_floor.set(Uint::wrapping_from(U256::from(floor)));
        terms
            .next_ceiling
            .set(Uint::wrapping_from(U256::from(ceiling)));
        terms.from.set(Uint::wrapping_from(U256::from(from)));
        emit!(self.vm(), FeesSet[id](start, floor, ceiling, from));
        Ok(())
    }

    pub(super) fn fees(&self, id: B256) -> (U256, U256, U256, U256, U256) {
        let (floor, ceiling) = self.bounds(id);
        let terms = self.terms.getter(id);
        (
            U256::from(floor),
            U256::from(ceiling),
            widen(terms.next_floor.get()),
            widen(terms.next_ceiling.get()),
            widen(terms.from.get()),
        )
    }

    /// Refuses everyone but the creator of the task type, and ServiceDirectory, which sets fees as it registers task types.
    pub(super) fn only_creator(&self, id: B256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller == self.service_directory.get() {
            return Ok(());
        }
        let registry = self.capacity_registry.get();
        let selector = ICapacityRegistry::getCreatorCall::SELECTOR;
        let [creator] = query_words(self.vm(), registry, selector, &[id])?;
        match to_address(creator) == caller {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }

    /// Whether somebody may rely on the fee of the task type: from its first epoch on, or, if it follows work, from the
    /// first count on. Not before it is registered, which is when ServiceDirectory calls: anybody can begin epochs of what does
    /// not exist yet.
    fn has_begun(&self, id: B256) -> bool {
        let is_new = self.vm().msg_sender() == self.service_directory.get();
        !is_new
            && match self.follows_work(id) {
                true => self.has_counted(id),
                false => !self.markets.getter(id).epoch_start.get().is_zero(),
            }
    }
}
