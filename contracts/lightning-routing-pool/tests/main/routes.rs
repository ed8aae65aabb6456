//! Which nodes carry how much of a payment.

use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{node, number, operator, units, World, ANYONE, LIGHTNING, MILLION, OWNER};

impl World {
    fn route(&self, sats: u64, most: u64) -> (Vec<B256>, Vec<u64>, Vec<U256>) {
        let it = self
            .pool
            .sender(ANYONE)
            .get_route_in_sats(number(sats), number(most))
            .motsu_unwrap();
        let (nodes, allocations, fees) = it.0;
        let allocations = allocations.into_iter().map(|it| it.to()).collect();
        (nodes, allocations, fees)
    }

    /// Without fees.
    fn parts(&self, sats: u64, most: u64) -> Vec<(B256, u64)> {
        let (nodes, allocations, _) = self.route(sats, most);
        nodes.into_iter().zip(allocations).collect()
    }
}

#[motsu::test]
fn the_best_nodes_share_by_score() {
    let world = World::new();
    // Scores: 4, 2 and 3 million · BPS.
    world.member(1, 8 * MILLION, 1);
    world.member(2, 2 * MILLION, 0);
    world.member(3, 9 * MILLION, 2);
    let million = |parts: [(u8, u64); 3]| parts.map(|(seed, sats)| (node(seed), sats * MILLION));
    let shared = million([(1, 4), (3, 3), (2, 2)]);
    assert_eq!(world.parts(9 * MILLION, 3), shared);
    // The second can carry 2 only: the others share what is left, as 4 : 3.
    let shared = million([(1, 8), (3, 6), (2, 2)]);
    assert_eq!(world.parts(16 * MILLION, 3), shared);
    assert_eq!(world.parts(16 * MILLION, u64::MAX), shared);
    // The first is full as well.
    let shared = million([(1, 8), (3, 8), (2, 2)]);
    assert_eq!(world.parts(18 * MILLION, 3), shared);
    // More than they can carry: the sum says so.
    let shared = million([(1, 8), (3, 9), (2, 2)]);
    assert_eq!(world.parts(100 * MILLION, 3), shared);
    assert_eq!(world.parts(u64::MAX, 3), shared);

    assert_eq!(
        world.parts(7 * MILLION, 2),
        million([(1, 4), (3, 3), (2, 0)])[..2]
    );
    assert_eq!(world.parts(7 * MILLION, 1), [(node(1), 7 * MILLION)]);
    // Who carries nothing is not on the route: one sat goes through the least congested.
    assert_eq!(world.parts(1, 3), [(node(2), 1)]);
    assert_eq!(world.parts(1, 2), [(node(1), 1)]);
    assert_eq!(world.parts(0, 3), []);
    assert_eq!(world.parts(7, 0), []);
}

/// The reference's unit: scores over their sum, in basis points.
#[motsu::test]
fn an_optimal_route_is_in_basis_points() {
    let world = World::new();
    world.member(1, 8 * MILLION, 1);
    world.member(2, 2 * MILLION, 0);
    world.member(3, 9 * MILLION, 2);
    let parts = |sats: u64| {
        let it = world.pool.sender(ANYONE);
        let it = it.get_optimal_route(number(sats), number(3)).motsu_unwrap();
        let (nodes, parts, _) = it.0;
        let parts = parts.into_iter().map(|it| it.to());
        nodes.into_iter().zip(parts).collect::<Vec<(B256, u64)>>()
    };
    let of = |parts: [(u8, u64); 3]| parts.map(|(seed, part)| (node(seed), part));
    // Scores 4, 3 and 2 of 9, whatever the amount, down to one sat and to none.
    let by_score = of([(1, 4_444), (3, 3_333), (2, 2_222)]);
    for sats in [0, 1, 7, 1_000, 8 * MILLION] {
        assert_eq!(parts(sats), by_score, "{sats}");
    }
    // The second can carry 2 of 16 million only: the others share the rest as 4 : 3.
    assert_eq!(
        parts(16 * MILLION),
        of([(1, 5_000), (3, 3_750), (2, 1_250)])
    );
    // All are full: the sum falls short of 10 000.
    assert_eq!(parts(38 * MILLION), of([(1, 2_105), (3, 2_368), (2, 526)]));
}

#[motsu::test]
fn a_route_has_ten_nodes_at_most() {
    let world = World::new();
    for seed in 1..=12_u8 {
        world.member(seed, u64::from(seed) * 1_000, 0);
    }
    let parts = world.parts(75_000, 64);
    let expected: Vec<(B256, u64)> = (3..=12)
        .rev()
        .map(|seed| (node(seed), u64::from(seed) * 1_000))
        .collect();
    assert_eq!(parts, expected);
}

#[motsu::test]
fn whom_nobody_knows_and_who_has_nothing_is_on_no_route() {
    let world = World::new();
    world.member(1, 1_000, 0);
    world.member(2, 2_000, 0);
    world.member(3, 0, 0);
    assert_eq!(world.parts(500, 1), [(node(2), 500)]);
    world.know(2, operator(9), 2_000, 0);
    assert_eq!(world.parts(500, 10), [(node(1), 500)]);
    world.know(2, Address::ZERO, 0, 0);
    assert_eq!(world.parts(500, 10), [(node(1), 500)]);
    world.leave_by(operator(1), 1).unwrap();
    assert_eq!(world.parts(500, 10), []);
}

#[motsu::test]
fn each_node_has_its_fee() {
    let world = World::new();
    world.member(1, 100 * MILLION, 0);
    world.member(2, 50 * MILLION, 0);
    world
        .pricing
        .sender(operator(2))
        .report_queue_load(LIGHTNING, units(25))
        .motsu_unwrap();
    let base = number(1_000_000_000_000_000);
    let (nodes, allocations, fees) = world.route(3_000, 5);
    assert_eq!(nodes, [1, 2].map(node));
    assert_eq!(allocations, [2_000, 1_000]);
    assert_eq!(fees, [base, base * number(2)]);
    world
        .pool
        .sender(OWNER)
        .set_pricing_curve(Address::ZERO)
        .motsu_unwrap();
    assert_eq!(world.route(3_000, 5).2, [U256::ZERO; 2]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    /// The best by a plain sort, and all of the amount that they can carry.
    #[test]
    fn the_best_carry_all_they_can(
        nodes in prop::collection::vec((0..5_000_u64, 0..5_u32), 1..16),
        amount in 0..30_000_u64,
        most in 0..12_usize,
    ) {
        let _precompiles = deploy_precompiles();
        let world = World::new();
        let mut ranked = Vec::new();
        for (seed, (sats, pending)) in (1..).zip(&nodes) {
            world.member(seed, *sats, *pending);
            ranked.push((sats * 10_000 / (1 + u64::from(*pending)), node(seed), *sats));
        }
        ranked.retain(|it| it.0 > 0);
        ranked.sort_by_key(|it| std::cmp::Reverse(it.0));
        ranked.truncate(most.min(10));
        let capacity: u64 = ranked.iter().map(|it| it.2).sum();
        let parts = world.parts(amount, most as u64);
        let sum: u64 = parts.iter().map(|it| it.1).sum();
        prop_assert_eq!(sum, amount.min(capacity));
        let mut rest = ranked.iter();
        for (id, sats) in parts {
            let found = rest.find(|it| it.1 == id);
            prop_assert!(found.is_some_and(|it| sats <= it.2 && sats > 0), "in their order");
        }
    }
}
