//! Units and fees.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use motsu::prelude::*;

use crate::{
    contract::*, neighbours::Balanced, node, number, operator, units, World, ANYONE, LIGHTNING,
    MILLION, OWNER,
};

impl World {
    /// Rebalances some, and returns whose units were set.
    fn rebalance(&self, from: u64, count: u64) -> Vec<Address> {
        let before = self.units.all_events().len();
        self.pool
            .sender(ANYONE)
            .rebalance_range(number(from), number(count))
            .motsu_unwrap();
        let events = self.units.all_events().split_off(before);
        let balanced = events.iter().map(|event| {
            let it = Balanced::decode_log_data(event, true).expect("nothing else");
            assert_eq!(it.taskTypeId, LIGHTNING);
            it.sink
        });
        balanced.collect()
    }

    fn rebalanced(&self, count: u64, sats: u64) -> bool {
        self.pool.emitted(&RoutingPoolRebalanced {
            nodeCount: number(count),
            totalCapacitySats: number(sats),
        })
    }

    fn fee(&self, seed: u8) -> Result<U256, Error> {
        let it = self.pool.sender(ANYONE);
        it.get_routing_fee(node(seed)).motsu_res()
    }

    fn note_fee(&self, seed: u8) -> Result<(), Error> {
        let mut it = self.pool.sender(ANYONE);
        it.update_routing_fee(node(seed)).motsu_res()
    }
}

#[motsu::test]
fn all_nodes_are_rebalanced_or_some() {
    let world = World::new();
    for seed in 1..=4_u8 {
        world.member(seed, u64::from(seed) * MILLION, 0);
    }
    let all = [1, 2, 3, 4].map(operator);
    assert_eq!(world.rebalance(0, u64::MAX), all);
    assert!(world.rebalanced(4, 10 * MILLION));
    assert_eq!(world.rebalance(1, 2), all[1..3]);
    assert!(world.rebalanced(2, 5 * MILLION));
    assert_eq!(world.rebalance(4, 2), [] as [Address; 0]);
    assert!(world.rebalanced(0, 0));
    world.pool.sender(ANYONE).rebalance().motsu_unwrap();
    // What the oracle no longer knows is no liquidity.
    world.know(4, operator(9), 4 * MILLION, 0);
    assert_eq!(world.rebalance(0, 4), all);
    assert!(world.rebalanced(4, 6 * MILLION));
}

#[motsu::test]
fn who_is_refused_stops_nobody() {
    let world = World::new();
    for seed in 1..=3_u8 {
        world.member(seed, u64::from(seed) * MILLION, 0);
    }
    world.units.sender(OWNER).refuse_sink(operator(2));
    assert_eq!(world.rebalance(0, 3), [1, 3].map(operator));
    world.pool.assert_emitted(&NodeSkipped {
        nodePubkey: node(2),
    });
    assert!(world.rebalanced(2, 4 * MILLION));
}

#[motsu::test]
fn a_fee_is_the_operators_price() {
    let world = World::new();
    world.member(1, 100 * MILLION, 0);
    assert_eq!(world.fee(2), Err(NodeNotInPool {}.into()));
    assert_eq!(world.note_fee(2), Err(NodeNotInPool {}.into()));
    let base = number(1_000_000_000_000_000);
    assert_eq!(world.fee(1), Ok(base));
    // Half busy: twice the price.
    world
        .pricing
        .sender(operator(1))
        .report_queue_load(LIGHTNING, units(50))
        .motsu_unwrap();
    assert_eq!(world.fee(1), Ok(base * number(2)));
    // Who has left the core does no work at any price.
    world
        .registry
        .sender(operator(1))
        .deregister_sink(LIGHTNING)
        .motsu_unwrap();
    assert_eq!(world.fee(1), Ok(U256::MAX));
    world
        .pool
        .sender(OWNER)
        .set_pricing_curve(Address::ZERO)
        .motsu_unwrap();
    assert_eq!(world.fee(1), Ok(U256::ZERO));
}

#[motsu::test]
fn a_fee_is_noted_when_it_is_another() {
    let world = World::new();
    world.member(1, 100 * MILLION, 0);
    let noted = || world.pool.sender(ANYONE).get_noted_fee(node(1));
    let events = || world.pool.all_events().len();
    assert_eq!(noted(), U256::ZERO);
    world.note_fee(1).unwrap();
    let base = number(1_000_000_000_000_000);
    let updated = |fee| RoutingFeeUpdated {
        nodePubkey: node(1),
        newFee: fee,
    };
    world.pool.assert_emitted(&updated(base));
    assert_eq!(noted(), base);
    let before = events();
    world.note_fee(1).unwrap();
    assert_eq!(events(), before);
    world
        .pricing
        .sender(operator(1))
        .report_queue_load(LIGHTNING, units(80))
        .motsu_unwrap();
    world.note_fee(1).unwrap();
    world.pool.assert_emitted(&updated(base * number(5)));
    assert_eq!(noted(), base * number(5));
    // Forgotten with the node.
    world.leave_by(operator(1), 1).unwrap();
    assert_eq!(noted(), U256::ZERO);
    assert_eq!(world.members(), [] as [B256; 0]);
}
