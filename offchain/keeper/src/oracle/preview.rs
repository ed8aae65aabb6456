//! What CapacityRegistry would make of an attested capacity.

use alloy::primitives::U256;

const ALPHA_BPS: u64 = 3_000;
const BPS: u64 = 10_000;

/// One step of the registry's smoothing: `floor((3000 · raw + 7000 · previous) / 10000)`. The stake may clip the raw value
/// first, which only the contract knows.
pub fn smoothed(raw: U256, previous: U256) -> U256 {
    let (alpha, bps) = (U256::from(ALPHA_BPS), U256::from(BPS));
    let sum = raw
        .checked_mul(alpha)
        .zip(previous.checked_mul(bps - alpha))
        .and_then(|(new, old)| new.checked_add(old));
    sum.map_or(U256::MAX, |sum| sum / bps)
}

/// By how much it would change, in basis points of what counts now.
pub fn change_bps(after: U256, before: U256) -> u64 {
    if before.is_zero() {
        return if after.is_zero() { 0 } else { u64::MAX };
    }
    let difference = after.abs_diff(before);
    difference
        .checked_mul(U256::from(BPS))
        .map_or(u64::MAX, |scaled| (scaled / before).saturating_to())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooths_as_the_registry_does() {
        let step = |raw: u64, previous: u64| smoothed(U256::from(raw), U256::from(previous));
        assert_eq!(step(20, 10), U256::from(13));
        assert_eq!(step(9, 10), U256::from(9));
        assert_eq!(step(0, 3), U256::from(2));
        assert_eq!(smoothed(U256::MAX, U256::MAX), U256::MAX);
    }

    #[test]
    fn changes_are_relative() {
        assert_eq!(change_bps(U256::from(11), U256::from(10)), 1_000);
        assert_eq!(change_bps(U256::from(9), U256::from(10)), 1_000);
        assert_eq!(change_bps(U256::from(1), U256::ZERO), u64::MAX);
        assert_eq!(change_bps(U256::ZERO, U256::ZERO), 0);
    }
}
