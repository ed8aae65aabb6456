//! Payments over several nodes, against exact arithmetic.

use alloy_primitives::U256;
use bpe_common::math::route::{allocate, score, Hop, MAX_SATS};
use proptest::prelude::*;

fn hop((capacity, pending): (u64, u32)) -> Hop {
    let score = score(capacity, pending);
    Hop {
        capacity,
        score,
        allocation: None,
    }
}

fn allocations(amount: u64, nodes: &[(u64, u32)]) -> Vec<u64> {
    let mut hops: Vec<Hop> = nodes.iter().copied().map(hop).collect();
    allocate(U256::from(amount), &mut hops);
    hops.iter()
        .map(|hop| hop.allocation.expect("all are served"))
        .collect()
}

fn node() -> impl Strategy<Value = (u64, u32)> {
    let capacity = prop_oneof![
        1..20_u64,
        (1..=MAX_SATS, 0..50_u32).prop_map(|(sats, shift)| (sats >> shift).max(1)),
    ];
    let pending = prop_oneof![0..4_u32, 0..500_u32, any::<u32>()];
    (capacity, pending)
}

#[test]
fn scores_by_the_formula() {
    assert_eq!(score(1_000, 0), 10_000_000);
    assert_eq!(score(1_000, 4), 2_000_000);
    assert_eq!(score(7, 2), 23_333);
    assert_eq!(score(0, 0), 0);
    assert_eq!(score(u64::MAX, 0), u128::from(u64::MAX) * 10_000);
    assert_eq!(score(429_496, u32::MAX), 0);
    assert_eq!(score(429_497, u32::MAX), 1);
}

#[test]
fn divides_by_score_and_fills_none_over_its_capacity() {
    assert_eq!(allocations(600, &[(1_000, 0), (1_000, 1)]), [400, 200]);
    // The second, which nothing congests, gets 2/3 of 500 and cannot carry it.
    assert_eq!(allocations(500, &[(500, 3), (250, 0)]), [250, 250]);
    assert_eq!(allocations(1_500, &[(1_000, 0), (1_000, 1)]), [1_000, 500]);
    assert_eq!(
        allocations(2_500, &[(1_000, 0), (1_000, 1)]),
        [1_000, 1_000]
    );
    // What does not divide goes to the least congested.
    assert_eq!(allocations(1, &[(1_000, 9), (1_000, 8)]), [0, 1]);
    assert_eq!(allocations(10, &[(100, 0), (100, 0), (100, 0)]), [4, 3, 3]);
    assert_eq!(allocations(0, &[(100, 0)]), [0]);
    assert_eq!(allocations(u64::MAX, &[(MAX_SATS, 0)]), [MAX_SATS]);
    assert_eq!(allocations(5, &[]), [0; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_sum_to_what_can_be_carried(
        nodes in prop::collection::vec(node(), 1..=10),
        part in 0..=1_000_u64,
        slack in 0..3_u64,
    ) {
        let nodes: Vec<(u64, u32)> = nodes.into_iter().filter(|it| hop(*it).score > 0).collect();
        let capacity: u64 = nodes.iter().map(|it| it.0).sum();
        // Anything up to a bit more than they can carry, often just that.
        let amount = (u128::from(capacity) * u128::from(part) / 900) as u64 + slack;
        let parts = allocations(amount, &nodes);
        prop_assert_eq!(parts.iter().sum::<u64>(), amount.min(capacity));
        for (part, node) in parts.iter().zip(&nodes) {
            prop_assert!(*part <= node.0);
        }
        // In proportion: who has room left has no less over score than any other, but for rounding.
        for (a, (capacity, pending)) in parts.iter().zip(&nodes) {
            if a == capacity {
                continue;
            }
            let own = score(*capacity, *pending);
            for (b, other) in parts.iter().zip(&nodes) {
                let other = score(other.0, other.1);
                let most = U256::from(*a + 10) * U256::from(other) + U256::from(10) * U256::from(own);
                prop_assert!(U256::from(*b) * U256::from(own) <= most, "{} of {}, {} of {}", a, own, b, other);
            }
        }
    }
}
