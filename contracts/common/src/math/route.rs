//! A payment over several Lightning nodes.

use super::{mul_div_ceil, mul_div_floor, to_u128_saturating, BPS};
use alloc::vec::Vec;
use alloy_primitives::U256;

/// All bitcoin that there can be, in sats. Capacities are at most that.
pub const MAX_SATS: u64 = 2_100_000_000_000_000;

/// A node of a route: its capacity in sats, at most [`MAX_SATS`]; its score, positive and at most `capacity · BPS`; and
/// what it carries of the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What it can carry, in sats.
    pub capacity: u64,
    /// Its weight: see [`score`].
    pub score: u128,
    /// What it carries, in sats. None until [`allocate`] has said so.
    pub allocation: Option<u64>,
}

/// `floor(capacity · 10 000 / (1 + pending))`: much liquidity and few payments under way score high.
///
/// Exact, total. Source: SPEC.md §4, LightningRoutingPool.
pub fn score(capacity: u64, pending: u32) -> u128 {
    let weighted = u128::from(capacity).wrapping_mul(u128::from(BPS));
    weighted
        .checked_div(u128::from(pending).wrapping_add(1))
        .unwrap_or(0)
}

/// Divides `amount` sats over the hops in proportion to their scores, none above its capacity: what one cannot carry goes to
/// the others, again in proportion.
///
/// The parts sum to `amount`, or to all capacities if that is less. Shares are rounded up in favour of the least congested.
///
/// Method: the fuller a hop gets when shared by score, the higher its score over its capacity. Served in that order, each
/// gets its share of what is left, or its capacity: if one has room left, so have all after it. An invariant proves the
/// sum: what is left never exceeds the capacities left. If a hop is filled, both fall by as much. If not, then
/// `rest / scores < capacity / score`, for all after it as well; so what the others would get exactly is below their
/// capacities, and what rounding up leaves them is no more.
pub fn allocate(amount: U256, hops: &mut [Hop]) {
    let (mut capacities, mut scores) = (0_u128, 0_u128);
    for hop in hops.iter_mut() {
        hop.allocation = None;
        capacities = capacities.saturating_add(u128::from(hop.capacity));
        scores = scores.saturating_add(hop.score);
    }
    let mut rest = to_u128_saturating(amount).min(capacities);
    while let Some(hop) = least_congested(hops) {
        let share = mul_div_ceil(U256::from(rest), U256::from(hop.score), U256::from(scores));
        let share: u64 = share.map_or(0, |share| share.saturating_to());
        let part = share.min(hop.capacity);
        hop.allocation = Some(part);
        rest = rest.saturating_sub(u128::from(part));
        scores = scores.saturating_sub(hop.score);
    }
}

/// What each hop carries of `amount`, in basis points, rounded down: by score, if none is full, and by what [`allocate`] gave
/// it otherwise.
pub fn basis_points(amount: U256, hops: &[Hop]) -> Vec<u64> {
    let by_score = !hops.iter().any(Hop::is_full);
    let scores = hops
        .iter()
        .fold(0_u128, |sum, hop| sum.saturating_add(hop.score));
    let mut parts = Vec::with_capacity(hops.len());
    for hop in hops {
        let (part, whole) = match by_score {
            true => (U256::from(hop.score), U256::from(scores)),
            false => (U256::from(hop.carried()), amount),
        };
        let part = mul_div_floor(part, U256::from(BPS), whole);
        parts.push(part.map_or(0, |it| it.saturating_to()));
    }
    parts
}

impl Hop {
    /// What it carries; nothing before [`allocate`] has said so.
    pub fn carried(&self) -> u64 {
        self.allocation.unwrap_or(0)
    }

    fn is_full(&self) -> bool {
        self.carried() >= self.capacity
    }
}

/// Of the hops without allocation the first one whose score over capacity is the highest.
fn least_congested(hops: &mut [Hop]) -> Option<&mut Hop> {
    let mut best: Option<&mut Hop> = None;
    for hop in hops.iter_mut().filter(|hop| hop.allocation.is_none()) {
        let is_better = best.as_ref().is_none_or(|best| {
            // Of at most 65 and 51 bits.
            let (own, other) = (
                hop.score.saturating_mul(u128::from(best.capacity)),
                best.score.saturating_mul(u128::from(hop.capacity)),
            );
            own > other
        });
        if is_better {
            best = Some(hop);
        }
    }
    best
}
