//! What flowed, and the units that follow from it.

use alloy_primitives::{Address, Uint, B256, U128, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words,
    clock, emit,
    math::{
        self,
        split::{self, scale, CarveOuts, Cuts, INDEX_ONE, NOMINAL_FLOW_BITS},
        to_u128_saturating,
    },
    packed::{pack, to_u128},
    superfluid::ISuperfluidPool,
};
use stylus_sdk::prelude::*;

use super::{Error, InflowMeasured, Meter, OverflowMeter, Terms, LIMIT_NOTICE, MIN_ELAPSED};

/// Sinks' units that moved by this much have the carve-outs follow.
const MOVED_BPS: u64 = 500;

impl OverflowMeter {
    /// Counts until now, with the units that there were.
    pub(super) fn look(&mut self, id: B256, pool: Address, terms: &Terms) -> Result<(), Error> {
        let now = clock::block_timestamp(self.vm());
        let tracked = self.meters.getter(id).tracked.get();
        let pool_index = match tracked || terms.bound() {
            true => Some(self.pool_index(pool, now)?),
            false => None,
        };
        let (index, unit_seconds) = self.counts(id);
        let mut meter = self.meters.setter(id);
        let elapsed = meter.elapsed(now);
        meter.index.set(pack(index));
        meter.unit_seconds.set(pack(unit_seconds));
        if let Some(pool_index) = pool_index {
            match tracked {
                true => meter.track(pool_index, elapsed),
                // From here on.
                false => {
                    meter.flowed.set(U128::ZERO);
                    meter.inflow.set(Uint::ZERO);
                    meter.mark.set(U32::wrapping_from(now));
                    if meter.pool.get() != pool {
                        meter.pool.set(pool);
                    }
                }
            }
            meter.pool_index.set(pack(pool_index));
        }
        meter.at.set(U32::wrapping_from(now));
        if tracked != terms.bound() {
            meter.tracked.set(terms.bound());
        }
        if tracked && terms.bound() {
            self.measure(id, now);
        }
        Ok(())
    }

    /// Takes a new average of the inflow, if the last one is old enough.
    fn measure(&mut self, id: B256, now: u64) {
        let mut meter = self.meters.setter(id);
        let elapsed = now.saturating_sub(meter.mark.get().wrapping_to());
        if elapsed < MIN_ELAPSED {
            return;
        }
        let inflow = scale(to_u128(meter.flowed.get()), 1, u128::from(elapsed));
        meter.inflow.set(pack(inflow));
        meter.flowed.set(U128::ZERO);
        meter.mark.set(U32::wrapping_from(now));
        emit!(self.vm(), InflowMeasured[id](inflow, elapsed));
    }

    /// The units of the carve-outs beside `sink_units`, which count from now on.
    pub(super) fn carve(
        &mut self,
        id: B256,
        sink_units: U256,
        anchor: U256,
        cuts: Cuts,
        terms: &Terms,
        forced: bool,
    ) -> (U256, U256, U256) {
        let sinks = to_u128_saturating(sink_units);
        let capacity = split::units_capacity(sinks, to_u128_saturating(anchor));
        let now = clock::block_timestamp(self.vm());
        let mut meter = self.meters.setter(id);
        if meter.limited.get() != terms.only_limited() {
            meter.limited.set(terms.only_limited());
            meter.lifted.set(U32::wrapping_from(now));
        }
        let worth = pack(terms.worth(capacity));
        if meter.worth.get() != worth {
            meter.worth.set(worth);
        }
        let mut units = meter.carve_outs();
        if forced || terms.bound() || moved(sinks, to_u128(meter.carved.get())) {
            let flow = match (terms.only_limited(), to_u128(meter.inflow.get())) {
                // Nothing is known yet, and the part that a limit leaves does not depend on it.
                (true, 0) => sinks << NOMINAL_FLOW_BITS,
                (_, inflow) => inflow,
            };
            units = split::carve_outs(sinks, cuts, flow, terms.pay(capacity, cuts.left(flow)));
            meter.carved.set(pack(sinks));
            meter.fee.set(pack(units.fee));
            meter.budget.set(pack(units.budget));
            meter.overflow.set(pack(units.overflow));
        }
        meter.sinks.set(pack(sinks));
        (
            U256::from(units.fee),
            U256::from(units.budget),
            U256::from(units.overflow),
        )
    }

    /// ∫ e/u dt, with 18 decimals, and ∫ e dt, until now.
    pub(super) fn counts(&self, id: B256) -> (u128, u128) {
        let now = clock::block_timestamp(self.vm());
        if self.is_by_work(id) {
            return (0, self.unit_seconds_at(id, now));
        }
        let meter = self.meters.getter(id);
        let overflow = to_u128(meter.overflow.get());
        let unit_seconds = overflow.saturating_mul(meter.elapsed(now));
        let index = scale(unit_seconds, INDEX_ONE, meter.total());
        (
            to_u128(meter.index.get()).saturating_add(index),
            to_u128(meter.unit_seconds.get()).saturating_add(unit_seconds),
        )
    }

    pub(super) fn is_bound(&self, id: B256) -> bool {
        let now = clock::block_timestamp(self.vm());
        let meter = self.meters.getter(id);
        let lifted: u64 = meter.lifted.get().wrapping_to();
        meter.tracked.get() || now < lifted.saturating_add(LIMIT_NOTICE)
    }

    /// What has become free until now.
    pub(super) fn free_value(&self, id: B256) -> Result<u128, Error> {
        let meter = self.meters.getter(id);
        let counted = to_u128(meter.free_value.get());
        if !meter.tracked.get() {
            return Ok(counted);
        }
        let now = clock::block_timestamp(self.vm());
        let received = meter.received(self.pool_index(meter.pool.get(), now)?);
        Ok(counted.saturating_add(meter.free(received, meter.elapsed(now))))
    }

    /// What each unit of the pool has received since ever, in wei.
    fn pool_index(&self, pool: Address, now: u64) -> Result<u128, Error> {
        let selector = ISuperfluidPool::poolOperatorGetIndexCall::SELECTOR;
        let [_, settled_at, per_unit, settled] = query_words(self.vm(), pool, selector, &[])?;
        // Neither is negative in a pool that only receives. If one were, it would have more bits.
        let [per_unit, settled] = [per_unit, settled].map(|word| math::to_u128(word).unwrap_or(0));
        let elapsed = now.saturating_sub(settled_at.saturating_to());
        Ok(per_unit
            .saturating_mul(u128::from(elapsed))
            .saturating_add(settled))
    }
}

impl Meter {
    fn elapsed(&self, now: u64) -> u128 {
        u128::from(now.saturating_sub(self.at.get().wrapping_to()))
    }

    fn carve_outs(&self) -> CarveOuts {
        CarveOuts {
            fee: to_u128(self.fee.get()),
            budget: to_u128(self.budget.get()),
            overflow: to_u128(self.overflow.get()),
        }
    }

    /// All units.
    fn total(&self) -> u128 {
        let units = self.carve_outs();
        to_u128(self.sinks.get())
            .saturating_add(units.fee)
            .saturating_add(units.budget)
            .saturating_add(units.overflow)
    }

    /// What each unit received since the last look.
    fn received(&self, pool_index: u128) -> u128 {
        pool_index.saturating_sub(to_u128(self.pool_index.get()))
    }

    /// What capacity was worth in `elapsed` seconds beyond what its sinks were paid, which is `received` for each unit.
    fn free(&self, received: u128, elapsed: u128) -> u128 {
        let worth = to_u128(self.worth.get()).saturating_mul(elapsed);
        worth.saturating_sub(received.saturating_mul(to_u128(self.sinks.get())))
    }

    /// Counts what each unit received since the last look, `elapsed` seconds ago.
    fn track(&mut self, pool_index: u128, elapsed: u128) {
        let received = self.received(pool_index);
        let flowed = received.saturating_mul(self.total());
        let flowed = to_u128(self.flowed.get()).saturating_add(flowed);
        self.flowed.set(pack(flowed));
        let free = self.free(received, elapsed);
        if free > 0 {
            let free = to_u128(self.free_value.get()).saturating_add(free);
            self.free_value.set(pack(free));
        }
    }
}

fn moved(sinks: u128, carved: u128) -> bool {
    let bps = u128::from(math::BPS);
    sinks.abs_diff(carved).saturating_mul(bps) >= carved.saturating_mul(u128::from(MOVED_BPS))
}
