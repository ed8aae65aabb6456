//! Work that is proven by payment: what of a voucher counts, what a sink has shown that it can do, what that makes of a fee.
//!
//! Work is in capacity-seconds of 1e-9 units, capacity in units of 1e-9, values and fees in payment-token wei.

use alloy_primitives::U256;

use super::{mul_div_floor, pricing::WAD, split::scale, to_u128_saturating};
use crate::clock::EPOCH;

/// From so many epochs without work on, nothing is left of any capacity: 0.7^208 is below 2^-107.
pub const FORGOTTEN: u64 = 208;
/// What a sink can claim to have done at once, in seconds of its capacity, where capacity is verified by it: a day.
pub const MOST_AT_ONCE: u64 = 86_400;

/// 1.0 where the powers below are: 127 fractional bits.
const ONE: U256 = U256::from_limbs([0, 1 << 63, 0, 0]);
/// 0.7^1, 0.7^2, 0.7^4 … 0.7^128, rounded down, with 127 fractional bits.
const POWERS: [u128; 8] = [
    0x59999999999999999999999999999999,
    0x3eb851eb851eb851eb851eb851eb851e,
    0x1ebb98c7e28240b780346dc5d6388659,
    0x0761028ed092d50453ccb0c83461b175,
    0x006ce5cd7f5143b4040806878d9161d9,
    0x00005ca567596e9b54f73e85b1754e93,
    0x00000000430e9a4d55029f18a3a126c1,
    0x000000000000000023214b336feb9a67,
];

/// What counts of a voucher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// In capacity-seconds of 1e-9 units.
    pub work: u128,
    /// In wei.
    pub value: u128,
}

/// What counts of `work` and `value` that have not counted yet, for a sink that may still count `allowance`, out of
/// `available` of its source's money: `w = min(W, allowance, floor(W · available / X))`, and of the value as much in
/// proportion, rounded down. Either both are positive, or both are zero.
///
/// The value is at most `available`: `floor(X · w / W) ≤ X · (W · available / X) / W`.
pub fn counted(work: u128, value: u128, allowance: u128, available: u128) -> Part {
    let covered = match value <= available {
        true => work,
        false => scale(work, available, value),
    };
    let part = covered.min(work).min(allowance);
    let part_value = match part == work {
        true => value,
        false => scale(value, part, work),
    };
    match part == 0 || part_value == 0 {
        true => Part::default(),
        false => Part {
            work: part,
            value: part_value,
        },
    }
}

/// The work of `part`, no more of it than its value buys at `fee` wei per unit of 1e9. Nothing, if there is no fee.
pub fn bought(part: Part, fee: u128) -> u128 {
    part.work.min(scale(part.value, 1_000_000_000, fee))
}

/// What `part` moves of a verified capacity and of prices: no more than a day of the sink's `capacity`, and no more than its
/// value buys at `fee` wei per unit of 1e9.
pub fn credible(part: Part, capacity: u128, fee: u128) -> u128 {
    let a_day = capacity.saturating_mul(u128::from(MOST_AT_ONCE));
    bought(part, fee).min(a_day)
}

/// `floor(amount · 0.7^epochs)`, less than two units too low. Zero from [`FORGOTTEN`] epochs on. At most eight products,
/// however many epochs.
pub fn faded(amount: u128, epochs: u64) -> u128 {
    if epochs >= FORGOTTEN {
        return 0;
    }
    let mut factor = ONE;
    for (bit, power) in POWERS.iter().enumerate() {
        if epochs >> bit & 1 == 1 {
            factor = mul_div_floor(factor, U256::from(*power), ONE).unwrap_or(U256::ZERO);
        }
    }
    mul_div_floor(U256::from(amount), factor, ONE).map_or(0, to_u128_saturating)
}

/// What a sink has shown that it can do: `V = 0.3 · work / 300 s + 0.7 · V` in each epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The epoch of the last count.
    pub epoch: u64,
    /// V at the beginning of that epoch.
    pub before: u128,
    /// The work that counted in that epoch so far. At most 300 s of the sink's capacity.
    pub work: u128,
}

impl Verified {
    /// V at the beginning of `epoch`.
    pub fn at(&self, epoch: u64) -> u128 {
        match epoch.checked_sub(self.epoch) {
            None | Some(0) => self.before,
            Some(epochs) => faded(self.closed(), epochs.saturating_sub(1)),
        }
    }

    /// What V becomes when the epoch of the last count ends without another one.
    pub fn closed(&self) -> u128 {
        blended(self.work, self.before)
    }

    /// Counts `work` in `epoch`: as its mean over the epochs since the last count, but in no epoch more than a sink of
    /// `capacity` can do. Returns what counts in `epoch` itself.
    ///
    /// The bound is what keeps a sink that has been idle from showing more in one epoch than it has: V never exceeds the
    /// greatest capacity that it has been counted at.
    #[must_use]
    pub fn count(&self, epoch: u64, work: u128, capacity: u128) -> (Self, u128) {
        let most = capacity.saturating_mul(u128::from(EPOCH));
        let epochs = epoch.saturating_sub(self.epoch);
        if epochs == 0 {
            // A clock does not go back: the same epoch.
            let mean = work.min(most.saturating_sub(self.work));
            let total = self.work.saturating_add(mean);
            return (
                Self {
                    work: total,
                    ..*self
                },
                mean,
            );
        }
        if *self == Self::default() {
            // The first count has no earlier one to be spread over.
            let mean = work.min(most);
            let first = Self {
                epoch,
                before: 0,
                work: mean,
            };
            return (first, mean);
        }
        // Not zero.
        let mean = work.checked_div(u128::from(epochs)).unwrap_or(0).min(most);
        let next = Self {
            epoch,
            before: approached(self.closed(), mean, epochs.saturating_sub(1)),
            work: mean,
        };
        (next, mean)
    }
}

impl Verified {
    /// As if `work` less had counted in the epoch of the last count: V falls by as much as it would have risen by it.
    #[must_use]
    pub fn missed(&self, work: u128) -> Self {
        let of_epoch = work.min(self.work);
        // What the epoch does not have is taken from what was before: 0.3 / 300 of it after the epoch, so 1 / 700 before.
        let of_before = work.saturating_sub(of_epoch) / 700;
        Self {
            work: self.work.saturating_sub(of_epoch),
            before: self.before.saturating_sub(of_before),
            ..*self
        }
    }
}

/// Work that had counted since ever at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// In seconds since 1970.
    pub time: u64,
    /// In capacity-seconds of 1e-9 units.
    pub work: u128,
}

/// What was counted first was done within so many seconds before: as long as an epoch waits for its verdict.
pub const FIRST_SPREAD: u64 = 4_200;

impl Point {
    /// Where the line to a sink's first count begins.
    #[must_use]
    pub fn begin(&self) -> Self {
        Self {
            time: self.time.saturating_sub(FIRST_SPREAD),
            work: 0,
        }
    }

    /// The work until `time`, on the line from here to `after`; before here, what was counted here.
    pub fn until(&self, time: u64, after: &Self) -> u128 {
        let [part, whole] = [time, after.time].map(|it| it.saturating_sub(self.time));
        let risen = after.work.saturating_sub(self.work);
        let part = scale(risen, u128::from(part.min(whole)), u128::from(whole));
        self.work.saturating_add(part)
    }
}

/// `floor(0.3 · work / 300 + 0.7 · before)`.
fn blended(work: u128, before: u128) -> u128 {
    // 0.3 / 300 is 1 / 1000.
    before
        .saturating_mul(700)
        .saturating_add(work)
        .checked_div(1_000)
        .unwrap_or(0)
}

/// V after so many `epochs` with `work` each: it approaches work / 300 by 0.3 of the difference in each.
fn approached(before: u128, work: u128, epochs: u64) -> u128 {
    let target = work / u128::from(EPOCH);
    match target >= before {
        true => target.saturating_sub(faded(target.saturating_sub(before), epochs)),
        false => target.saturating_add(faded(before.saturating_sub(target), epochs)),
    }
}

/// Of the capacity of a sink no more counts in prices than so many times what it has shown.
pub const MOST_SHOWN: u128 = 4;

/// What of a sink's `capacity` counts in prices, if it has shown `verified`: what never serves makes nothing cheap.
pub fn priced(capacity: u128, verified: u128) -> u128 {
    capacity.min(verified.saturating_mul(MOST_SHOWN))
}

/// Utilization at which the base fee of a market by work stays: 80 %.
pub const TARGET: u64 = 800_000_000_000_000_000;

/// How much of the capacity that served was used, 1e18 is all of it; nothing if none served.
pub fn used(work: u128, capacity: u128) -> Option<u64> {
    if capacity == 0 {
        return None;
    }
    let share = scale(work, u128::from(WAD), capacity).min(u128::from(WAD));
    u64::try_from(share).ok()
}

/// How much of what usually serves `capacity` is, 1e18 is all of it and more; all of it if there was nothing before.
///
/// An epoch's step of the fee is as large as this: otherwise a sink of next to no capacity would lead the fee of all in every
/// epoch in which nobody else happens to count, ×2.8 an hour.
pub fn share_of(capacity: u128, usual: u128) -> u64 {
    match capacity >= usual {
        true => WAD,
        false => used(capacity, usual).unwrap_or(WAD),
    }
}

/// What usually serves after an epoch with `capacity`: three tenths of it are new.
pub fn approached_capacity(usual: u128, capacity: u128) -> u128 {
    scale(usual, 7, 10).saturating_add(scale(capacity, 3, 10))
}

/// `step` times `weight` (1e18 is one, and the most).
fn weighted(step: u64, weight: u64) -> u64 {
    let step = scale(
        u128::from(step),
        u128::from(weight.min(WAD)),
        u128::from(WAD),
    );
    u64::try_from(step).unwrap_or(0)
}

/// The base fee after an epoch in which `used` (1e18 is all) of the capacity was: up by 12.5 % at all of it, down by 12.5 % at
/// nothing, unchanged at [`TARGET`], linear on both sides; and that times `weight` (1e18 is one). Rounded down, then kept from
/// `floor` to `ceiling`.
pub fn fee_by_use(fee: u128, used: u64, weight: u64, floor: u128, ceiling: u128) -> u128 {
    let used = used.min(WAD);
    let factor = match used.checked_sub(TARGET) {
        // An eighth of a fifth: 0.125 / 0.2 = 5 / 8.
        Some(above) => WAD.saturating_add(weighted(above / 8 * 5, weight)),
        // 0.125 / 0.8 = 5 / 32.
        None => WAD.saturating_sub(weighted(TARGET.saturating_sub(used) / 32 * 5, weight)),
    };
    scale(fee, u128::from(factor), u128::from(WAD))
        .min(ceiling)
        .max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    const WORK: u128 = 1 << 104;
    const VALUE: u128 = 1 << 112;
    const CAPACITY: u128 = 1 << 72;

    fn exactly_faded(amount: u128, epochs: u64) -> u128 {
        let exact = BigUint::from(amount) * BigUint::from(7u8).pow(epochs as u32)
            / BigUint::from(10u8).pow(epochs as u32);
        exact.try_into().expect("no more than the amount")
    }

    proptest! {
        #[test]
        fn what_counts_is_covered_and_no_more_than_there_is(
            work in 1..WORK, value in 1..VALUE, allowance in 0..WORK, available in 0..VALUE, small in 0u32..100,
        ) {
            for (work, value) in [(work, value), (work >> small, value >> small)] {
                if work == 0 || value == 0 { continue; }
                let part = counted(work, value, allowance, available);
                prop_assert!(part.work <= work && part.work <= allowance);
                prop_assert!(part.value <= value && part.value <= available);
                prop_assert_eq!(part.work == 0, part.value == 0);
                if value <= available && work <= allowance {
                    prop_assert_eq!(part, Part { work, value });
                }
                // No better price per work than was signed, for either: at most one wei below it.
                let exact = BigUint::from(value) * BigUint::from(part.work);
                let paid = BigUint::from(part.value) * BigUint::from(work);
                prop_assert!(paid <= exact);
                if part.work > 0 {
                    prop_assert!(exact - paid < BigUint::from(work));
                }
            }
        }

        #[test]
        fn counting_in_parts_counts_no_more_than_at_once(
            work in 1..WORK, value in 1..VALUE, cuts in prop::collection::vec(0..WORK, 1..6),
        ) {
            let (mut left, mut sum) = (Part { work, value }, Part::default());
            for cut in cuts.into_iter().chain([WORK]) {
                if left.work == 0 || left.value == 0 { break; }
                let part = counted(left.work, left.value, cut, VALUE);
                left = Part { work: left.work - part.work, value: left.value - part.value };
                sum = Part { work: sum.work + part.work, value: sum.value + part.value };
            }
            prop_assert_eq!(sum.work + left.work, work);
            prop_assert_eq!(sum.value + left.value, value);
        }

        #[test]
        fn fading_by_powers_is_fading_epoch_by_epoch(amount in 0..WORK, epochs in 0u64..260) {
            let exact = exactly_faded(amount, epochs);
            let fast = faded(amount, epochs);
            prop_assert!(fast <= exact && exact - fast < 2, "{} {}", fast, exact);
        }

        #[test]
        fn nobody_verifies_more_than_its_capacity(
            capacity in 1..CAPACITY, steps in prop::collection::vec((0u64..40, 0..WORK), 1..40),
        ) {
            let (mut verified, mut epoch) = (Verified::default(), 5_900_000);
            for (gap, work) in steps {
                epoch += gap;
                let (next, counted) = verified.count(epoch, work, capacity);
                prop_assert!(counted <= work);
                prop_assert!(next.work <= capacity * 300);
                prop_assert!(next.at(epoch) <= capacity && next.at(epoch + 1) <= capacity);
                verified = next;
            }
        }

        #[test]
        fn a_miss_takes_what_its_work_would_have_shown(
            capacity in 1_000_000u128..CAPACITY, before in 0u128..1 << 70, share in 0u128..300, work in 0..WORK,
        ) {
            let verified = Verified { epoch: 7, before: before.min(capacity), work: capacity * share };
            let less = verified.missed(work);
            prop_assert!(less.before <= verified.before && less.work <= verified.work);
            prop_assert_eq!(less.epoch, 7);
            let expected = verified.closed().saturating_sub(work / 1_000);
            prop_assert!(less.closed().abs_diff(expected) <= 2, "{} {}", less.closed(), expected);
            // And no epoch is rewritten that did not count: the mean of the next count is over the same time.
            prop_assert_eq!(less.count(9, 600, capacity).1, verified.count(9, 600, capacity).1);
        }

        #[test]
        fn between_two_points_work_rises_in_a_line(
            begin in 1u64..1 << 39, length in 1u64..1 << 20, work in 0..WORK / 2, risen in 0..WORK / 2, part in 0u64..1 << 21,
        ) {
            let before = Point { time: begin, work };
            let after = Point { time: begin + length, work: work + risen };
            let at = before.until(begin + part, &after);
            prop_assert!(at >= before.work && at <= after.work);
            prop_assert!(at <= before.until(begin + part + 1, &after));
            prop_assert_eq!(before.until(begin, &after), before.work);
            prop_assert_eq!(before.until(begin + length, &after), after.work);
            prop_assert_eq!(before.until(begin - 1, &after), before.work);
        }

        #[test]
        fn a_count_after_idle_epochs_is_its_mean_in_each(
            capacity in 1_000_000u128..CAPACITY, first in 0u128..1 << 60, share in 0u128..100, gap in 1u64..250,
        ) {
            let (start, _) = Verified::default().count(7, first, capacity);
            let mean = capacity * 3 * share;
            let (at_once, _) = start.count(7 + gap, mean * u128::from(gap), capacity);
            let mut by_epoch = start;
            for epoch in 1..=gap {
                by_epoch = by_epoch.count(7 + epoch, mean, capacity).0;
            }
            prop_assert_eq!(at_once.work, by_epoch.work);
            // Each step rounds down, and what is lost fades as well.
            let (a, b) = (at_once.before, by_epoch.before);
            prop_assert!(a.abs_diff(b) <= 5, "{} {}", a, b);
        }

        #[test]
        fn a_fee_moves_by_an_eighth_at_most(fee in 8u128..1 << 96, used in 0..=WAD, weight in 0..=WAD) {
            let weighted = fee_by_use(fee, used, weight, 0, u128::MAX);
            let next = fee_by_use(fee, used, WAD, 0, u128::MAX);
            prop_assert!(weighted.abs_diff(fee) <= next.abs_diff(fee));
            prop_assert!(next <= fee + fee / 8 && next + 1 >= fee - fee / 8);
            match used.cmp(&TARGET) {
                core::cmp::Ordering::Less => prop_assert!(next <= fee),
                core::cmp::Ordering::Equal => prop_assert_eq!(next, fee),
                core::cmp::Ordering::Greater => prop_assert!(next >= fee),
            }
        }
    }

    #[test]
    fn forgotten_is_when_nothing_is_left_of_any_work() {
        assert_eq!(exactly_faded((1 << 107) - 1, FORGOTTEN), 0);
        assert_eq!(exactly_faded(1 << 107, FORGOTTEN - 1), 1);
        assert_eq!(faded(u128::MAX, FORGOTTEN), 0);
        assert_eq!(faded(u128::MAX, u64::MAX), 0);
        assert_eq!(faded(1_000, 1), 699 + u128::from(faded(1_000, 1) == 700));
    }

    #[test]
    fn the_parts_of_a_voucher() {
        // Half of the money: half of the work.
        assert_eq!(
            counted(100, 1_000, 100, 500),
            Part {
                work: 50,
                value: 500
            }
        );
        // 30 of 100 allowed: 30 % of the value.
        assert_eq!(
            counted(100, 1_000, 30, 5_000),
            Part {
                work: 30,
                value: 300
            }
        );
        // Not a whole unit of work is covered.
        assert_eq!(counted(3, 1_000, 3, 333), Part::default());
        // A third of a wei is not a wei: no work counts for nothing.
        assert_eq!(counted(3, 1, 1, 1), Part::default());
        assert_eq!(counted(3, 1, 0, 1), Part::default());
    }

    #[test]
    fn what_is_credible() {
        let part = Part {
            work: 500_000_000_000,
            value: 1_000_000,
        };
        // Ten units for a day would be more; the value buys 1e6 · 1e9 / 2e6 of work.
        assert_eq!(credible(part, 10_000_000_000, 2_000_000), 500_000_000);
        assert_eq!(credible(part, 10_000_000_000, 0), 0);
        assert_eq!(credible(part, 1_000, 1), 86_400_000);
    }

    #[test]
    fn a_steady_sink_verifies_what_it_does() {
        let capacity = 10_000_000_000;
        let (mut verified, mut epoch) = (Verified::default(), 1_000);
        for _ in 0..60 {
            epoch += 12;
            verified = verified.count(epoch, 12 * 300 * 4_000_000_000, capacity).0;
        }
        assert!(verified.at(epoch + 1).abs_diff(4_000_000_000) < 10);
        // Idle: 0.7 of it in each epoch.
        let one = verified.at(epoch + 1);
        assert!(verified.at(epoch + 2).abs_diff(one * 7 / 10) < 2);
        assert_eq!(verified.at(epoch + 300), 0);
    }

    #[test]
    fn capacity_counts_in_prices_as_far_as_it_was_shown() {
        assert_eq!(priced(100, 0), 0);
        assert_eq!(priced(100, 24), 96);
        assert_eq!(priced(100, 25), 100);
        assert_eq!(priced(100, u128::MAX), 100);
    }

    #[test]
    fn fees_by_use() {
        let fee = 1_000_000_000_000;
        assert_eq!(fee_by_use(fee, WAD, WAD, 0, u128::MAX), fee + fee / 8);
        assert_eq!(fee_by_use(fee, 0, WAD, 0, u128::MAX), fee - fee / 8);
        assert_eq!(fee_by_use(fee, TARGET, WAD, 0, u128::MAX), fee);
        assert_eq!(
            fee_by_use(fee, WAD / 10 * 9, WAD, 0, u128::MAX),
            fee + fee / 16
        );
        assert_eq!(
            fee_by_use(fee, WAD / 10 * 4, WAD, 0, u128::MAX),
            fee - fee / 16
        );
        assert_eq!(fee_by_use(fee, WAD, WAD, 0, fee), fee);
        assert_eq!(fee_by_use(fee, 0, WAD, fee, u128::MAX), fee);
        assert_eq!(used(5, 0), None);
        assert_eq!(used(5, 10), Some(WAD / 2));
        assert_eq!(used(50, 10), Some(WAD));
    }
}
