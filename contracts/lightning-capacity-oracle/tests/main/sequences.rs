//! Whatever happens in whatever order: nodes, operators and smoothed capacities are as a model has them.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use bpe_common::clock::testing::{advance_blocks, block_number};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{node, number, operator, World, RELAYER, SATS_PER_UNIT};

#[derive(Clone, Debug)]
enum Act {
    Register(u8, u8, u64),
    Deregister(u8, u8),
    Attest(u8, u64, u64),
    LeaveCore(u8),
    Mine,
}

fn act() -> impl Strategy<Value = Act> {
    // At most 5 units, for which the minimum is locked: the stake of 10 000 is enough while former ones are unbonding.
    let sats = || prop_oneof![Just(0), 1..5_000_000_u64];
    prop_oneof![
        (1..4_u8, 1..4_u8, sats()).prop_map(|(who, node, sats)| Act::Register(who, node, sats)),
        (1..4_u8, 1..4_u8).prop_map(|(who, node)| Act::Deregister(who, node)),
        (1..4_u8, sats(), 0..4_u64)
            .prop_map(|(who, sats, pending)| Act::Attest(who, sats, pending)),
        (1..4_u8).prop_map(Act::LeaveCore),
        Just(Act::Mine),
    ]
}

#[derive(Clone, Copy, Default)]
struct Operator {
    node: Option<u8>,
    smoothed: u64,
    block: Option<u64>,
    nonce: u64,
    /// Capacity at the core, as attested, if it is a sink there: so long its node is its own.
    sink: Option<u64>,
}

impl Operator {
    fn record(&mut self, sats: u64) {
        let block = block_number();
        match self.block {
            None if sats == 0 => return,
            None => self.smoothed = 3 * sats / 10,
            Some(last) if last == block => return,
            Some(_) => self.smoothed = (3 * sats + 7 * self.smoothed) / 10,
        }
        self.block = Some(block);
    }
}

fn play(acts: &[Act]) -> Result<(), TestCaseError> {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let mut model: BTreeMap<u8, Operator> =
        (1..4).map(|seed| (seed, Operator::default())).collect();
    for seed in 1..4 {
        world.stake(operator(seed), 10_000);
    }
    for act in acts {
        let taken = |id: u8| {
            model
                .iter()
                .find(|(_, it)| it.node == Some(id))
                .map(|it| *it.0)
        };
        match *act {
            Act::Register(who, id, sats) => {
                let is_free = taken(id).is_none();
                let it = model.get_mut(&who).expect("three of them");
                let is_done = world.register(operator(who), node(id), sats).is_ok();
                prop_assert_eq!(is_done, is_free && it.node.is_none());
                if is_done {
                    it.node = Some(id);
                    it.sink = Some(sats * 1_000);
                    it.record(sats);
                }
            }
            Act::Deregister(who, id) => {
                let holder = taken(id);
                let may = holder.is_some_and(|it| it == who || model[&it].sink.is_none());
                let is_done = world.deregister(operator(who), node(id)).is_ok();
                prop_assert_eq!(is_done, may);
                if let (true, Some(holder)) = (is_done, holder) {
                    let it = model.get_mut(&holder).expect("three of them");
                    (it.node, it.sink) = (None, None);
                }
            }
            Act::Attest(who, sats, pending) => {
                let it = model.get_mut(&who).expect("three of them");
                let mut signed = world.attestation(who, sats, pending, it.nonce + 1);
                let own = it.node.unwrap_or(who);
                if own != who {
                    signed = resigned(&world, who, own, signed);
                }
                let refused = world.batch(&[&signed]);
                prop_assert_eq!(refused.is_empty(), it.sink.is_some());
                if it.sink.is_some() {
                    it.nonce += 1;
                    it.record(sats);
                    let capacity = sats * 1_000_000_000 / (SATS_PER_UNIT * (1 + pending));
                    it.sink = Some(capacity);
                }
            }
            Act::LeaveCore(who) => {
                let it = model.get_mut(&who).expect("three of them");
                if it.sink.take().is_some() {
                    world.leave_core(operator(who));
                }
            }
            Act::Mine => advance_blocks(1),
        }
        check(&world, &model)?;
    }
    Ok(())
}

fn resigned(
    world: &World,
    who: u8,
    own: u8,
    it: crate::SignedLightningAttestation,
) -> crate::SignedLightningAttestation {
    let message = crate::LightningAttestation {
        nodePubkey: node(own),
        operator: it.operator,
        outboundCapacitySats: it.outboundCapacitySats,
        channelCount: it.channelCount,
        pendingHTLCs: it.pendingHTLCs,
        timestamp: it.timestamp,
        nonce: it.nonce,
    };
    world.signed(who, message)
}

fn check(world: &World, model: &BTreeMap<u8, Operator>) -> Result<(), TestCaseError> {
    let view = world.oracle.sender(RELAYER);
    let all = view.get_all_nodes().0;
    let mut listed: Vec<(B256, U256)> = all.0.into_iter().zip(all.1).collect();
    listed.sort_unstable();
    let mut expected: Vec<(B256, U256)> = model
        .values()
        .filter_map(|it| Some((node(it.node?), number(it.smoothed))))
        .collect();
    expected.sort_unstable();
    prop_assert_eq!(listed, expected);
    for (seed, it) in model {
        let own = it.node.map_or(B256::ZERO, node);
        prop_assert_eq!(view.get_node_of(operator(*seed)), own);
        prop_assert_eq!(view.last_nonce(operator(*seed)), number(it.nonce));
        if it.node.is_some() {
            prop_assert_eq!(view.get_operator(own), operator(*seed));
        }
    }
    prop_assert_eq!(view.get_operator(node(9)), Address::ZERO);
    drop(view);
    for (seed, it) in model {
        prop_assert_eq!(world.is_sink(operator(*seed)), it.sink.is_some());
        let raw = world.raw_capacity(operator(*seed));
        prop_assert_eq!(raw, number(it.sink.unwrap_or(0)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn follow_the_model(acts in prop::collection::vec(act(), 1..32)) {
        play(&acts)?;
    }
}
