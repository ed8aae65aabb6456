//! How fast a source streams: as much as it spends, with some minutes' worth in reserve.

use serde::{Deserialize, Serialize};

/// What a source may stream, in wei per second, and what it keeps in reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateSettings {
    /// The least that flows at all; below it the stream is closed.
    #[serde(with = "bpe_chain::decimal")]
    pub least: u128,
    /// The most that it may stream: a limit of spending.
    #[serde(with = "bpe_chain::decimal")]
    pub most: u128,
    /// Seconds of spending that its unspent is kept at.
    pub reserve_seconds: u64,
}

/// What a source knows when it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateInputs {
    /// What it streams, in wei per second.
    #[serde(with = "bpe_chain::decimal")]
    pub rate: u128,
    /// What it spends, in wei per second.
    #[serde(with = "bpe_chain::decimal")]
    pub spending: u128,
    /// What it has not spent, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub unspent: u128,
    /// Wei that sinks ask for at the moment, and its unspent does not cover.
    #[serde(with = "bpe_chain::decimal")]
    pub missing: u128,
    /// Escrow pressure of the task type: 1e18 is full.
    #[serde(with = "bpe_chain::decimal")]
    pub pressure: u128,
}

/// Pressure from which on a source slows down.
const PRESSED: u128 = 900_000_000_000_000_000;
/// Somebody waits for what is missing: it should be there within so many seconds.
const URGENT_SECONDS: u128 = 5;
/// What a rate rises by at most in one decision: a part of the most.
const RISE: u128 = 8;

/// The rate from now on, in wei per second; 0 is none. Additive increase towards what keeps the reserve, a half under
/// pressure, and never above the limit.
///
/// ```
/// use bpe_agent::streams::{next_rate, RateInputs, RateSettings};
///
/// let settings = RateSettings { least: 10, most: 8_000, reserve_seconds: 100 };
/// let quiet = RateInputs { rate: 0, spending: 0, unspent: 0, missing: 0, pressure: 0 };
/// assert_eq!(next_rate(&settings, &quiet), 0);
/// // A sink asks for money: an eighth of the most at a time.
/// assert_eq!(next_rate(&settings, &RateInputs { missing: 1_000_000, ..quiet }), 1_000);
/// // What is spent is refilled.
/// let busy = RateInputs { rate: 500, spending: 500, unspent: 50_000, ..quiet };
/// assert_eq!(next_rate(&settings, &busy), 500);
/// ```
pub fn next_rate(settings: &RateSettings, inputs: &RateInputs) -> u128 {
    if inputs.pressure >= PRESSED {
        return floored(settings, inputs.rate / 2);
    }
    let seconds = u128::from(settings.reserve_seconds.max(1));
    let target = inputs.spending.saturating_mul(seconds);
    let refilled = if inputs.unspent <= target {
        let more = (target - inputs.unspent).div_ceil(seconds);
        inputs.spending.saturating_add(more)
    } else {
        let less = (inputs.unspent - target) / seconds;
        inputs.spending.saturating_sub(less)
    };
    let wanted = refilled.saturating_add(inputs.missing.div_ceil(URGENT_SECONDS));
    let rise = (settings.most / RISE).max(1);
    let raised = wanted.min(inputs.rate.saturating_add(rise));
    floored(settings, raised.min(settings.most))
}

/// What a stream that is worth opening has at least.
fn floored(settings: &RateSettings, rate: u128) -> u128 {
    if rate == 0 {
        0
    } else if rate < settings.least {
        // Something is wanted: the least that flows, unless that is above the limit.
        if settings.least <= settings.most {
            settings.least
        } else {
            0
        }
    } else {
        rate
    }
}

/// Whether a change of rate is worth a transaction: opening, closing, or a tenth and more.
pub fn worth_changing(from: u128, to: u128) -> bool {
    if from == 0 || to == 0 {
        return from != to;
    }
    to.abs_diff(from).saturating_mul(10) >= from
}

/// Seconds that a balance lasts at a rate; `None` for ever.
pub fn runway(balance: u128, rate: u128) -> Option<u64> {
    (rate > 0).then(|| u64::try_from(balance / rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: RateSettings = RateSettings {
        least: 100,
        most: 8_000,
        reserve_seconds: 60,
    };
    const QUIET: RateInputs = RateInputs {
        rate: 0,
        spending: 0,
        unspent: 0,
        missing: 0,
        pressure: 0,
    };

    #[test]
    fn settles_at_what_is_spent_with_the_reserve_full_and_never_above_the_limit() {
        let (mut rate, mut unspent) = (0_u128, 0_u128);
        for second in 0..2_000_u64 {
            unspent = (unspent + rate).saturating_sub(3_000);
            if second.is_multiple_of(10) {
                let inputs = RateInputs {
                    rate,
                    spending: 3_000,
                    unspent,
                    ..QUIET
                };
                rate = next_rate(&SETTINGS, &inputs);
                assert!(rate <= SETTINGS.most);
            }
        }
        assert!(rate.abs_diff(3_000) < 300, "{rate}");
        assert!(unspent.abs_diff(180_000) < 18_000, "{unspent}");
    }

    #[test]
    fn halves_under_pressure_and_ends_when_nothing_is_spent() {
        let pressed = RateInputs {
            rate: 4_000,
            spending: 4_000,
            pressure: PRESSED,
            ..QUIET
        };
        assert_eq!(next_rate(&SETTINGS, &pressed), 2_000);
        let done = RateInputs {
            rate: 4_000,
            unspent: 1_000,
            ..QUIET
        };
        assert_eq!(next_rate(&SETTINGS, &done), 0);
    }

    #[test]
    fn a_little_is_the_least_that_flows() {
        let little = RateInputs {
            missing: 1,
            ..QUIET
        };
        assert_eq!(next_rate(&SETTINGS, &little), 100);
        let small = RateSettings {
            most: 50,
            ..SETTINGS
        };
        assert_eq!(next_rate(&small, &little), 0);
    }

    #[test]
    fn small_changes_are_not_worth_a_transaction() {
        assert!(worth_changing(0, 1) && worth_changing(1, 0) && !worth_changing(0, 0));
        assert!(!worth_changing(1_000, 1_099) && worth_changing(1_000, 1_100));
        assert!(worth_changing(1_000, 900) && !worth_changing(1_000, 901));
        assert_eq!(runway(1_000, 0), None);
        assert_eq!(runway(1_000, 3), Some(333));
    }
}
