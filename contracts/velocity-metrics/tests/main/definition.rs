//! Random movements, against the definition taken at its word: a look at every balance in every second.

use std::collections::HashMap;

use alloy_primitives::{Address, U256};
use bpe_common::clock::testing::advance_time;
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::*, wei, ALICE, BOB, CAROL, OWNER, TOKEN};

const ACCOUNTS: [Address; 4] = [Address::ZERO, ALICE, BOB, CAROL];

/// From, to, how much, how long afterwards, and whether anybody advances.
type Step = (usize, usize, u64, u64, bool);

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![3 => 0u64..900, 1 => 0u64..9_000];
    (0usize..4, 0usize..4, 1u64..1_000_000, wait, any::<bool>())
}

#[derive(Default)]
struct Model {
    second: u64,
    balances: HashMap<usize, u64>,
    /// Of the running epoch.
    sums: HashMap<usize, u128>,
    outflows: HashMap<usize, u64>,
    velocity: u128,
}

impl Model {
    fn supply(&self) -> u128 {
        self.balances.values().map(|it| u128::from(*it)).sum()
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            for who in 1..4 {
                let balance = self.balances.get(&who).copied().unwrap_or_default();
                *self.sums.entry(who).or_default() += u128::from(balance);
            }
            *self.sums.entry(0).or_default() += self.supply();
            self.second += 1;
            if self.second.is_multiple_of(3_600) {
                let all: u64 = self.outflows.values().sum();
                self.velocity = ratio(all, self.sums[&0], 3_600);
                self.sums.clear();
                self.outflows.clear();
            }
        }
    }
}

fn ratio(outflow: u64, sum: u128, seconds: u64) -> u128 {
    let flowed = u128::from(outflow) * 10_000 * u128::from(seconds);
    flowed.checked_div(sum).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn readings_are_what_the_definition_says(steps in prop::collection::vec(step(), 24)) {
        let metrics = Contract::<VelocityMetrics>::new();
        metrics.sender(OWNER).constructor(TOKEN, OWNER).motsu_unwrap();
        let mut model = Model::default();
        for (from, to, amount, wait, advance) in steps {
            let amount = match from {
                0 => amount,
                _ => amount.min(model.balances.get(&from).copied().unwrap_or_default()),
            };
            if from != to && amount > 0 {
                if from != 0 {
                    *model.balances.get_mut(&from).unwrap() -= amount;
                    *model.outflows.entry(from).or_default() += amount;
                }
                if to != 0 {
                    *model.balances.entry(to).or_default() += amount;
                }
                let balance = |who| wei(model.balances.get(&who).copied().unwrap_or_default());
                let supply = U256::from(model.supply());
                metrics
                    .sender(TOKEN)
                    .record_transfer(ACCOUNTS[from], ACCOUNTS[to], wei(amount), balance(from), balance(to), supply)
                    .motsu_unwrap();
            }
            advance_time(wait);
            model.pass(wait);
            if advance {
                let _ = metrics.sender(OWNER).advance_epoch().motsu_res();
            }
            let it = metrics.sender(OWNER);
            let seconds = model.second % 3_600;
            prop_assert_eq!(it.current_epoch(), wei(model.second / 3_600 + 1));
            prop_assert_eq!(it.get_network_velocity(), U256::from(model.velocity));
            let sum = |who| model.sums.get(&who).copied().unwrap_or_default();
            prop_assert_eq!(it.network_balance_sum(), U256::from(sum(0)));
            prop_assert_eq!(it.network_outflow(), wei(model.outflows.values().sum()));
            for (who, account) in ACCOUNTS.iter().enumerate().skip(1) {
                let outflow = model.outflows.get(&who).copied().unwrap_or_default();
                prop_assert_eq!(it.epoch_outflow(*account), wei(outflow));
                if seconds > 0 {
                    let rate = ratio(outflow, sum(who), seconds);
                    prop_assert_eq!(it.get_turnover_rate(*account), U256::from(rate));
                    let average = sum(who) / u128::from(seconds);
                    prop_assert_eq!(it.get_average_balance(*account), U256::from(average));
                }
            }
        }
    }
}
