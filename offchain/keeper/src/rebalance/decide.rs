//! Which units differ from what they should be, by how much money, and which are worth a transaction. Pure arithmetic.

use std::collections::HashMap;

use alloy::primitives::{Address, U256};

/// A sink as the registry and the pool have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sink {
    pub address: Address,
    /// By which it should be paid; zero if it has left.
    pub capacity: u128,
    /// By which it is paid.
    pub units: u128,
}

/// What money and gas are worth against each other, in payment-token wei.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Of updating one sink.
    pub update: f64,
    /// Of updating one sink as part of a full walk.
    pub walk: f64,
    /// How many times its cost has to have been misallocated before an update.
    pub factor: f64,
}

/// What to do for a task type.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Nothing,
    /// Those sinks, the largest first.
    Sinks(Vec<Address>),
    /// All of them, page by page, against a new anchor.
    Walk,
}

/// A decision and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub decision: Decision,
    /// Payment-token wei an hour that reach the wrong sinks now.
    pub misallocated: f64,
    /// Of that, what the decision mends, and what it costs.
    pub benefit: f64,
    pub cost: f64,
}

const HOUR: f64 = 3_600.0;

/// What each sink's units have misallocated since they were last right, in payment-token wei. An update is worth its gas when
/// it has cost as much to do without it: whatever comes, that is at most twice what the best foresight would have cost
/// (the ski-rental argument). A rule that looks at one moment updates again and again what changes again and again.
#[derive(Clone, Debug, Default)]
pub struct Debts(HashMap<Address, f64>);

impl Debts {
    /// Adds what was misallocated in the `seconds` since the last look, and forgets who is gone or right.
    pub fn add(&mut self, sinks: &[Sink], anchor: U256, flow: f64, seconds: f64) {
        let (units, capacity) = totals(sinks);
        let mut debts = HashMap::with_capacity(sinks.len());
        for sink in sinks {
            if due_units(sink.capacity, anchor) == sink.units {
                continue;
            }
            let before = self.0.get(&sink.address).copied().unwrap_or_default();
            let lost = change(sink, anchor, units, capacity).max(0.0) * flow * seconds;
            debts.insert(sink.address, before + lost);
        }
        self.0 = debts;
    }

    fn of(&self, sink: &Sink) -> f64 {
        self.0.get(&sink.address).copied().unwrap_or_default()
    }
}

/// The units that a capacity stands for, by the pool's formula.
pub fn due_units(capacity: u128, anchor: U256) -> u128 {
    const SCALE: u64 = 1_000_000_000;
    if anchor.is_zero() {
        return 0;
    }
    (U256::from(capacity) * U256::from(SCALE) / anchor).saturating_to()
}

/// The part of a stream that reaches the wrong sinks: the sum of |paid share − due share|, from 0 to 2.
pub fn misallocated_share(sinks: &[Sink]) -> f64 {
    let (units, capacity) = totals(sinks);
    sinks
        .iter()
        .map(|sink| error(sink, units, capacity).abs())
        .sum()
}

/// Decides for a task type whose sinks are paid `flow` wei a second together.
pub fn decide(
    sinks: &[Sink],
    anchor: U256,
    flow: f64,
    prices: &Prices,
    debts: &Debts,
) -> Judgement {
    let (units, capacity) = totals(sinks);
    let hourly = flow * HOUR;
    let misallocated = misallocated_share(sinks) * hourly;
    let nothing = Judgement {
        decision: Decision::Nothing,
        misallocated,
        benefit: 0.0,
        cost: 0.0,
    };
    if sinks.is_empty() || hourly <= 0.0 {
        return nothing;
    }
    // What it cost without an update has to be worth one, and what it costs from now on as well.
    let mut candidates: Vec<(f64, Address)> = sinks
        .iter()
        .filter(|sink| debts.of(sink) > prices.factor * prices.update)
        .map(|sink| (change(sink, anchor, units, capacity) * hourly, sink.address))
        .filter(|(benefit, _)| *benefit > prices.update)
        .collect();
    candidates.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    let benefit: f64 = candidates.iter().map(|(benefit, _)| benefit).sum();
    let cost = candidates.len() as f64 * prices.update;
    let walk = sinks.len() as f64 * prices.walk;
    // A walk mends everything. It is worth it when it costs less than the single updates, or when all the small
    // differences together are worth it.
    let owed: f64 = sinks.iter().map(|sink| debts.of(sink)).sum();
    let walk_worth = owed > prices.factor * walk && misallocated > walk;
    if walk_worth && (candidates.is_empty() || walk <= cost) {
        return Judgement {
            decision: Decision::Walk,
            misallocated,
            benefit: misallocated,
            cost: walk,
        };
    }
    if candidates.is_empty() {
        return nothing;
    }
    Judgement {
        decision: Decision::Sinks(candidates.into_iter().map(|(_, sink)| sink).collect()),
        misallocated,
        benefit,
        cost,
    }
}

fn totals(sinks: &[Sink]) -> (f64, f64) {
    let units = sinks.iter().map(|sink| sink.units as f64).sum();
    let capacity = sinks.iter().map(|sink| sink.capacity as f64).sum();
    (units, capacity)
}

/// Paid share − due share.
fn error(sink: &Sink, units: f64, capacity: f64) -> f64 {
    share(sink.units as f64, units) - share(sink.capacity as f64, capacity)
}

/// By how much an update of this sink moves its share.
fn change(sink: &Sink, anchor: U256, units: f64, capacity: f64) -> f64 {
    let due = due_units(sink.capacity, anchor) as f64;
    let after = share(due, units - sink.units as f64 + due);
    let target = share(sink.capacity as f64, capacity);
    let before = share(sink.units as f64, units);
    // What it moves towards the target counts; what it moves beyond does not.
    (before - target).abs() - (after - target).abs()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        part / whole
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: u128 = 1_000_000_000;

    fn sink(number: u8, capacity: u128, units: u128) -> Sink {
        Sink {
            address: Address::with_last_byte(number),
            capacity: capacity * UNIT,
            units,
        }
    }

    fn prices(update: f64) -> Prices {
        Prices {
            update,
            walk: update * 0.6,
            factor: 2.0,
        }
    }

    fn anchor(units: u128) -> U256 {
        U256::from(units * UNIT)
    }

    /// After an hour in which everything was as it is.
    fn judge(sinks: &[Sink], anchor: U256, flow: f64, prices: &Prices) -> Judgement {
        let mut debts = Debts::default();
        let fresh = decide(sinks, anchor, flow, prices, &debts);
        assert_eq!(fresh.decision, Decision::Nothing, "nothing was lost yet");
        debts.add(sinks, anchor, flow, HOUR);
        decide(sinks, anchor, flow, prices, &debts)
    }

    #[test]
    fn units_are_the_pools() {
        assert_eq!(due_units(3 * UNIT, anchor(10)), 300_000_000);
        assert_eq!(due_units(1, anchor(3)), 0);
        assert_eq!(due_units(UNIT, U256::ZERO), 0);
    }

    #[test]
    fn shares_that_are_right_cost_nothing() {
        let sinks = [sink(1, 3, 300_000_000), sink(2, 7, 700_000_000)];
        assert!(misallocated_share(&sinks) < 1e-12);
        let judged = judge(&sinks, anchor(10), 1e18, &prices(1.0));
        assert_eq!(judged.decision, Decision::Nothing);
    }

    #[test]
    fn money_decides_not_percentages() {
        // One sink doubled: it should have 6/13 and has 3/10.
        let sinks = [sink(1, 6, 300_000_000), sink(2, 7, 700_000_000)];
        let share = misallocated_share(&sinks);
        assert!((share - 2.0 * (6.0 / 13.0 - 0.3)).abs() < 1e-9, "{share}");
        let benefit = (6.0 / 13.0 - 0.3) * 3_600.0 * 100.0;
        let worth = judge(&sinks, anchor(10), 100.0, &prices(benefit / 2.1));
        assert_eq!(
            worth.decision,
            Decision::Sinks(vec![Address::with_last_byte(1)])
        );
        assert!((worth.benefit - benefit).abs() < 1e-6);
        let dear = judge(&sinks, anchor(10), 100.0, &prices(benefit));
        assert_eq!(dear.decision, Decision::Nothing);
        assert!((dear.misallocated - 2.0 * benefit).abs() < 1e-6);
    }

    #[test]
    fn the_largest_comes_first_and_a_sink_that_left_counts() {
        let sinks = [
            sink(1, 0, 100_000_000),
            sink(2, 12, 500_000_000),
            sink(3, 2, 200_000_000),
        ];
        let dear_walks = Prices {
            walk: 1.0,
            ..prices(1.0)
        };
        let judged = judge(&sinks, anchor(10), 1e6, &dear_walks);
        let Decision::Sinks(order) = judged.decision else {
            panic!("{judged:?}")
        };
        assert_eq!(
            order,
            [Address::with_last_byte(2), Address::with_last_byte(1)]
        );
    }

    #[test]
    fn many_small_differences_are_a_walk() {
        let sinks: Vec<Sink> = (0..100)
            .map(|number| {
                sink(
                    number,
                    10,
                    if number % 2 == 0 {
                        9_500_000
                    } else {
                        10_500_000
                    },
                )
            })
            .collect();
        let hourly = misallocated_share(&sinks) * 3_600.0;
        let each = hourly / 100.0;
        let judged = judge(&sinks, anchor(1_000), 1.0, &prices(each * 0.8));
        assert_eq!(judged.decision, Decision::Walk);
        let dear = judge(&sinks, anchor(1_000), 1.0, &prices(each));
        assert_eq!(dear.decision, Decision::Nothing);
    }

    #[test]
    fn nothing_flows_nothing_is_lost() {
        let sinks = [sink(1, 6, 0), sink(2, 7, 700_000_000)];
        let judged = judge(&sinks, anchor(10), 0.0, &prices(0.0));
        assert_eq!(judged.decision, Decision::Nothing);
    }

    #[test]
    fn a_small_difference_is_worth_it_in_time_and_one_that_went_away_is_not() {
        let wrong = [sink(1, 6, 300_000_000), sink(2, 7, 700_000_000)];
        let share = 6.0 / 13.0 - 0.3;
        let update = 100.0 * share * 60.0;
        let prices = prices(update);
        let mut debts = Debts::default();
        for minute in 1..=4 {
            debts.add(&wrong, anchor(10), 100.0, 60.0);
            let judged = decide(&wrong, anchor(10), 100.0, &prices, &debts);
            assert_eq!(
                judged.decision != Decision::Nothing,
                minute > 2,
                "{minute}: {judged:?}"
            );
        }
        let right = [sink(1, 3, 300_000_000), sink(2, 7, 700_000_000)];
        debts.add(&right, anchor(10), 100.0, 60.0);
        debts.add(&wrong, anchor(10), 100.0, 60.0);
        let judged = decide(&wrong, anchor(10), 100.0, &prices, &debts);
        assert_eq!(judged.decision, Decision::Nothing, "it begins anew");
    }
}
