//! What sinks have shown that they can do: for routing and for people. It moves no money.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, first_words, require_gas, static_call},
    clock,
    events::Word,
    interfaces::IBaseFee,
    math::{
        to_u128_saturating,
        work::{credible, priced, Part, Verified},
    },
    packed::{pack, to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{counting::Facts, vouchers::Context, Error, WorkVouchers};

/// What PricingCurve may use to say what the fee is: an uncached start, and two slots.
pub const FEE_GAS: u64 = 60_000;
/// What it may use to take down what counted: an uncached start, seven slots read, two of them written anew, an event.
pub const USAGE_GAS: u64 = 150_000;

/// One slot: epoch (24 bits, until the year 2129), before (72), work (88), priced (72).
#[storage]
pub struct Proof {
    epoch: StorageUint<24, 1>,
    before: StorageUint<72, 2>,
    work: StorageUint<88, 2>,
    /// The capacity that counts in prices for `epoch`.
    priced: StorageUint<72, 2>,
}

/// What has counted of a task type and PricingCurve has not been told: work, and the capacity of those who did it, in
/// capacity-seconds.
#[derive(Default)]
pub(super) struct Usage {
    id: B256,
    work: u128,
    capacity: u128,
}

impl WorkVouchers {
    /// V of a sink now.
    pub(super) fn verified_capacity(&self, id: B256, sink: Address) -> u128 {
        self.proof(id, sink).at(self.epoch())
    }

    /// What `part` shows of the sink: no more than its value buys at the base fee, or paying oneself a wei would show
    /// anything. Nothing, as long as there is no fee.
    pub(super) fn prove(
        &mut self,
        facts: &Facts,
        part: Part,
        fee: u128,
        context: &mut Context,
    ) -> Result<(), Error> {
        let work = credible(part, facts.capacity, fee);
        if work == 0 {
            return Ok(());
        }
        let verified = self.proof(facts.id, facts.sink);
        let (next, mean) = verified.count(self.epoch(), work, facts.capacity);
        let mut proofs = self.proofs.setter(facts.id);
        let mut proof = proofs.setter(facts.sink);
        // Once for a sink and epoch, the greatest.
        let known = match verified.epoch == next.epoch {
            true => to_u128(proof.priced.get()),
            false => 0,
        };
        let serving = priced(facts.capacity, next.closed()).max(known);
        proof.epoch.set(Uint::wrapping_from(U256::from(next.epoch)));
        // All fit: a capacity has 72 bits in the registry, and an epoch's work is at most 300 s of it.
        proof.before.set(pack(next.before));
        proof.work.set(pack(next.work));
        proof.priced.set(pack(serving));
        let capacity = serving
            .saturating_sub(known)
            .saturating_mul(u128::from(clock::EPOCH));
        self.use_up(facts.id, mean, capacity, context)
    }

    /// Takes what `work` would have shown of the sink: all that it accepted, whatever it was to cost.
    pub(super) fn disprove(&mut self, id: B256, sink: Address, work: u128) {
        let less = self.proof(id, sink).missed(work);
        let mut proofs = self.proofs.setter(id);
        let mut proof = proofs.setter(sink);
        proof.before.set(pack(less.before));
        proof.work.set(pack(less.work));
    }

    /// Adds to what PricingCurve has to be told.
    fn use_up(
        &self,
        id: B256,
        work: u128,
        capacity: u128,
        context: &mut Context,
    ) -> Result<(), Error> {
        if context.usage.id != id {
            self.tell_usage(context)?;
            context.usage.id = id;
        }
        let usage = &mut context.usage;
        usage.work = usage.work.saturating_add(work);
        usage.capacity = usage.capacity.saturating_add(capacity);
        Ok(())
    }

    /// Tells PricingCurve what counted. It gets its gas, or whoever redeems could keep prices from following; if it fails all
    /// the same, they do not follow, and no money is touched.
    pub(super) fn tell_usage(&self, context: &mut Context) -> Result<(), Error> {
        let usage = core::mem::take(&mut context.usage);
        if usage.work == 0 && usage.capacity == 0 {
            return Ok(());
        }
        require_gas(self.vm(), USAGE_GAS)?;
        let words = [usage.id, usage.work.word(), usage.capacity.word()];
        let message = calldata(IBaseFee::recordWorkCall::SELECTOR, &words);
        call(self.vm(), self.pricing_curve.get(), &message, USAGE_GAS, 0);
        Ok(())
    }

    /// The base fee of the task type, in wei per capacity unit and second; zero, if PricingCurve does not say it.
    pub(super) fn known_fee(&self, context: &mut Context, id: B256) -> Result<u128, Error> {
        if let Some((known, fee)) = context.fee {
            if known == id {
                return Ok(fee);
            }
        }
        require_gas(self.vm(), FEE_GAS)?;
        let request = calldata(IBaseFee::getBaseFeeCall::SELECTOR, &[id]);
        let answer = static_call(self.vm(), self.pricing_curve.get(), &request, FEE_GAS, 32);
        let fee = match (answer.success, first_words(&answer.data)) {
            (true, Some([fee])) => to_u128_saturating(fee.into()),
            _ => 0,
        };
        context.fee = Some((id, fee));
        Ok(fee)
    }

    fn proof(&self, id: B256, sink: Address) -> Verified {
        let proofs = self.proofs.getter(id);
        let proof = proofs.getter(sink);
        Verified {
            epoch: widen(proof.epoch.get()).wrapping_to(),
            before: to_u128(proof.before.get()),
            work: to_u128(proof.work.get()),
        }
    }

    fn epoch(&self) -> u64 {
        self.now() / clock::EPOCH
    }
}
