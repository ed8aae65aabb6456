use alloy_primitives::{uint, U256};

use super::{mul_div_floor, to_u128_saturating};

/// `1.0` where numbers have 18 decimals.
pub const WAD: u64 = 1_000_000_000_000_000_000;
/// The most a queue counts as: 0.99, at which the hyperbola is at 100.
pub const MAX_UTILIZATION: u64 = 990_000_000_000_000_000;
/// How long an epoch of PricingCurve is, in seconds.
pub const EPOCH: u64 = 60;
/// What a full escrow buffer adds to a price: 0.8 of it.
pub const ESCROW_SENSITIVITY: u64 = 800_000_000_000_000_000;

const _: () = assert!(ESCROW_SENSITIVITY == WAD / 5 * 4);
const WAD_SQUARED: U256 = uint!(1_000_000_000_000_000_000_000_000_000_000_000_000_U256);

/// `min(floor(load · 1e18 / capacity), 0.99e18)`: how busy a sink is. Both arguments in one unit.
///
/// Exact below the limit, and total: no capacity is as busy as can be.
pub fn utilization(load: u128, capacity: u128) -> u64 {
    if load >= capacity {
        return MAX_UTILIZATION;
    }
    // Below 1e18, as the load is below the capacity.
    ratio(load, WAD, capacity).min(MAX_UTILIZATION as u128) as u64
}

/// The price of an idle sink times this is that of one `utilization` (18 decimals) busy: `1 + u / (1 − u)`, 18 decimals,
/// from 1 to 100.
///
/// Rounded down, by less than one unit. Never decreasing. Above [`MAX_UTILIZATION`] it stays at 100.
///
/// Source: SPEC.md §2, PricingCurve, γ = 1: the curve of a queue with random arrivals, which doubles at half load.
pub fn queue_multiplier(utilization: u64) -> u128 {
    let u = utilization.min(MAX_UTILIZATION);
    // At least 1e16 is left, and the product is below 2^7 · 1e18.
    let premium = ratio(u as u128, WAD, WAD.wrapping_sub(u) as u128);
    premium.wrapping_add(WAD as u128)
}

/// The same for relays: `1 + 9u / (8 − 7u)`, from 1 to 9.33 at 0.99.
///
/// Rounded down, by less than one unit. Never decreasing. Above [`MAX_UTILIZATION`] it stays where it is there.
///
/// Source: the guide's relay tariff, twice the price at 50 % load and four times at 80 %. Those and the price of an idle
/// relay determine the quotient of two straight lines, `(8 + 2u) / (8 − 7u)`; [`queue_multiplier`] is another,
/// `1 / (1 − u)`, which passes 5 at 80 %.
pub fn relay_multiplier(utilization: u64) -> u128 {
    let u = utilization.min(MAX_UTILIZATION);
    // 9u is below 9e18, 8e18 − 7u is between 1e18 and 8e18: both fit 64 bits.
    let (above, below) = (
        u.wrapping_mul(9),
        RELAY_POLE.wrapping_sub(u.wrapping_mul(7)),
    );
    ratio(above as u128, WAD, below as u128).wrapping_add(WAD as u128)
}

const RELAY_POLE: u64 = 8 * WAD;

/// `floor(base_fee · (1 + 0.8 · pressure) · multiplier)`, in the unit of the fee.
///
/// `pressure`, of which no more than 1 counts, and `multiplier` have 18 decimals. Rounded down twice: the surcharge to
/// 1e-18, and the price to one unit. Cannot overflow: the result is below 2^198.
pub fn congestion_price(base_fee: u128, pressure: u64, multiplier: u128) -> U256 {
    // Four times 1e18 fits 64 bits.
    let surcharge = pressure.min(WAD).wrapping_mul(4) / 5;
    // 128 bits times 61. The product with the multiplier is divided by 2^119.
    let fee = U256::from(base_fee).wrapping_mul(U256::from(WAD.wrapping_add(surcharge)));
    mul_div_floor(fee, U256::from(multiplier), WAD_SQUARED).unwrap_or(U256::MAX)
}

/// `floor(fee · 9 / 8)`: a fee after an epoch of too much demand, +12.5 %. Saturates.
pub fn raise_by_eighth(fee: u128) -> u128 {
    fee.saturating_add(fee >> 3)
}

/// `floor(fee · 7 / 8)`: a fee after any other epoch, −12.5 %.
pub fn lower_by_eighth(fee: u128) -> u128 {
    // The eighth rounded up, which is at most the fee.
    let eighth = (fee >> 3).wrapping_add((fee & 7 != 0) as u128);
    fee.wrapping_sub(eighth)
}

/// `floor(a · b / d)`, saturating.
fn ratio(a: u128, b: u64, d: u128) -> u128 {
    mul_div_floor(U256::from(a), U256::from(b), U256::from(d)).map_or(u128::MAX, to_u128_saturating)
}
