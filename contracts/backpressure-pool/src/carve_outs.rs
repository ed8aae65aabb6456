//! Units of fee, budget and overflow.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, invoke_words, require_gas, to_address},
    emit,
    events::Word,
    interfaces::IOverflowMeter,
    math::{
        self,
        split::{CarveOuts, BY_WORK, BY_WORK_UNITS},
    },
    packed::{pack, to_u128, widen},
    superfluid::{distribution, IGeneralDistributionAgreementV1, ISuperfluidPool},
};
use stylus_sdk::prelude::*;

use super::{units::Split, BackpressurePool, CarveOutsSet, Error, InvalidAccount, UNITS_GAS};

/// Who gets fee and budget, and the units of that.
type Parts = [(Address, u128); 2];

impl BackpressurePool {
    /// Stores what the sinks have, and sets the carve-outs beside them if they have to follow. `forced`: to today's cuts and
    /// recipients.
    #[inline(never)]
    pub(super) fn settle(&mut self, split: &Split, forced: bool) -> Result<(), Error> {
        let mut pool = self.pools.setter(split.id);
        pool.sink_units.set(pack(split.sinks));
        let before = [
            (pool.fee_member.get(), to_u128(pool.fee_units.get())),
            (pool.budget_member.get(), to_u128(pool.budget_units.get())),
        ];
        let escrow_before = to_u128(pool.overflow_units.get());
        let members = match forced {
            true => [self.fee_recipient.get(), self.reviewer.get()],
            false => before.map(|(member, _)| member),
        };
        let units = match split.weighting {
            BY_WORK if forced => self.units_by_work(split.id),
            BY_WORK => return Ok(()),
            _ => self.measured_units(split, forced)?,
        };
        let [fee_member, budget_member] = members;
        let after = [(fee_member, units.fee), (budget_member, units.budget)];
        let changed = after != before || units.overflow != escrow_before;
        if !changed {
            return match split.weighting {
                BY_WORK => Ok(()),
                _ => self.absorb(split.pool),
            };
        }
        let mut escrow = self.escrow.get();
        if split.weighting == BY_WORK {
            escrow = self.reserve_if_due(split.id, escrow)?;
            if escrow.is_zero() {
                return Ok(());
            }
            // The reserve has units of its own: with others, they would not be what OverflowMeter counts.
            if part(&after, escrow) > 0 {
                return Err(InvalidAccount { account: escrow }.into());
            }
        }
        // First, so that there are units at any time.
        if units.overflow != escrow_before {
            self.set_units(split.pool, escrow, units.overflow)?;
        }
        let after = self.set_parts(split, before, after)?;
        let mut pool = self.pools.setter(split.id);
        pool.overflow_units.set(pack(units.overflow));
        pool.fee_member.set(fee_member);
        pool.budget_member.set(budget_member);
        let [(_, fee), (_, budget)] = after;
        pool.fee_units.set(pack(fee));
        pool.budget_units.set(pack(budget));
        emit!(
            self.vm(),
            CarveOutsSet[split.id](split.sinks, fee, budget, units.overflow)
        );
        self.absorb(split.pool)
    }

    /// What OverflowMeter makes of what flowed.
    fn measured_units(&mut self, split: &Split, forced: bool) -> Result<CarveOuts, Error> {
        let pool = self.pools.getter(split.id);
        let limit = match pool.limited.get() {
            true => widen(pool.limit.get()),
            false => U256::MAX,
        };
        let arguments = [
            split.id,
            split.pool.word(),
            split.sinks.word(),
            split.anchor.word(),
            self.packed_cuts(split.id).word(),
            widen(pool.price.get()).word(),
            limit.word(),
            forced.word(),
        ];
        let selector = IOverflowMeter::settleCall::SELECTOR;
        let units: [U256; 3] = invoke_words(self.vm(), self.meter.get(), selector, &arguments)?;
        let [fee, budget, overflow] = units.map(math::to_u128_saturating);
        Ok(CarveOuts {
            fee,
            budget,
            overflow,
        })
    }

    fn units_by_work(&self, id: B256) -> CarveOuts {
        let fee = u128::from(self.fee_bps.get().wrapping_to::<u16>());
        let budget = u128::from(self.pools.getter(id).budget_bps.get().wrapping_to::<u16>());
        CarveOuts {
            fee,
            budget,
            overflow: BY_WORK_UNITS.saturating_sub(fee).saturating_sub(budget),
        }
    }

    /// By work, whose the units of the overflow are, if they may be what today's cuts leave now: OverflowMeter takes one
    /// change an hour. Else nobody's. Another recipient of the same cuts is no change.
    fn reserve_if_due(&mut self, id: B256, escrow: Address) -> Result<Address, Error> {
        let arguments = [id, escrow.word(), self.packed_cuts(id).word()];
        let selector = IOverflowMeter::settleByWorkCall::SELECTOR;
        let [reserve] = invoke_words(self.vm(), self.meter.get(), selector, &arguments)?;
        Ok(to_address(reserve))
    }

    #[inline(never)]
    fn packed_cuts(&self, id: B256) -> u64 {
        let fee: u64 = self.fee_bps.get().wrapping_to();
        let budget: u64 = self.pools.getter(id).budget_bps.get().wrapping_to();
        fee << 16 | budget
    }

    /// Has the pool pay `after` from now on, and `before` no longer. What a member has as a sink stays. Returns what it agreed
    /// to: one that Superfluid refuses as a member, such as a pool, gets nothing, and stops nobody. By work one that has become a
    /// pool keeps what it has, and the cuts stay as they are: else there were more units than OverflowMeter counts, and sources
    /// were noted for more than WorkReserve gets.
    fn set_parts(&mut self, split: &Split, before: Parts, after: Parts) -> Result<Parts, Error> {
        let mut agreed = after;
        let [old_fee, old_budget] = before.map(|(member, _)| member);
        let [fee, budget] = after.map(|(member, _)| member);
        let members = [old_fee, old_budget, fee, budget];
        for (place, member) in members.iter().enumerate() {
            let is_again = members.iter().take(place).any(|earlier| earlier == member);
            let (had, gets) = (part(&before, *member), part(&after, *member));
            if is_again || had == gets {
                continue;
            }
            let others = self.units(split.pool, *member)?.saturating_sub(had);
            require_gas(self.vm(), UNITS_GAS)?;
            let selector = ISuperfluidPool::updateMemberUnitsCall::SELECTOR;
            let request = calldata(
                selector,
                &[member.word(), others.saturating_add(gets).word()],
            );
            if !call(self.vm(), split.pool, &request, UNITS_GAS, 0).success {
                if split.weighting == BY_WORK && had > 0 {
                    return Err(InvalidAccount { account: *member }.into());
                }
                for (_, units) in agreed.iter_mut().filter(|(whose, _)| whose == member) {
                    *units = 0;
                }
            }
        }
        Ok(agreed)
    }

    /// Takes what rounding has left over back into the streams, once it is as much as the total units: many changes of units
    /// would add up to a part of the stream. Superfluid may refuse, but no caller can have it fail for want of gas.
    fn absorb(&self, pool: Address) -> Result<(), Error> {
        let selector = IGeneralDistributionAgreementV1::getPoolAdjustmentFlowRateCall::SELECTOR;
        let [rate] = self.ask(self.gda.get(), selector, &[pool.word()])?;
        let [units] = self.ask(pool, ISuperfluidPool::getTotalUnitsCall::SELECTOR, &[])?;
        if rate.is_zero() || rate < units {
            return Ok(());
        }
        // Else a node's estimate would be what suffices to let it fail.
        require_gas(self.vm(), UNITS_GAS)?;
        let (gda, token) = (self.gda.get(), self.token.get());
        let here = self.vm().contract_address();
        let request = distribution(gda, token, here, pool, 0);
        call(self.vm(), self.host.get(), &request, UNITS_GAS, 0);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn set_units(
        &self,
        pool: Address,
        member: Address,
        units: u128,
    ) -> Result<(), Error> {
        let selector = ISuperfluidPool::updateMemberUnitsCall::SELECTOR;
        let arguments = [member.word(), units.word()];
        let [_agreed] = invoke_words(self.vm(), pool, selector, &arguments)?;
        Ok(())
    }
}

/// What `parts` give to `member`.
fn part(parts: &Parts, member: Address) -> u128 {
    let of_member = parts.iter().filter(|(whose, _)| *whose == member);
    of_member.fold(0, |sum, (_, units)| sum.saturating_add(*units))
}
