//! Whatever operators and the aggregator do, the contract is what a model of it says.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_blocks, block_number},
    math::ewma,
};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{
    contract::{RelayCapacityRegistry, RelayInfo},
    world::{known as known_update, *},
};

const OWNER: Address = Address::repeat_byte(0x01);

#[derive(Clone, Copy, Debug)]
enum Act {
    Register([u64; 3]),
    Deregister,
    Update([u64; 3]),
    /// Sets the operator's stake and its cap, in units.
    Stake(bool, u64),
    Weigh(u64, u64),
    Mine,
}

fn dimensions() -> impl Strategy<Value = [u64; 3]> {
    prop_oneof![
        4 => prop::array::uniform3(0u64..2_000),
        1 => prop::array::uniform3(any::<u64>()),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let cap = prop_oneof![0u64..2_000, Just(u64::MAX)];
    prop_oneof![
        4 => dimensions().prop_map(Act::Register),
        2 => Just(Act::Deregister),
        6 => dimensions().prop_map(Act::Update),
        2 => (any::<bool>(), cap).prop_map(|(stake, cap)| Act::Stake(stake, cap)),
        1 => (0u64..=10_000, 0u64..=10_000).prop_map(|(a, b)| Act::Weigh(a, b)),
        3 => Just(Act::Mine),
    ]
}

/// An operator as the model has it.
#[derive(Clone, Copy, Default)]
struct Known {
    key: Option<B256>,
    dimensions: [u64; 3],
    smoothed: u128,
    block: u64,
    sequence: u64,
    has_stake: bool,
    cap: u128,
}

impl Known {
    fn update(&mut self, dimensions: [u64; 3], weights: [u64; 3]) {
        self.dimensions = dimensions.map(|dimension| dimension.min((1 << 40) - 1));
        let raw = composite(self.dimensions, weights).min(self.cap);
        self.smoothed = match self.block {
            0 => raw,
            block if block == block_number() => self.smoothed,
            _ => ewma(raw, self.smoothed),
        }
        .min(self.cap);
        self.block = block_number();
        self.sequence += 1;
    }
}

fn composite(dimensions: [u64; 3], weights: [u64; 3]) -> u128 {
    let weighted = dimensions.iter().zip(weights);
    weighted
        .map(|(dimension, weight)| u128::from(*dimension) * u128::from(weight) * 100_000)
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_what_the_model_says(
        acts in prop::collection::vec((1u8..4, 1u8..4, act()), 1..40)
    ) {
        let (relays, core, stakes) = (Contract::<RelayCapacityRegistry>::new(), Contract::new(), Contract::new());
        let world = World::new(&relays, &core, &stakes, OWNER);
        relays.sender(OWNER).set_aggregator(ANYONE).motsu_unwrap();
        let mut weights = [5_000, 2_500, 2_500];
        let mut model = BTreeMap::<u8, Known>::new();
        for (who, which, act) in acts {
            let (operator, pubkey) = (Address::repeat_byte(who), B256::repeat_byte(which));
            let holder = model.iter().find(|(_, known)| known.key == Some(pubkey)).map(|(who, _)| *who);
            let own = model.entry(who).or_default();
            match act {
                Act::Register(dimensions) => {
                    let accepted = world.register(operator, pubkey, capacity(dimensions)).is_ok();
                    prop_assert_eq!(accepted, holder.is_none() && own.key.is_none() && own.has_stake);
                    if accepted {
                        own.key = Some(pubkey);
                        own.update(dimensions, weights);
                    }
                }
                Act::Deregister => {
                    let accepted = world.deregister(operator, pubkey).is_ok();
                    let may = holder.is_some_and(|holder| holder == who || !model[&holder].has_stake);
                    prop_assert_eq!(accepted, may);
                    if let (true, Some(holder)) = (accepted, holder) {
                        model.entry(holder).or_default().key = None;
                    }
                }
                Act::Update(dimensions) => {
                    let it = relays.sender(ANYONE).update_relay_capacity(pubkey, capacity(dimensions));
                    prop_assert_eq!(it.motsu_res().is_ok(), holder.is_some());
                    if let Some(holder) = holder {
                        model.entry(holder).or_default().update(dimensions, weights);
                    }
                }
                Act::Stake(has_stake, cap) => {
                    own.has_stake = has_stake;
                    own.cap = u128::from(cap) * 1_000_000_000;
                    let stake = if has_stake { MIN_STAKE } else { U256::ZERO };
                    stakes.sender(OWNER).set(operator, stake, U256::from(own.cap));
                }
                Act::Weigh(a, b) if a + b <= 10_000 => {
                    weights = [a, b, 10_000 - a - b];
                    let [a, b, c] = weights.map(U256::from);
                    relays.sender(OWNER).set_capacity_weights(a, b, c).motsu_unwrap();
                }
                Act::Weigh(..) => {}
                Act::Mine => advance_blocks(1),
            }
            let mut listed: Vec<_> = model.iter().filter_map(|(who, known)| Some((known.key?, *who, *known))).collect();
            listed.sort_by_key(|(key, ..)| *key);
            let mut found: Vec<_> = {
                let (keys, capacities) = relays.sender(OWNER).get_all_relays().0;
                keys.into_iter().zip(capacities).collect()
            };
            found.sort();
            let expected: Vec<_> = listed.iter().map(|(key, _, known)| (*key, U256::from(known.smoothed))).collect();
            prop_assert_eq!(found, expected);
            for (key, who, known) in listed {
                let it = relays.sender(OWNER);
                let operator = Address::repeat_byte(who);
                prop_assert_eq!(it.get_relay(key).info(), RelayInfo {
                    nostrPubkey: key,
                    operator,
                    relayUrl: URL.into(),
                    capacity: capacity(known.dimensions),
                    compositeCapacity: U256::from(known.smoothed),
                    registered: true,
                });
                prop_assert_eq!(it.get_relay_of(operator), key);
                drop(it);
                prop_assert_eq!(known_update(&relays, key), (
                    operator,
                    U256::from(known.smoothed),
                    U256::from(composite(known.dimensions, weights)),
                    U256::from(known.sequence),
                ));
            }
        }
    }
}
