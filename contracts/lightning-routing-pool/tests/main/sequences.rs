//! Whatever happens in whatever order: who is in the pool is as a model has it, and who left it is paid no longer.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{node, operator, World, ANYONE, LIGHTNING, MILLION};

#[derive(Clone, Debug)]
enum Act {
    /// Operator, node.
    Join(u8, u8),
    /// Operator or, if zero, anyone; node.
    Leave(u8, u8),
    /// Node, operator or, if zero, nobody.
    Know(u8, u8),
    LeaveCore(u8),
    EnterCore(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..4_u8, 1..4_u8).prop_map(|(who, node)| Act::Join(who, node)),
        3 => (0..4_u8, 1..4_u8).prop_map(|(who, node)| Act::Leave(who, node)),
        4 => (1..4_u8, 0..4_u8).prop_map(|(node, who)| Act::Know(node, who)),
        1 => (1..4_u8).prop_map(Act::LeaveCore),
        1 => (1..4_u8).prop_map(Act::EnterCore),
    ]
}

fn account(who: u8) -> Address {
    match who {
        0 => ANYONE,
        _ => operator(who),
    }
}

fn play(acts: &[Act]) -> Result<(), TestCaseError> {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    // By node: with whom it joined, who operates it. Operators that are sinks.
    let (mut members, mut known): (BTreeMap<u8, u8>, BTreeMap<u8, u8>) = Default::default();
    let mut sinks: BTreeMap<u8, bool> = (1..4).map(|who| (who, false)).collect();
    for seed in 1..4 {
        world.equip(seed, MILLION, 0);
        known.insert(seed, seed);
    }
    for act in acts {
        match *act {
            Act::Join(who, id) => {
                let may = known[&id] == who
                    && !members.contains_key(&id)
                    && members.values().all(|member| *member != who);
                prop_assert_eq!(world.join_by(account(who), id).is_ok(), may);
                if may {
                    members.insert(id, who);
                    sinks.insert(who, true);
                }
            }
            Act::Leave(who, id) => {
                let may = members.get(&id).is_some_and(|member| {
                    *member == who || known[&id] != *member || !sinks[member]
                });
                prop_assert_eq!(world.leave_by(account(who), id).is_ok(), may);
                if may {
                    let member = members.remove(&id).expect("it is there");
                    sinks.insert(member, false);
                }
            }
            Act::Know(id, who) => {
                let operator = match who {
                    0 => Address::ZERO,
                    _ => operator(who),
                };
                world.know(id, operator, MILLION, 0);
                known.insert(id, who);
            }
            Act::LeaveCore(who) => {
                let mut it = world.registry.sender(operator(who));
                let is_done = it.deregister_sink(LIGHTNING).motsu_res().is_ok();
                drop(it);
                prop_assert_eq!(is_done, sinks[&who]);
                sinks.insert(who, false);
            }
            Act::EnterCore(who) => {
                let mut it = world.registry.sender(operator(who));
                let capacity = alloy_primitives::U256::from(1);
                let is_done = it.register_sink(LIGHTNING, capacity).motsu_res().is_ok();
                drop(it);
                prop_assert_eq!(is_done, !sinks[&who]);
                sinks.insert(who, true);
            }
        }
        let mut listed = world.members();
        listed.sort_unstable();
        let expected: Vec<_> = members.keys().map(|id| node(*id)).collect();
        prop_assert_eq!(listed, expected);
        let view = world.pool.sender(ANYONE);
        for id in 1..4 {
            let member = members.get(&id).map_or(Address::ZERO, |who| operator(*who));
            prop_assert_eq!(view.get_member(node(id)), member);
        }
        drop(view);
        for (who, is_sink) in &sinks {
            prop_assert_eq!(world.is_sink(*who), *is_sink);
        }
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
