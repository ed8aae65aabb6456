//! Any sequence of records against a model of plain sums.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use motsu::prelude::*;
use proptest::prelude::*;

use super::{adapter, ledger, n, ALICE, BOB, CLAW, LIGHTNING, NOWHERE, OWNER, RELAY};

const DOMAINS: [B256; 3] = [RELAY, LIGHTNING, CLAW];
const ACCOUNTS: [Address; 2] = [ALICE, BOB];

fn mean<'a>(scores: impl Iterator<Item = (&'a u64, u64)>) -> u64 {
    let (sum, total) = scores.fold((0, 0), |(sum, total), (score, weight)| {
        (sum + score * weight, total + weight)
    });
    sum.checked_div(total).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scores_aggregates_and_discounts_follow_the_records(
        weights in prop::array::uniform3(prop_oneof![0..4_u64, 0..65_536_u64]),
        records in prop::collection::vec((0..2_usize, 0..3_usize, 1..10_001_u64, any::<bool>()), 0..24),
    ) {
        let ledger = ledger();
        for (domain, weight) in DOMAINS.into_iter().zip(weights) {
            ledger.sender(OWNER).set_domain_weight(domain, n(weight)).motsu_unwrap();
        }
        let mut model = [BTreeMap::new(), BTreeMap::new()];
        for (account, domain, points, is_good) in records {
            let (who, id) = (ACCOUNTS[account], DOMAINS[domain]);
            let score: &mut u64 = model[account].entry(domain).or_default();
            let mut context = ledger.sender(adapter(id));
            if is_good {
                *score = (*score + points).min(10_000);
                context.record_positive(who, id, n(points)).motsu_unwrap();
            } else {
                *score = score.saturating_sub(3 * points);
                context.record_negative(who, id, n(points)).motsu_unwrap();
            }
        }
        for (account, scores) in ACCOUNTS.into_iter().zip(&model) {
            let context = ledger.sender(OWNER);
            let domains: Vec<_> = scores.keys().map(|domain| DOMAINS[*domain]).collect();
            prop_assert_eq!(context.get_account_domains(account), domains);
            for (domain, score) in scores {
                let reputation = context.get_domain_reputation(account, DOMAINS[*domain]);
                prop_assert_eq!(reputation.score, n(*score));
            }
            let weighted = || scores.iter().map(|(domain, score)| (domain, score, weights[*domain]));
            let aggregate = mean(weighted().map(|(_, score, weight)| (score, weight)));
            prop_assert_eq!(context.get_aggregate_reputation(account), n(aggregate));
            for (index, id) in DOMAINS.into_iter().enumerate() {
                let others = weighted().filter(|(domain, ..)| **domain != index);
                let expected = mean(others.map(|(_, score, weight)| (score, weight))) / 2;
                let discount = context.get_stake_discount(account, id);
                prop_assert_eq!(discount, n(expected));
                prop_assert!(discount <= n(5_000));
            }
            prop_assert_eq!(context.get_stake_discount(account, NOWHERE), n(aggregate / 2));
        }
    }
}
