//! Units of sinks, and of what is below a task type.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, require_gas},
    emit,
    events::Word,
    interfaces::IPricingCurve,
    math::{
        self,
        split::{self, BY_WORK, MAX_SINK_UNITS, MIN_ANCHOR},
    },
    packed::{pack, to_u128},
    superfluid::{agreement_call, IGeneralDistributionAgreementV1, ISuperfluidPool},
};
use stylus_sdk::prelude::*;

use super::{
    BackpressurePool, Error, InvalidAccount, NoShares, PaidByWork, Rebalanced, SinkSkipped,
    WeightedByShares, BY_SHARES, BY_SPARE_CAPACITY, CONNECT_GAS, EXPLORATION_BPS, UNITS_GAS,
};

/// How a task type's stream is split, while a call works on it.
pub(super) struct Split {
    pub(super) id: B256,
    pub(super) pool: Address,
    pub(super) weighting: u8,
    pub(super) anchor: u128,
    /// Units of all sinks, and of what is below the task type.
    pub(super) sinks: u128,
    /// Whether all units are written anew in this call, so that their sum holds at its end only.
    pub(super) renewed: bool,
    /// Whether a sink has fewer units than it is due, because there was no room.
    pub(super) short: bool,
}

impl Split {
    pub(super) fn require_units(&self) -> Result<(), Error> {
        match self.weighting {
            BY_WORK => Err(PaidByWork {}.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn require_capacity_weights(&self) -> Result<(), Error> {
        match self.weighting {
            BY_SHARES => Err(WeightedByShares {}.into()),
            _ => self.require_units(),
        }
    }
}

impl BackpressurePool {
    #[inline(never)]
    pub(super) fn open(&self, id: B256) -> Result<Split, Error> {
        let pool = self.pools.getter(id);
        Ok(Split {
            id,
            pool: self.require_pool(id)?,
            weighting: pool.weighting.get().wrapping_to(),
            anchor: to_u128(pool.anchor.get()),
            sinks: to_u128(pool.sink_units.get()),
            renewed: false,
            short: false,
        })
    }

    /// Sets the anchor to the capacity of sinks and of what is below, and rescales the units of the latter.
    #[inline(never)]
    pub(super) fn set_anchor(&mut self, split: &mut Split, total: u128) -> Result<(), Error> {
        split.anchor = self.anchor_of(split.id, total);
        let mut pool = self.pools.setter(split.id);
        pool.anchor.set(pack(split.anchor));
        self.set_nested_units(split)
    }

    #[inline(never)]
    fn anchor_of(&self, id: B256, total: u128) -> u128 {
        let nested = to_u128(self.pools.getter(id).nested_capacity.get());
        total.saturating_add(nested).max(MIN_ANCHOR)
    }

    /// Whether units against the anchor have become too coarse or too many for `total`.
    pub(super) fn outgrown(&self, split: &Split, total: u128) -> bool {
        let wanted = self.anchor_of(split.id, total);
        wanted > split.anchor.saturating_mul(4) || split.anchor > wanted.saturating_mul(4)
    }

    /// Gives NestedPool what its capacity is worth by the anchor, as far as there is room; the rest at the next anchor.
    #[inline(never)]
    pub(super) fn set_nested_units(&mut self, split: &mut Split) -> Result<(), Error> {
        let pool = self.pools.getter(split.id);
        let before = to_u128(pool.nested_units.get());
        let wanted = split::pool_units(to_u128(pool.nested_capacity.get()), split.anchor);
        let others = split.sinks.saturating_sub(before);
        let units = match split.renewed {
            true => wanted,
            false => wanted.min(MAX_SINK_UNITS.saturating_sub(others)),
        };
        if units == before {
            return Ok(());
        }
        let member = self.nested_pool.get();
        let others_of_member = self.units(split.pool, member)?.saturating_sub(before);
        self.set_units(split.pool, member, others_of_member.saturating_add(units))?;
        split.sinks = others.saturating_add(units);
        let mut pool = self.pools.setter(split.id);
        pool.nested_units.set(pack(units));
        Ok(())
    }

    /// Notes that all of `count` sinks were rebalanced when they had `total`.
    pub(super) fn complete(&mut self, id: B256, count: u64, total: u128) {
        let mut pool = self.pools.setter(id);
        pool.next.set(U32::ZERO);
        pool.last_total.set(pack(total));
        emit!(self.vm(), Rebalanced[id](count, total));
    }

    /// Gives a page of sinks their units.
    pub(super) fn walk(&mut self, split: &mut Split, from: u64, count: u64) -> Result<(), Error> {
        split.require_capacity_weights()?;
        for (sink, capacity) in self.sinks_page(split.id, from, count)? {
            let units = self.units_of_capacity(split, sink, capacity);
            self.try_set_sink(split, sink, units)?;
        }
        Ok(())
    }

    /// Gives `sinks` the units of their `shares`.
    pub(super) fn give_shares(
        &mut self,
        split: &mut Split,
        sinks: &[Address],
        shares: &[U256],
    ) -> Result<(), Error> {
        let sum = shares
            .iter()
            .try_fold(U256::ZERO, |sum, share| sum.checked_add(*share))
            .filter(|sum| !sum.is_zero())
            .ok_or(NoShares {})?;
        let (_, total) = self.sinks_and_total(split.id)?;
        self.set_anchor(split, total)?;
        self.store_weighting(split.id, BY_SHARES);
        let rate: u64 = self.exploration_rate.get().wrapping_to();
        // A fifth of 1e18 at most: 2 000 basis points.
        let rate = (rate / EXPLORATION_BPS) as u16;
        let count = sinks.len() as u64;
        for (sink, share) in sinks.iter().zip(shares) {
            let units = split::share_units(*share, sum, rate, count);
            match self.capacity_of(split.id, *sink)?.is_zero() {
                true => self.skip(split.id, *sink),
                false => self.try_set_sink(split, *sink, units)?,
            }
        }
        self.complete(split.id, count, total);
        Ok(())
    }

    /// The units of `capacity`, which `sink` has. By spare capacity a load that nobody tells is none: a sink that left has no
    /// capacity, whatever PricingCurve does.
    pub(super) fn units_of_capacity(&self, split: &Split, sink: Address, capacity: U256) -> u128 {
        let mut capacity = math::to_u128_saturating(capacity);
        if split.weighting == BY_SPARE_CAPACITY && capacity > 0 {
            let selector = IPricingCurve::getQueueLoadCall::SELECTOR;
            let arguments = [split.id, sink.word()];
            if let Ok([load]) = self.ask(self.pricing_curve.get(), selector, &arguments) {
                capacity = capacity.saturating_sub(math::to_u128_saturating(load));
            }
        }
        split::pool_units(capacity, split.anchor)
    }

    /// Gives `sink` its units, or leaves it as it is if that is refused: one sink never stops the others.
    fn try_set_sink(&mut self, split: &mut Split, sink: Address, units: u128) -> Result<(), Error> {
        if self.is_reserved(sink) {
            self.skip(split.id, sink);
            return Ok(());
        }
        if !self.set_sink(split, sink, units)? {
            self.skip(split.id, sink);
        }
        Ok(())
    }

    /// Gives `sink` its units, for its capacity: a carve-out that it gets is beside that. Units beyond what all sinks may
    /// have wait for the next full rebalance. Returns whether the pool agreed.
    fn set_sink(&mut self, split: &mut Split, sink: Address, units: u128) -> Result<bool, Error> {
        let (before, carved) = self.sink_units(split, sink)?;
        let others = split.sinks.saturating_sub(before);
        let room = MAX_SINK_UNITS.saturating_sub(others).max(before);
        split.short |= units > room && !split.renewed;
        let units = match split.renewed {
            true => units,
            false => units.min(room),
        };
        if before == units {
            return Ok(true);
        }
        require_gas(self.vm(), UNITS_GAS)?;
        let selector = ISuperfluidPool::updateMemberUnitsCall::SELECTOR;
        let request = calldata(
            selector,
            &[sink.word(), carved.saturating_add(units).word()],
        );
        if !call(self.vm(), split.pool, &request, UNITS_GAS, 0).success {
            return Ok(false);
        }
        split.sinks = others.saturating_add(units);
        if before == 0 && carved == 0 {
            self.connect_member(split.pool, sink)?;
        }
        Ok(true)
    }

    /// As [`BackpressurePool::set_sink`], for the one sink that everything is about, with what follows from it.
    #[inline(never)]
    pub(super) fn settle_sink(
        &mut self,
        mut split: Split,
        sink: Address,
        units: u128,
    ) -> Result<(), Error> {
        match self.set_sink(&mut split, sink, units)? {
            true => self.settle(&split, false),
            false => Err(InvalidAccount { account: sink }.into()),
        }
    }

    /// The units that `sink` has for its capacity, and those that it has as a carve-out.
    #[inline(never)]
    pub(super) fn sink_units(&self, split: &Split, sink: Address) -> Result<(u128, u128), Error> {
        let pool = self.pools.getter(split.id);
        let mut carved = 0_u128;
        if pool.fee_member.get() == sink {
            carved = to_u128(pool.fee_units.get());
        }
        if pool.budget_member.get() == sink {
            carved = carved.saturating_add(to_u128(pool.budget_units.get()));
        }
        let units = self.units(split.pool, sink)?;
        Ok((units.saturating_sub(carved), carved))
    }

    /// Has Superfluid connect a new sink to its pool, so that its balance grows by itself. It may refuse: the sink has used
    /// up its slots for this, or forbidden it. Then it claims.
    fn connect_member(&self, pool: Address, sink: Address) -> Result<(), Error> {
        require_gas(self.vm(), CONNECT_GAS)?;
        // Pool, member, and an empty `ctx`.
        let connect = calldata(
            IGeneralDistributionAgreementV1::tryConnectPoolForCall::SELECTOR,
            &[pool.word(), sink.word(), 96_u64.word(), 0_u64.word()],
        );
        let request = agreement_call(self.gda.get(), &connect, &[]);
        call(self.vm(), self.host.get(), &request, CONNECT_GAS, 0);
        Ok(())
    }

    fn skip(&self, id: B256, sink: Address) {
        emit!(self.vm(), SinkSkipped[id, sink]);
    }
}

/// A page of sinks and their capacities.
pub(super) type Page = Vec<(Address, U256)>;
