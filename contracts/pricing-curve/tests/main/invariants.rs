//! The base fee depends on what was reported and when, not on who advanced epochs and when.

use std::collections::BTreeMap;

use crate::contract::*;
use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::{advance_time, timestamp};
use bpe_testing::Registry;
use motsu::prelude::*;
use proptest::prelude::*;

const CODE: B256 = B256::repeat_byte(0xc0);
const OWNER: Address = Address::repeat_byte(0x01);
const SINKS: [Address; 3] = [
    Address::repeat_byte(0xa1),
    Address::repeat_byte(0xa2),
    Address::repeat_byte(0xa3),
];
const CAPACITY: u64 = 100;

#[derive(Clone, Debug)]
enum Step {
    Report(usize, u64),
    Wait(u64),
    Advance,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3, 0u64..250).prop_map(|(sink, load)| Step::Report(sink, load)),
        3 => (0u64..130).prop_map(Step::Wait),
        1 => (0u64..10_000).prop_map(Step::Wait),
        1 => Just(Step::Advance),
    ]
}

/// What every epoch's demand was, kept forever, and the fee worked out from the first epoch on.
#[derive(Default)]
struct Model {
    /// When the first epoch began, and whether an advance without reports came before it.
    first: Option<(u64, bool)>,
    reports: BTreeMap<u64, BTreeMap<usize, u64>>,
}

impl Model {
    fn epoch(&self) -> u64 {
        self.first
            .map_or(0, |(start, _)| (timestamp() - start) / 60)
    }

    fn report(&mut self, sink: usize, load: u64) {
        self.first.get_or_insert((timestamp(), false));
        let epoch = self.epoch();
        let counted = load.min(2 * CAPACITY);
        self.reports.entry(epoch).or_default().insert(sink, counted);
    }

    fn advance(&mut self) {
        self.first.get_or_insert((timestamp(), true));
    }

    fn fee(&self) -> u128 {
        let mut fee = 1_000_000_000_000_000u128;
        if self.first.is_some_and(|(_, lowered)| lowered) {
            fee = fee * 7 / 8;
        }
        for epoch in 0..self.epoch() {
            let demand: u64 = self
                .reports
                .get(&epoch)
                .map_or(0, |reports| reports.values().sum());
            fee = match demand > 3 * CAPACITY {
                true => fee * 9 / 8,
                false => fee * 7 / 8,
            };
            fee = fee.max(1_000_000_000_000);
        }
        fee
    }

    fn demand(&self) -> u64 {
        self.reports
            .get(&self.epoch())
            .map_or(0, |reports| reports.values().sum())
    }
}

fn is_early(error: &Error) -> bool {
    matches!(error, Error::EpochNotElapsed(_))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calling_late_is_calling_in_time(steps in prop::collection::vec(step(), 1..32)) {
        let (pricing, registry) = (Contract::<PricingCurve>::new(), Contract::<Registry>::new());
        pricing
            .sender(OWNER)
            .constructor(registry.address(), OWNER)
            .motsu_unwrap();
        for sink in SINKS {
            registry.sender(OWNER).enter(CODE, sink, U256::from(CAPACITY));
        }
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Report(sink, load) => {
                    let it = pricing.sender(SINKS[sink]).report_queue_load(CODE, U256::from(load));
                    it.motsu_unwrap();
                    model.report(sink, load);
                    prop_assert_eq!(pricing.sender(OWNER).get_base_fee(CODE), U256::from(model.fee()));
                    prop_assert_eq!(pricing.sender(OWNER).get_epoch(CODE).1, U256::from(model.demand()));
                }
                Step::Wait(seconds) => advance_time(seconds),
                Step::Advance => {
                    let it = pricing.sender(OWNER).advance_epoch(CODE).motsu_res();
                    prop_assert!(it.as_ref().err().is_none_or(is_early));
                    model.advance();
                    prop_assert_eq!(pricing.sender(OWNER).get_base_fee(CODE), U256::from(model.fee()));
                }
            }
        }
    }
}
