//! How much work of a sink can count: its capacity over time, less what has counted.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words,
    events::Word,
    interfaces::ICapacityRegistry,
    math::{to_u128_saturating, work::Part},
    packed::{pack, to_u128},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{vouchers::Context, Error, WorkVouchers};

/// Capacity-seconds of 1e-9 units: as many bits as CapacityRegistry has for them.
pub(super) type StorageWork = StorageUint<104, 2>;

/// What the registry says of a sink, which stays so while a batch is redeemed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) id: B256,
    pub(super) sink: Address,
    /// Its capacity-seconds since ever.
    seconds: u128,
    /// Its capacity now.
    pub(super) capacity: u128,
}

impl WorkVouchers {
    pub(super) fn known_facts(
        &self,
        context: &mut Context,
        id: B256,
        sink: Address,
    ) -> Result<Facts, Error> {
        if let Some(facts) = context.facts {
            if facts.id == id && facts.sink == sink {
                return Ok(facts);
            }
        }
        let facts = self.facts(id, sink)?;
        context.facts = Some(facts);
        Ok(facts)
    }

    /// What the registry says of a sink now. No past time is asked for.
    pub(super) fn facts(&self, id: B256, sink: Address) -> Result<Facts, Error> {
        let registry = self.capacity_registry.get();
        let selector = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        let arguments = [id, sink.word(), self.now().word()];
        let [seconds] = query_words(self.vm(), registry, selector, &arguments)?;
        let selector = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let [capacity] = query_words(self.vm(), registry, selector, &arguments[..2])?;
        Ok(Facts {
            id,
            sink,
            seconds: to_u128_saturating(seconds),
            capacity: to_u128_saturating(capacity),
        })
    }

    /// The work that the sink can still count: its capacity-seconds since ever less what counted, never less than nothing.
    pub(super) fn allowance(&self, facts: &Facts) -> u128 {
        let counted = self.counted.getter(facts.id).get(facts.sink);
        facts.seconds.saturating_sub(to_u128(counted))
    }

    /// Adds to what has counted for the sink.
    pub(super) fn count_for_sink(&mut self, facts: &Facts, part: Part) {
        let counted = self.counted.getter(facts.id).get(facts.sink);
        // Fits: at most the registry's capacity-seconds.
        let total = to_u128(counted).saturating_add(part.work);
        let mut counted = self.counted.setter(facts.id);
        counted.setter(facts.sink).set(pack(total));
    }
}
