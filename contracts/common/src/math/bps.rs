use alloy_primitives::U256;

use super::{mul_div_ceil, mul_div_floor};

/// 100 % in basis points.
pub const BPS: u16 = 10_000;

/// `floor(amount · bps / 10 000)`, in the amount's unit.
///
/// Exact and at most `amount` for `bps ≤ 10 000`. Above 100 % a result over 256 bits saturates at `U256::MAX`.
pub fn bps_of_floor(amount: U256, bps: u16) -> U256 {
    mul_div_floor(amount, U256::from(bps), U256::from(BPS)).unwrap_or(U256::MAX)
}

/// `ceil(amount · bps / 10 000)`, in the amount's unit.
///
/// Exact and at most `amount` for `bps ≤ 10 000`. Above 100 % a result over 256 bits saturates at `U256::MAX`.
pub fn bps_of_ceil(amount: U256, bps: u16) -> U256 {
    mul_div_ceil(amount, U256::from(bps), U256::from(BPS)).unwrap_or(U256::MAX)
}
