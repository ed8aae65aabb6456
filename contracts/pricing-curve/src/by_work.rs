//! The base fee of a task type that is paid by work: it follows what of the capacity that serves is used.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Uint, B256, U256, U8};
use bpe_common::{
    clock, emit,
    math::{
        to_u128_saturating,
        work::{approached_capacity, faded, fee_by_use, share_of, used},
    },
    packed::{to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{base_fee, BaseFeeUpdated, PricingCurve, CURVE_USED};

/// What counted in an epoch. Slot 0: work (104 bits), capacity (104), epoch (32), open (8). Slot 1: usual (104), usual_epoch
/// (32).
#[storage]
pub struct Usage {
    /// In capacity-seconds of 1e-9 units; and the capacity that served it.
    work: StorageUint<104, 2>,
    capacity: StorageUint<104, 2>,
    /// Seconds since 1970 / 300.
    epoch: StorageU32,
    /// 1 if something counted in `epoch`.
    open: StorageU8,
    /// The capacity that usually serves when something counts, before `usual_epoch`: each epoch brings three tenths of it.
    usual: StorageUint<104, 2>,
    usual_epoch: StorageU32,
}

/// The most that is kept of work and capacity.
const MOST: u128 = (1 << 104) - 1;

impl PricingCurve {
    /// The base fee of the task type now, with what has ended closed.
    pub(super) fn fee(&self, id: B256) -> u128 {
        match self.follows_work(id) {
            true => self
                .next_fee(id)
                .unwrap_or(base_fee(&self.markets.getter(id))),
            false => base_fee(&self.markets.getter(id)),
        }
    }

    pub(super) fn follows_work(&self, id: B256) -> bool {
        self.markets.getter(id).curve.get() == U8::from(CURVE_USED)
    }

    /// Whether anything has ever counted.
    pub(super) fn has_counted(&self, id: B256) -> bool {
        !self.usages.getter(id).epoch.get().is_zero()
    }

    /// Moves the fee, if an epoch with counts has ended. Returns whether one had.
    pub(super) fn close_work(&mut self, id: B256) -> bool {
        let Some(fee) = self.next_fee(id) else {
            return false;
        };
        let mut market = self.markets.setter(id);
        // Fits: at most MAX_BASE_FEE.
        market.base_fee.set(Uint::wrapping_from(U256::from(fee)));
        let (usual, epoch) = (self.usual_with_last(id), self.last_epoch(id));
        let mut usage = self.usages.setter(id);
        usage.open.set(U8::ZERO);
        usage.usual.set(Uint::wrapping_from(U256::from(usual)));
        usage
            .usual_epoch
            .set(Uint::wrapping_from(epoch.saturating_add(1)));
        emit!(self.vm(), BaseFeeUpdated[id](fee));
        true
    }

    pub(super) fn count_work(&mut self, id: B256, work: U256, capacity: U256) {
        if !self.follows_work(id) {
            return;
        }
        self.close_work(id);
        let epoch = self.work_epoch();
        let (work_before, capacity_before) = self.sums(id, epoch);
        let work = work_before
            .saturating_add(to_u128_saturating(work))
            .min(MOST);
        let capacity = capacity_before
            .saturating_add(to_u128_saturating(capacity))
            .min(MOST);
        self.store_usage(id, work, capacity, epoch);
    }

    pub(super) fn usage(&self, id: B256) -> (U256, U256, U256) {
        let usage = self.usages.getter(id);
        (
            widen(usage.work.get()),
            widen(usage.capacity.get()),
            widen(usage.epoch.get()),
        )
    }

    /// The fee after the last epoch with counts, if that has ended and has not moved it yet.
    fn next_fee(&self, id: B256) -> Option<u128> {
        let usage = self.usages.getter(id);
        if usage.open.get().is_zero() || self.work_epoch() <= self.last_epoch(id) {
            return None;
        }
        let capacity = to_u128(usage.capacity.get());
        let used = used(to_u128(usage.work.get()), capacity)?;
        let weight = share_of(capacity, self.usual(id));
        let (floor, ceiling) = self.bounds(id);
        let fee = base_fee(&self.markets.getter(id));
        Some(fee_by_use(fee, used, weight, floor, ceiling))
    }

    /// The epoch of the last count.
    fn last_epoch(&self, id: B256) -> u64 {
        widen(self.usages.getter(id).epoch.get()).wrapping_to()
    }

    /// The capacity that usually served before the last epoch with counts. Epochs without counts fade it.
    fn usual(&self, id: B256) -> u128 {
        let usage = self.usages.getter(id);
        let since: u64 = widen(usage.usual_epoch.get()).wrapping_to();
        let idle = self.last_epoch(id).saturating_sub(since);
        faded(to_u128(usage.usual.get()), idle)
    }

    /// The same after that epoch.
    fn usual_with_last(&self, id: B256) -> u128 {
        let capacity = to_u128(self.usages.getter(id).capacity.get());
        approached_capacity(self.usual(id), capacity)
    }

    /// Work and capacity that counted in `epoch` so far. What counted earlier has moved the fee already: sums that fade over
    /// epochs make it swing where demand follows prices late.
    fn sums(&self, id: B256, epoch: u64) -> (u128, u128) {
        let usage = self.usages.getter(id);
        match widen(usage.epoch.get()) == U256::from(epoch) {
            true => (to_u128(usage.work.get()), to_u128(usage.capacity.get())),
            false => (0, 0),
        }
    }

    fn store_usage(&mut self, id: B256, work: u128, capacity: u128, epoch: u64) {
        let mut usage = self.usages.setter(id);
        usage.work.set(Uint::wrapping_from(U256::from(work)));
        usage
            .capacity
            .set(Uint::wrapping_from(U256::from(capacity)));
        usage.epoch.set(Uint::wrapping_from(U256::from(epoch)));
        usage.open.set(U8::from(1));
    }

    fn work_epoch(&self) -> u64 {
        clock::block_timestamp(self.vm()) / clock::EPOCH
    }
}
