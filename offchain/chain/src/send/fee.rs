//! Fees per gas: what to offer at first, and what a replacement has to offer.

/// What to offer, in wei per gas: twice the base fee, so that it may double meanwhile, and never above the cap. `None` if
/// not even the base fee is below the cap.
pub fn first(base_fee: u128, priority: u128, cap: u128) -> Option<u128> {
    let least = base_fee.saturating_add(priority);
    (least <= cap).then(|| base_fee.saturating_mul(2).saturating_add(priority).min(cap))
}

/// The least that nodes take for a replacement: a tenth more, rounded up, and never above the cap. `None` if that is.
pub fn replacement(old: u128, current: u128, cap: u128) -> Option<u128> {
    let least = old
        .saturating_add(old.div_ceil(10))
        .max(old.saturating_add(1));
    (least <= cap).then(|| least.max(current).min(cap))
}

/// The same for the tip, which the fee bounds.
pub fn replacement_priority(old: u128, fee: u128) -> u128 {
    if old == 0 {
        return 0;
    }
    old.saturating_add(old.div_ceil(10)).min(fee)
}

/// Gas with a margin of half: streams change with every second, and with them what a call on them takes.
pub const fn with_margin(gas: u64) -> u64 {
    gas.saturating_add(gas / 2)
}

/// Wei in gwei, rounded up: what is spent is never understated.
pub fn gwei(wei: u128) -> u64 {
    u64::try_from(wei.div_ceil(1_000_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offer_leaves_room_and_keeps_the_cap() {
        assert_eq!(first(100, 3, 1_000), Some(203));
        assert_eq!(first(100, 3, 150), Some(150));
        assert_eq!(first(100, 3, 103), Some(103));
        assert_eq!(first(100, 3, 102), None);
        assert_eq!(first(u128::MAX, 1, u128::MAX), Some(u128::MAX));
    }

    #[test]
    fn a_replacement_is_a_tenth_more_rounded_up_and_stops_at_the_cap() {
        assert_eq!(replacement(100, 0, 1_000), Some(110));
        assert_eq!(replacement(101, 0, 1_000), Some(112));
        assert_eq!(replacement(100, 500, 1_000), Some(500));
        assert_eq!(replacement(100, 500, 400), Some(400));
        assert_eq!(replacement(100, 0, 109), None);
        assert_eq!(replacement(100, 0, 110), Some(110));
        assert_eq!(replacement(0, 0, 10), Some(1));
    }

    #[test]
    fn gwei_are_rounded_up() {
        assert_eq!(gwei(1), 1);
        assert_eq!(gwei(1_000_000_000), 1);
        assert_eq!(gwei(1_000_000_001), 2);
        assert_eq!(gwei(u128::MAX), u64::MAX);
    }
}
