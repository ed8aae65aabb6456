//! Whatever happens in whatever order: trees are trees, units are weights, and no wei is lost, owed twice, or paid to a
//! tree that it was not meant for.

use std::collections::BTreeMap;

use crate::contract::*;
use crate::world::*;
use alloy_primitives::U256;
use proptest::prelude::*;

/// Task types of each of two forests, between which there are no links.
const HALF: u8 = 5;

#[derive(Clone, Debug)]
enum Step {
    Link(u8, u8),
    Unlink(u8),
    SetCapacity(u8, u64),
    Dilute(u8, u64),
    Pay(u8, u64),
    Refuse(u8, bool),
    Rebalance(u8, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..2 * HALF;
    prop_oneof![
        3 => (node(), 0..HALF).prop_map(|(parent, child)| Step::Link(parent, parent / HALF * HALF + child)),
        1 => node().prop_map(Step::Unlink),
        2 => (node(), 0u64..50).prop_map(|(node, capacity)| Step::SetCapacity(node, capacity)),
        1 => (node(), 0u64..2_000).prop_map(|(node, units)| Step::Dilute(node, units)),
        4 => (node(), 0u64..10_000).prop_map(|(node, amount)| Step::Pay(node, amount)),
        1 => (node(), any::<bool>()).prop_map(|(node, refuses)| Step::Refuse(node, refuses)),
        3 => (node(), 0u64..4).prop_map(|(node, depth)| Step::Rebalance(node, depth)),
    ]
}

/// Who is below whom, kept beside the contract.
type Parents = BTreeMap<u8, u8>;

fn is_above(parents: &Parents, above: u8, mut below: u8) -> bool {
    loop {
        if above == below {
            return true;
        }
        match parents.get(&below) {
            Some(parent) => below = *parent,
            None => return false,
        }
    }
}

fn is_consistent(world: &World, parents: &Parents) -> Result<(), TestCaseError> {
    let mut due = U256::ZERO;
    for node in 0..2 * HALF {
        let children: Vec<u8> = (0..2 * HALF)
            .filter(|child| parents.get(child) == Some(&node))
            .collect();
        let mut listed = world.children(node);
        listed.sort();
        let expected: Vec<_> = children.iter().copied().map(id).collect();
        prop_assert_eq!(listed, expected);
        let weights: U256 = children.iter().map(|child| world.weight(*child)).sum();
        prop_assert_eq!(world.units(node), weights);
        let parent = parents.get(&node).copied();
        let (linked, above, ..) = world.child(node);
        prop_assert_eq!(linked.then_some(above), parent.map(id));
        due += world.due(node);
    }
    prop_assert!(due <= world.held());
    Ok(())
}

/// What of a pool went to others than the contract.
fn kept(world: &World, node: u8) -> U256 {
    let pool = world.pool(node).sender(OWNER);
    pool.get_total_amount_received_by_member(SINK) + pool.get_total_amount_received_by_member(ALICE)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_and_money(
        steps in prop::collection::vec(step(), 1..64),
        connects: bool,
    ) {
        let world = World::new(&[10; 2 * HALF as usize], connects);
        let mut parents = Parents::new();
        let mut paid = [U256::ZERO; 2];
        for step in steps {
            match step {
                Step::Link(parent, child) => {
                    let expected = match () {
                        _ if parent == child => Err(SelfReference {}.into()),
                        _ if parents.contains_key(&child) => Err(ChildAlreadyRegistered {}.into()),
                        _ if is_above(&parents, child, parent) => Err(CyclicReference {}.into()),
                        _ => Ok(()),
                    };
                    if expected.is_ok() {
                        parents.insert(child, parent);
                    }
                    prop_assert_eq!(world.try_link(OWNER, parent, child), expected);
                }
                Step::Unlink(child) => {
                    if let Some(parent) = parents.remove(&child) {
                        world.unlink(parent, child);
                    }
                }
                Step::SetCapacity(node, capacity) => world.set_capacity(node, capacity),
                Step::Dilute(node, units) => world.pool(node).sender(OWNER).set_units(ALICE, n(units)),
                Step::Pay(node, amount) => paid[usize::from(node / HALF)] += world.pay(node, amount),
                Step::Refuse(node, refuses) => {
                    world.host.sender(OWNER).refuse(world.pool(node).address(), refuses);
                }
                Step::Rebalance(node, depth) => world.rebalance(node, depth),
            }
            is_consistent(&world, &parents)?;
        }
        // All that can be passed on is.
        for node in 0..2 * HALF {
            world.host.sender(OWNER).refuse(world.pool(node).address(), false);
        }
        for _ in 0..2 {
            for node in 0..2 * HALF {
                world.rebalance(node, 8);
            }
        }
        for (half, paid) in paid.into_iter().enumerate() {
            let nodes = || (half as u8 * HALF)..(half as u8 + 1) * HALF;
            let kept: U256 = nodes().map(|node| kept(&world, node)).sum();
            let mut due = U256::ZERO;
            for node in nodes() {
                let units = U256::from(world.pool(node).sender(OWNER).get_total_units());
                let is_too_little = world.due(node) < units || units.is_zero();
                prop_assert!(is_too_little);
                due += world.due(node);
            }
            // What remains was too little to divide among the children: less than a wei for each.
            let rest = paid.checked_sub(kept + due);
            prop_assert!(rest.is_some(), "more went out than came in");
            prop_assert!(rest < Some(n(u64::from(HALF * HALF))));
        }
    }
}
