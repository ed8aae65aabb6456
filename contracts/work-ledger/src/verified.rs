//! What sinks have shown that they can do, and what Judge is told of it.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, first_words, require_gas, static_call},
    clock,
    events::Word,
    interfaces::IWorkMarket,
    math::{
        to_u128_saturating,
        work::{between, credible, credible_capacity, Part, Verified},
    },
    packed::{to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    counting::{Facts, StorageWork, Work},
    Error, ObservationExpired, WorkLedger,
};

/// Epochs with counts of a sink that are kept for Judge.
const OBSERVATIONS: u64 = 64;
/// So many epochs after its end an epoch is judged: 4200 s. What counts later does not count for it.
pub const JUDGED_AFTER: u64 = 14;
/// What PricingCurve may use to say what the fee is, and to take a count: an uncached start, and two slots.
pub const MARKET_GAS: u64 = 120_000;

/// One slot: epoch (24 bits, until the year 2129), before (72), work (88), credited (72).
#[storage]
pub struct Proof {
    epoch: StorageUint<24, 1>,
    before: StorageUint<72, 2>,
    work: StorageUint<88, 2>,
    /// The sink's capacity as it counts in the prices of that epoch.
    credited: StorageUint<72, 2>,
}

/// An epoch with counts. One slot: epoch (24 bits), gap (24), before (104), counted (104).
#[storage]
pub struct Observation {
    epoch: StorageUint<24, 1>,
    /// Epochs since the one with counts before it.
    gap: StorageUint<24, 1>,
    /// What had counted since ever before the epoch, and at its end.
    before: StorageWork,
    counted: StorageWork,
}

/// What a task type's counts are to PricingCurve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Market {
    pub(super) id: B256,
    /// Wei per capacity unit and second; zero if there is no PricingCurve that says it.
    pub(super) fee: u128,
    /// Whether the fee follows what counts.
    pub(super) follows: bool,
    /// Work and capacity, in capacity-seconds, that PricingCurve has not been told of yet.
    pub(super) work: u128,
    pub(super) capacity: u128,
}

impl WorkLedger {
    /// V of a sink now.
    pub(super) fn verified_capacity(&self, id: B256, sink: Address) -> u128 {
        self.proof(id, sink).0.at(self.epoch())
    }

    /// What `part` shows of the sink. Adds to `market` what it is to prices.
    pub(super) fn prove(&mut self, facts: &Facts, part: Part, market: &mut Market) {
        let work = credible(part, facts.capacity, market.fee);
        if work == 0 {
            return;
        }
        let epoch = self.epoch();
        let (verified, credited) = self.proof(facts.id, facts.sink);
        let (next, mean) = verified.count(epoch, work, facts.capacity);
        let credited = match verified.epoch == epoch {
            true => credited,
            false => 0,
        };
        let capacity = credible_capacity(&next, facts.capacity).max(credited);
        let grown = capacity.saturating_sub(credited);
        market.work = market.work.saturating_add(mean);
        market.capacity = market
            .capacity
            .saturating_add(grown.saturating_mul(u128::from(clock::EPOCH)));
        self.store_proof(facts.id, facts.sink, &next, capacity);
    }

    /// Takes off V what `work` of a miss that nobody answered would have shown.
    pub(super) fn disprove(&mut self, id: B256, sink: Address, work: u128) {
        let (verified, credited) = self.proof(id, sink);
        let epoch = self.epoch();
        let credited = match verified.epoch == epoch {
            true => credited,
            false => 0,
        };
        self.store_proof(id, sink, &verified.miss(epoch, work), credited);
    }

    /// Keeps for Judge that a sink's work since ever went from `before` to `counted`; it had counted last at `last`.
    pub(super) fn observe(
        &mut self,
        id: B256,
        sink: Address,
        last: u64,
        before: u128,
        counted: u128,
    ) {
        let epoch = self.epoch();
        let mut rings = self.observations.setter(id);
        let mut ring = rings.setter(sink);
        let mut observation = ring.setter(place(epoch));
        if !is_of(&observation, epoch) {
            let gap = match last {
                0 => 1,
                last => epoch.saturating_sub(last / clock::EPOCH),
            };
            observation
                .epoch
                .set(Uint::wrapping_from(U256::from(epoch)));
            observation.gap.set(Uint::from(gap.min(MAX_GAP)));
            observation
                .before
                .set(Work::wrapping_from(U256::from(before)));
        }
        observation
            .counted
            .set(Work::wrapping_from(U256::from(counted)));
    }

    /// The work of a sink that counts for `epoch`: what counted from then until 14 epochs after its end, spread evenly over
    /// the epochs since the count before it.
    ///
    /// The same whenever it is asked from then on, or `ObservationExpired`.
    pub(super) fn counted_in(&self, id: B256, sink: Address, epoch: u64) -> Result<u128, Error> {
        let rings = self.observations.getter(id);
        let ring = rings.getter(sink);
        for at in epoch..=epoch.saturating_add(JUDGED_AFTER) {
            let observation = ring.getter(place(at));
            if is_of(&observation, at) {
                let gap: u64 = widen(observation.gap.get()).wrapping_to();
                let first = at.saturating_sub(gap);
                if first >= epoch {
                    // The first count ever: all of it is its own epoch's.
                    return Ok(0);
                }
                let before = (first, to_u128(observation.before.get()));
                let after = (at, to_u128(observation.counted.get()));
                let end = between(epoch, before, after);
                return Ok(end.saturating_sub(between(epoch.saturating_sub(1), before, after)));
            }
            let found: u64 = widen(observation.epoch.get()).wrapping_to();
            if found > at {
                return Err(ObservationExpired {
                    taskTypeId: id,
                    sink,
                    epoch: U256::from(epoch),
                }
                .into());
            }
        }
        Ok(0)
    }

    /// What PricingCurve says of the task type. It moves no money: without an answer nothing bounds what is shown, and
    /// prices are told nothing.
    pub(super) fn market(&self, id: B256) -> Result<Market, Error> {
        let mut market = Market {
            id,
            fee: 0,
            follows: false,
            work: 0,
            capacity: 0,
        };
        let curve = self.pricing_curve.get();
        if curve.is_zero() {
            return Ok(market);
        }
        require_gas(self.vm(), MARKET_GAS)?;
        let request = calldata(IWorkMarket::getMarketCall::SELECTOR, &[id]);
        let answer = static_call(self.vm(), curve, &request, MARKET_GAS, 64);
        if let (true, Some([fee, follows])) = (answer.success, first_words(&answer.data)) {
            market.fee = to_u128_saturating(fee.into());
            market.follows = follows != B256::ZERO;
        }
        Ok(market)
    }

    /// Tells PricingCurve what counted.
    pub(super) fn tell(&self, market: &Market) -> Result<(), Error> {
        if !market.follows || market.work == 0 {
            return Ok(());
        }
        require_gas(self.vm(), MARKET_GAS)?;
        let selector = IWorkMarket::recordWorkCall::SELECTOR;
        let arguments = [market.id, market.work.word(), market.capacity.word()];
        let request = calldata(selector, &arguments);
        call(self.vm(), self.pricing_curve.get(), &request, MARKET_GAS, 0);
        Ok(())
    }

    fn proof(&self, id: B256, sink: Address) -> (Verified, u128) {
        let proofs = self.proofs.getter(id);
        let proof = proofs.getter(sink);
        let verified = Verified {
            epoch: widen(proof.epoch.get()).wrapping_to(),
            before: to_u128(proof.before.get()),
            work: to_u128(proof.work.get()),
        };
        (verified, to_u128(proof.credited.get()))
    }

    fn store_proof(&mut self, id: B256, sink: Address, verified: &Verified, credited: u128) {
        let mut proofs = self.proofs.setter(id);
        let mut proof = proofs.setter(sink);
        proof
            .epoch
            .set(Uint::wrapping_from(U256::from(verified.epoch)));
        // All fit: a capacity has 72 bits in the registry, and an epoch's work is at most 300 s of it.
        proof
            .before
            .set(Uint::wrapping_from(U256::from(verified.before)));
        proof
            .work
            .set(Uint::wrapping_from(U256::from(verified.work)));
        proof
            .credited
            .set(Uint::wrapping_from(U256::from(credited)));
    }

    fn epoch(&self) -> u64 {
        self.now() / clock::EPOCH
    }
}

/// The longest gap that is kept: more than a hundred years.
const MAX_GAP: u64 = (1 << 24) - 1;

fn place(epoch: u64) -> Uint<8, 1> {
    Uint::from(epoch % OBSERVATIONS)
}

fn is_of(observation: &Observation, epoch: u64) -> bool {
    widen(observation.epoch.get()) == U256::from(epoch)
}
