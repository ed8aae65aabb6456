//! How a pool's stream splits between its sinks and what is carved out of it.
//!
//! A pool pays every member `units / total units` of the stream. Sinks have units by capacity; the protocol fee, the
//! verification budget and the overflow are members as well, with units worked out from the sinks'.

use alloy_primitives::U256;

use super::{
    bps::BPS,
    mul_div_ceil, mul_div_floor, to_u128_saturating,
    words::{div_wide, mul_wide},
};

/// Units of all sinks together when their capacities sum to the anchor: 1e9, so that a unit is a billionth of it.
pub const UNIT_SCALE: u64 = 1_000_000_000;

/// An anchor at least: one capacity unit, so that nobody's capacity is worth more than 1e9 units times itself.
pub const MIN_ANCHOR: u128 = 1_000_000_000;

/// Units of all sinks together at most.
pub const MAX_SINK_UNITS: u128 = 4_000_000_000;

/// Units of all members of a pool together at most: a stream of less than so many wei per second pays nobody.
pub const MAX_TOTAL_UNITS: u128 = 1_000_000_000_000;

/// The part of a stream that sinks get at least: one in so many.
const MAX_DILUTION: u128 = 1_000;

/// A pool that is limited before anything has flowed is split as one with a flow of 2^19 wei per second and unit of its
/// sinks: about what a thousand tokens a month are for 1e9 units.
pub const NOMINAL_FLOW_BITS: u32 = 19;

/// 1 in the fixed point of a part of a pool.
pub const INDEX_ONE: u128 = 1_000_000_000_000_000_000;

/// The weighting of task types whose sinks have no units, and are paid what was counted.
pub const BY_WORK: u8 = 3;

/// Units of all members of a pool by work together: basis points.
pub const BY_WORK_UNITS: u128 = BPS as u128;

/// Units of a member with `capacity`, where `anchor` is worth [`UNIT_SCALE`]. Rounds down; zero if there is no anchor.
/// Exact below 2^64 for both; above, the lowest bits of both are left out: up to a thousand times the anchor less than one part
/// in 2^50.
pub fn pool_units(capacity: u128, anchor: u128) -> u128 {
    if anchor == 0 {
        return 0;
    }
    let shift = low_bits(128_u32.saturating_sub((capacity | anchor).leading_zeros()));
    // Fits: 64 bits are left of the longer.
    let [capacity, anchor] = [capacity, anchor].map(|value| (value >> shift) as u64);
    scaled(capacity, anchor.max(1))
}

/// How many of so many bits are more than 64.
fn low_bits(bits: u32) -> u32 {
    bits.saturating_sub(64)
}

fn saturated(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// `value · UNIT_SCALE / whole`, rounded down; zero if there is no whole. At most 64 bits.
fn scaled(value: u64, whole: u64) -> u128 {
    let (high, low) = mul_wide(value, UNIT_SCALE);
    if whole == 0 {
        return 0;
    }
    if high >= whole {
        return u128::from(u64::MAX);
    }
    // A divisor whose highest bit is set: no bit is lost, as the high word is less than it was.
    let shift = whole.leading_zeros();
    let product = ((u128::from(high) << 64) | u128::from(low)) << shift;
    let (quotient, _) = div_wide((product >> 64) as u64, product as u64, whole << shift);
    u128::from(quotient)
}

/// The capacity that `units` stand for. Rounds down.
pub fn units_capacity(units: u128, anchor: u128) -> u128 {
    scale(units, anchor, u128::from(UNIT_SCALE))
}

/// `value · numerator / denominator`, rounded down; zero if the denominator is.
#[inline(never)]
pub fn scale(value: u128, numerator: u128, denominator: u128) -> u128 {
    let [value, numerator, denominator] = [value, numerator, denominator].map(U256::from);
    mul_div_floor(value, numerator, denominator).map_or(0, to_u128_saturating)
}

/// Units of a sink with `share` of `sum`, mixed with `exploration_bps` of an equal split over `count` sinks:
/// `(1 − ε)·share/sum + ε/count`, rounded down, but at least 1 for a positive share. Exact for sums below 2^64; above, the
/// lowest bits of both are left out.
pub fn share_units(share: U256, sum: U256, exploration_bps: u16, count: u64) -> u128 {
    let shift = sum.bit_len().saturating_sub(64);
    let [part, whole] = [share >> shift, sum >> shift].map(|value| value.saturating_to());
    let [rate, bps] = [exploration_bps, BPS].map(u64::from);
    // At most 1e9, times 10 000.
    let exploited = saturated(scaled(part, whole)).saturating_mul(bps.saturating_sub(rate));
    let explored = UNIT_SCALE.saturating_mul(rate).checked_div(count);
    let units = exploited.saturating_add(explored.unwrap_or_default());
    let units = units.checked_div(bps).unwrap_or_default();
    u128::from(units).max(u128::from(!share.is_zero()))
}

/// Units of what is carved out of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarveOuts {
    /// The protocol fee.
    pub fee: u128,
    /// The verification budget.
    pub budget: u128,
    /// What the capacity is not worth.
    pub overflow: u128,
}

/// The parts of a stream that go to the fee and to the budget, in basis points. Together less than [`BPS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Of the protocol fee.
    pub fee_bps: u16,
    /// Of the verification budget.
    pub budget_bps: u16,
}

impl Cuts {
    fn left_bps(self) -> u128 {
        let cut = u128::from(self.fee_bps).saturating_add(u128::from(self.budget_bps));
        u128::from(BPS).saturating_sub(cut)
    }

    /// What of `flow` is left to sinks and overflow. Rounds down.
    pub fn left(self, flow: u128) -> u128 {
        scale(flow, self.left_bps(), u128::from(BPS))
    }
}

/// Carve-outs for sinks with `sinks` units, of a stream of `flow`, of which the sinks are to get at most `pay`.
///
/// Fee and budget are rounded down, so is what the sinks get if the stream is more than `pay`. The overflow has at least
/// one unit, so that a pool never has none.
pub fn carve_outs(sinks: u128, cuts: Cuts, flow: u128, pay: u128) -> CarveOuts {
    let most = sinks.saturating_mul(MAX_DILUTION).min(MAX_TOTAL_UNITS);
    let overflows = pay < cuts.left(flow);
    let wanted = match overflows {
        true => diluted(sinks, flow, pay, most),
        false => scale(sinks, u128::from(BPS), cuts.left_bps()),
    };
    let total = wanted.min(most);
    let fee = scale(total, u128::from(cuts.fee_bps), u128::from(BPS));
    let budget = scale(total, u128::from(cuts.budget_bps), u128::from(BPS));
    let budget = match wanted > most {
        // Where the cuts alone would be too many units, the rest goes to the sinks.
        true => budget.min(
            total
                .saturating_sub(sinks)
                .saturating_sub(fee)
                .saturating_sub(1),
        ),
        false => budget,
    };
    let rest = total
        .saturating_sub(sinks)
        .saturating_sub(fee)
        .saturating_sub(budget);
    CarveOuts {
        fee,
        budget,
        overflow: if overflows { rest.max(1) } else { 1 },
    }
}

/// The total units of which `sinks` are `pay / flow`, rounded up; at most `most`, so that sinks always get a thousandth.
///
/// Each unit gets whole wei per second, so up to `total / flow` of the stream rounds off. Where that may be more than a
/// sixteenth, which is where the sinks are to get next to nothing or the stream is small, they get a little more, for total
/// units of about `sqrt(sinks · flow)`: then what the sinks get and what rounds off are the same part of the stream, 0.2 % of
/// a thousand tokens a month.
fn diluted(sinks: u128, flow: u128, pay: u128, most: u128) -> u128 {
    let exact = mul_div_ceil(U256::from(sinks), U256::from(flow), U256::from(pay))
        .map_or(u128::MAX, to_u128_saturating)
        .min(most);
    match exact <= flow / 16 {
        true => exact,
        false => exact.min(root(sinks, flow)),
    }
}

/// `sqrt(sinks · flow)`, within a factor of 2; `sinks`, if they are more than `flow`.
fn root(sinks: u128, flow: u128) -> u128 {
    match (sinks.checked_ilog2(), flow.checked_ilog2()) {
        // Fits: half the way from 2^sink_bits to 2^flow_bits, and sinks are less than twice the former.
        (Some(sink_bits), Some(flow_bits)) => sinks << (flow_bits.saturating_sub(sink_bits) / 2),
        _ => sinks,
    }
}
