//! What a source sets aside for one sink: the only promise there is, since it can spend all else at any time.
//!
//! An earmark ends with a full hour, so that all that end together are one number: what ended is released by one addition per
//! hour, however many earmarks there are.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use bpe_common::{
    emit,
    packed::{to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    funds::{to_amount, StorageAmount},
    EarmarkShrinks, Earmarked, Error, InvalidUntil, WorkReserve, ZeroAmount,
};

/// An earmark reaches at most so many seconds ahead.
pub const MAX_EARMARK: u64 = 86_400;
/// Earmarks end with full hours.
const HOUR: u64 = 3_600;
/// Places for hours in which earmarks end: a day, the hour begun and the one rounded up to are 26 at most.
const PLACES: u64 = 32;

const _: () = assert!(MAX_EARMARK / HOUR + 2 < PLACES);

/// What is set aside for one sink. One slot: amount (112 bits), until (24): in hours since 1970.
#[storage]
pub struct Earmark {
    pub(super) amount: StorageAmount,
    pub(super) until: StorageUint<24, 1>,
}

impl WorkReserve {
    /// Sets `amount` of what is free aside for `sink` until the full hour at or after `until`.
    pub(super) fn set_aside(
        &mut self,
        id: B256,
        source: Address,
        sink: Address,
        amount: U256,
        until: U256,
    ) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        let now = self.now();
        let latest = U256::from(now.saturating_add(MAX_EARMARK));
        if until <= U256::from(now) || until > latest {
            return Err(InvalidUntil { until, latest }.into());
        }
        let hour = until.wrapping_to::<u64>().div_ceil(HOUR);
        let (before, before_hour) = self.earmark_of(id, source, sink);
        if amount < U256::from(before) || (before > 0 && hour < before_hour) {
            return Err(EarmarkShrinks {
                amount: U256::from(before),
                until: U256::from(before_hour.saturating_mul(HOUR)),
            }
            .into());
        }
        let more = amount.saturating_sub(U256::from(before));
        let mut funds = self.require_free(id, source, more)?;
        // Fits, as what is free does.
        let (amount, more): (u128, u128) = (amount.wrapping_to(), more.wrapping_to());
        if before > 0 {
            self.take_from_place(id, source, before_hour, before);
        }
        self.add_to_place(id, source, hour, amount);
        funds.earmarked = funds.earmarked.saturating_add(more);
        self.store_funds(id, source, &funds, 0);
        let mut budgets = self.budgets.setter(id);
        budgets.setter(source).swept.set(to_hours(now / HOUR));
        let mut earmarks = self.earmarks.setter(id);
        let mut of_source = earmarks.setter(source);
        let mut earmark = of_source.setter(sink);
        earmark.amount.set(to_amount(amount));
        earmark.until.set(to_hours(hour));
        let until = hour.saturating_mul(HOUR);
        emit!(self.vm(), Earmarked[id, source, sink](amount, until));
        Ok(())
    }

    /// What is set aside for `sink` and has not ended, and the hour in which it ends.
    pub(super) fn earmark_of(&self, id: B256, source: Address, sink: Address) -> (u128, u64) {
        let earmarks = self.earmarks.getter(id);
        let of_source = earmarks.getter(source);
        let earmark = of_source.getter(sink);
        let until: u64 = widen(earmark.until.get()).wrapping_to();
        match until > self.now() / HOUR {
            true => (to_u128(earmark.amount.get()), until),
            false => (0, 0),
        }
    }

    /// Takes `used` off what is set aside for `sink` until `hour`.
    pub(super) fn use_earmark(
        &mut self,
        id: B256,
        source: Address,
        sink: Address,
        used: u128,
        hour: u64,
    ) {
        if used == 0 {
            return;
        }
        let mut earmarks = self.earmarks.setter(id);
        let mut of_source = earmarks.setter(source);
        let mut earmark = of_source.setter(sink);
        let left = to_u128(earmark.amount.get()).saturating_sub(used);
        earmark.amount.set(to_amount(left));
        self.take_from_place(id, source, hour, used);
    }

    /// What of the source's earmarks has ended and is not released yet.
    pub(super) fn ended(&self, id: B256, source: Address) -> u128 {
        let places = self.places.getter(id);
        let of_source = places.getter(source);
        let mut sum: u128 = 0;
        for hour in self.unswept(id, source) {
            sum = sum.saturating_add(to_u128(of_source.get(to_place(hour))));
        }
        sum
    }

    /// Releases what of the source's earmarks has ended.
    pub(super) fn sweep(&mut self, id: B256, source: Address) {
        let earmarked = to_u128(self.budgets.getter(id).getter(source).earmarked.get());
        if earmarked == 0 {
            return;
        }
        let hours = self.unswept(id, source);
        let Some(last) = hours.clone().last() else {
            return;
        };
        let ended = self.ended(id, source);
        let mut places = self.places.setter(id);
        let mut of_source = places.setter(source);
        for hour in hours {
            let place = to_place(hour);
            if !of_source.get(place).is_zero() {
                of_source.setter(place).set(to_amount(0));
            }
        }
        let mut budgets = self.budgets.setter(id);
        let mut budget = budgets.setter(source);
        let left = earmarked.saturating_sub(ended);
        budget.earmarked.set(to_amount(left));
        budget.swept.set(to_hours(last));
    }

    /// The hours that have come since the last release, each place once.
    fn unswept(&self, id: B256, source: Address) -> core::ops::RangeInclusive<u64> {
        let swept: u64 = widen(self.budgets.getter(id).getter(source).swept.get()).wrapping_to();
        let hour = self.now() / HOUR;
        swept.max(hour.saturating_sub(PLACES)).saturating_add(1)..=hour
    }

    fn add_to_place(&mut self, id: B256, source: Address, hour: u64, amount: u128) {
        let mut places = self.places.setter(id);
        let mut of_source = places.setter(source);
        let mut place = of_source.setter(to_place(hour));
        let held = to_u128(place.get()).saturating_add(amount);
        // Fits: part of what is unspent.
        place.set(to_amount(held));
    }

    fn take_from_place(&mut self, id: B256, source: Address, hour: u64, amount: u128) {
        let mut places = self.places.setter(id);
        let mut of_source = places.setter(source);
        let mut place = of_source.setter(to_place(hour));
        let held = to_u128(place.get()).saturating_sub(amount);
        place.set(to_amount(held));
    }
}

/// When earmarks of an hour end, in seconds since 1970.
pub(super) fn end_of(hour: u64) -> U256 {
    U256::from(hour.saturating_mul(HOUR))
}

/// The place of an hour.
fn to_place(hour: u64) -> Uint<8, 1> {
    Uint::from(hour % PLACES)
}

/// 24 bits of hours last until the year 3883.
fn to_hours(hour: u64) -> Uint<24, 1> {
    Uint::wrapping_from(U256::from(hour))
}
