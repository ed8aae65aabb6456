//! How much work of a sink can count: its capacity over time, less what has counted.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_words, events::Word, interfaces::ICapacityRegistry, math::to_u128_saturating,
    packed::to_u128,
};
use stylus_sdk::{prelude::*, storage::*};

use super::{reserve::StorageAmount, Error, WorkLedger};

/// Capacity-seconds of 1e-9 units: as many bits as CapacityRegistry has for them.
pub(super) type StorageWork = StorageUint<104, 2>;
pub(super) type Work = Uint<104, 2>;

/// What anybody is owed in a task type, and what a sink has counted. One slot: owed (112 bits), counted (104), counted_at
/// (40).
#[storage]
pub struct Account {
    /// In wei.
    pub(super) owed: StorageAmount,
    /// The work that counted since ever.
    pub(super) counted: StorageWork,
    /// When work counted last, in seconds since 1970.
    pub(super) counted_at: StorageUint<40, 1>,
}

/// What neighbours say of a sink, and stays so while a batch is redeemed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) id: B256,
    pub(super) sink: Address,
    /// Its capacity-seconds since ever.
    pub(super) seconds: u128,
}

impl WorkLedger {
    /// What the registry says of a sink now.
    pub(super) fn facts(&self, id: B256, sink: Address) -> Result<Facts, Error> {
        let registry = self.capacity_registry.get();
        let now = self.now();
        let selector = ICapacityRegistry::getCapacitySecondsCall::SELECTOR;
        let arguments = [id, sink.word(), now.word()];
        let [seconds] = query_words(self.vm(), registry, selector, &arguments)?;
        Ok(Facts {
            id,
            sink,
            seconds: to_u128_saturating(seconds),
        })
    }

    /// The work that the sink can still count: its capacity-seconds since ever less what counted, never less than nothing.
    pub(super) fn allowance(&self, facts: &Facts) -> u128 {
        let accounts = self.accounts.getter(facts.id);
        let account = accounts.getter(facts.sink);
        facts.seconds.saturating_sub(to_u128(account.counted.get()))
    }
}
